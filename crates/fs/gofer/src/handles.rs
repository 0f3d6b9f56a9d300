//! Donated descriptors of a regular file: one for reading, one for writing, shared by all who have it open.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Weak};

use abi::Errno;
use ninep::flags::{Access, Open};
use ninep::message::Tdonate;
use parking_lot::{Mutex, MutexGuard};

use crate::filesystem::Caching;
use crate::inode::Node;

/// Inodes that keep a descriptor though nobody has them open.
const IDLE_MOST: usize = 1024;

/// The descriptors of one inode.
#[derive(Debug, Default)]
pub(crate) struct Handles {
    /// For reading only: what a shared mapping that may never be written is made of.
    read: Option<Arc<OwnedFd>>,
    /// For reading and writing, or for writing alone where the host gives no more.
    write: Option<Arc<OwnedFd>>,
    write_reads: bool,
    /// Open descriptions, and those of them that write.
    open: usize,
    writers: usize,
    /// Whether it stands in [`Idle`].
    idle: bool,
}

/// The inodes that keep a descriptor, oldest first.
#[derive(Debug)]
pub(crate) struct Idle {
    queue: Mutex<VecDeque<Weak<Node>>>,
    most: usize,
}

impl Node {
    /// The descriptor to read from. Once there is one for writing it is preferred: on an overlayfs of the host the other may show the
    /// file of before its first change.
    ///
    /// # Errors
    /// As the server says.
    pub(crate) fn reader(&self) -> Result<Arc<OwnedFd>, Errno> {
        self.settle();
        let handles = self.handles.lock();
        match handles.write.as_ref().filter(|_| handles.write_reads) {
            Some(write) => Ok(Arc::clone(write)),
            None => self.read_handle(handles),
        }
    }

    /// A descriptor that cannot be written.
    ///
    /// # Errors
    /// As the server says.
    pub(crate) fn strict_reader(&self) -> Result<Arc<OwnedFd>, Errno> {
        self.settle();
        self.read_handle(self.handles.lock())
    }

    fn read_handle(&self, mut handles: MutexGuard<'_, Handles>) -> Result<Arc<OwnedFd>, Errno> {
        if let Some(read) = &handles.read {
            return Ok(Arc::clone(read));
        }
        let read = self.donated(Access::Read)?;
        handles.read = Some(Arc::clone(&read));
        Ok(read)
    }

    /// The descriptor to write to.
    ///
    /// # Errors
    /// As the server says.
    pub(crate) fn writer(&self) -> Result<Arc<OwnedFd>, Errno> {
        self.settle();
        let mut handles = self.handles.lock();
        if let Some(write) = &handles.write {
            return Ok(Arc::clone(write));
        }
        let (write, reads) = match self.donated(Access::ReadWrite) {
            // A gofer without privilege may be allowed to write and not to read.
            Err(Errno::EACCES) => (self.donated(Access::Write)?, false),
            other => (other?, true),
        };
        handles.take_writer(&write, reads);
        Ok(write)
    }

    fn donated(&self, access: Access) -> Result<Arc<OwnedFd>, Errno> {
        if let Some(file) = self.found_and_donated(access) {
            return Ok(Arc::new(file));
        }
        self.lent(access.bits()).map(Arc::new)
    }

    /// A descriptor that passes the host's page cache by, for one who opens the file so.
    ///
    /// # Errors
    /// As the server says: `EINVAL` where the host's filesystem cannot.
    pub(crate) fn direct(&self, access: Access) -> Result<OwnedFd, Errno> {
        self.lent(access.bits() | Open::DIRECT.bits())
    }

    fn lent(&self, flags: u32) -> Result<OwnedFd, Errno> {
        let request = Tdonate { fid: self.fid()?.number(), flags };
        let before = self.changes();
        let (attr, file) = self.shared.client.call_with_descriptor(&request, |reply| reply.attr)?;
        self.learn(&attr, before);
        file.ok_or(Errno::EIO)
    }

    /// A descriptor that came with the making of the file.
    pub(crate) fn made_with(&self, file: OwnedFd) {
        self.handles.lock().take_writer(&Arc::new(file), true);
    }

    /// A descriptor to ask the host through, if there is one.
    pub(crate) fn any_handle(&self) -> Option<Arc<OwnedFd>> {
        let handles = self.handles.lock();
        handles.write.as_ref().or(handles.read.as_ref()).map(Arc::clone)
    }

    /// Whether somebody has it open for writing.
    pub(crate) fn is_written(&self) -> bool {
        self.handles.lock().writers > 0
    }

    /// Somebody opened it.
    pub(crate) fn opened(&self, writes: bool) {
        let mut handles = self.handles.lock();
        handles.open += 1;
        handles.writers += usize::from(writes);
    }

    /// Somebody closed it. A descriptor stays for the next one, within bounds; but where somebody on the host may want to execute the file,
    /// which cannot be while it is open for writing, the one for that goes with the last writer.
    pub(crate) fn closed(self: &Arc<Self>, writes: bool) {
        if self.handles.lock().open <= 1 {
            self.settle_for_good();
        }
        let mut handles = self.handles.lock();
        handles.open = handles.open.saturating_sub(1);
        handles.writers = handles.writers.saturating_sub(usize::from(writes));
        let stays = handles.write_reads && self.shared.caching == Caching::Exclusive;
        let write = if handles.writers == 0 && !stays { handles.write.take() } else { None };
        if write.is_some() {
            // What is known of the file must not hang on a descriptor any more.
            drop(handles);
            let own = self.own_change();
            drop(write);
            drop(own);
            handles = self.handles.lock();
        }
        if handles.open == 0 && self.shared.caching == Caching::Uncached {
            let read = handles.read.take();
            drop(handles);
            drop(read);
        } else if handles.open == 0 && handles.any() && !handles.idle {
            handles.idle = true;
            drop(handles);
            self.shared.idle.keep(self);
        }
    }
}

impl Handles {
    const fn any(&self) -> bool {
        self.read.is_some() || self.write.is_some()
    }

    fn take_writer(&mut self, write: &Arc<OwnedFd>, reads: bool) {
        self.write = Some(Arc::clone(write));
        self.write_reads = reads;
        // The next reader is opened anew, behind the change that opening for writing may have made.
        self.read = None;
    }
}

impl Idle {
    /// At most so many, and never more than is of use.
    pub(crate) fn new(most: usize) -> Self {
        Self { queue: Mutex::default(), most: most.min(IDLE_MOST) }
    }

    fn keep(&self, node: &Arc<Node>) {
        let evicted = {
            let mut queue = self.queue.lock();
            queue.push_back(Arc::downgrade(node));
            if queue.len() > self.most { queue.pop_front() } else { None }
        };
        if let Some(node) = evicted.and_then(|node| node.upgrade()) {
            let mut handles = node.handles.lock();
            handles.idle = false;
            let idle =
                if handles.open == 0 { (handles.read.take(), handles.write.take()) } else { (None, None) };
            drop(handles);
            drop(idle);
        }
    }
}
