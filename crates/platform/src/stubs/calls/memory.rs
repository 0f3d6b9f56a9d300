//! Another process's memory: process_vm_readv(2).

use abi::Errno;

use super::check;

/// Which way bytes go, and the local side.
pub(in crate::stubs) enum Direction<'a> {
    /// From the other process.
    Read(&'a mut [u8]),
    /// To it.
    Write(&'a [u8]),
}

/// Copies between the local bytes and the pieces (address, length) of process `pid`, which together are as long, in order.
/// Stops short at the first byte that cannot be had. At most 1024 pieces.
///
/// # Errors
/// `EFAULT` if not even the first byte can be had, `ESRCH`, `EPERM`.
pub(in crate::stubs) fn transfer(
    pid: i32,
    direction: Direction<'_>,
    pieces: &[(u64, usize)],
) -> Result<usize, Errno> {
    const FEW: usize = 4;
    let piece = |(address, length): &(u64, usize)| libc::iovec {
        iov_base: core::ptr::without_provenance_mut(usize::try_from(*address).unwrap_or(usize::MAX)),
        iov_len: *length,
    };
    let mut few = [libc::iovec { iov_base: core::ptr::null_mut(), iov_len: 0 }; FEW];
    let many: Vec<libc::iovec>;
    let remote: &[libc::iovec] = match few.get_mut(..pieces.len()) {
        Some(part) => {
            part.iter_mut().zip(pieces).for_each(|(to, from)| *to = piece(from));
            part
        }
        None => {
            many = pieces.iter().map(piece).collect();
            &many
        }
    };
    let count = libc::c_ulong::try_from(remote.len()).map_err(|_| Errno::EINVAL)?;
    let done = match direction {
        Direction::Read(bytes) => {
            let local = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
            // SAFETY: the local piece is exclusively borrowed; the remote ones are checked by the host.
            unsafe { libc::process_vm_readv(pid, &raw const local, 1, remote.as_ptr(), count, 0) }
        }
        Direction::Write(bytes) => {
            let local = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
            // SAFETY: the local piece is only read; the remote ones are checked by the host.
            unsafe { libc::process_vm_writev(pid, &raw const local, 1, remote.as_ptr(), count, 0) }
        }
    };
    usize::try_from(check(done)?).map_err(|_| Errno::EFAULT)
}
