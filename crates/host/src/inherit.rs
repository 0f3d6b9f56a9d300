//! Descriptors that a process was started with.

use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicU64, Ordering};

use abi::Errno;

/// Numbers already taken, one bit each: what [`take`] has given out has an owner.
static TAKEN: [AtomicU64; 4] = [const { AtomicU64::new(0) }; 4];

/// Takes over a descriptor that this process was started with, and marks it close-on-exec. To be called before
/// the process opens anything itself, or the number may be one of those.
///
/// # Errors
/// `EBADF` if nothing is open at that number, it was taken before, or it is above 255.
pub fn take(number: RawFd) -> Result<OwnedFd, Errno> {
    let index = usize::try_from(number).map_err(|_| Errno::EBADF)?;
    let word = TAKEN.get(index / 64).ok_or(Errno::EBADF)?;
    let bit = 1 << (index % 64);
    if word.fetch_or(bit, Ordering::Relaxed) & bit != 0 {
        return Err(Errno::EBADF);
    }
    // SAFETY: fcntl on any number is harmless.
    if unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) } < 0 {
        return Err(crate::last_errno());
    }
    // SAFETY: the descriptor is open, and the bitmap above hands out each number only once. Who calls this after
    // opening descriptors of its own breaks the contract stated in the documentation.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_given_out_once() {
        // Nextest and cargo test both start a test with at least the three standard descriptors.
        let first = take(0).map(std::mem::forget);
        assert_eq!(first, Ok(()));
        assert_eq!(take(0).map(drop), Err(Errno::EBADF));
        assert_eq!(take(-1).map(drop), Err(Errno::EBADF));
        assert_eq!(take(4000).map(drop), Err(Errno::EBADF));
    }
}
