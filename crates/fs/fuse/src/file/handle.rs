//! What the server knows an open file by.

use std::sync::Arc;

use abi::Errno;
use parking_lot::Mutex;
use vfs::{AttributeChange, Inode, OpenFlags, WaitQueue, waiting};

use crate::node::Node;
use crate::ops::open::{UNOPENED, UNOPENED_DIRECTORY};
use crate::wire::{FileFlags, InitFlags};

/// An open file or directory. At its end the server is told.
pub(crate) struct Handle {
    pub(crate) node: Arc<Node>,
    /// The server's number for it.
    number: u64,
    /// How the server wants it treated.
    pub(crate) flags: FileFlags,
    /// How it was opened.
    opened: OpenFlags,
    /// Whether the server was told that it is open.
    told: bool,
    /// Whose flock(2) lock goes with it.
    locked: Mutex<Option<u64>>,
    /// Under which the server tells that it may be ready.
    pub(super) poll_number: u64,
    /// Who wants to hear of that.
    pub(super) ready: Arc<WaitQueue>,
}

impl Handle {
    /// Opens a node.
    ///
    /// # Errors
    /// The server's.
    pub(crate) fn open(node: &Arc<Node>, flags: OpenFlags) -> Result<Arc<Self>, Errno> {
        let connection = &node.shared.connection;
        let directory = node.is_directory();
        let atomic = connection.has(InitFlags::ATOMIC_O_TRUNC);
        let mut asked = flags.difference(OpenFlags::CREAT | OpenFlags::EXCL | OpenFlags::NOCTTY);
        if !atomic {
            asked.remove(OpenFlags::TRUNC);
        }
        let handle = match connection.open(node.id, wire_flags(asked), directory)? {
            Some(open) => {
                Self::new(node, flags, open.fh, FileFlags::from_bits_truncate(open.open_flags), true)
            }
            None => {
                let treated = if directory { UNOPENED_DIRECTORY } else { UNOPENED };
                Self::new(node, flags, 0, treated, false)
            }
        };
        if !directory {
            handle.begin(atomic)?;
        }
        Ok(handle)
    }

    /// A handle that the server has given out.
    pub(crate) fn new(
        node: &Arc<Node>,
        opened: OpenFlags,
        number: u64,
        flags: FileFlags,
        told: bool,
    ) -> Arc<Self> {
        let handle = Arc::new(Self {
            node: Arc::clone(node),
            number,
            flags,
            opened,
            told,
            locked: Mutex::default(),
            poll_number: node.shared.polls.number(),
            ready: WaitQueue::new(),
        });
        let mut handles = node.handles.lock();
        handles.retain(|other| other.strong_count() > 0);
        handles.push(Arc::downgrade(&handle));
        drop(handles);
        handle
    }

    /// What opening does to what is cached, and to the size.
    fn begin(&self, atomic: bool) -> Result<(), Errno> {
        if self.opened.contains(OpenFlags::TRUNC) {
            if atomic {
                self.node.resized(0);
                self.node.content.cut(0);
            } else {
                self.node.set_attributes(&AttributeChange { size: Some(0), ..Default::default() })?;
            }
        }
        if !self.flags.intersects(FileFlags::KEEP_CACHE | FileFlags::DIRECT_IO) {
            self.node.content.forget_all();
        }
        Ok(())
    }

    /// The server's number for it.
    pub(crate) const fn number(&self) -> u64 {
        self.number
    }

    /// Whether the server knows of it.
    pub(crate) const fn is_told(&self) -> bool {
        self.told
    }

    /// Whether it was opened for writing.
    pub(crate) const fn writes(&self) -> bool {
        self.opened.writes()
    }

    /// The flags of open(2) as requests carry them.
    pub(crate) fn open_flags(&self) -> u32 {
        wire_flags(
            self.opened.difference(OpenFlags::CREAT | OpenFlags::EXCL | OpenFlags::NOCTTY | OpenFlags::TRUNC),
        )
    }

    /// A lock of flock(2) was taken through it, or given up.
    pub(super) fn note_lock(&self, owner: Option<u64>) {
        *self.locked.lock() = owner;
    }

    /// Whether the cache is passed by.
    pub(crate) fn is_direct(&self) -> bool {
        self.flags.contains(FileFlags::DIRECT_IO) || self.opened.contains(OpenFlags::DIRECT)
    }
}

/// Flags as a 64-bit program's open(2) has them inside the kernel: always with `O_LARGEFILE`, never with `O_CLOEXEC`.
pub(crate) fn wire_flags(flags: OpenFlags) -> u32 {
    (flags.difference(OpenFlags::CLOEXEC) | OpenFlags::LARGEFILE).bits()
}

/// Whose locks a request is about: the caller's table of descriptors.
pub(crate) fn lock_owner() -> u64 {
    waiting::identity().map_or(0, |identity| identity.files)
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.node.shared.polls.remove(self.poll_number);
        if self.is_last_writer() {
            self.node.post_changes(self);
        }
        if self.told {
            let locked = self.locked.get_mut().take();
            let directory = self.node.is_directory();
            let flags = self.open_flags();
            self.node.shared.connection.release(self.node.id, self.number, flags, directory, locked);
        }
    }
}
