//! Another process's memory: process_vm_readv(2).

use std::io::IoSlice;

use abi::Errno;

use super::check;

/// Which way bytes go, and the local side.
pub(in crate::stubs) enum Direction<'a> {
    /// From the other process.
    Read(&'a mut [u8]),
    /// To it.
    Write(&'a [u8]),
    /// To it, from several places: at most 1024.
    WriteMany(&'a [IoSlice<'a>]),
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
    let done = match direction {
        Direction::Read(bytes) => {
            let local = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
            let count = count_of(remote.len())?;
            // SAFETY: the local piece is exclusively borrowed; the remote ones are checked by the host.
            unsafe { libc::process_vm_readv(pid, &raw const local, 1, remote.as_ptr(), count, 0) }
        }
        Direction::Write(bytes) => write(pid, &[IoSlice::new(bytes)], remote)?,
        Direction::WriteMany(pieces) => write(pid, pieces, remote)?,
    };
    usize::try_from(check(done)?).map_err(|_| Errno::EFAULT)
}

fn write(pid: i32, local: &[IoSlice<'_>], remote: &[libc::iovec]) -> Result<isize, Errno> {
    let (locals, remotes) = (count_of(local.len())?, count_of(remote.len())?);
    // SAFETY: the local pieces, which have the layout of iovec, are only read; the remote ones are checked by the host.
    Ok(unsafe { libc::process_vm_writev(pid, local.as_ptr().cast(), locals, remote.as_ptr(), remotes, 0) })
}

fn count_of(pieces: usize) -> Result<libc::c_ulong, Errno> {
    libc::c_ulong::try_from(pieces).map_err(|_| Errno::EINVAL)
}
