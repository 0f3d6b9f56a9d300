//! User notifications: seccomp_unotify(2).

use std::os::fd::{AsRawFd, BorrowedFd};

use abi::Errno;

use super::check;

const RECV: libc::c_ulong = 0xc050_2100;
const SEND: libc::c_ulong = 0xc018_2101;
const ID_VALID: libc::c_ulong = 0x4008_2102;
const ADDFD: libc::c_ulong = 0x4018_2103;
const SET_FLAGS: libc::c_ulong = 0x4008_2104;
const FLAG_CONTINUE: u32 = 1;
const FLAG_SYNC_WAKE_UP: u64 = 1;

/// `struct seccomp_notif`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(in crate::stubs) struct Notification {
    pub(in crate::stubs) id: u64,
    /// The thread, as seen from this process's pid namespace; 0 from another.
    pub(in crate::stubs) thread: i32,
    flags: u32,
    pub(in crate::stubs) number: u32,
    architecture: u32,
    pub(in crate::stubs) ip: u64,
    pub(in crate::stubs) args: [u64; 6],
}

/// `struct seccomp_notif_resp`.
#[repr(C)]
struct Response {
    id: u64,
    value: u64,
    error: i32,
    flags: u32,
}

/// `struct seccomp_notif_addfd`.
#[repr(C)]
struct Lend {
    id: u64,
    flags: u32,
    source: i32,
    new: u32,
    new_flags: u32,
}

/// Waits for a notification.
///
/// # Errors
/// `ENOENT` if its thread died meanwhile, or there is no thread left; `EINTR`.
pub(in crate::stubs) fn receive(listener: BorrowedFd<'_>) -> Result<Notification, Errno> {
    let mut notification = Notification::default();
    // SAFETY: the structure has the size that is encoded in the request, and is zero, as the call wants.
    check(unsafe { libc::ioctl(listener.as_raw_fd(), RECV, &raw mut notification) })?;
    Ok(notification)
}

fn send(listener: BorrowedFd<'_>, response: &Response) -> Result<(), Errno> {
    // SAFETY: as above.
    check(unsafe { libc::ioctl(listener.as_raw_fd(), SEND, &raw const *response) }).map(|_| ())
}

/// Answers with a result, which may be a negated error number.
///
/// # Errors
/// `ENOENT` if the thread is gone.
pub(in crate::stubs) fn answer(listener: BorrowedFd<'_>, id: u64, value: u64) -> Result<(), Errno> {
    send(listener, &Response { id, value, error: 0, flags: 0 })
}

/// Has the host execute the call after all. Only for calls whose arguments are all registers.
///
/// # Errors
/// As [`answer`].
pub(in crate::stubs) fn let_through(listener: BorrowedFd<'_>, id: u64) -> Result<(), Errno> {
    send(listener, &Response { id, value: 0, error: 0, flags: FLAG_CONTINUE })
}

/// Whether the thread still waits for this answer.
pub(in crate::stubs) fn is_valid(listener: BorrowedFd<'_>, id: u64) -> bool {
    // SAFETY: as above.
    unsafe { libc::ioctl(listener.as_raw_fd(), ID_VALID, &raw const id) == 0 }
}

/// Puts a copy of a descriptor into the waiting process's table. Returns its number there.
///
/// # Errors
/// `ENOENT` if the thread is gone, `EMFILE`.
pub(in crate::stubs) fn lend(listener: BorrowedFd<'_>, id: u64, fd: BorrowedFd<'_>) -> Result<u64, Errno> {
    let request = Lend { id, flags: 0, source: fd.as_raw_fd(), new: 0, new_flags: 0 };
    // SAFETY: as above.
    check(unsafe { libc::ioctl(listener.as_raw_fd(), ADDFD, &raw const request) })
}

/// Has the host run the answered thread at once on the answering CPU.
///
/// # Errors
/// `EINVAL` before Linux 6.6.
pub(in crate::stubs) fn set_synchronous(listener: BorrowedFd<'_>) -> Result<(), Errno> {
    // SAFETY: the argument is a number.
    check(unsafe { libc::ioctl(listener.as_raw_fd(), SET_FLAGS, FLAG_SYNC_WAKE_UP) }).map(|_| ())
}

fn poll(listener: BorrowedFd<'_>, timeout: i32) -> libc::c_short {
    let mut fd = libc::pollfd { fd: listener.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one structure.
    match unsafe { libc::poll(&raw mut fd, 1, timeout) } {
        1 => fd.revents,
        _ => 0,
    }
}

/// Whether no thread is left that could notify.
pub(in crate::stubs) fn hung_up(listener: BorrowedFd<'_>) -> bool {
    poll(listener, 0) & (libc::POLLHUP | libc::POLLERR) != 0
}

/// Waits until there is something to receive, or nobody left.
pub(in crate::stubs) fn wait_readable(listener: BorrowedFd<'_>) {
    poll(listener, -1);
}
