//! An open regular file.

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use ninep::Data;
use ninep::message::{Tfsync, Tlopen, Tread, Twrite};
use vfs::locks::{LockRequest, RecordLock};
use vfs::{
    Attributes, Credentials, File, Inode, InodeRef, MapSource, OpenFlags, Seek, Sink, Source, scratch,
};

use crate::client::Fid;
use crate::node::Node;

/// An open file.
pub(crate) struct RegularFile {
    pub(super) node: Arc<Node>,
    pub(super) fid: Arc<Fid>,
    pub(super) writes: bool,
    /// What each write does before it returns.
    durable: Option<Durable>,
    /// Bytes that one message reads or writes.
    pub(super) most: u32,
}

/// `O_DSYNC`, `O_SYNC`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Durable {
    Data,
    All,
}

impl RegularFile {
    /// Opens it.
    ///
    /// # Errors
    /// The server's.
    pub(crate) fn open(node: &Arc<Node>, flags: OpenFlags) -> Result<Arc<Self>, Errno> {
        let (fid, liked) = open(node, flags)?;
        Ok(Self::new(node, fid, liked, flags))
    }

    /// What is open by a fid; the server likes to move so much at once.
    pub(crate) fn new(node: &Arc<Node>, fid: Fid, liked: u32, flags: OpenFlags) -> Arc<Self> {
        let durable = match (flags.contains(OpenFlags::SYNC), flags.contains(OpenFlags::DSYNC)) {
            (true, _) => Some(Durable::All),
            (false, true) => Some(Durable::Data),
            (false, false) => None,
        };
        let fid = Arc::new(fid);
        node.content.opened(&fid, node.shared.user(), flags.writes());
        Arc::new(Self {
            node: Arc::clone(node),
            fid,
            writes: flags.writes(),
            durable,
            most: node.shared.client.most_data(liked).max(1),
        })
    }

    /// Reads what one message brings.
    fn read_once(&self, offset: u64, into: &mut [u8]) -> Result<usize, Errno> {
        let count = u32::try_from(into.len()).unwrap_or(u32::MAX).min(self.most);
        let request = Tread { fid: self.fid.number(), offset, count };
        self.node.shared.client.call(&request, |reply| {
            let data = reply.data.0;
            // More than was asked for is nothing that a server may say.
            let into =
                into.get_mut(..data.len()).filter(|_| data.len() <= count as usize).ok_or(Errno::EIO)?;
            into.copy_from_slice(data);
            Ok(data.len())
        })?
    }

    /// Reads until a message brings less than was asked for.
    pub(super) fn read_whole(&self, offset: u64, into: &mut [u8]) -> Result<usize, Errno> {
        let mut done = 0;
        while let Some(rest) = into.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let wanted = rest.len().min(self.most as usize);
            let at = offset.checked_add(done as u64).ok_or(Errno::EINVAL)?;
            match self.read_once(at, rest) {
                Ok(count) => {
                    done = done.saturating_add(count);
                    if count < wanted {
                        break;
                    }
                }
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(done)
    }

    fn write_once(&self, offset: u64, data: &[u8]) -> Result<usize, Errno> {
        let piece = data.get(..self.most as usize).unwrap_or(data);
        let request = Twrite { fid: self.fid.number(), offset, data: Data(piece) };
        let count = self.node.shared.client.call(&request, |reply| reply.count)?;
        let count = usize::try_from(count).ok().filter(|count| *count <= piece.len()).ok_or(Errno::EIO)?;
        self.node.content.overlay(offset, piece.get(..count).unwrap_or_default());
        self.node.written(offset.saturating_add(count as u64));
        Ok(count)
    }

    fn write_at(&self, offset: u64, from: &mut dyn Source) -> Result<usize, Errno> {
        let written = scratch::drain(from, |before, data| {
            let mut done = 0;
            while let Some(rest) = data.get(done..).filter(|rest| !rest.is_empty()) {
                let at = offset.checked_add(before.saturating_add(done) as u64);
                let at = at.filter(|at| i64::try_from(*at).is_ok()).ok_or(Errno::EFBIG);
                match at.and_then(|at| self.write_once(at, rest)) {
                    Ok(0) => break,
                    Ok(count) => done = done.saturating_add(count),
                    Err(error) if done == 0 => return Err(error),
                    Err(_) => break,
                }
            }
            Ok(done)
        })?;
        if written > 0
            && let Some(durable) = self.durable
        {
            self.sync(durable == Durable::Data)?;
        }
        Ok(written)
    }
}

/// Has the server open a file or directory: the fid, and how much it likes to move at once.
///
/// # Errors
/// The server's.
pub(super) fn open(node: &Node, flags: OpenFlags) -> Result<(Fid, u32), Errno> {
    let client = &node.shared.client;
    let (fid, _) = client.walk(&*node.fid()?, std::iter::empty())?;
    // The file is there, and is cut by a message of its own.
    let ours = OpenFlags::CREAT | OpenFlags::EXCL | OpenFlags::TRUNC | OpenFlags::NOCTTY | OpenFlags::CLOEXEC;
    let request = Tlopen { fid: fid.number(), flags: flags.difference(ours).bits() };
    let liked = client.call(&request, |reply| reply.iounit)?;
    Ok((fid, liked))
}

impl File for RegularFile {
    fn read(&self, offset: u64, into: &mut dyn Sink) -> Result<usize, Errno> {
        self.node.write_back()?;
        scratch::fill(into, |done, buffer| {
            self.read_whole(offset.checked_add(done as u64).ok_or(Errno::EINVAL)?, buffer)
        })
    }

    fn write(&self, offset: Option<u64>, from: &mut dyn Source) -> Result<(usize, u64), Errno> {
        self.node.write_back()?;
        let (_end, offset) = match offset {
            Some(offset) => (None, offset),
            None => {
                let end = self.node.appending.lock();
                (Some(end), self.node.refreshed()?.size)
            }
        };
        let count = self.write_at(offset, from)?;
        Ok((count, offset.saturating_add(count as u64)))
    }

    fn seek(&self, to: Seek) -> Result<u64, Errno> {
        let size = self.node.refreshed()?.size;
        match to {
            Seek::End(by) => size.checked_add_signed(by).ok_or(Errno::EINVAL),
            // All of it is data: the protocol knows no holes.
            Seek::Data(offset) | Seek::Hole(offset) if offset >= size => Err(Errno::ENXIO),
            Seek::Data(offset) => Ok(offset),
            Seek::Hole(_) => Ok(size),
            Seek::Set(_) | Seek::Current(_) => Err(Errno::EINVAL),
        }
    }

    fn map(&self, _: u32, shared: bool) -> Result<MapSource, Errno> {
        self.map_pages(shared, 0, u64::MAX)
    }

    fn map_range(&self, _: u32, shared: bool, offset: u64, length: u64) -> Result<MapSource, Errno> {
        self.map_pages(shared, offset, length)
    }

    fn stays_for_mapping(&self) -> bool {
        true
    }

    fn write_mapped(&self) -> Result<(), Errno> {
        self.node.write_back()
    }

    fn sync(&self, data_only: bool) -> Result<(), Errno> {
        self.node.write_back()?;
        let request = Tfsync { fid: self.fid.number(), datasync: u32::from(data_only) };
        self.node.shared.client.call(&request, |_| ())
    }

    fn allocate(&self, _: u32, _: u64, _: u64) -> Result<(), Errno> {
        Err(Errno::EOPNOTSUPP)
    }

    fn lock(&self, request: &LockRequest) -> Option<Result<Option<RecordLock>, Errno>> {
        Some(self.lock_both(request))
    }

    fn flush(&self) -> Result<(), Errno> {
        self.release_process();
        self.node.write_back()
    }

    fn attributes(&self) -> Result<Attributes, Errno> {
        self.node.refreshed()
    }

    fn inode(&self) -> Option<InodeRef> {
        Some(Arc::clone(&self.node) as InodeRef)
    }

    fn reopen(&self, flags: OpenFlags, credentials: &Credentials) -> Result<Arc<dyn File>, Errno> {
        Arc::clone(&self.node).open(flags, credentials)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Drop for RegularFile {
    fn drop(&mut self) {
        // Whoever mapped it is gone, and nobody is there to hear of a failure.
        if self.writes {
            let _ = self.node.write_back();
        }
        self.release_description();
    }
}
