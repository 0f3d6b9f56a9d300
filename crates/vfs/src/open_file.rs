//! Open file descriptions, as open(2) defines them.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use abi::Errno;
use abi::inotify::WatchBits;
use parking_lot::Mutex;

use crate::mount_flags::MountFlags;
use crate::notify;
use crate::path::Path;
use crate::usage::InUse;
use crate::waiting::SleepLock;
use crate::{
    Attributes, Credentials, Events, File, FileKind, InodeFlags, InodeRef, OpenFlags, Registration, Seek,
    Sink, Source,
};

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// An open file description: what descriptors refer to, and what dup(2), fork(2) and `SCM_RIGHTS` share.
pub struct OpenFile {
    /// Unique among all descriptions of the sandbox, for locks, epoll and kcmp(2).
    pub id: u64,
    /// Where it was opened, if it has a name in a mounted filesystem.
    pub path: Option<Path>,
    /// The file itself.
    pub file: Arc<dyn File>,
    /// Who opened it.
    pub credentials: Arc<Credentials>,
    flags: AtomicU32,
    offset: SleepLock<u64>,
    owner: Mutex<Option<SignalOwner>>,
    /// Set while `O_ASYNC` is: sends the signals.
    watcher: Mutex<Option<Registration>>,
    written: AtomicBool,
    /// Opening it made the file.
    created: AtomicBool,
    /// Set while `F_NOTIFY` asks for signals: ends with this.
    notices: Mutex<Option<Box<dyn Any + Send + Sync>>>,
    /// Counted as a writer of its mount.
    writes_mount: bool,
    /// Counted as a user of its content.
    in_use: Option<InUse>,
    /// Has held a lock of its own (`F_OFD_SETLK`, flock(2)) that its end must release.
    pub(crate) locked: AtomicBool,
}

/// Who gets SIGIO and SIGURG (fcntl(2) `F_SETOWN`, `F_SETOWN_EX`, `F_SETSIG`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignalOwner {
    /// `F_OWNER_TID` 0, `F_OWNER_PID` 1, `F_OWNER_PGRP` 2.
    pub kind: u32,
    /// Its id.
    pub id: i32,
    /// Signal instead of SIGIO, or 0.
    pub signal: i32,
    /// Real user of who set it: it decides who may get the signal.
    pub uid: u32,
    /// Effective user of who set it.
    pub euid: u32,
}

impl OpenFile {
    /// A new description at offset 0. Creation flags (`O_CREAT`, `O_EXCL`, `O_NOCTTY`, `O_TRUNC`, `O_CLOEXEC`) are not kept.
    #[must_use]
    pub fn new(
        file: Arc<dyn File>,
        path: Option<Path>,
        flags: OpenFlags,
        credentials: Arc<Credentials>,
    ) -> Arc<Self> {
        Self::opened(file, path, flags, credentials, None)
    }

    /// As [`Self::new`], for a file whose use is counted.
    pub(crate) fn opened(
        file: Arc<dyn File>,
        path: Option<Path>,
        flags: OpenFlags,
        credentials: Arc<Credentials>,
        in_use: Option<InUse>,
    ) -> Arc<Self> {
        let dropped =
            OpenFlags::CREAT | OpenFlags::EXCL | OpenFlags::NOCTTY | OpenFlags::TRUNC | OpenFlags::CLOEXEC;
        let stored = |p: &Path| p.inode().kind() == FileKind::Regular;
        let writes_mount = flags.writes() && path.as_ref().is_some_and(stored);
        if let Some(path) = &path {
            path.mount.used();
            if !flags.contains(OpenFlags::PATH) {
                path.dentry.opens.fetch_add(1, Ordering::Relaxed);
                notify::file(&path.dentry, WatchBits::OPEN);
            }
        }
        if let Some(path) = path.as_ref().filter(|_| writes_mount) {
            path.mount.add_writer();
        }
        Arc::new(Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            path,
            file,
            credentials,
            flags: AtomicU32::new(flags.difference(dropped).bits()),
            offset: SleepLock::new(0),
            owner: Mutex::new(None),
            watcher: Mutex::new(None),
            written: AtomicBool::new(false),
            created: AtomicBool::new(false),
            notices: Mutex::new(None),
            writes_mount,
            in_use,
            locked: AtomicBool::new(false),
        })
    }

    /// The file status flags with the access mode.
    #[must_use]
    pub fn flags(&self) -> OpenFlags {
        OpenFlags::from_bits_retain(self.flags.load(Ordering::Relaxed))
    }

    /// Replaces the flags that `F_SETFL` may change.
    ///
    /// # Errors
    /// What the file says to it.
    pub fn set_flags(&self, flags: OpenFlags) -> Result<(), Errno> {
        let old = self.flags();
        let new = old.difference(OpenFlags::SETTABLE) | flags.intersection(OpenFlags::SETTABLE);
        let grows = (old ^ new).contains(OpenFlags::APPEND);
        if grows && self.has_inode_flag(InodeFlags::APPEND) {
            return Err(Errno::EPERM);
        }
        self.flags.store(new.bits(), Ordering::Relaxed);
        self.file.flags_changed(self).inspect_err(|_| self.flags.store(old.bits(), Ordering::Relaxed))
    }

    /// Whether the file's inode has one of these flags.
    #[must_use]
    pub fn has_inode_flag(&self, flags: InodeFlags) -> bool {
        let inode = self.path.as_ref().map(|path| path.dentry.inode_ref());
        inode.is_some_and(|inode| inode.protection().is_ok_and(|a| a.has_flag(flags)))
    }

    /// Notes that opening it made the file.
    pub(crate) fn set_created(&self) {
        self.created.store(true, Ordering::Relaxed);
    }

    /// Whether opening it made the file.
    #[must_use]
    pub fn created(&self) -> bool {
        self.created.load(Ordering::Relaxed)
    }

    /// What `F_NOTIFY` has set up, to change it.
    pub fn notices<T>(&self, change: impl FnOnce(&mut Option<Box<dyn Any + Send + Sync>>) -> T) -> T {
        change(&mut self.notices.lock())
    }

    /// Who gets SIGIO.
    #[must_use]
    pub fn signal_owner(&self) -> Option<SignalOwner> {
        *self.owner.lock()
    }

    /// Sets who gets SIGIO.
    pub fn set_signal_owner(&self, owner: Option<SignalOwner>) {
        *self.owner.lock() = owner;
    }

    /// Keeps the listener that tells of readiness by signals, until `O_ASYNC` is cleared.
    pub fn set_watcher(&self, watcher: Option<Registration>) {
        let old = std::mem::replace(&mut *self.watcher.lock(), watcher);
        drop(old);
    }

    /// Its use of a regular file's content, for leases.
    #[must_use]
    pub const fn in_use(&self) -> Option<&InUse> {
        self.in_use.as_ref()
    }

    /// What fstat(2) reports.
    ///
    /// # Errors
    /// As the inode says.
    pub fn attributes(&self) -> Result<Attributes, Errno> {
        match &self.path {
            Some(path) => path.attributes(),
            None => self.file.inode().map_or_else(|| self.file.attributes(), |inode| inode.attributes()),
        }
    }

    /// The inode: of the place where it was opened, or of a file that has one without a place.
    #[must_use]
    pub fn inode(&self) -> Option<InodeRef> {
        self.path.as_ref().map_or_else(|| self.file.inode(), |path| Some(path.inode()))
    }

    fn readable(&self) -> Result<(), Errno> {
        let flags = self.flags();
        if flags.contains(OpenFlags::PATH) || !flags.reads() { Err(Errno::EBADF) } else { Ok(()) }
    }

    fn has_content(&self) -> Result<(), Errno> {
        self.readable()?;
        let directory =
            self.path.as_ref().is_some_and(|p| p.dentry.inode_ref().kind() == FileKind::Directory);
        if directory { Err(Errno::EISDIR) } else { Ok(()) }
    }

    fn writable(&self) -> Result<(), Errno> {
        let flags = self.flags();
        if flags.contains(OpenFlags::PATH) || !flags.writes() { Err(Errno::EBADF) } else { Ok(()) }
    }

    fn shed_privileges(&self) {
        crate::ops::set_id::shed_privileges(self, !self.written.swap(true, Ordering::Relaxed));
    }

    /// Reading may have changed the access time: the mount decides whether it is kept.
    fn touch(&self) {
        let Some(path) = &self.path else { return };
        let flags = path.mount.flags();
        let still = flags.contains(MountFlags::NOATIME)
            || self.flags().contains(OpenFlags::NOATIME)
            || path.mount.is_read_only();
        if !still {
            path.dentry.inode_ref().accessed(!flags.contains(MountFlags::RELATIME));
        }
    }

    /// So many bytes were read or written.
    fn tell(&self, bits: WatchBits, count: usize) {
        if let Some(path) = self.path.as_ref().filter(|_| count > 0) {
            notify::file(&path.dentry, bits);
        }
    }

    /// read(2): at the description's offset, which moves.
    ///
    /// # Errors
    /// `EBADF` if not open for reading, `EISDIR`, `EAGAIN` if nothing is there now, and the file's own.
    pub fn read(&self, into: &mut dyn Sink) -> Result<usize, Errno> {
        self.has_content()?;
        if self.file.keeps_offset() || !self.file.seekable() {
            let n = self.file.read(u64::MAX, into)?;
            self.tell(WatchBits::ACCESS, n);
            return Ok(n);
        }
        let mut offset = self.offset.lock();
        within_offsets(*offset, into.room())?;
        let n = self.file.read(*offset, into)?;
        *offset = offset.saturating_add(n as u64);
        drop(offset);
        self.touch();
        self.tell(WatchBits::ACCESS, n);
        Ok(n)
    }

    /// pread(2).
    ///
    /// # Errors
    /// `ESPIPE` for streams, and as [`Self::read`].
    pub fn read_at(&self, offset: u64, into: &mut dyn Sink) -> Result<usize, Errno> {
        if !self.file.seekable() {
            return Err(Errno::ESPIPE);
        }
        self.has_content()?;
        within_offsets(offset, into.room())?;
        let n = self.file.read(offset, into)?;
        self.touch();
        self.tell(WatchBits::ACCESS, n);
        Ok(n)
    }

    /// write(2): at the description's offset or, with `O_APPEND`, at the end.
    ///
    /// # Errors
    /// `EBADF` if not open for writing, `EAGAIN` if there is no room now, `EINVAL` for more than offsets can count, and the file's own.
    pub fn write(&self, from: &mut dyn Source) -> Result<usize, Errno> {
        self.write_here(self.flags().contains(OpenFlags::APPEND), from)
    }

    /// [`Self::write`] with or without `O_APPEND`, whatever the description says.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn write_here(&self, append: bool, from: &mut dyn Source) -> Result<usize, Errno> {
        self.writable()?;
        if from.left() > 0 {
            self.shed_privileges();
        }
        if self.file.keeps_offset() || !self.file.seekable() {
            let (n, _) = self.file.write(Some(u64::MAX), from)?;
            self.tell(WatchBits::MODIFY, n);
            return Ok(n);
        }
        let mut offset = self.offset.lock();
        within_offsets(*offset, from.left())?;
        let at = if append { None } else { Some(*offset) };
        let (n, end) = self.file.write(at, from)?;
        *offset = end;
        drop(offset);
        self.tell(WatchBits::MODIFY, n);
        Ok(n)
    }

    /// pwrite(2): with `O_APPEND` it appends all the same, as Linux does.
    ///
    /// # Errors
    /// `ESPIPE` for streams, and as [`Self::write`].
    pub fn write_at(&self, offset: u64, from: &mut dyn Source) -> Result<usize, Errno> {
        self.write_there(offset, self.flags().contains(OpenFlags::APPEND), from)
    }

    /// [`Self::write_at`] with or without `O_APPEND`, whatever the description says.
    ///
    /// # Errors
    /// As [`Self::write_at`].
    pub fn write_there(&self, offset: u64, append: bool, from: &mut dyn Source) -> Result<usize, Errno> {
        if !self.file.seekable() {
            return Err(Errno::ESPIPE);
        }
        self.writable()?;
        within_offsets(offset, from.left())?;
        if from.left() > 0 {
            self.shed_privileges();
        }
        let at = if append { None } else { Some(offset) };
        let (n, _) = self.file.write(at, from)?;
        self.tell(WatchBits::MODIFY, n);
        Ok(n)
    }

    /// lseek(2).
    ///
    /// # Errors
    /// `ESPIPE` for streams, `EINVAL` for a negative result, `ENXIO`, `EOVERFLOW`.
    pub fn seek(&self, to: Seek) -> Result<u64, Errno> {
        if self.flags().contains(OpenFlags::PATH) {
            return Err(Errno::EBADF);
        }
        if !self.file.seekable() {
            return Err(Errno::ESPIPE);
        }
        if self.file.keeps_offset() {
            return self.file.seek(to);
        }
        let mut offset = self.offset.lock();
        let new = match to {
            Seek::Set(at) => at,
            Seek::Current(by) => offset.checked_add_signed(by).ok_or(Errno::EINVAL)?,
            Seek::End(_) | Seek::Data(_) | Seek::Hole(_) => self.file.seek(to)?,
        };
        if i64::try_from(new).is_err() {
            return Err(Errno::EINVAL);
        }
        *offset = new;
        Ok(new)
    }

    /// fallocate(2).
    ///
    /// # Errors
    /// `EINVAL` for an empty range, `EBADF` if not open for writing, `EOPNOTSUPP` for modes that the file does not know,
    /// `ESPIPE`, `EISDIR`, `ENODEV` for what has no content to allocate, `EFBIG`.
    pub fn allocate(&self, mode: u32, offset: u64, length: u64) -> Result<(), Errno> {
        const KEEP_SIZE: u32 = 1;
        const MODES: u32 = 0x7e;
        if i64::try_from(offset).is_err() || length == 0 || i64::try_from(length).is_err() {
            return Err(Errno::EINVAL);
        }
        let operation = mode & MODES;
        let hole_without_size = operation == 2 && mode & KEEP_SIZE == 0;
        if mode & !(MODES | KEEP_SIZE) != 0 || operation.count_ones() > 1 || hole_without_size {
            return Err(Errno::EOPNOTSUPP);
        }
        self.writable()?;
        match self.kind() {
            FileKind::Regular | FileKind::BlockDevice => {}
            FileKind::Directory => return Err(Errno::EISDIR),
            FileKind::Fifo => return Err(Errno::ESPIPE),
            _ => return Err(Errno::ENODEV),
        }
        if offset.checked_add(length).is_none_or(|end| i64::try_from(end).is_err()) {
            return Err(Errno::EFBIG);
        }
        let grows = mode & !KEEP_SIZE == 0;
        let forbidden = if grows { InodeFlags::IMMUTABLE } else { InodeFlags::FIXED };
        if self.has_inode_flag(forbidden) {
            return Err(Errno::EPERM);
        }
        self.file.allocate(mode, offset, length)?;
        self.shed_privileges();
        self.tell(WatchBits::MODIFY, 1);
        Ok(())
    }

    /// What mmap(2) maps of it.
    ///
    /// # Errors
    /// `EACCES` if it is not open for reading, or for writing where a shared mapping would write; `EPERM` for an executable mapping
    /// of a file on a mount without execution; `ENODEV`.
    pub fn map(&self, protection: u32, shared: bool) -> Result<crate::MapSource, Errno> {
        const WRITE: u32 = 2;
        const EXECUTE: u32 = 4;
        let flags = self.flags();
        if flags.contains(OpenFlags::PATH) {
            return Err(Errno::EBADF);
        }
        if !flags.reads() || shared && protection & WRITE != 0 && !flags.writes() {
            return Err(Errno::EACCES);
        }
        let no_execution = |path: &Path| path.mount.flags().contains(MountFlags::NOEXEC);
        if protection & EXECUTE != 0 && self.path.as_ref().is_some_and(no_execution) {
            return Err(Errno::EPERM);
        }
        self.file.map(protection, shared)
    }

    /// getdents64(2): from where the last call ended.
    ///
    /// # Errors
    /// `ENOTDIR`, `ENOENT` for a directory that was removed, `EINVAL` if not even one entry fits (the caller sees that).
    pub fn read_directory(&self, into: &mut dyn crate::DirectorySink) -> Result<(), Errno> {
        self.readable()?;
        let removed = |path: &Path| path.dentry.is_deleted() && path.inode().kind() == FileKind::Directory;
        if self.path.as_ref().is_some_and(removed) {
            return Err(Errno::ENOENT);
        }
        let mut offset = self.offset.lock();
        let mut tracker = Tracker { into, position: *offset };
        self.file.read_directory(*offset, &mut tracker)?;
        *offset = tracker.position;
        self.touch();
        self.tell(WatchBits::ACCESS, 1);
        Ok(())
    }

    /// The description's offset.
    #[must_use]
    pub fn offset(&self) -> u64 {
        *self.offset.lock()
    }

    /// What it is ready for.
    #[must_use]
    pub fn poll(&self) -> Events {
        self.file.poll()
    }

    /// Its type.
    #[must_use]
    pub fn kind(&self) -> FileKind {
        match self.inode() {
            Some(inode) => inode.kind(),
            None => self.file.attributes().map_or(FileKind::Anonymous, |attributes| attributes.kind),
        }
    }
}

/// Whether so many bytes from an offset on end at an offset.
///
/// # Errors
/// `EINVAL`, as for a negative offset.
fn within_offsets(offset: u64, count: usize) -> Result<(), Errno> {
    let end = offset.checked_add(count as u64);
    if end.is_some_and(|end| i64::try_from(end).is_ok()) { Ok(()) } else { Err(Errno::EINVAL) }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        if let Some(in_use) = &self.in_use {
            in_use.end(self.id);
        }
        if let Some(path) = self.path.as_ref().filter(|_| !self.flags().contains(OpenFlags::PATH)) {
            path.dentry.opens.fetch_sub(1, Ordering::Relaxed);
            notify::closed(&path.dentry, self.flags().writes());
        }
        if let Some(path) = self.path.as_ref().filter(|_| self.writes_mount) {
            path.mount.remove_writer();
        }
        if *self.locked.get_mut() {
            crate::locks::release_description(self);
        }
    }
}

struct Tracker<'a> {
    into: &'a mut dyn crate::DirectorySink,
    position: u64,
}

impl crate::DirectorySink for Tracker<'_> {
    fn put(&mut self, entry: &crate::DirectoryEntry<'_>) -> bool {
        let stored = self.into.put(entry);
        if stored {
            self.position = entry.next;
        }
        stored
    }
}
