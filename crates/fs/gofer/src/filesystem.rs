//! A mounted tree of the gofer.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Weak};

use abi::Errno;
use ninep::Extent;
use ninep::client::{Client, Fid, Server};
use ninep::message::{Thandover, Tstatfs, Tsyncfs, Twalkattr};
use ninep::version::Dialect;
use parking_lot::Mutex;
use rustix::process::{Resource, getrlimit};
use vfs::filesystem::NAMES_KEPT;
use vfs::{Attributes, Device, FileSystem, FileSystemStatistics, InodeRef};

use crate::attributes::{from_wire, statistics};
use crate::handles::Idle;
use crate::inode::{Node, Place};
use crate::listing::Recent;
use crate::watch::{Follow, Watches};

/// Who else changes the files, and so how long what is known stays true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caching {
    /// Nobody: names and attributes are asked for once. For a container's root.
    Exclusive,
    /// Anybody on the host: each look is a question to the host. For bind mounts.
    Shared,
    /// As [`Self::Shared`], and nothing is kept between two uses: no descriptor, no target of a link, no list of attributes.
    Uncached,
}

/// A tree that a gofer leaves to its client.
#[derive(Debug)]
pub struct Handover {
    /// The root: an `O_PATH` descriptor, of a mount that is attached nowhere.
    pub root: OwnedFd,
    /// Whether changes are to be refused.
    pub read_only: bool,
    /// Whose files are whose, as the gofer sees their owners.
    pub users: Vec<Extent>,
    /// As [`Self::users`].
    pub groups: Vec<Extent>,
}

/// A tree of the host as the gofer serves it over one connection.
pub struct GoferFs {
    shared: Arc<Shared>,
    root: Arc<Node>,
}

/// What the inodes of one tree share. It stays as long as any of them, mounted or not.
pub(crate) struct Shared {
    pub(crate) client: Arc<Client>,
    /// It has handed its tree over, and lives as long as the connection.
    _gofer: Option<Arc<Client>>,
    pub(crate) caching: Caching,
    device: Device,
    /// The gofer holds a descriptor for each inode that is known here, and has the limit that this process has.
    names_kept: usize,
    root: (Arc<Fid>, Attributes),
    /// Every inode that somebody holds, by the server's identity: two names of one file are one inode.
    inodes: Mutex<HashMap<u64, Weak<Node>>>,
    /// Inodes with descriptors that nobody has open.
    pub(crate) idle: Idle,
    /// Directories that were listed of late.
    pub(crate) recent: Recent,
    pub(crate) watches: Watches,
    /// Devices that change attributes in place, and others.
    pub(crate) in_place: Mutex<HashMap<u64, bool>>,
    filesystem: Mutex<Weak<GoferFs>>,
}

impl GoferFs {
    /// Takes up the connection to a gofer and attaches to its tree.
    ///
    /// # Errors
    /// `EPROTONOSUPPORT` if the server does not speak the extension, `EIO` if the connection fails, and what the server says.
    pub fn connect(socket: OwnedFd, caching: Caching) -> Result<Arc<Self>, Errno> {
        Self::attach(extended(socket)?, None, caching)
    }

    /// As [`Self::connect`], but the files are worked on here, by the server that `serve` makes for what the gofer hands over. If it hands over
    /// nothing, it serves them.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub fn take_over(
        socket: OwnedFd,
        caching: Caching,
        serve: impl FnOnce(Handover) -> Box<dyn Server>,
    ) -> Result<Arc<Self>, Errno> {
        let gofer = extended(socket)?;
        let root = gofer.attach(b"/")?;
        let request = Thandover { fid: root.number() };
        let told =
            gofer.call_with_descriptor(&request, |reply| (reply.read_only != 0, reply.users, reply.groups));
        drop(root);
        match told {
            Ok(((read_only, users, groups), Some(root))) => {
                let client = Client::of(serve(Handover { root, read_only, users, groups }))?;
                Self::attach(client, Some(gofer), caching)
            }
            Ok((_, None)) => Err(Errno::EIO),
            Err(Errno::EOPNOTSUPP) => Self::attach(gofer, None, caching),
            Err(errno) => Err(errno),
        }
    }

    /// Says who waits for what the host tells of files that are watched. Once; until then nobody hears of it unless something is changed here, too.
    pub fn follow_by(&self, follow: Follow) {
        let _ = self.shared.watches.follow.set(follow);
    }

    fn attach(client: Arc<Client>, gofer: Option<Arc<Client>>, caching: Caching) -> Result<Arc<Self>, Errno> {
        let fid = client.attach(b"/")?;
        let request = Twalkattr { fid: fid.number(), targets: Vec::new() };
        let attr = client.call(&request, |reply| reply.attrs.first().copied())?.ok_or(Errno::EIO)?;
        let descriptors = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
        let shared = Arc::new(Shared {
            client,
            _gofer: gofer,
            caching,
            device: Device::anonymous(),
            names_kept: usize::try_from(descriptors / 4).unwrap_or(usize::MAX).min(NAMES_KEPT),
            root: (Arc::new(fid), from_wire(&attr)?),
            inodes: Mutex::default(),
            idle: Idle::new(usize::try_from(descriptors / 8).unwrap_or(usize::MAX)),
            recent: Recent::default(),
            watches: Watches::default(),
            in_place: Mutex::default(),
            filesystem: Mutex::default(),
        });
        Ok(shared.filesystem())
    }
}

/// A connection to a gofer that speaks the extension.
fn extended(socket: OwnedFd) -> Result<Arc<Client>, Errno> {
    let client = Client::connect(socket)?;
    if client.dialect() == Dialect::Extended { Ok(client) } else { Err(Errno::EPROTONOSUPPORT) }
}

impl Shared {
    /// The filesystem. Made anew if only open files were left of it.
    pub(crate) fn filesystem(self: &Arc<Self>) -> Arc<GoferFs> {
        let mut filesystem = self.filesystem.lock();
        if let Some(filesystem) = filesystem.upgrade() {
            return filesystem;
        }
        let (fid, attributes) = &self.root;
        let (root, _) =
            self.intern(attributes.inode, || Node::new(self, Place::Held(Arc::clone(fid)), *attributes));
        let new = Arc::new(GoferFs { shared: Arc::clone(self), root });
        *filesystem = Arc::downgrade(&new);
        new
    }

    /// The inode with this identity, if somebody holds it.
    pub(crate) fn known(&self, path: u64) -> Option<Arc<Node>> {
        self.inodes.lock().get(&path).and_then(Weak::upgrade)
    }

    /// The inode with this identity: the one that is there already, or what `make` makes; and whether it is new.
    pub(crate) fn intern(&self, path: u64, make: impl FnOnce() -> Arc<Node>) -> (Arc<Node>, bool) {
        let mut inodes = self.inodes.lock();
        if let Some(node) = inodes.get(&path).and_then(Weak::upgrade) {
            return (node, false);
        }
        let node = make();
        inodes.insert(path, Arc::downgrade(&node));
        (node, true)
    }

    /// An inode is gone.
    pub(crate) fn forget(&self, path: u64) {
        let mut inodes = self.inodes.lock();
        // Another one may have taken its place.
        if inodes.get(&path).is_some_and(|node| node.strong_count() == 0) {
            inodes.remove(&path);
        }
    }

    /// These files were touched by a change of names.
    pub(crate) fn touched(&self, files: &[ninep::Qid]) {
        for file in files {
            if let Some(node) = self.known(file.path) {
                node.changed();
            }
        }
    }
}

impl FileSystem for GoferFs {
    fn kind(&self) -> &'static str {
        "9p"
    }

    fn allows_ids(&self) -> bool {
        true
    }

    fn gives_handles(&self) -> bool {
        true
    }

    fn device(&self) -> Device {
        self.shared.device
    }

    fn root(&self) -> InodeRef {
        Arc::clone(&self.root) as InodeRef
    }

    fn statistics(&self) -> Result<FileSystemStatistics, Errno> {
        // What was given up may hold space.
        self.shared.client.flush();
        let fid = self.root.fid()?;
        self.shared.client.call(&Tstatfs { fid: fid.number() }, |reply| statistics(&reply.statfs))
    }

    fn sync(&self) -> Result<(), Errno> {
        let fid = self.root.fid()?;
        self.shared.client.call(&Tsyncfs { fid: fid.number() }, |_| ())
    }

    fn names_kept(&self) -> usize {
        self.shared.names_kept
    }

    fn caches_names(&self) -> bool {
        self.shared.caching == Caching::Exclusive
    }
}
