//! Reading and writing host descriptors without ever waiting.
//!
//! `O_NONBLOCK` belongs to the description, which other processes share, so it is not touched. A description of our own is used where
//! the host gives one ([`own_description`]); sockets take `MSG_DONTWAIT`; pipes take `RWF_NOWAIT`; where all that fails the descriptor is polled first,
//! and written in pieces that a ready pipe takes whole.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use abi::Errno;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{OFlags, fstat, major};
use rustix::io::ReadWriteFlags;
use rustix::net::{RecvFlags, SendFlags};
use vfs::Events;

use crate::Kind;

/// A host pipe that is ready for writing takes this much without blocking (`PIPE_BUF`).
const READY_PIECE: usize = 4096;

pub(crate) fn errno(error: rustix::io::Errno) -> Errno {
    Errno::from_raw(error.raw_os_error())
}

/// Another description of the same pipe or terminal, with `O_NONBLOCK`. Nothing if the host does not give one.
pub(crate) fn own_description(fd: BorrowedFd<'_>, kind: Kind, access: OFlags) -> Option<OwnedFd> {
    let before = fstat(fd).ok()?;
    // Opening anew is harmless for FIFOs and for ends of terminals; the other end of a pseudoterminal would become a new one.
    let harmless = match kind {
        Kind::Pipe => true,
        Kind::Terminal => matches!(major(before.st_rdev), 4 | 136..=143),
        _ => false,
    };
    if !harmless {
        return None;
    }
    let new = host::reopen::reopen(fd, access | OFlags::NONBLOCK | OFlags::NOCTTY).ok()?;
    let after = fstat(&new).ok()?;
    let same = (after.st_dev, after.st_ino, after.st_rdev) == (before.st_dev, before.st_ino, before.st_rdev);
    same.then_some(new)
}

/// What the descriptor is ready for now.
pub(crate) fn poll(fd: BorrowedFd<'_>) -> Events {
    const ALL: Events =
        Events::IN.union(Events::PRI).union(Events::OUT).union(Events::RDNORM).union(Events::WRNORM);
    let wanted = PollFlags::from_bits_retain(u16::try_from((ALL | Events::RDHUP).bits()).unwrap_or_default());
    let mut fds = [PollFd::from_borrowed_fd(fd, wanted)];
    match rustix::event::poll(&mut fds, Some(&Timespec::default())) {
        Ok(_) => {
            let [polled] = fds;
            Events::from_bits_truncate(u32::from(polled.revents().bits()))
        }
        Err(_) => Events::empty(),
    }
}

/// Reads a stream.
///
/// # Errors
/// `EAGAIN` if there is nothing now, and the host's.
pub(crate) fn read(fd: &OwnedFd, kind: Kind, nonblocking: bool, into: &mut [u8]) -> Result<usize, Errno> {
    let done = match kind {
        Kind::Socket => rustix::net::recv(fd, into, RecvFlags::DONTWAIT).map(|(done, _)| done),
        Kind::Pipe if !nonblocking => {
            let mut pieces = [IoSliceMut::new(into)];
            match rustix::io::preadv2(fd, &mut pieces, u64::MAX, ReadWriteFlags::NOWAIT) {
                Err(rustix::io::Errno::OPNOTSUPP) => read_if_ready(fd, into),
                other => other,
            }
        }
        Kind::Terminal if !nonblocking => read_if_ready(fd, into),
        _ => rustix::io::read(fd, into),
    };
    done.map_err(errno)
}

fn read_if_ready(fd: &OwnedFd, into: &mut [u8]) -> rustix::io::Result<usize> {
    if poll(fd.as_fd()).intersects(Events::IN | Events::HUP | Events::ERR) {
        rustix::io::read(fd, into)
    } else {
        Err(rustix::io::Errno::AGAIN)
    }
}

/// Writes a stream.
///
/// # Errors
/// `EAGAIN` if there is no room now, `EPIPE`, and the host's.
pub(crate) fn write(fd: &OwnedFd, kind: Kind, nonblocking: bool, from: &[u8]) -> Result<usize, Errno> {
    let done = match kind {
        Kind::Socket => rustix::net::send(fd, from, SendFlags::DONTWAIT | SendFlags::NOSIGNAL),
        Kind::Pipe if !nonblocking => {
            match rustix::io::pwritev2(fd, &[IoSlice::new(from)], u64::MAX, ReadWriteFlags::NOWAIT) {
                Err(rustix::io::Errno::OPNOTSUPP) => write_if_ready(fd, from),
                other => other,
            }
        }
        Kind::Terminal if !nonblocking => write_if_ready(fd, from),
        _ => rustix::io::write(fd, from),
    };
    done.map_err(errno)
}

fn write_if_ready(fd: &OwnedFd, from: &[u8]) -> rustix::io::Result<usize> {
    if poll(fd.as_fd()).intersects(Events::OUT | Events::HUP | Events::ERR) {
        rustix::io::write(fd, from.get(..READY_PIECE).unwrap_or(from))
    } else {
        Err(rustix::io::Errno::AGAIN)
    }
}
