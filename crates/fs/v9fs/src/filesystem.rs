//! A mounted filesystem: its users, and its inodes.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use abi::Errno;
use ninep::flags::GetAttr;
use ninep::message::{Tattach, Tgetattr, Tstatfs};
use ninep::{NO_FID, NO_UID, Text};
use parking_lot::Mutex;
use vfs::filesystem::FileSystemRef;
use vfs::{
    Attributes, Device, FileKind, FileSystem, FileSystemStatistics, InodeRef, OpenFile, SuperBlock,
    UserNamespace, waiting,
};

use crate::client::{Client, Fid, Transport};
use crate::node::{Node, attributes};
use crate::options::{Access, Options};

/// What a mount is made of.
pub struct Connection {
    /// Where replies come from.
    pub reading: Arc<OpenFile>,
    /// Where requests go to; may be the same.
    pub writing: Arc<OpenFile>,
    /// What the machine is called to which locks belong.
    pub node_name: Vec<u8>,
}

/// Mounts the tree of a server.
///
/// # Errors
/// `EIO` for files that no connection can be made of or if it fails, `EREMOTEIO` for a server of another dialect, `EINTR` for a caller that is
/// killed, and what the server says.
pub fn mount(connection: Connection, options: Options) -> Result<Arc<SuperBlock>, Errno> {
    let Connection { reading, writing, node_name } = connection;
    let client = Client::connect(|queue| Transport::new(reading, writing, queue), options.message_size)?;
    let fid = attach(&client, &options, User::MOUNT)?;
    let attributes = ask(&client, &fid)?;
    if attributes.kind != FileKind::Directory {
        return Err(Errno::ENOTDIR);
    }
    let shared = Arc::new(Shared {
        client,
        options,
        node_name: Arc::from(node_name),
        device: Device::anonymous(),
        root: (Arc::new(fid), attributes),
        nodes: Mutex::default(),
        filesystem: Mutex::default(),
    });
    Ok(SuperBlock::of(shared.filesystem(), UserNamespace::initial()))
}

/// What a server says that a file is like.
///
/// # Errors
/// `EIO` for what no file is like, and as [`Client::call`].
pub(crate) fn ask(client: &Client, fid: &Fid) -> Result<Attributes, Errno> {
    let request = Tgetattr { fid: fid.number(), mask: GetAttr::BASIC.bits() };
    attributes::from_wire(&client.call(&request, |reply| reply.attr)?)
}

/// The root of the tree for a user.
///
/// # Errors
/// `EPERM` for one whom the mount is not for, and what the server says.
fn attach(client: &Arc<Client>, options: &Options, user: User) -> Result<Fid, Errno> {
    let mounts = user == User::MOUNT;
    if let Access::Single(only) = options.access
        && !mounts
        && user.0 != only
    {
        return Err(Errno::EPERM);
    }
    // As Linux has it: with `access=user` numbers alone say who it is.
    let named = mounts || options.access != Access::User;
    let uname = if named { &*options.user } else { &[] };
    let request =
        |fid| Tattach { fid, afid: NO_FID, uname: Text(uname), aname: Text(&options.tree), n_uname: user.0 };
    client.make(request, |_| ()).map(|(fid, ())| fid)
}

/// A filesystem as the VFS has it mounted.
pub(crate) struct NinepFs {
    shared: Arc<Shared>,
    root: Arc<Node>,
}

/// Whose fid it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct User(pub(crate) u32);

impl User {
    /// Whoever mounted: for what is done on nobody's behalf, and for all with `access=any`.
    pub(crate) const MOUNT: Self = Self(NO_UID);
}

/// What its inodes share: it stays as long as any of them.
pub(crate) struct Shared {
    pub(crate) client: Arc<Client>,
    pub(crate) options: Options,
    /// What the server is told that locks belong to.
    pub(crate) node_name: Arc<[u8]>,
    device: Device,
    root: (Arc<Fid>, Attributes),
    /// Every inode that somebody holds, by the server's number and the type: two names of one file are one inode.
    nodes: Mutex<HashMap<(u64, FileKind), Weak<Node>>>,
    filesystem: Mutex<Weak<NinepFs>>,
}

impl Shared {
    /// As whom the server is to see the calling thread.
    pub(crate) fn user(&self) -> User {
        match self.options.access {
            Access::Any => User::MOUNT,
            Access::Client | Access::User | Access::Single(_) => {
                waiting::identity().map_or(User::MOUNT, |identity| User(identity.credentials.fsuid))
            }
        }
    }

    /// The root of the tree for a user.
    ///
    /// # Errors
    /// `EPERM` for one whom the mount is not for, and what the server says.
    pub(crate) fn attach(&self, user: User) -> Result<Fid, Errno> {
        attach(&self.client, &self.options, user)
    }

    /// The inode of this number and type: the one that is there, or what `make` makes.
    pub(crate) fn intern(&self, id: u64, kind: FileKind, make: impl FnOnce() -> Arc<Node>) -> Arc<Node> {
        let mut nodes = self.nodes.lock();
        if let Some(node) = nodes.get(&(id, kind)).and_then(Weak::upgrade) {
            return node;
        }
        let node = make();
        nodes.insert((id, kind), Arc::downgrade(&node));
        node
    }

    /// An inode is gone, or its number may mean another file from now on.
    pub(crate) fn forget(&self, id: u64, kind: FileKind, node: *const Node) {
        let mut nodes = self.nodes.lock();
        // Another one may have taken its place.
        if nodes.get(&(id, kind)).is_some_and(|known| known.as_ptr() == node) {
            nodes.remove(&(id, kind));
        }
    }

    /// The filesystem. Made anew if only open files were left of it.
    pub(crate) fn filesystem(self: &Arc<Self>) -> FileSystemRef {
        let mut filesystem = self.filesystem.lock();
        if let Some(filesystem) = filesystem.upgrade() {
            return filesystem;
        }
        let (fid, attributes) = &self.root;
        let root = self.intern(attributes.inode, attributes.kind, || Node::root(self, fid, *attributes));
        let new = Arc::new(NinepFs { shared: Arc::clone(self), root });
        *filesystem = Arc::downgrade(&new);
        new
    }
}

impl FileSystem for NinepFs {
    fn kind(&self) -> &'static str {
        "9p"
    }

    fn device(&self) -> Device {
        self.shared.device
    }

    fn root(&self) -> InodeRef {
        Arc::clone(&self.root) as InodeRef
    }

    fn statistics(&self) -> Result<FileSystemStatistics, Errno> {
        let fid = self.root.fid()?;
        self.shared.client.call(&Tstatfs { fid: fid.number() }, |reply| gofer_fs::statistics(&reply.statfs))
    }

    fn sync(&self) -> Result<(), Errno> {
        let nodes: Vec<Arc<Node>> = self.shared.nodes.lock().values().filter_map(Weak::upgrade).collect();
        nodes.iter().try_for_each(|node| node.write_back())
    }

    fn options(&self) -> String {
        self.shared.options.shown(self.shared.client.message_size())
    }

    fn caches_names(&self) -> bool {
        self.shared.options.cache.keeps_names()
    }
}
