//! Inodes: one file of the host each.

mod knowledge;
mod later;

use std::any::Any;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use abi::Errno;
use ninep::Text;
use ninep::client::Fid;
use ninep::flags::Access;
use ninep::message::{Tchangeattr, Treadlink, Twalkdonate};
use parking_lot::Mutex;
use vfs::filesystem::FileSystemRef;
use vfs::inode::LinkTarget;
use vfs::{
    Acl, AclKind, AttributeChange, Attributes, Credentials, Device, File, FileKind, Inode, InodeRef, Name,
    OpenFlags, Owner, RenameFlags,
};

use crate::attributes::to_wire;
use crate::directory::Directory;
use crate::file::RegularFile;
use crate::filesystem::{Caching, Shared};
use crate::handles::Handles;
use crate::listing::Listing;
use crate::watch;
use knowledge::Known;

/// A file of the host.
pub(crate) struct Node {
    pub(crate) shared: Arc<Shared>,
    fid: OnceLock<Arc<Fid>>,
    /// The directory and name to find it by, if it came from a listing and the server holds it not yet.
    pub(crate) origin: Mutex<Option<Origin>>,
    /// The server's identity of it, and its inode number.
    pub(crate) path: u64,
    kind: FileKind,
    /// Counts what may have changed its attributes.
    changes: AtomicU64,
    /// It was read, which may have moved its access time.
    read: AtomicBool,
    /// The guest has it mapped so that it can change it unseen.
    pub(crate) mapped: AtomicBool,
    known: Mutex<Known>,
    /// Its owner may be another than the one that is known: somebody else may change it, or the guest has.
    owner_unsure: AtomicBool,
    /// So may its mode and owner, as far as they matter to permissions.
    protection_unsure: AtomicBool,
    pub(crate) handles: Mutex<Handles>,
    /// Changes that nobody has waited for.
    sent: Mutex<Option<Arc<later::Sent>>>,
    /// Held by writers that append.
    pub(crate) appending: Mutex<()>,
    /// For a directory: what its listing told of its entries.
    pub(crate) listing: Mutex<Listing>,
    /// Where it was found last, if others may change it.
    pub(crate) seen: Mutex<Option<watch::Place>>,
    pub(crate) watch: Mutex<watch::Watch>,
    usage: vfs::Usage,
}

/// How the server finds a file.
pub(crate) enum Place {
    /// It holds it already.
    Held(Arc<Fid>),
    /// By this name of this directory, which nobody has changed since it was listed.
    Listed(Origin),
}

/// A directory and a name in it.
pub(crate) struct Origin {
    pub(crate) directory: Arc<Node>,
    pub(crate) name: Box<[u8]>,
}

impl Node {
    /// An inode for a file that the server described.
    pub(crate) fn new(shared: &Arc<Shared>, place: Place, attributes: Attributes) -> Arc<Self> {
        let (fid, origin) = match place {
            Place::Held(fid) => (OnceLock::from(fid), None),
            Place::Listed(origin) => (OnceLock::new(), Some(origin)),
        };
        Arc::new(Self {
            shared: Arc::clone(shared),
            fid,
            origin: Mutex::new(origin),
            path: attributes.inode,
            kind: attributes.kind,
            changes: AtomicU64::new(0),
            read: AtomicBool::new(false),
            mapped: AtomicBool::new(false),
            known: Mutex::new(Known::of(attributes)),
            owner_unsure: AtomicBool::new(shared.caching != Caching::Exclusive),
            protection_unsure: AtomicBool::new(shared.caching != Caching::Exclusive),
            handles: Mutex::default(),
            sent: Mutex::default(),
            appending: Mutex::default(),
            listing: Mutex::default(),
            seen: Mutex::default(),
            watch: Mutex::default(),
            usage: vfs::Usage::new(),
        })
    }

    /// What the server calls it. A file from a listing is looked up now.
    ///
    /// # Errors
    /// `ESTALE` if its name leads to another file by now, and as the server says.
    pub(crate) fn fid(&self) -> Result<Arc<Fid>, Errno> {
        if let Some(fid) = self.fid.get() {
            return Ok(Arc::clone(fid));
        }
        let mut origin = self.origin.lock();
        if let Some(fid) = self.fid.get() {
            return Ok(Arc::clone(fid));
        }
        let Origin { directory, name } = origin.as_ref().ok_or(Errno::ESTALE)?;
        let (fid, attr) = directory.walk_one(name)?;
        if attr.qid.path != self.path {
            return Err(Errno::ESTALE);
        }
        let fid = Arc::clone(self.fid.get_or_init(|| Arc::new(fid)));
        *origin = None;
        Ok(fid)
    }

    /// A descriptor of a file from a listing, which is looked up with the same message. Nothing if it is held already, or cannot be had so:
    /// whoever then asks in two steps hears why.
    pub(crate) fn found_and_donated(&self, access: Access) -> Option<OwnedFd> {
        let mut origin = self.origin.lock();
        let Origin { directory, name } = origin.as_ref().filter(|_| !self.is_held())?;
        let client = &self.shared.client;
        let (start, fid) = (directory.fid().ok()?, client.new_fid().ok()?);
        let before = self.changes();
        let request =
            Twalkdonate { fid: start.number(), newfid: fid.number(), name: Text(name), flags: access.bits() };
        let (attr, file) = client.call_with_descriptor(&request, |reply| reply.attr).ok()?;
        let fid = fid.into_held();
        let file = file.filter(|_| attr.qid.path == self.path)?;
        self.hold_as(fid);
        *origin = None;
        drop(origin);
        self.learn(&attr, before);
        Some(file)
    }

    /// The server came to hold it while its name went.
    pub(crate) fn hold_as(&self, fid: Fid) {
        let _ = self.fid.set(Arc::new(fid));
    }

    /// Whether the server holds it.
    pub(crate) fn is_held(&self) -> bool {
        self.fid.get().is_some()
    }

    fn read_target(&self) -> Result<Arc<[u8]>, Errno> {
        let keeps = self.shared.caching != Caching::Uncached;
        if let Some(target) = self.known.lock().target.as_ref().filter(|_| keeps) {
            return Ok(Arc::clone(target));
        }
        let request = Treadlink { fid: self.fid()?.number() };
        let target = self.shared.client.call(&request, |reply| Arc::from(reply.target.0))?;
        if keeps {
            self.known.lock().target = Some(Arc::clone(&target));
        }
        Ok(target)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.shared.forget(self.path);
    }
}

/// Itself, if it is one of this filesystem.
pub(crate) fn ours(inode: &InodeRef) -> Result<&Node, Errno> {
    inode.as_any().downcast_ref::<Node>().ok_or(Errno::EXDEV)
}

impl Inode for Node {
    fn filesystem(&self) -> FileSystemRef {
        self.shared.filesystem() as FileSystemRef
    }

    fn attributes(&self) -> Result<Attributes, Errno> {
        self.settle();
        self.remembered().map_or_else(|| self.ask_attributes(), Ok)
    }

    fn protection(&self) -> Result<Attributes, Errno> {
        self.remembered_protection().map_or_else(|| self.attributes(), Ok)
    }

    fn kind(&self) -> FileKind {
        self.kind
    }

    fn set_attributes(&self, change: &AttributeChange) -> Result<(), Errno> {
        if self.change_later(change)? {
            return Ok(());
        }
        let fid = self.fid()?;
        let since = self.changes();
        let owner = change.uid.is_some() || change.gid.is_some();
        if owner {
            self.owner_unsure.store(true, Ordering::Release);
        }
        if owner || change.mode.is_some() {
            self.protection_changes();
        }
        let request = Tchangeattr { fid: fid.number(), set: to_wire(change) };
        let _own = self.own_change();
        let result = self.shared.client.call(&request, |reply| reply.attr);
        // Even a failed request may have changed something: a size before a mode that was refused. The answer to a
        // successful one counts if nothing else came in between.
        let alone = self.changes_once(since);
        if owner || change.mode.is_some() {
            self.known.lock().acls.mode_changed();
            if !alone {
                self.owner_unsure.fetch_or(owner, Ordering::Release);
                self.protection_changes();
            }
        }
        let attr = result?;
        if alone {
            self.learn(&attr, since.wrapping_add(1));
            if self.shared.caching == Caching::Exclusive {
                // Whoever changes them at the same moment is not alone, and says again that they are not sure.
                self.owner_unsure.store(false, Ordering::Release);
                self.protection_unsure.store(false, Ordering::Release);
            }
        }
        Ok(())
    }

    fn lookup(&self, name: Name<'_>) -> Result<InodeRef, Errno> {
        self.find_many(&[name]).pop().unwrap_or(Err(Errno::ENOENT))
    }

    fn lookup_many(&self, names: &[Name<'_>]) -> Vec<Result<InodeRef, Errno>> {
        self.find_many(names)
    }

    fn create(
        &self,
        name: Name<'_>,
        kind: FileKind,
        mode: u32,
        owner: Owner,
        device: Device,
    ) -> Result<InodeRef, Errno> {
        match kind {
            FileKind::Regular | FileKind::Fifo | FileKind::Socket => self.make(name, kind, mode, owner, b""),
            FileKind::CharacterDevice if device == Device::default() => {
                self.make(name, kind, mode, owner, b"")
            }
            _ => Err(Errno::EPERM),
        }
    }

    fn watch(&self) -> Result<(), Errno> {
        self.begin_watch()
    }

    fn unwatch(&self) {
        self.end_watch();
    }

    fn bind_on_host(
        &self,
        name: Name<'_>,
        kind: u32,
        mode: u32,
        owner: Owner,
    ) -> Result<Option<(InodeRef, OwnedFd)>, Errno> {
        match self.make_socket(name, kind, mode, owner) {
            Ok((inode, socket)) => Ok(Some((inode, socket))),
            Err(Errno::EOPNOTSUPP) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn create_and_open(
        &self,
        name: Name<'_>,
        mode: u32,
        owner: Owner,
        flags: OpenFlags,
        _: &Credentials,
    ) -> Result<(InodeRef, Arc<dyn File>), Errno> {
        let node = self.make_file(name, mode, owner)?;
        let file = RegularFile::open(Arc::clone(&node), flags)?;
        Ok((node, Arc::new(file)))
    }

    fn create_directory(&self, name: Name<'_>, mode: u32, owner: Owner) -> Result<InodeRef, Errno> {
        self.make(name, FileKind::Directory, mode, owner, b"")
    }

    fn create_symlink(&self, name: Name<'_>, target: &[u8], owner: Owner) -> Result<InodeRef, Errno> {
        self.make(name, FileKind::Symlink, 0o777, owner, target)
    }

    fn create_unnamed(&self, mode: u32, owner: Owner) -> Result<InodeRef, Errno> {
        self.make_unnamed(mode, owner).map(|node| node as InodeRef)
    }

    fn link(&self, name: Name<'_>, target: &InodeRef) -> Result<(), Errno> {
        self.link_to(name, ours(target)?)
    }

    fn unlink(&self, name: Name<'_>) -> Result<(), Errno> {
        self.remove_name(name, 0)
    }

    fn remove_directory(&self, name: Name<'_>) -> Result<(), Errno> {
        self.remove_name(name, ninep::flags::REMOVE_DIRECTORY)
    }

    fn rename(
        &self,
        name: Name<'_>,
        to: &InodeRef,
        new_name: Name<'_>,
        flags: RenameFlags,
    ) -> Result<(), Errno> {
        self.move_name(name, ours(to)?, new_name, flags)
    }

    fn read_link(&self, _: &Credentials) -> Result<LinkTarget, Errno> {
        if self.kind != FileKind::Symlink {
            return Err(Errno::EINVAL);
        }
        self.read_target().map(|target| LinkTarget::Path(target.to_vec()))
    }

    fn open(self: Arc<Self>, flags: OpenFlags, _: &Credentials) -> Result<Arc<dyn File>, Errno> {
        match self.kind {
            FileKind::Regular => Ok(Arc::new(RegularFile::open(self, flags)?)),
            FileKind::Directory => Ok(Arc::new(Directory::new(self))),
            _ => Err(Errno::ENXIO),
        }
    }

    fn open_on_host(&self, flags: OpenFlags) -> Result<Option<OwnedFd>, Errno> {
        if self.kind == FileKind::Fifo { self.fifo(flags) } else { Ok(None) }
    }

    fn connect_on_host(&self, kind: u32) -> Result<OwnedFd, Errno> {
        if self.kind == FileKind::Socket { self.connection(kind) } else { Err(Errno::ECONNREFUSED) }
    }

    fn xattr(&self, name: &[u8]) -> Result<Vec<u8>, Errno> {
        self.get_xattr(name)
    }

    fn set_xattr(&self, name: &[u8], value: &[u8], create: bool, replace: bool) -> Result<(), Errno> {
        self.put_xattr(name, value, create, replace)
    }

    fn remove_xattr(&self, name: &[u8]) -> Result<(), Errno> {
        self.delete_xattr(name)
    }

    fn xattr_names(&self) -> Result<Vec<Vec<u8>>, Errno> {
        self.list_xattrs().map(|names| names.to_vec())
    }

    fn acl(&self, kind: AclKind) -> Option<Acl> {
        self.get_acl(kind)
    }

    fn keeps_acls(&self) -> bool {
        true
    }

    fn set_acl(&self, kind: AclKind, acl: Option<&Acl>) -> Result<(), Errno> {
        self.put_acl(kind, acl)
    }

    fn usage(&self) -> Option<&vfs::Usage> {
        Some(&self.usage)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
