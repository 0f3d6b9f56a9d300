//! Inodes: what the server told of a file, and for how long that may be believed.

mod acl;
mod attributes;
mod change;
mod content;
mod entries;
mod handle;
mod inode;
mod kept;
mod listing;
mod local;
mod names;
mod permission;
mod underway;
mod xattrs;

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Instant;

use abi::Errno;
use parking_lot::Mutex;
use vfs::{Attributes, FileKind, Usage, WaitQueue};

pub(crate) use kept::Kept;

use crate::file::{Content, Handle, Turns, Uses};
use crate::filesystem::Shared;
use crate::wire::{EntryOut, OpenOut, ROOT};
use acl::Lists;
use attributes::Known;
use entries::Entries;
use listing::Listing;
use local::Local;
use underway::UnderWay;

/// A file of a server.
pub(crate) struct Node {
    pub(crate) shared: Arc<Shared>,
    /// The server's number for it.
    pub(crate) id: u64,
    /// Tells it from another file that had the number before.
    generation: u64,
    kind: FileKind,
    /// How many answers have named it, of which the server will be told at its end.
    lookups: AtomicU64,
    /// The server has contradicted itself about it: it is of no use any more.
    bad: AtomicBool,
    /// For a directory: whatever names it is to be looked up once more.
    renew: AtomicBool,
    /// Counts what may have changed its attributes.
    changes: AtomicU64,
    known: Mutex<Known>,
    /// It was read or written since its attributes were asked for.
    touched: AtomicU8,
    /// For a directory: the names in it that are known.
    entries: Entries,
    /// For a directory: the names in it that are asked for just now.
    under_way: UnderWay,
    /// For a symbolic link: where it leads, if that may be remembered.
    target: Mutex<Option<Arc<[u8]>>>,
    pub(crate) content: Content,
    /// Told when content has been sent or has come.
    pub(crate) landed: Arc<WaitQueue>,
    /// Who writes past the cache; for a directory: who looks up and lists.
    pub(crate) turns: Turns,
    /// How its content is used by those that have it open.
    pub(crate) uses: Uses,
    /// Its access control lists, where they count here.
    lists: Lists,
    /// With a write-back cache: what is still to be told.
    local: Local,
    /// For a directory: its entries, if they may be remembered.
    pub(crate) listing: Listing,
    /// For a file that was made open: its handle, until it is opened.
    unopened: Mutex<Option<OpenOut>>,
    /// For a directory: whether a name of it was asked for since it was listed.
    looked_up: AtomicBool,
    /// Who executes it, and who writes it.
    usage: Usage,
    /// Those through which it is open.
    pub(crate) handles: Mutex<Vec<Weak<Handle>>>,
}

/// When something was asked that is to be believed for a while.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    at: Instant,
    epoch: u64,
}

impl Node {
    /// Now.
    pub(crate) fn asks(&self) -> Asked {
        Asked { at: Instant::now(), epoch: self.shared.connection.epoch() }
    }

    fn new(shared: &Arc<Shared>, id: u64, generation: u64, known: Known) -> Arc<Self> {
        Arc::new(Self {
            shared: Arc::clone(shared),
            id,
            generation,
            kind: known.attributes.kind,
            lookups: AtomicU64::new(0),
            bad: AtomicBool::new(false),
            renew: AtomicBool::new(false),
            changes: AtomicU64::new(0),
            known: Mutex::new(known),
            touched: AtomicU8::new(0),
            entries: Entries::default(),
            under_way: UnderWay::default(),
            target: Mutex::default(),
            content: Content::default(),
            landed: WaitQueue::new(),
            turns: Turns::default(),
            uses: Uses::default(),
            lists: Lists::default(),
            local: Local::default(),
            listing: Listing::default(),
            unopened: Mutex::default(),
            looked_up: AtomicBool::new(false),
            usage: Usage::default(),
            handles: Mutex::default(),
        })
    }

    /// The root: of the type that the mount was told, and nothing else is known of it.
    pub(crate) fn root(shared: &Arc<Shared>) -> Arc<Self> {
        Self::new(shared, ROOT, 0, Known::of_root(shared.options.root_mode))
    }

    /// The inode that an answer is about: one that is known, or a new one. The answer counts as one look-up more.
    ///
    /// # Errors
    /// `EIO` for attributes that no file has, for the root in a directory, and for no file at all.
    pub(crate) fn meet(shared: &Arc<Shared>, entry: &EntryOut, asked: Instant) -> Result<Arc<Self>, Errno> {
        if entry.nodeid == 0 {
            return Err(Errno::EIO);
        }
        let checked = attributes::from_wire(&entry.attr, &shared.connection.user)
            .and_then(|attributes| if entry.nodeid == ROOT { Err(Errno::EIO) } else { Ok(attributes) });
        let attributes = match checked {
            Ok(attributes) => attributes,
            Err(error) => {
                shared.connection.forget(entry.nodeid, 1);
                return Err(error);
            }
        };
        let until = attributes::lasts(asked, entry.attr_valid, entry.attr_valid_nsec);
        let fit = |node: &Self| {
            let fit = node.generation == entry.generation && node.kind == attributes.kind && !node.is_bad();
            if !fit {
                node.spoil();
            }
            fit
        };
        let make = || Self::new(shared, entry.nodeid, entry.generation, Known::new(attributes, until));
        let node = shared.intern(entry.nodeid, fit, make);
        node.lookups.fetch_add(1, Ordering::Relaxed);
        Ok(node)
    }

    pub(crate) fn is_directory(&self) -> bool {
        self.kind == FileKind::Directory
    }

    fn is_bad(&self) -> bool {
        self.bad.load(Ordering::Relaxed)
    }

    /// The server has contradicted itself.
    fn spoil(&self) {
        self.bad.store(true, Ordering::Relaxed);
    }

    /// Nothing, as long as the server has not contradicted itself.
    ///
    /// # Errors
    /// `EIO`.
    pub(crate) fn good(&self) -> Result<(), Errno> {
        if self.is_bad() { Err(Errno::EIO) } else { Ok(()) }
    }

    /// Where the count of changes stands: take it before asking.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Something has changed its attributes, or may have.
    pub(crate) fn changed(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
    }

    /// An open handle, one that writes if it must.
    pub(crate) fn any_handle(&self, writes: bool) -> Option<Arc<Handle>> {
        let mut handles = self.handles.lock();
        handles.retain(|handle| handle.strong_count() > 0);
        let open: Vec<Arc<Handle>> = handles.iter().filter_map(Weak::upgrade).collect();
        // One that others let go of meanwhile ends here, and looks for another then.
        drop(handles);
        open.into_iter().find(|handle| !writes || handle.writes())
    }

    /// Whether a name of it was looked up since this was asked last.
    pub(crate) fn looked_up(&self) -> bool {
        self.looked_up.swap(false, Ordering::Relaxed)
    }

    /// What is known of it, whether or not it may still be believed.
    pub(crate) fn last_known(&self) -> Attributes {
        self.known.lock().attributes
    }
}

/// The server need not remember a file any longer.
struct Last {
    shared: Arc<Shared>,
    id: u64,
    lookups: u64,
}

impl Drop for Last {
    fn drop(&mut self) {
        self.shared.connection.forget(self.id, self.lookups);
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.shared.gone(self.id);
        let lookups = if self.id == ROOT { 0 } else { *self.lookups.get_mut() };
        let last = Last { shared: Arc::clone(&self.shared), id: self.id, lookups };
        if let Some(open) = self.unopened.get_mut().take() {
            self.shared.connection.release(self.id, (open.fh, 0), false, None, last);
        }
    }
}
