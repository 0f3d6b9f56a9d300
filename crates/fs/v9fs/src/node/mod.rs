//! Inodes: what the server told of a file, and the fids by which it is reached.

mod acl;
pub(crate) mod attributes;
mod change;
mod inode;
mod names;
mod place;
mod xattrs;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use abi::Errno;
use parking_lot::Mutex;
use vfs::waiting::SleepLock;
use vfs::{Attributes, FileKind, Usage};

use crate::client::Fid;
use crate::file::{Content, Held};
use crate::filesystem::{Shared, User, ask};
use acl::Lists;
use place::Place;

/// Users whose fids an inode keeps. With more of them the oldest have to walk again.
const USERS: usize = 8;

/// A file of a server.
pub(crate) struct Node {
    this: Weak<Node>,
    pub(crate) shared: Arc<Shared>,
    /// The server's number for it.
    id: u64,
    kind: FileKind,
    /// The fids for it, and whose they are. Never open.
    fids: Mutex<Vec<(User, Arc<Fid>)>>,
    /// Where it lies, to be found there by users that have no fid for it.
    place: Mutex<Place>,
    /// For a directory: the inodes that lie under its names. As no directory lies below itself, this is a tree.
    children: Mutex<HashMap<Box<[u8]>, Weak<Node>>>,
    known: Mutex<Attributes>,
    /// Something has changed them since.
    outdated: AtomicBool,
    lists: Lists,
    /// What is mapped of it, and who has it open.
    pub(crate) content: Content,
    /// The locks that processes of the sandbox have on it.
    pub(crate) held: Mutex<Vec<Held>>,
    /// Held by those who write at the end.
    pub(crate) appending: SleepLock<()>,
    usage: Usage,
}

impl Node {
    fn new(shared: &Arc<Shared>, attributes: Attributes, place: Place) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            this: Weak::clone(this),
            shared: Arc::clone(shared),
            id: attributes.inode,
            kind: attributes.kind,
            fids: Mutex::default(),
            place: Mutex::new(place),
            children: Mutex::default(),
            known: Mutex::new(attributes),
            outdated: AtomicBool::new(false),
            lists: Lists::default(),
            content: Content::default(),
            held: Mutex::default(),
            appending: SleepLock::default(),
            usage: Usage::default(),
        })
    }

    /// The root, as whoever mounted reaches it.
    pub(crate) fn root(shared: &Arc<Shared>, fid: &Arc<Fid>, attributes: Attributes) -> Arc<Self> {
        let node = Self::new(shared, attributes, Place::Root);
        node.adopt(User::MOUNT, Arc::clone(fid));
        node
    }

    /// The inode of a name of this directory, which the user has reached.
    fn meet(
        &self,
        user: User,
        name: &[u8],
        fid: Arc<Fid>,
        attributes: Attributes,
    ) -> Result<Arc<Self>, Errno> {
        let directory = self.this.upgrade().ok_or(Errno::EIO)?;
        let make = || Self::new(&self.shared, attributes, Place::at(&directory, name));
        let node = self.shared.intern(attributes.inode, attributes.kind, make);
        node.adopt(user, fid);
        node.learn(attributes);
        directory.lies_under(name, &node);
        Ok(node)
    }

    /// Takes over a fid that was just made: if there is one already, it may be of another file that had the number before.
    fn adopt(&self, user: User, fid: Arc<Fid>) {
        let mut fids = self.fids.lock();
        let mut old: Vec<_> = fids.extract_if(.., |(of, _)| *of == user).collect();
        if fids.len() >= USERS {
            old.push(fids.remove(0));
        }
        fids.push((user, fid));
        drop(fids);
        // Giving them up says so to the server.
        drop(old);
    }

    fn fid_of(&self, user: User) -> Option<Arc<Fid>> {
        self.fids.lock().iter().find(|(of, _)| *of == user).map(|(_, fid)| Arc::clone(fid))
    }

    /// What the server calls it, for the calling thread's user.
    ///
    /// # Errors
    /// `ESTALE` if its name leads to another file by now, `EPERM` for those whom the mount is not for, and as the server says.
    pub(crate) fn fid(&self) -> Result<Arc<Fid>, Errno> {
        let user = self.shared.user();
        match self.fid_of(user) {
            Some(fid) => Ok(fid),
            None => self.reach(user),
        }
    }

    /// The same, or what the user has it open by: its names may be gone.
    ///
    /// # Errors
    /// As [`Self::fid`].
    fn fid_or_open(&self) -> Result<Arc<Fid>, Errno> {
        self.fid().or_else(|error| self.content.open_for(self.shared.user()).ok_or(error))
    }

    /// What is known of it, whether or not that is still so.
    pub(crate) fn last_known(&self) -> Attributes {
        *self.known.lock()
    }

    fn learn(&self, attributes: Attributes) {
        *self.known.lock() = attributes;
        self.outdated.store(false, Ordering::Release);
    }

    /// Something has changed it, or may have.
    pub(crate) fn changed(&self) {
        self.outdated.store(true, Ordering::Release);
    }

    /// It was written up to here.
    pub(crate) fn written(&self, end: u64) {
        let mut known = self.known.lock();
        known.size = known.size.max(end);
        drop(known);
        self.changed();
    }

    /// What it is like, as the cache policy has it: known, or asked for.
    ///
    /// # Errors
    /// As [`Self::fid`].
    pub(crate) fn refreshed(&self) -> Result<Attributes, Errno> {
        let keeps = self.shared.options.cache.keeps_names();
        if keeps && !self.outdated.load(Ordering::Acquire) {
            return Ok(self.last_known());
        }
        self.asked()
    }

    /// What it is like now.
    ///
    /// # Errors
    /// `ESTALE` if the server has another type for it, and as [`Self::fid`].
    pub(crate) fn asked(&self) -> Result<Attributes, Errno> {
        let fid = self.fid_or_open()?;
        let attributes = ask(&self.shared.client, &fid)?;
        if attributes.kind != self.kind {
            return Err(Errno::ESTALE);
        }
        let attributes = Attributes { inode: self.id, ..attributes };
        self.learn(attributes);
        Ok(attributes)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.shared.forget(self.id, self.kind, self);
        self.place.get_mut().leave();
    }
}
