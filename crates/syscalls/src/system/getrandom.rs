//! getrandom(2).

use std::sync::Arc;

use abi::Errno;
use kernel::{GuestSink, IoVec, Task, UserAddr};
use vfs::Sink;

/// `GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE`: the host's generator is ready long before a sandbox starts, so they make no difference.
const KNOWN: u32 = 7;
/// `GRND_RANDOM | GRND_INSECURE` contradict each other.
const CONTRADICTION: u32 = 6;

/// Fills a buffer from the host's generator.
///
/// # Errors
/// `EINVAL` for unknown or contradicting flags, `EFAULT`.
pub fn getrandom(task: &Arc<Task>, buffer: UserAddr, count: usize, flags: u32) -> Result<usize, Errno> {
    if flags & !KNOWN != 0 || flags & CONTRADICTION == CONTRADICTION {
        return Err(Errno::EINVAL);
    }
    let mut sink = GuestSink::new(task.memory(), smallvec::smallvec![IoVec { addr: buffer, len: count }]);
    let mut done = 0;
    while sink.room() > 0 && !task.interrupted() {
        let mut piece = [0; 4096];
        let piece = piece.get_mut(..sink.room().min(4096)).unwrap_or_default();
        host::random::fill(piece)?;
        match sink.put(piece) {
            Ok(n) => done += n,
            Err(errno) if done == 0 => return Err(errno),
            Err(_) => break,
        }
    }
    Ok(done)
}
