//! Where a file lies: how a user who has no fid for it gets one.

use std::sync::Arc;

use abi::Errno;
use vfs::FileKind;

use super::{Node, attributes};
use crate::client::Fid;
use crate::filesystem::User;

/// Directories above each other, at most: what a server makes up has an end.
const DEPTH: usize = 1 << 16;

/// Where a file lies, as far as it is known.
pub(super) enum Place {
    /// It is the root.
    Root,
    /// Under this name.
    In(Arc<Node>, Box<[u8]>),
    /// Nowhere any more.
    Gone,
}

impl Place {
    fn above(&self) -> Option<(Arc<Node>, Box<[u8]>)> {
        match self {
            Self::In(directory, name) => Some((Arc::clone(directory), name.clone())),
            Self::Root | Self::Gone => None,
        }
    }

    fn is(&self, directory: &Node, name: &[u8]) -> bool {
        matches!(self, Self::In(above, own) if std::ptr::eq(&**above, directory) && **own == *name)
    }

    /// The inode ends. Directories that end with it do so one after the other, however deep the tree is.
    pub(super) fn leave(&mut self) {
        let mut place = std::mem::replace(self, Self::Gone);
        while let Self::In(directory, name) = place {
            directory.children.lock().retain(|other, child| **other != *name || child.strong_count() > 0);
            place = match Arc::into_inner(directory) {
                Some(mut directory) => std::mem::replace(directory.place.get_mut(), Self::Gone),
                None => Self::Gone,
            };
        }
    }
}

impl Node {
    /// Looks for itself from the nearest directory above for which the user has a fid.
    ///
    /// # Errors
    /// As [`Self::fid`].
    pub(super) fn reach(&self, user: User) -> Result<Arc<Fid>, Errno> {
        let mut names = Vec::new();
        let mut at: Option<Arc<Self>> = None;
        let start = loop {
            let node = at.as_deref().unwrap_or(self);
            if let Some(fid) = node.fid_of(user) {
                break fid;
            }
            let above = node.place.lock().above();
            match above {
                Some((directory, name)) if names.len() < DEPTH => {
                    names.push(name);
                    at = Some(directory);
                }
                None if matches!(*node.place.lock(), Place::Root) => {
                    let fid = self.shared.attach(user)?;
                    node.adopt(user, Arc::new(fid));
                }
                _ => return Err(Errno::ESTALE),
            }
        };
        if names.is_empty() {
            return Ok(start);
        }
        let (fid, reached) = self.shared.client.walk(&start, names.iter().rev().map(|name| &**name))?;
        if reached.is_none_or(|qid| attributes::number(qid.path) != self.id) {
            return Err(Errno::ESTALE);
        }
        let fid = Arc::new(fid);
        self.adopt(user, Arc::clone(&fid));
        Ok(fid)
    }

    /// It was found under a name. A directory stays where it was found first, until it is moved: so no directory is ever below itself,
    /// whatever a server says.
    pub(super) fn was_seen(&self, directory: &Arc<Self>, name: &[u8]) {
        let old = (self.kind != FileKind::Directory).then(|| {
            let new = Place::In(Arc::clone(directory), Box::from(name));
            std::mem::replace(&mut *self.place.lock(), new)
        });
        drop(old);
    }

    /// A name of this directory is gone, and what it named is nowhere else as far as is known.
    pub(super) fn name_went(&self, name: &[u8]) {
        let child = self.children.lock().remove(name).and_then(|child| child.upgrade());
        let Some(child) = child else { return };
        child.changed();
        let old = {
            let mut place = child.place.lock();
            if !place.is(self, name) {
                return;
            }
            std::mem::replace(&mut *place, Place::Gone)
        };
        drop(old);
        if child.kind == FileKind::Directory || child.last_known().links <= 1 {
            // The server may give its number to another file.
            self.shared.forget(child.id, child.kind, Arc::as_ptr(&child));
        }
    }

    /// A name of this directory has become one of another directory.
    pub(super) fn name_moved(&self, name: &[u8], to: &Self, new_name: &[u8]) {
        to.name_went(new_name);
        let child = self.children.lock().remove(name).and_then(|child| child.upgrade());
        let (Some(child), Some(to)) = (child, to.this.upgrade()) else { return };
        child.changed();
        let place = if to.is_within(&child) {
            // That cannot be, but for a server that tells different files apart by nothing.
            Place::Gone
        } else {
            Place::In(Arc::clone(&to), Box::from(new_name))
        };
        let old = std::mem::replace(&mut *child.place.lock(), place);
        drop(old);
        to.children.lock().insert(Box::from(new_name), Arc::downgrade(&child));
    }

    fn is_within(&self, other: &Self) -> bool {
        let mut at: Option<Arc<Self>> = None;
        loop {
            let node = at.as_deref().unwrap_or(self);
            if std::ptr::eq(node, other) {
                return true;
            }
            let above = node.place.lock().above();
            match above {
                Some((directory, _)) => at = Some(directory),
                None => return false,
            }
        }
    }
}
