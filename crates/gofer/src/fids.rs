//! The files that a client holds.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use abi::Errno;
use ninep::flags::Access;

use crate::node::Node;

/// How many fids one connection can have.
const MOST: usize = 1 << 18;
/// How many bytes of extended attributes one connection can have in the making.
pub(crate) const MOST_XATTR: usize = 64 << 10;

/// A directory entry that a fid was reached by, kept for the requests that move or remove a file by its fid.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) parent: Arc<Node>,
    pub(crate) name: Box<[u8]>,
}

/// A file as a client holds it.
#[derive(Debug)]
pub(crate) struct Fid {
    pub(crate) node: Arc<Node>,
    pub(crate) origin: Option<Origin>,
    pub(crate) state: State,
}

/// What a fid can be used for.
#[derive(Debug)]
pub(crate) enum State {
    /// To walk from, and to ask.
    Walked,
    /// An open regular file.
    File(OwnedFd, Access),
    /// An open directory.
    Directory(Listing),
    /// The value of an extended attribute, or the list of names.
    Value(Vec<u8>),
    /// An extended attribute that is being written.
    NewValue(NewValue),
}

/// An open directory and the position its next entries come from.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) fd: OwnedFd,
    pub(crate) position: Option<u64>,
}

/// An extended attribute that takes effect when its fid is clunked.
#[derive(Debug)]
pub(crate) struct NewValue {
    pub(crate) name: Box<[u8]>,
    pub(crate) flags: u32,
    pub(crate) size: usize,
    pub(crate) value: Vec<u8>,
}

impl Fid {
    /// A fid that nothing was done with.
    pub(crate) const fn walked(node: Arc<Node>) -> Self {
        Self { node, origin: None, state: State::Walked }
    }
}

/// All fids of a connection.
#[derive(Debug, Default)]
pub(crate) struct Fids(HashMap<u32, Fid>);

impl Fids {
    /// The file of this fid.
    ///
    /// # Errors
    /// `EBADF`.
    pub(crate) fn get(&self, fid: u32) -> Result<&Fid, Errno> {
        self.0.get(&fid).ok_or(Errno::EBADF)
    }

    /// As [`Self::get`], to change it.
    ///
    /// # Errors
    /// `EBADF`.
    pub(crate) fn get_mut(&mut self, fid: u32) -> Result<&mut Fid, Errno> {
        self.0.get_mut(&fid).ok_or(Errno::EBADF)
    }

    /// The inode of this fid.
    ///
    /// # Errors
    /// `EBADF`.
    pub(crate) fn node(&self, fid: u32) -> Result<Arc<Node>, Errno> {
        self.get(fid).map(|fid| Arc::clone(&fid.node))
    }

    /// The inode of this fid, which must be a directory.
    ///
    /// # Errors
    /// `EBADF`, `ENOTDIR`.
    pub(crate) fn directory(&self, fid: u32) -> Result<Arc<Node>, Errno> {
        let node = self.node(fid)?;
        if node.is_directory() { Ok(node) } else { Err(Errno::ENOTDIR) }
    }

    /// Checks that this many new fids have room, and that none of them is in use or the one that stands for none.
    ///
    /// # Errors
    /// `EBADF` for a number in use or reserved, `ENFILE`.
    pub(crate) fn check_new(&self, new: impl IntoIterator<Item = u32>) -> Result<(), Errno> {
        let mut count = self.0.len();
        for fid in new {
            if fid == ninep::NO_FID || self.0.contains_key(&fid) {
                return Err(Errno::EBADF);
            }
            count += 1;
        }
        if count > MOST { Err(Errno::ENFILE) } else { Ok(()) }
    }

    /// Adds a fid that was checked.
    pub(crate) fn insert(&mut self, number: u32, fid: Fid) {
        self.0.insert(number, fid);
    }

    /// Takes a fid out.
    ///
    /// # Errors
    /// `EBADF`.
    pub(crate) fn remove(&mut self, fid: u32) -> Result<Fid, Errno> {
        self.0.remove(&fid).ok_or(Errno::EBADF)
    }

    /// Forgets them all, as a new version request does.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}
