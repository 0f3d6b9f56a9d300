//! `struct msghdr`, read once.

use abi::Errno;
use abi::socket::message::Msghdr;
use kernel::memory::IOV_MAX;
use kernel::{IoVecs, Task, UserAddr, UserPtr};
use socket::Address;

use super::address;
use crate::file::io;

/// The longest address, `sizeof(struct sockaddr_storage)`.
const LONGEST: i32 = 128;

/// A header with its buffers.
pub(super) struct Header {
    pub(super) raw: Msghdr,
    pub(super) pieces: IoVecs,
}

/// The field of a header that a call writes back.
pub(super) enum Field {
    NameLength,
    ControlLength,
    Flags,
}

impl Field {
    /// Where it lies in `struct msghdr`.
    const fn offset(self) -> u64 {
        match self {
            Self::NameLength => core::mem::offset_of!(Msghdr, name_length) as u64,
            Self::ControlLength => core::mem::offset_of!(Msghdr, control_length) as u64,
            Self::Flags => core::mem::offset_of!(Msghdr, flags) as u64,
        }
    }

    /// Its pointer in a header.
    pub(super) const fn of<T>(self, header: UserPtr<Msghdr>) -> UserPtr<T> {
        UserPtr::new(header.addr.offset(self.offset()).0)
    }
}

impl Header {
    /// Reads a header and its array of buffers.
    ///
    /// # Errors
    /// `EMSGSIZE` for too many buffers, `EINVAL` for one that is too large, `EFAULT`.
    pub(super) fn read(task: &Task, at: UserPtr<Msghdr>) -> Result<Self, Errno> {
        let memory = task.memory();
        let raw = at.read(&*memory)?;
        let count =
            usize::try_from(raw.vector_count).ok().filter(|n| *n <= IOV_MAX).ok_or(Errno::EMSGSIZE)?;
        let pieces = io::several(task, UserPtr::new(raw.vectors), count)?;
        Ok(Self { raw, pieces })
    }

    /// The destination, if it has one.
    ///
    /// # Errors
    /// Those of an address to send to.
    pub(super) fn destination(&self, task: &Task) -> Result<Option<Address>, Errno> {
        if self.raw.name == 0 || self.raw.name_length == 0 {
            return Ok(None);
        }
        let length = i32::try_from(self.raw.name_length).map_err(|_| Errno::EINVAL)?;
        // As Linux: a longer one is cut rather than refused.
        address::read_destination(task, UserAddr(self.raw.name), length.min(LONGEST)).map(Some)
    }
}
