//! ioctl(2) requests that are passed on to host descriptors: those of this table and no other.

use std::os::fd::{AsRawFd, BorrowedFd};

use abi::Errno;
use abi::ioctl;

/// What the argument of a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// A structure of this many bytes that the host writes.
    Out(usize),
    /// A structure of this many bytes that the host reads.
    In(usize),
    /// A number.
    Number,
}

/// The requests, with what their argument is. Each concerns the terminal or stream alone: none fakes input (`TIOCSTI`), none touches
/// sessions of the host, none gives another descriptor.
const REQUESTS: &[(u32, Argument)] = &[
    (ioctl::TCGETS, Argument::Out(36)),
    (ioctl::TCSETS, Argument::In(36)),
    (ioctl::TCSETSW, Argument::In(36)),
    (ioctl::TCSETSF, Argument::In(36)),
    (ioctl::TCGETS2, Argument::Out(44)),
    (ioctl::TCSETS2, Argument::In(44)),
    (ioctl::TCSETSW2, Argument::In(44)),
    (ioctl::TCSETSF2, Argument::In(44)),
    (ioctl::TCSBRK, Argument::Number),
    (ioctl::TCSBRKP, Argument::Number),
    (ioctl::TCXONC, Argument::Number),
    (ioctl::TCFLSH, Argument::Number),
    (ioctl::TIOCGWINSZ, Argument::Out(8)),
    (ioctl::TIOCSWINSZ, Argument::In(8)),
    (ioctl::TIOCOUTQ, Argument::Out(4)),
    (ioctl::TIOCGETD, Argument::Out(4)),
    (ioctl::FIONREAD, Argument::Out(4)),
];

/// The requests that this module passes on, for the filter of those who use it.
pub fn requests() -> impl Iterator<Item = u32> {
    REQUESTS.iter().map(|(request, _)| *request)
}

/// What the argument of a request is, if the request is one of the table.
#[must_use]
pub fn argument(request: u32) -> Option<Argument> {
    REQUESTS.iter().find(|(known, _)| *known == request).map(|(_, argument)| *argument)
}

/// Carries out a request of the table whose argument is a structure, in `structure`.
///
/// # Errors
/// `ENOTTY` for another request or size, and the host's.
pub fn structure(fd: BorrowedFd<'_>, request: u32, structure: &mut [u8]) -> Result<(), Errno> {
    match argument(request) {
        Some(Argument::Out(size) | Argument::In(size)) if size == structure.len() => {}
        _ => return Err(Errno::ENOTTY),
    }
    // SAFETY: the table gives the size of the structure that the host reads or writes, and the buffer has that size.
    let result = unsafe { libc::ioctl(fd.as_raw_fd(), libc::Ioctl::from(request), structure.as_mut_ptr()) };
    if result < 0 { Err(crate::last_errno()) } else { Ok(()) }
}

/// Carries out a request of the table whose argument is a number.
///
/// # Errors
/// `ENOTTY` for another request, and the host's.
pub fn number(fd: BorrowedFd<'_>, request: u32, number: u32) -> Result<(), Errno> {
    if argument(request) != Some(Argument::Number) {
        return Err(Errno::ENOTTY);
    }
    // SAFETY: the table says that the host takes the argument as a number, not as an address.
    let result =
        unsafe { libc::ioctl(fd.as_raw_fd(), libc::Ioctl::from(request), libc::c_ulong::from(number)) };
    if result < 0 { Err(crate::last_errno()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn a_pipe_tells_what_waits_in_it() {
        let (reading, writing) = rustix::pipe::pipe().unwrap();
        rustix::io::write(&writing, b"abc").unwrap();
        let mut waiting = [0; 4];
        structure(reading.as_fd(), ioctl::FIONREAD, &mut waiting).unwrap();
        assert_eq!(i32::from_ne_bytes(waiting), 3);
        assert_eq!(structure(reading.as_fd(), ioctl::TIOCSTI, &mut [0]), Err(Errno::ENOTTY));
        assert_eq!(number(reading.as_fd(), ioctl::FIONREAD, 0), Err(Errno::ENOTTY));
        assert_eq!(number(reading.as_fd(), ioctl::TCFLSH, 0), Err(Errno::ENOTTY));
    }
}
