//! Signals taken from a descriptor instead of by handlers: signalfd(2).

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use abi::Errno;

/// Blocks the signals for the calling thread (and those it starts from now on) and returns a non-blocking
/// descriptor that yields them.
///
/// # Errors
/// Those of signalfd(2); `EINVAL` for a number that is no signal.
pub fn divert(signals: &[i32]) -> Result<OwnedFd, Errno> {
    // SAFETY: the set is initialised by sigemptyset before use; sigaddset checks the number.
    let set = unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in signals {
            if libc::sigaddset(&raw mut set, *signal) < 0 {
                return Err(Errno::EINVAL);
            }
        }
        set
    };
    // SAFETY: `set` is a valid set, and no old mask is asked for.
    let error = unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) };
    if error != 0 {
        return Err(Errno::from_raw(error));
    }
    // SAFETY: makes a new descriptor, which nobody else owns.
    unsafe {
        let fd = libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
        if fd < 0 { Err(crate::last_errno()) } else { Ok(OwnedFd::from_raw_fd(fd)) }
    }
}

/// A signal as it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Diverted {
    /// Its number.
    pub number: i32,
    /// Whether the host's kernel sent it, as a terminal's driver does for a key, and not a process.
    pub from_kernel: bool,
}

/// The next signal that came in, if one did.
///
/// # Errors
/// Those of read(2) but `EAGAIN`.
pub fn next(diverted: &OwnedFd) -> Result<Option<Diverted>, Errno> {
    // SAFETY: all zero is a valid value of this structure of integers.
    let mut info: libc::signalfd_siginfo = unsafe { std::mem::zeroed() };
    let size = size_of::<libc::signalfd_siginfo>();
    // SAFETY: reads at most the structure's size into it.
    let read = unsafe { libc::read(diverted.as_raw_fd(), (&raw mut info).cast(), size) };
    if read < 0 {
        return match crate::last_errno() {
            Errno::EAGAIN => Ok(None),
            error => Err(error),
        };
    }
    let number = i32::try_from(info.ssi_signo).ok().filter(|_| usize::try_from(read) == Ok(size));
    Ok(number.map(|number| Diverted { number, from_kernel: info.ssi_code == libc::SI_KERNEL }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diverted_signal_is_read_once() {
        let signals = divert(&[libc::SIGUSR1]).unwrap();
        assert_eq!(next(&signals), Ok(None));
        // SAFETY: the signal is blocked in this thread, which is the one that it is sent to.
        unsafe { libc::pthread_kill(libc::pthread_self(), libc::SIGUSR1) };
        assert_eq!(next(&signals), Ok(Some(Diverted { number: libc::SIGUSR1, from_kernel: false })));
        assert_eq!(next(&signals), Ok(None));
        assert_eq!(divert(&[500]).map(drop), Err(Errno::EINVAL));
    }
}
