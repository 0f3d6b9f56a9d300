//! Arrays of buffers.

use abi::Errno;
use kernel::memory::{IOV_MAX, MAX_RW_COUNT};
use kernel::{IoVec, IoVecs, Task, UserAddr, UserPtr};
use smallvec::smallvec;

/// One buffer.
///
/// # Errors
/// `EFAULT` for one that cannot lie in user space.
pub(crate) fn one(buffer: UserAddr, count: usize) -> Result<IoVecs, Errno> {
    if buffer.holds(count) { Ok(smallvec![IoVec { addr: buffer, len: count }]) } else { Err(Errno::EFAULT) }
}

/// The buffer of a call of sockets, of which no more counts than a call moves.
///
/// # Errors
/// As [`one`].
pub(crate) fn one_cut(buffer: UserAddr, count: usize) -> Result<IoVecs, Errno> {
    one(buffer, count.min(MAX_RW_COUNT))
}

/// The buffers of an array.
///
/// # Errors
/// `EINVAL` for too many or too large ones, `EFAULT`.
pub(crate) fn several(task: &Task, array: UserPtr<abi::file::IoVec>, count: usize) -> Result<IoVecs, Errno> {
    if count > IOV_MAX {
        return Err(Errno::EINVAL);
    }
    let pieces = array.read_many(&*task.memory(), count)?;
    let sized = pieces.into_iter().map(|piece| {
        let len =
            i64::try_from(piece.len).ok().and_then(|len| usize::try_from(len).ok()).ok_or(Errno::EINVAL)?;
        Ok(IoVec { addr: UserAddr(piece.base), len })
    });
    let pieces = sized.collect::<Result<IoVecs, Errno>>()?;
    if pieces.iter().all(|piece| piece.addr.holds(piece.len)) { Ok(pieces) } else { Err(Errno::EFAULT) }
}
