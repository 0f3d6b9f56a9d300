//! An open file or directory, whatever is done with it.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use abi::Errno;
use parking_lot::Mutex;
use vfs::{File, OpenFlags, WaitQueue, waiting};

use super::backing::InUse;
use super::told::Told;
use crate::node::Node;
use crate::ops::open::{UNOPENED, UNOPENED_DIRECTORY};
use crate::wire::{FileFlags, InitFlags, OpenOut};

/// An open file or directory.
pub(crate) struct Handle {
    pub(crate) node: Arc<Node>,
    /// What the server was told.
    pub(super) told: Arc<Told>,
    /// How the server wants it treated.
    pub(crate) flags: FileFlags,
    /// How its content is used: cached, or that of another file.
    pub(super) used: Option<InUse>,
    /// Under which the server tells that it may be ready.
    pub(super) poll_number: u64,
    /// Who wants to hear of that.
    pub(super) ready: Arc<WaitQueue>,
    /// Where the last read ended: one that begins there is one of a sequence.
    pub(super) read_to: AtomicU64,
    /// Up to where content was asked for ahead of time.
    pub(super) ahead: AtomicU64,
}

impl Handle {
    /// Opens a node.
    ///
    /// # Errors
    /// The server's; `EIO` if it wants it treated in a way that it cannot be.
    pub(crate) fn open(node: &Arc<Node>, flags: OpenFlags) -> Result<Arc<Self>, Errno> {
        let connection = &node.shared.connection;
        let directory = node.is_directory();
        let atomic = connection.has(InitFlags::ATOMIC_O_TRUNC);
        let mut asked = flags.difference(OpenFlags::CREAT | OpenFlags::EXCL | OpenFlags::NOCTTY);
        if !atomic {
            asked.remove(OpenFlags::TRUNC);
        } else if flags.contains(OpenFlags::TRUNC) {
            node.write_back()?;
        }
        let handle = match connection.open(node.id, wire_flags(asked), directory)? {
            Some(open) => Self::new(node, flags, &open)?,
            None => {
                let treated = if directory { UNOPENED_DIRECTORY } else { UNOPENED };
                let open = OpenOut { open_flags: treated.bits(), ..OpenOut::default() };
                Self::made(node, flags, &open, false)?
            }
        };
        if directory {
            if !handle.flags.contains(FileFlags::KEEP_CACHE) {
                node.listing.forget();
            }
        } else {
            handle.begin(atomic)?;
        }
        Ok(handle)
    }

    /// A handle that the server has given out.
    ///
    /// # Errors
    /// `EIO` if it wants it treated in a way that it cannot be: then it is given back.
    pub(crate) fn new(node: &Arc<Node>, opened: OpenFlags, open: &OpenOut) -> Result<Arc<Self>, Errno> {
        Self::made(node, opened, open, true)
    }

    fn made(node: &Arc<Node>, opened: OpenFlags, open: &OpenOut, known: bool) -> Result<Arc<Self>, Errno> {
        let told = Told { node: Arc::clone(node), number: open.fh, opened, known, locked: Mutex::default() };
        let flags = FileFlags::from_bits_truncate(open.open_flags);
        let used = match node.is_directory() {
            true => None,
            false => Some(InUse::begin(node, opened, flags, open.backing_id)?),
        };
        let handle = Arc::new(Self {
            node: Arc::clone(node),
            told: Arc::new(told),
            flags,
            used,
            poll_number: node.shared.polls.number(),
            ready: WaitQueue::new(),
            read_to: AtomicU64::new(0),
            ahead: AtomicU64::new(0),
        });
        let mut handles = node.handles.lock();
        handles.retain(|other| other.strong_count() > 0);
        handles.push(Arc::downgrade(&handle));
        drop(handles);
        Ok(handle)
    }

    /// What opening does to what is cached, and to the size.
    fn begin(&self, atomic: bool) -> Result<(), Errno> {
        if self.told.opened.contains(OpenFlags::TRUNC) {
            if atomic {
                self.node.resized(0);
                self.node.content.cut(0);
            } else {
                self.node.empty()?;
            }
        }
        if !self.flags.intersects(FileFlags::KEEP_CACHE | FileFlags::DIRECT_IO) {
            self.node.content.forget_all();
        }
        Ok(())
    }

    /// The server's number for it.
    pub(crate) fn number(&self) -> u64 {
        self.told.number
    }

    /// Whether the server knows of it.
    pub(crate) fn is_told(&self) -> bool {
        self.told.known
    }

    /// Whether it was opened for writing.
    pub(crate) fn writes(&self) -> bool {
        self.told.opened.writes()
    }

    /// The flags of open(2) as requests carry them.
    pub(crate) fn open_flags(&self) -> u32 {
        self.told.open_flags()
    }

    /// A lock of flock(2) was taken through it, or given up.
    pub(super) fn note_lock(&self, owner: Option<u64>) {
        *self.told.locked.lock() = owner;
    }

    /// The file whose content it has, if the server has named one and does not want to be asked all the same.
    pub(super) fn passed(&self) -> Option<&Arc<dyn File>> {
        self.used.as_ref().and_then(InUse::passed).filter(|_| !self.flags.contains(FileFlags::DIRECT_IO))
    }

    /// Whether the cache is passed by.
    pub(crate) fn is_direct(&self) -> bool {
        self.flags.contains(FileFlags::DIRECT_IO) || self.told.opened.contains(OpenFlags::DIRECT)
    }

    /// Whether it is the last through which its file can be written.
    fn is_last_writer(&self) -> bool {
        self.writes() && self.node.any_handle(true).is_none()
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
            self.node.send_changes(&self.told);
        }
    }
}
