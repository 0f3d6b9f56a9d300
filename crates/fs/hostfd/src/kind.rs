//! Which host descriptors are let in, and what each kind can do.

use std::os::fd::BorrowedFd;

use abi::Errno;
use rustix::fs::{FileType, fstat, major, minor};
use vfs::{Device, FileKind};

/// Kinds of host files that a guest may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file, with an offset of its own.
    Regular,
    /// A pipe or a FIFO.
    Pipe,
    /// A socket.
    Socket,
    /// A terminal.
    Terminal,
    /// One of the memory devices that are always ready: null, zero, full, random, urandom.
    Memory,
}

/// Minor numbers of the memory devices (major 1).
const MEMORY: &[u32] = &[3, 5, 7, 8, 9];

impl Kind {
    /// What a descriptor is.
    ///
    /// # Errors
    /// `EPERM` for what a guest must not have: directories, block devices, other character devices, anonymous inodes.
    pub fn of(fd: BorrowedFd<'_>) -> Result<Self, Errno> {
        let stat = fstat(fd).map_err(crate::transfer::errno)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Ok(Self::Regular),
            FileType::Fifo => Ok(Self::Pipe),
            FileType::Socket => Ok(Self::Socket),
            FileType::CharacterDevice if rustix::termios::isatty(fd) => Ok(Self::Terminal),
            FileType::CharacterDevice
                if major(stat.st_rdev) == 1 && MEMORY.contains(&minor(stat.st_rdev)) =>
            {
                Ok(Self::Memory)
            }
            _ => Err(Errno::EPERM),
        }
    }

    /// Whether it can be waited for.
    #[must_use]
    pub const fn blocks(self) -> bool {
        matches!(self, Self::Pipe | Self::Socket | Self::Terminal)
    }

    /// The type that stat(2) shows.
    #[must_use]
    pub const fn file_kind(self) -> FileKind {
        match self {
            Self::Regular => FileKind::Regular,
            Self::Pipe => FileKind::Fifo,
            Self::Socket => FileKind::Socket,
            Self::Terminal | Self::Memory => FileKind::CharacterDevice,
        }
    }

    /// The device number that stat(2) shows for `st_rdev`: the well-known ones of memory devices; all terminals of the host look
    /// like the first pseudoterminal.
    #[must_use]
    pub fn device(self, host: u64) -> Device {
        match self {
            Self::Memory => Device::new(major(host), minor(host)),
            Self::Terminal => Device::new(136, 0),
            _ => Device::default(),
        }
    }
}
