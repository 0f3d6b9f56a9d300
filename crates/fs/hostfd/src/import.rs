//! Making files of host descriptors.

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};

use abi::Errno;
use parking_lot::Mutex;
use rustix::fs::{OFlags, fcntl_getfl, fstat};
use vfs::{Credentials, OpenFile, OpenFlags, Owner};

use crate::transfer::{errno, own_description};
use crate::{HostFile, Kind, Poller};

/// Imports host descriptors, and gives each host inode one number of its own.
pub struct Importer {
    poller: Arc<Poller>,
    inodes: Mutex<HashMap<(u64, u64), u64>>,
}

impl Importer {
    /// An importer whose files are waited for by this poller.
    #[must_use]
    pub fn new(poller: Arc<Poller>) -> Self {
        Self { poller, inodes: Mutex::default() }
    }

    /// Who waits for its files.
    #[must_use]
    pub const fn poller(&self) -> &Arc<Poller> {
        &self.poller
    }

    /// Imports descriptors, each as an open file description; those that are one description on the host are one here too.
    ///
    /// # Errors
    /// `EPERM` for a kind that is not let in ([`Kind::of`]), and the host's.
    pub fn import(
        &self,
        fds: Vec<OwnedFd>,
        credentials: &Arc<Credentials>,
    ) -> Result<Vec<Arc<OpenFile>>, Errno> {
        // Compared before any is made a file, since a file may keep another description than the one it was given.
        let first: Vec<usize> = fds
            .iter()
            .enumerate()
            .map(|(at, fd)| {
                fds.iter()
                    .take(at)
                    .position(|o| host::descriptions::same(o.as_fd(), fd.as_fd()))
                    .unwrap_or(at)
            })
            .collect();
        let mut files: Vec<Arc<OpenFile>> = Vec::new();
        for (fd, same) in fds.into_iter().zip(first) {
            let file = match files.get(same) {
                Some(file) => Arc::clone(file),
                None => self.open(fd, credentials)?,
            };
            files.push(file);
        }
        Ok(files)
    }

    /// Imports one descriptor, open for this.
    ///
    /// # Errors
    /// As [`Self::import`].
    pub fn take(&self, fd: OwnedFd, flags: OpenFlags, owner: Owner) -> Result<Arc<HostFile>, Errno> {
        let access = OFlags::from_bits_truncate(flags.bits()) & OFlags::ACCMODE;
        self.file(fd, flags, access, owner)
    }

    fn open(&self, fd: OwnedFd, credentials: &Arc<Credentials>) -> Result<Arc<OpenFile>, Errno> {
        let host_flags = fcntl_getfl(&fd).map_err(errno)?;
        let kept = OFlags::ACCMODE | OFlags::APPEND | OFlags::NONBLOCK;
        let flags = OpenFlags::from_bits_truncate((host_flags & kept).bits());
        let owner = Owner { uid: credentials.fsuid, gid: credentials.fsgid };
        let file = self.file(fd, flags, host_flags & OFlags::ACCMODE, owner)?;
        Ok(OpenFile::new(file, None, flags, Arc::clone(credentials)))
    }

    fn file(
        &self,
        fd: OwnedFd,
        flags: OpenFlags,
        access: OFlags,
        owner: Owner,
    ) -> Result<Arc<HostFile>, Errno> {
        let kind = Kind::of(fd.as_fd())?;
        let inode = self.inode(&fd)?;
        let own = own_description(fd.as_fd(), kind, access);
        let nonblocking = own.is_some();
        let fd = Arc::new(own.unwrap_or(fd));
        let watched = kind.blocks().then(|| self.poller.watch(&fd)).flatten();
        let append = AtomicBool::new(flags.contains(OpenFlags::APPEND));
        let access = flags.intersection(OpenFlags::WRONLY | OpenFlags::RDWR);
        Ok(Arc::new_cyclic(|this| HostFile {
            this: Weak::clone(this),
            fd,
            kind,
            nonblocking,
            access,
            append,
            watched,
            inode,
            owner,
        }))
    }

    fn inode(&self, fd: &OwnedFd) -> Result<u64, Errno> {
        let stat = fstat(fd).map_err(errno)?;
        let mut inodes = self.inodes.lock();
        let next = inodes.len() as u64 + 1;
        Ok(*inodes.entry((stat.st_dev, stat.st_ino)).or_insert(next))
    }
}
