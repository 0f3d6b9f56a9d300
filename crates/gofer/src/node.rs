//! Files, held without being open.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use abi::Errno;
use ninep::flags::Access;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Statx, StatxFlags};

use crate::names::Name;

/// An error of the host.
pub(crate) fn errno(error: rustix::io::Errno) -> Errno {
    Errno::from_raw(error.raw_os_error())
}

/// The directory in which the host shows this process's descriptors by number. Behind the walls it is the only
/// directory there is besides the exports.
#[derive(Clone, Debug)]
pub struct Links(PathBuf);

impl Links {
    /// Where proc(5) has it.
    #[must_use]
    pub fn in_proc() -> Self {
        Self(PathBuf::from("/proc/self/fd"))
    }

    /// In the working directory, which the caller has made that of proc(5): for a process that has no sight of it by a name.
    #[must_use]
    pub const fn here() -> Self {
        Self(PathBuf::new())
    }

    /// At this place.
    #[must_use]
    pub const fn at(directory: PathBuf) -> Self {
        Self(directory)
    }

    /// What leads to the file of this descriptor.
    pub(crate) fn to(&self, fd: BorrowedFd<'_>) -> PathBuf {
        self.0.join(fd.as_raw_fd().to_string())
    }
}

/// A file: an `O_PATH` descriptor, which names the inode for good and gives no access to what is in it.
#[derive(Debug)]
pub(crate) struct Node {
    fd: OwnedFd,
    kind: FileType,
}

impl Node {
    /// The root of an export.
    pub(crate) fn root(fd: OwnedFd) -> Result<Self, Errno> {
        let kind = kind(&stat_fd(fd.as_fd())?);
        Ok(Self { fd, kind })
    }

    /// The inode behind a descriptor that is open for something else.
    pub(crate) fn holding(fd: BorrowedFd<'_>, links: &Links) -> Result<Self, Errno> {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let held = rustix::fs::openat(CWD, links.to(fd), flags, Mode::empty()).map_err(errno)?;
        Self::root(held)
    }

    /// The file of this name in this directory, and what it is. Symbolic links are not followed.
    pub(crate) fn child(&self, name: Name<'_>) -> Result<(Self, Statx), Errno> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.fd, name.bytes(), flags, Mode::empty()).map_err(errno)?;
        let stat = stat_fd(fd.as_fd())?;
        Ok((Self { fd, kind: kind(&stat) }, stat))
    }

    /// What the file of this name is, without holding it.
    pub(crate) fn stat_child(&self, name: Name<'_>) -> Result<Statx, Errno> {
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
        rustix::fs::statx(&self.fd, name.bytes(), flags, WANTED).map_err(errno)
    }

    pub(crate) fn stat(&self) -> Result<Statx, Errno> {
        stat_fd(self.fd.as_fd())
    }

    pub(crate) const fn kind(&self) -> FileType {
        self.kind
    }

    pub(crate) fn is_directory(&self) -> bool {
        self.kind == FileType::Directory
    }

    /// Gives the descriptor away.
    pub(crate) fn into_fd(self) -> OwnedFd {
        self.fd
    }

    /// The descriptor, for calls that take a directory or an empty path.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// A path that leads to this very inode, for calls that take nothing else. It is not followed further
    /// if the inode is a symbolic link.
    pub(crate) fn path(&self, links: &Links) -> PathBuf {
        links.to(self.fd.as_fd())
    }

    /// Opens a regular file, never waiting.
    ///
    /// # Errors
    /// `EISDIR`, `ELOOP` for a symbolic link, `ENXIO` for what else is not a regular file.
    pub(crate) fn open_file(&self, links: &Links, access: Access, extra: OFlags) -> Result<OwnedFd, Errno> {
        match self.kind {
            FileType::RegularFile => {}
            FileType::Directory => return Err(Errno::EISDIR),
            FileType::Symlink => return Err(Errno::ELOOP),
            _ => return Err(Errno::ENXIO),
        }
        self.reopen(links, access, extra)
    }

    /// Opens a FIFO, never waiting.
    ///
    /// # Errors
    /// `ENXIO` for writing without readers.
    pub(crate) fn open_fifo(&self, links: &Links, access: Access) -> Result<OwnedFd, Errno> {
        self.reopen(links, access, OFlags::empty())
    }

    fn reopen(&self, links: &Links, access: Access, extra: OFlags) -> Result<OwnedFd, Errno> {
        let access = match access {
            Access::Read => OFlags::RDONLY,
            Access::Write => OFlags::WRONLY,
            Access::ReadWrite => OFlags::RDWR,
        };
        let fixed = OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        rustix::fs::openat(CWD, self.path(links), access | extra | fixed, Mode::empty()).map_err(errno)
    }

    /// Opens a directory for listing.
    ///
    /// # Errors
    /// `ENOTDIR`.
    pub(crate) fn open_directory(&self) -> Result<OwnedFd, Errno> {
        if !self.is_directory() {
            return Err(Errno::ENOTDIR);
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::openat(&self.fd, ".", flags, Mode::empty()).map_err(errno)
    }
}

const WANTED: StatxFlags = StatxFlags::BASIC_STATS.union(StatxFlags::BTIME);

/// What an open or held file is.
pub(crate) fn stat_fd(fd: BorrowedFd<'_>) -> Result<Statx, Errno> {
    rustix::fs::statx(fd, "", AtFlags::EMPTY_PATH, WANTED).map_err(errno)
}

/// The type of file that this describes.
pub(crate) fn kind(stat: &Statx) -> FileType {
    FileType::from_raw_mode(stat.stx_mode.into())
}
