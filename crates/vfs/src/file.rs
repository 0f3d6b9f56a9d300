//! What an open file can do.

use std::any::Any;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use abi::Errno;

use crate::{
    AttributeChange, Attributes, Credentials, Device, Events, FileKind, OpenFile, OpenFlags, Sink, Source,
    Terminal, WaitQueue,
};

/// Where lseek(2) goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seek {
    /// From the beginning.
    Set(u64),
    /// From where it is.
    Current(i64),
    /// From the end.
    End(i64),
    /// The next data at or after this offset.
    Data(u64),
    /// The next hole at or after this offset.
    Hole(u64),
}

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryEntry<'a> {
    /// Inode number.
    pub inode: u64,
    /// Type.
    pub kind: FileKind,
    /// Name, `.` and `..` included.
    pub name: &'a [u8],
    /// The position behind this entry, for the next call.
    pub next: u64,
}

/// Takes directory entries.
pub trait DirectorySink {
    /// Stores an entry; `false` if there is no room for it, which ends the listing.
    fn put(&mut self, entry: &DirectoryEntry<'_>) -> bool;
}

/// What a mapping of the file is made from.
#[derive(Clone, Debug)]
pub enum MapSource {
    /// This host file, from the same offsets.
    Host(Arc<OwnedFd>),
    /// Zero pages (/dev/zero).
    Anonymous,
}

/// Guest memory and identity for ioctl(2), whose argument only the file understands.
pub trait IoctlContext {
    /// Reads guest memory.
    ///
    /// # Errors
    /// `EFAULT`.
    fn read(&self, address: u64, into: &mut [u8]) -> Result<(), Errno>;
    /// Writes guest memory.
    ///
    /// # Errors
    /// `EFAULT`.
    fn write(&self, address: u64, from: &[u8]) -> Result<(), Errno>;
    /// Who calls.
    fn credentials(&self) -> &Credentials;
    /// What one of the caller's descriptors refers to, for requests that name another one.
    ///
    /// # Errors
    /// `EBADF`.
    fn file(&self, fd: crate::Fd) -> Result<Arc<OpenFile>, Errno>;
    /// The caller as the kernel's task, for terminals (`kernel::Task`).
    fn caller(&self) -> &dyn Any;
}

/// An open file, below its description ([`OpenFile`] holds flags and offset).
///
/// Access mode, `O_APPEND` and the like are checked by [`OpenFile`]. `EAGAIN` means "not now": whoever calls decides whether to wait for [`Self::readiness`].
pub trait File: Send + Sync + Any {
    /// Reads at an offset; streams ignore it. Zero at the end.
    ///
    /// # Errors
    /// `EAGAIN`, `EISDIR`, `EINVAL` if it cannot be read at all.
    fn read(&self, offset: u64, into: &mut dyn Sink) -> Result<usize, Errno> {
        let _ = (offset, into);
        Err(Errno::EINVAL)
    }

    /// Writes at an offset, or at the end (atomically) if `offset` is `None`; streams ignore it. Returns the count and the
    /// offset behind the last byte written.
    ///
    /// # Errors
    /// `EAGAIN`, `EPIPE`, `ENOSPC`, `EINVAL` if it cannot be written at all.
    fn write(&self, offset: Option<u64>, from: &mut dyn Source) -> Result<(usize, u64), Errno> {
        let _ = (offset, from);
        Err(Errno::EINVAL)
    }

    /// Whether it has offsets: if not, lseek(2), pread(2) and pwrite(2) fail with `ESPIPE`.
    fn seekable(&self) -> bool {
        true
    }

    /// For `SEEK_END`, `SEEK_DATA`, `SEEK_HOLE`: the resulting offset. `Set` and `Current` never come here unless [`Self::keeps_offset`].
    ///
    /// # Errors
    /// `ENXIO` behind the end, `EINVAL`.
    fn seek(&self, to: Seek) -> Result<u64, Errno> {
        let _ = to;
        Err(Errno::EINVAL)
    }

    /// Whether the file keeps its offset itself (a host description shared with other processes): then read and write
    /// pass `u64::MAX` for "where it is", and all seeks come to [`Self::seek`].
    fn keeps_offset(&self) -> bool {
        false
    }

    /// What it is ready for now.
    fn poll(&self) -> Events {
        Events::ALWAYS
    }

    /// Who to tell when that changes; nothing for files that are always ready.
    fn readiness(&self) -> Option<&Arc<WaitQueue>> {
        None
    }

    /// Whether readiness may be told by a signal (`O_ASYNC`): Linux has it for pipes, sockets, terminals and inotify.
    fn signals_readiness(&self) -> bool {
        false
    }

    /// Lists a directory from a position (0 at first, then `next` of an entry).
    ///
    /// # Errors
    /// `ENOTDIR`.
    fn read_directory(&self, position: u64, into: &mut dyn DirectorySink) -> Result<(), Errno> {
        let _ = (position, into);
        Err(Errno::ENOTDIR)
    }

    /// Device control. The result is the system call's.
    ///
    /// # Errors
    /// `ENOTTY` for a request that it does not know.
    fn ioctl(&self, context: &dyn IoctlContext, request: u32, argument: u64) -> Result<u64, Errno> {
        let _ = (context, request, argument);
        Err(Errno::ENOTTY)
    }

    /// What to map for mmap(2) with these `PROT_*` bits. `shared` mappings must see and make changes.
    ///
    /// # Errors
    /// `ENODEV` if it cannot be mapped, `EACCES`.
    fn map(&self, protection: u32, shared: bool) -> Result<MapSource, Errno> {
        let _ = (protection, shared);
        Err(Errno::ENODEV)
    }

    /// As [`Self::map`], for files that bring about what is in them only where it is mapped: that is so many bytes from an offset on.
    ///
    /// # Errors
    /// As [`Self::map`], and what reading it fails with.
    fn map_range(&self, protection: u32, shared: bool, offset: u64, length: u64) -> Result<MapSource, Errno> {
        let _ = (offset, length);
        self.map(protection, shared)
    }

    /// Whether it must stay open as long as a process may have it mapped, so that what is changed there can be written.
    fn stays_for_mapping(&self) -> bool {
        false
    }

    /// Writes what was changed in mappings, as msync(2) with `MS_SYNC`.
    ///
    /// # Errors
    /// As [`Self::sync`].
    fn write_mapped(&self) -> Result<(), Errno> {
        Ok(())
    }

    /// A lock of fcntl(2) or flock(2), where locks are its server's business; nothing if they are the VFS's. Answers
    /// [`crate::locks::LockAction::Test`] with what stands against the lock.
    ///
    /// # Errors
    /// `EAGAIN` if another stands against it, `ERESTARTSYS` if a signal came first.
    fn lock(
        &self,
        request: &crate::locks::LockRequest,
    ) -> Option<Result<Option<crate::locks::RecordLock>, Errno>> {
        let _ = request;
        None
    }

    /// Copies content of this file, from an offset, into another one at an offset: copy_file_range(2), where the filesystem can do that by
    /// itself.
    ///
    /// # Errors
    /// `EOPNOTSUPP` if it has to be read and written instead.
    fn copy_to(&self, offset: u64, to: &dyn File, to_offset: u64, length: usize) -> Result<usize, Errno> {
        let _ = (offset, to, to_offset, length);
        Err(Errno::EOPNOTSUPP)
    }

    /// Writes back, as fsync(2) or fdatasync(2).
    ///
    /// # Errors
    /// `EINVAL` for files without storage, `EIO`, `ENOSPC`.
    fn sync(&self, data_only: bool) -> Result<(), Errno> {
        let _ = data_only;
        Err(Errno::EINVAL)
    }

    /// fallocate(2).
    ///
    /// # Errors
    /// `EOPNOTSUPP`, `ENODEV`, `ENOSPC`.
    fn allocate(&self, mode: u32, offset: u64, length: u64) -> Result<(), Errno> {
        let _ = (mode, offset, length);
        Err(Errno::ENODEV)
    }

    /// Each close(2) of a descriptor calls this before the description may go.
    ///
    /// # Errors
    /// What close(2) shall report.
    fn flush(&self) -> Result<(), Errno> {
        Ok(())
    }

    /// The flags were changed by fcntl(2) `F_SETFL`.
    ///
    /// # Errors
    /// `EINVAL`, `EPERM`.
    fn flags_changed(&self, description: &OpenFile) -> Result<(), Errno> {
        let _ = description;
        Ok(())
    }

    /// For files without an inode in a mounted filesystem: what `st_dev` shows.
    fn device(&self) -> Device {
        Device::ANONYMOUS
    }

    /// The inode of a file that has one but was not opened at a place (a memfd, an imported host file).
    fn inode(&self) -> Option<crate::InodeRef> {
        None
    }

    /// For files without an inode in a mounted filesystem (pipes, sockets, anonymous inodes): what fstat(2) reports. With an inode this is not asked.
    ///
    /// # Errors
    /// `EIO`.
    fn attributes(&self) -> Result<Attributes, Errno> {
        Err(Errno::EIO)
    }

    /// For the same files: fchmod(2), fchown(2), ftruncate(2), futimens(3). Permission has been checked against [`Self::attributes`].
    ///
    /// # Errors
    /// `EPERM` if they cannot be changed.
    fn set_attributes(&self, change: &AttributeChange) -> Result<(), Errno> {
        let _ = change;
        Err(Errno::EPERM)
    }

    /// For the same files: open(2) of the link in /proc/PID/fd, which makes another description of the same pipe or device.
    ///
    /// # Errors
    /// `ENXIO` for what cannot be opened by name, as sockets and anonymous inodes.
    fn reopen(&self, flags: OpenFlags, credentials: &Credentials) -> Result<Arc<dyn File>, Errno> {
        let _ = (flags, credentials);
        Err(Errno::ENXIO)
    }

    /// open(2) must wait on [`Self::readiness`] while this fails with `EAGAIN`: a FIFO without its other end.
    ///
    /// # Errors
    /// `EAGAIN`.
    fn opened(&self) -> Result<(), Errno> {
        Ok(())
    }

    /// The terminal that this is, if it is one.
    fn terminal(&self) -> Option<Arc<dyn Terminal>> {
        None
    }

    /// The terminal that this is the other side of: the master of a pseudoterminal.
    fn master_of(&self) -> Option<Arc<dyn Terminal>> {
        None
    }

    /// It was hung up: it can be read and written no more, and has no terminal.
    fn hung_up(&self) -> bool {
        false
    }

    /// For the same files: the text of the link in /proc/PID/fd: `pipe:[7]`, `anon_inode:[eventpoll]`.
    fn description(&self) -> String {
        String::from("anon_inode:[unknown]")
    }

    /// For the same files: what /proc/PID/fdinfo says of it beyond what all have, in whole lines (proc_pid_fdinfo(5)).
    fn details(&self) -> String {
        String::new()
    }

    /// The process that a directory of /proc stands for, where a pidfd is asked for (pidfd_send_signal(2)).
    fn process_id(&self) -> Option<i32> {
        None
    }

    /// Itself, for those who know a kind (sockets, epoll, pipes) to recognise it.
    fn as_any(&self) -> &dyn Any;
}
