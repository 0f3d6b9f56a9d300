//! Where a file lies: how a user who has no fid for it gets one.

use std::sync::Arc;

use abi::Errno;
use vfs::FileKind;

use super::{Node, attributes};
use crate::client::Fid;
use crate::filesystem::User;

/// Directories above each other, at most: what a server makes up has an end.
const DEPTH: usize = 1 << 16;

/// Names of one file that are remembered.
const NAMES: usize = 8;

/// A name of a directory.
pub(super) type Name = (Arc<Node>, Box<[u8]>);

/// Where a file lies, as far as it is known.
pub(super) enum Place {
    /// It is the root.
    Root,
    /// Under these names, the last of which is the one to go by; nowhere any more if there are none. A directory has one at most.
    Names(Vec<Name>),
}

impl Place {
    /// Under a name.
    pub(super) fn at(directory: &Arc<Node>, name: &[u8]) -> Self {
        Self::Names(vec![(Arc::clone(directory), Box::from(name))])
    }

    const fn gone() -> Self {
        Self::Names(Vec::new())
    }

    fn above(&self) -> Option<Name> {
        match self {
            Self::Names(names) => names.last().cloned(),
            Self::Root => None,
        }
    }

    fn is_gone(&self) -> bool {
        matches!(self, Self::Names(names) if names.is_empty())
    }

    fn is(&self, directory: &Node, name: &[u8]) -> bool {
        matches!(self, Self::Names(names) if names.iter().any(|(above, own)| std::ptr::eq(&**above, directory) && **own == *name))
    }

    /// Takes a name out, if it is one.
    fn remove(&mut self, directory: &Node, name: &[u8]) -> Option<Name> {
        let Self::Names(names) = self else { return None };
        let at = names.iter().position(|(above, own)| std::ptr::eq(&**above, directory) && **own == *name)?;
        Some(names.remove(at))
    }

    /// Makes a name the one to go by. What is remembered no more is given back.
    fn add(&mut self, name: Name) -> Option<Name> {
        let Self::Names(names) = self else { return Some(name) };
        let old = names
            .iter()
            .position(|(above, own)| Arc::ptr_eq(above, &name.0) && *own == name.1)
            .or((names.len() >= NAMES).then_some(0))
            .map(|at| names.remove(at));
        names.push(name);
        old
    }

    /// The inode ends. Directories that end with it do so one after the other, however deep the tree is.
    pub(super) fn leave(&mut self) {
        let take = |place: &mut Self| match std::mem::replace(place, Self::gone()) {
            Self::Names(names) => names,
            Self::Root => Vec::new(),
        };
        let mut names = take(self);
        while let Some((directory, name)) = names.pop() {
            directory.children.lock().retain(|other, child| **other != *name || child.strong_count() > 0);
            if let Some(mut directory) = Arc::into_inner(directory) {
                names.append(&mut take(directory.place.get_mut()));
            }
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

    /// A file was found under a name of this directory.
    pub(super) fn lies_under(self: &Arc<Self>, name: &[u8], child: &Arc<Self>) {
        // Nothing lies below a file, whatever a server says: else it could lie below itself.
        if self.kind == FileKind::Directory && child.was_seen(self, name) {
            self.children.lock().insert(Box::from(name), Arc::downgrade(child));
        }
    }

    /// It was found under a name. Whether it lies there now: a directory stays where it was found first, until it is moved, so that no
    /// directory is ever below itself, whatever a server says.
    fn was_seen(&self, directory: &Arc<Self>, name: &[u8]) -> bool {
        if self.kind == FileKind::Directory {
            return self.place.lock().is(directory, name);
        }
        let old = self.place.lock().add((Arc::clone(directory), Box::from(name)));
        drop(old);
        true
    }

    /// A name of this directory is gone.
    pub(super) fn name_went(&self, name: &[u8]) {
        let child = self.children.lock().remove(name).and_then(|child| child.upgrade());
        let Some(child) = child else { return };
        child.changed();
        let (old, gone) = {
            let mut place = child.place.lock();
            (place.remove(self, name), place.is_gone())
        };
        if old.is_some() {
            child.forget_fids();
        }
        if gone && (child.kind == FileKind::Directory || child.last_known().links <= 1) {
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
        let old = child.place.lock().remove(self, name);
        // A directory in itself there cannot be, but for a server that tells different ones apart by nothing: it lies nowhere then.
        let lies = !to.is_within(&child);
        let forgotten = match lies {
            true => child.place.lock().add((Arc::clone(&to), Box::from(new_name))),
            false => None,
        };
        drop((old, forgotten));
        child.forget_fids();
        if lies {
            to.children.lock().insert(Box::from(new_name), Arc::downgrade(&child));
        }
    }

    /// It and all below it have another path by now. There are servers that go by the path which a fid was made with: so they are walked to
    /// anew.
    fn forget_fids(&self) {
        let mut below: Vec<Arc<Self>> = self.this.upgrade().into_iter().collect();
        while let Some(node) = below.pop() {
            let fids = std::mem::take(&mut *node.fids.lock());
            drop(fids);
            below.extend(node.children.lock().values().filter_map(std::sync::Weak::upgrade));
        }
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
