//! An open regular file.

use std::any::Any;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use abi::Errno;
use rustix::fs::{FallocateFlags, SeekFrom};
use rustix::io::ReadWriteFlags;
use vfs::{
    Attributes, Credentials, File, Inode, InodeRef, MapSource, OpenFile, OpenFlags, Seek, Sink, Source,
    scratch,
};

use crate::attributes::{access, errno};
use crate::direct;
use crate::inode::Node;

const PROT_WRITE: u32 = 2;

/// A regular file of the host, open. The descriptors belong to the inode: which one is used is decided anew each time.
pub(crate) struct RegularFile {
    node: Arc<Node>,
    writes: bool,
    /// What each write does before it returns.
    durable: Durable,
    /// For `O_DIRECT`: its own descriptor, from when the flag is first set.
    direct: OnceLock<Arc<OwnedFd>>,
    /// Whether the flag is set now.
    is_direct: AtomicBool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Durable {
    No,
    /// `O_DSYNC`.
    Data,
    /// `O_SYNC`.
    All,
}

impl RegularFile {
    pub(crate) fn open(node: Arc<Node>, flags: OpenFlags) -> Result<Self, Errno> {
        let durable = if flags.contains(OpenFlags::SYNC) {
            Durable::All
        } else if flags.contains(OpenFlags::DSYNC) {
            Durable::Data
        } else {
            Durable::No
        };
        let is_direct = flags.contains(OpenFlags::DIRECT);
        let direct = match is_direct {
            true => OnceLock::from(Arc::new(node.direct(access(flags))?)),
            false => OnceLock::new(),
        };
        let file = Self { writes: flags.writes(), durable, direct, is_direct: is_direct.into(), node };
        file.node.opened(file.writes);
        // What the host refuses is known now, and not at the first read.
        if file.writes {
            file.node.writer()?;
        } else {
            file.node.reader()?;
        }
        Ok(file)
    }

    /// The own descriptor, if reads and writes are to go through it now.
    fn direct(&self) -> Option<&Arc<OwnedFd>> {
        self.node.settle();
        self.direct.get().filter(|_| self.is_direct.load(Ordering::Relaxed))
    }

    fn written(&self, file: &OwnedFd) -> Result<(), Errno> {
        self.node.changed();
        match self.durable {
            Durable::No => Ok(()),
            Durable::Data => rustix::fs::fdatasync(file).map_err(errno),
            Durable::All => rustix::fs::fsync(file).map_err(errno),
        }
    }
}

impl Drop for RegularFile {
    fn drop(&mut self) {
        self.node.settle();
        if let Some(direct) = self.direct.take() {
            let _own = self.node.own_change();
            drop(direct);
        }
        self.node.closed(self.writes);
    }
}

fn behind(offset: u64, done: usize) -> Result<u64, Errno> {
    u64::try_from(done).ok().and_then(|done| offset.checked_add(done)).ok_or(Errno::EINVAL)
}

impl File for RegularFile {
    fn read(&self, offset: u64, into: &mut dyn Sink) -> Result<usize, Errno> {
        let own = self.direct();
        let file = own.map_or_else(|| self.node.reader(), |own| Ok(Arc::clone(own)))?;
        let count = scratch::fill(into, |done, buffer| {
            let at = behind(offset, done)?;
            match own {
                Some(_) => direct::read(&file, buffer, at),
                None => rustix::io::pread(&*file, buffer, at).map_err(errno),
            }
        })?;
        self.node.was_read();
        Ok(count)
    }

    fn write(&self, offset: Option<u64>, from: &mut dyn Source) -> Result<(usize, u64), Errno> {
        let direct = self.direct();
        let file = direct.map_or_else(|| self.node.writer(), |own| Ok(Arc::clone(own)))?;
        let own = self.node.own_change();
        let (count, end) = match offset {
            Some(offset) => {
                let count = scratch::drain(from, |done, data| {
                    let at = behind(offset, done)?;
                    match direct {
                        Some(_) => direct::write(&file, data, Some(at)),
                        None => rustix::io::pwrite(&*file, data, at).map_err(errno),
                    }
                });
                self.node.changed();
                let count = count?;
                (count, behind(offset, count)?)
            }
            None => {
                // The host appends, so that writers on the host are not overwritten either; the lock keeps the pieces of one
                // write together and says where they ended.
                let _alone = self.node.appending.lock();
                let count = scratch::drain(from, |_, data| {
                    if direct.is_some() {
                        return direct::write(&file, data, None);
                    }
                    let data = [std::io::IoSlice::new(data)];
                    rustix::io::pwritev2(&*file, &data, 0, ReadWriteFlags::APPEND).map_err(errno)
                });
                self.node.changed();
                (count?, rustix::fs::seek(&*file, SeekFrom::End(0)).map_err(errno)?)
            }
        };
        drop(own);
        if count > 0 {
            self.written(&file)?;
        }
        Ok((count, end))
    }

    fn seek(&self, to: Seek) -> Result<u64, Errno> {
        // The descriptor's own offset is used for nothing else.
        let file = self.node.reader()?;
        let to = match to {
            Seek::End(by) => {
                let end = rustix::fs::seek(&*file, SeekFrom::End(0)).map_err(errno)?;
                return end.checked_add_signed(by).ok_or(Errno::EINVAL);
            }
            Seek::Data(offset) => SeekFrom::Data(offset),
            Seek::Hole(offset) => SeekFrom::Hole(offset),
            Seek::Set(_) | Seek::Current(_) => return Err(Errno::EINVAL),
        };
        rustix::fs::seek(&*file, to).map_err(errno)
    }

    fn map(&self, protection: u32, shared: bool) -> Result<MapSource, Errno> {
        if !shared {
            return self.node.reader().map(MapSource::Host);
        }
        if !self.writes {
            if protection & PROT_WRITE != 0 {
                return Err(Errno::EACCES);
            }
            // The guest may change the protection by itself: it gets a descriptor that does not let it write.
            return self.node.strict_reader().map(MapSource::Host);
        }
        self.node.mapped.store(true, Ordering::Relaxed);
        self.node.writer().map(MapSource::Host)
    }

    fn flush(&self) -> Result<(), Errno> {
        self.node.settled()
    }

    fn sync(&self, data_only: bool) -> Result<(), Errno> {
        self.node.settled()?;
        let file = if self.writes { self.node.writer()? } else { self.node.reader()? };
        if data_only { rustix::fs::fdatasync(&*file) } else { rustix::fs::fsync(&*file) }.map_err(errno)
    }

    fn allocate(&self, mode: u32, offset: u64, length: u64) -> Result<(), Errno> {
        let file = self.node.writer()?;
        let mode = FallocateFlags::from_bits(mode).ok_or(Errno::EOPNOTSUPP)?;
        let _own = self.node.own_change();
        let result = rustix::fs::fallocate(&*file, mode, offset, length).map_err(errno);
        self.node.changed();
        result
    }

    fn flags_changed(&self, description: &OpenFile) -> Result<(), Errno> {
        let flags = description.flags();
        let is_direct = flags.contains(OpenFlags::DIRECT);
        if is_direct && self.direct.get().is_none() {
            let own = Arc::new(self.node.direct(access(flags))?);
            // Of two that set it at once one descriptor stays.
            self.direct.get_or_init(|| own);
        }
        self.is_direct.store(is_direct, Ordering::Relaxed);
        Ok(())
    }

    fn attributes(&self) -> Result<Attributes, Errno> {
        self.node.attributes()
    }

    fn inode(&self) -> Option<InodeRef> {
        Some(Arc::clone(&self.node) as InodeRef)
    }

    fn reopen(&self, flags: OpenFlags, _: &Credentials) -> Result<Arc<dyn File>, Errno> {
        Ok(Arc::new(Self::open(Arc::clone(&self.node), flags)?))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
