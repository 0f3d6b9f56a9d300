//! An inode: what a filesystem offers of one file.

use std::any::Any;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use abi::Errno;

use crate::filesystem::FileSystemRef;
use crate::{
    Access, Acl, AclKind, AttributeChange, Attributes, Credentials, Device, File, FileKind, InodeFlags, Name,
    OpenFlags, Owner, StatusQuery,
};

/// A shared inode.
pub type InodeRef = Arc<dyn Inode>;

bitflags::bitflags! {
    /// Flags of renameat2(2).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct RenameFlags: u32 {
        /// Fail if the new name exists.
        const NOREPLACE = 1;
        /// Exchange the two.
        const EXCHANGE = 2;
        /// Leave a whiteout behind.
        const WHITEOUT = 4;
    }
}

/// Where a symbolic link leads.
#[derive(Clone)]
pub enum LinkTarget {
    /// A path to walk from where the link lies.
    Path(Vec<u8>),
    /// A place, without a path to it, as `/proc/PID/cwd` has. readlink(2) shows its name.
    Place(crate::path::Path),
    /// An open file, as the links in `/proc/PID/fd` have: opening the link opens its file anew where it has a name, and readlink(2) shows
    /// the name or the file's [`File::description`]; without a name, opening it is [`File::reopen`] and stat(2) sees [`File::attributes`].
    Opened(Arc<crate::OpenFile>),
}

/// One file of a filesystem.
///
/// The VFS has checked permissions, names, types (a directory operation reaches only directories) and read-only mounts before it calls.
/// It serialises nothing: an inode locks itself. Every method has the errors of the system call of its name besides those listed.
pub trait Inode: Send + Sync + Any {
    /// The filesystem it belongs to.
    fn filesystem(&self) -> FileSystemRef;

    /// What it is like, for the checks that every operation begins with: as it was known last, where finding out more takes a message.
    ///
    /// # Errors
    /// `EIO`, `ESTALE` when a server lost it.
    fn attributes(&self) -> Result<Attributes, Errno>;

    /// What [`Self::attributes`] reports, but only kind, mode and owner need be as they are now: what a permission depends on.
    ///
    /// # Errors
    /// As [`Self::attributes`].
    fn protection(&self) -> Result<Attributes, Errno> {
        self.attributes()
    }

    /// What stat(2) reports.
    ///
    /// # Errors
    /// As [`Self::attributes`].
    fn status(&self, query: &StatusQuery) -> Result<Attributes, Errno> {
        let _ = query;
        self.attributes()
    }

    /// Its type, which never changes.
    fn kind(&self) -> FileKind;

    /// Changes attributes, and the change time with them.
    ///
    /// # Errors
    /// `EPERM` if the filesystem cannot.
    fn set_attributes(&self, change: &AttributeChange) -> Result<(), Errno>;

    /// The inode of a name in this directory.
    ///
    /// # Errors
    /// `ENOENT`.
    fn lookup(&self, name: Name<'_>) -> Result<InodeRef, Errno> {
        let _ = name;
        Err(Errno::ENOTDIR)
    }

    /// As many of `names` as there are, each in the one before it, until one is missing or is no directory: fewer round trips for
    /// filesystems with a server. The last element is an error if the walk ended with one. Never empty for a non-empty `names`.
    fn lookup_many(&self, names: &[Name<'_>]) -> Vec<Result<InodeRef, Errno>> {
        names.first().map(|name| vec![self.lookup(*name)]).unwrap_or_default()
    }

    /// Makes a regular file (`kind` is `Regular`), a FIFO, a socket or a device node.
    ///
    /// # Errors
    /// `EEXIST`, `EPERM` for kinds that the filesystem does not store.
    fn create(
        &self,
        name: Name<'_>,
        kind: FileKind,
        mode: u32,
        owner: Owner,
        device: Device,
    ) -> Result<InodeRef, Errno> {
        let _ = (name, kind, mode, owner, device);
        Err(Errno::EPERM)
    }

    /// Makes a socket of this type (`SOCK_*`) that is the host's too, bound to this name. Nothing if there are none here: [`Self::create`] then makes the
    /// name.
    ///
    /// # Errors
    /// As [`Self::create`].
    fn bind_on_host(
        &self,
        name: Name<'_>,
        kind: u32,
        mode: u32,
        owner: Owner,
    ) -> Result<Option<(InodeRef, OwnedFd)>, Errno> {
        let _ = (name, kind, mode, owner);
        Ok(None)
    }

    /// Changes the flags that [`Attributes::flags`] told, and the change time.
    ///
    /// # Errors
    /// `EOPNOTSUPP` for one that is not kept here.
    fn set_flags(&self, flags: InodeFlags) -> Result<(), Errno> {
        let _ = flags;
        Err(Errno::EOPNOTSUPP)
    }

    /// Somebody wants to hear of changes that are made past the VFS: until [`Self::unwatch`], [`crate::notify::from_elsewhere`] tells of them, where they
    /// can be heard of. Called once for each who wants to.
    ///
    /// # Errors
    /// `ENOSPC` if too much is watched.
    fn watch(&self) -> Result<(), Errno> {
        Ok(())
    }

    /// Somebody does not want to any more: once for each [`Self::watch`] that succeeded.
    fn unwatch(&self) {}

    /// Makes a regular file and opens it, whatever its mode says: one round trip for filesystems with a server.
    ///
    /// # Errors
    /// As [`Self::create`] and [`Self::open`].
    fn create_and_open(
        &self,
        name: Name<'_>,
        mode: u32,
        owner: Owner,
        flags: OpenFlags,
        credentials: &Credentials,
    ) -> Result<(InodeRef, Arc<dyn File>), Errno> {
        let inode = self.create(name, FileKind::Regular, mode, owner, Device::default())?;
        let file = Arc::clone(&inode).open(flags, credentials)?;
        Ok((inode, file))
    }

    /// Makes a directory.
    ///
    /// # Errors
    /// `EEXIST`.
    fn create_directory(&self, name: Name<'_>, mode: u32, owner: Owner) -> Result<InodeRef, Errno> {
        let _ = (name, mode, owner);
        Err(Errno::EPERM)
    }

    /// Makes a symbolic link.
    ///
    /// # Errors
    /// `EEXIST`.
    fn create_symlink(&self, name: Name<'_>, target: &[u8], owner: Owner) -> Result<InodeRef, Errno> {
        let _ = (name, target, owner);
        Err(Errno::EPERM)
    }

    /// Makes a regular file without a name (`O_TMPFILE`).
    ///
    /// # Errors
    /// `EOPNOTSUPP`.
    fn create_unnamed(&self, mode: u32, owner: Owner) -> Result<InodeRef, Errno> {
        let _ = (mode, owner);
        Err(Errno::EOPNOTSUPP)
    }

    /// Gives an inode of the same filesystem another name.
    ///
    /// # Errors
    /// `EEXIST`, `EPERM`, `EMLINK`.
    fn link(&self, name: Name<'_>, target: &InodeRef) -> Result<(), Errno> {
        let _ = (name, target);
        Err(Errno::EPERM)
    }

    /// Removes the name of something that is no directory.
    ///
    /// # Errors
    /// `ENOENT`, `EISDIR`.
    fn unlink(&self, name: Name<'_>) -> Result<(), Errno> {
        let _ = name;
        Err(Errno::EPERM)
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    /// `ENOENT`, `ENOTDIR`, `ENOTEMPTY`.
    fn remove_directory(&self, name: Name<'_>) -> Result<(), Errno> {
        let _ = name;
        Err(Errno::EPERM)
    }

    /// Moves `name` of this directory to `new_name` of `to`, a directory of the same filesystem. The VFS has excluded cycles and holds
    /// the filesystem's rename lock.
    ///
    /// # Errors
    /// `EINVAL` for flags that the filesystem does not know.
    fn rename(
        &self,
        name: Name<'_>,
        to: &InodeRef,
        new_name: Name<'_>,
        flags: RenameFlags,
    ) -> Result<(), Errno> {
        let _ = (name, to, new_name, flags);
        Err(Errno::EPERM)
    }

    /// Where this symbolic link leads.
    ///
    /// # Errors
    /// `EINVAL` if it is none, `EACCES` for a magic link that the caller may not follow.
    fn read_link(&self, credentials: &Credentials) -> Result<LinkTarget, Errno> {
        let _ = credentials;
        Err(Errno::EINVAL)
    }

    /// Opens a regular file or a directory. Devices, FIFOs and sockets are opened by the VFS's [`crate::special::SpecialFiles`] instead, unless [`Self::opens_itself`].
    ///
    /// # Errors
    /// `ENXIO`, `EIO`.
    fn open(self: Arc<Self>, flags: OpenFlags, credentials: &Credentials) -> Result<Arc<dyn File>, Errno>;

    /// Whether [`Self::open`] opens this inode though it is a device, FIFO or socket.
    fn opens_itself(&self) -> bool {
        false
    }

    /// Opens the host's FIFO that this inode stands for, without waiting: reading or writing. Nothing if it stands for none.
    ///
    /// # Errors
    /// `ENXIO` for writing without readers.
    fn open_on_host(&self, flags: OpenFlags) -> Result<Option<OwnedFd>, Errno> {
        let _ = flags;
        Ok(None)
    }

    /// A connection to the host's socket that this inode stands for, of this type (`SOCK_*`).
    ///
    /// # Errors
    /// `ECONNREFUSED` if it stands for none, and the host's.
    fn connect_on_host(&self, kind: u32) -> Result<OwnedFd, Errno> {
        let _ = kind;
        Err(Errno::ECONNREFUSED)
    }

    /// The value of an extended attribute (full name with its namespace).
    ///
    /// # Errors
    /// `ENODATA`, `EOPNOTSUPP`.
    fn xattr(&self, name: &[u8]) -> Result<Vec<u8>, Errno> {
        let _ = name;
        Err(Errno::EOPNOTSUPP)
    }

    /// Sets an extended attribute; `create` and `replace` are the flags of setxattr(2).
    ///
    /// # Errors
    /// `EEXIST`, `ENODATA`, `ENOSPC`, `EOPNOTSUPP`.
    fn set_xattr(&self, name: &[u8], value: &[u8], create: bool, replace: bool) -> Result<(), Errno> {
        let _ = (name, value, create, replace);
        Err(Errno::EOPNOTSUPP)
    }

    /// Removes an extended attribute.
    ///
    /// # Errors
    /// `ENODATA`, `EOPNOTSUPP`.
    fn remove_xattr(&self, name: &[u8]) -> Result<(), Errno> {
        let _ = name;
        Err(Errno::EOPNOTSUPP)
    }

    /// The names of all extended attributes.
    ///
    /// # Errors
    /// `EIO`.
    fn xattr_names(&self) -> Result<Vec<Vec<u8>>, Errno> {
        Ok(Vec::new())
    }

    /// An access control list, if it has one.
    fn acl(&self, kind: AclKind) -> Option<Acl> {
        let _ = kind;
        None
    }

    /// Whether the filesystem keeps access control lists.
    fn keeps_acls(&self) -> bool {
        false
    }

    /// Whether a server sees to what access control lists do to modes and to new files. Otherwise the VFS does.
    fn server_applies_acls(&self) -> bool {
        false
    }

    /// An access control list as getxattr(2) tells it.
    ///
    /// # Errors
    /// `EOPNOTSUPP` if the filesystem keeps none, and a server's.
    fn told_acl(&self, kind: AclKind) -> Result<Option<Acl>, Errno> {
        if self.keeps_acls() { Ok(self.acl(kind)) } else { Err(Errno::EOPNOTSUPP) }
    }

    /// The mode of a new file in this directory without a default list, when `mode` was asked for.
    fn masked(&self, mode: u32, umask: u32) -> u32 {
        mode & !umask
    }

    /// Whether a server takes set-ID bits and file capabilities away from what is written.
    fn server_sheds_privileges(&self) -> bool {
        false
    }

    /// Takes set-ID bits away because somebody has written who may not keep them: `mode` is left, by what is known.
    ///
    /// # Errors
    /// As [`Self::set_attributes`].
    fn shed_set_ids(&self, mode: u32) -> Result<(), Errno> {
        self.set_attributes(&AttributeChange { mode: Some(mode), ..Default::default() })
    }

    /// Sets or removes an access control list. The mode is the VFS's to change with it, unless [`Self::server_applies_acls`].
    ///
    /// # Errors
    /// `ENOSPC`, `EOPNOTSUPP`.
    fn set_acl(&self, kind: AclKind, acl: Option<&Acl>) -> Result<(), Errno> {
        let _ = (kind, acl);
        Err(Errno::EOPNOTSUPP)
    }

    /// Whether a caller may access it so, where that is not to be decided by mode, access control list and capabilities alone. `asked` if
    /// that is all the caller wants to know (access(2)) or it is about to stay there (chdir(2)).
    fn permission(
        &self,
        credentials: &Credentials,
        access: Access,
        asked: bool,
    ) -> Option<Result<(), Errno>> {
        let _ = (credentials, access, asked);
        None
    }

    /// Whether it is a directory that never has names of its own, and is there for others to be mounted upon.
    fn is_for_mounts(&self) -> bool {
        false
    }

    /// Whether mode, owner and times may be changed by whom the owner's rights do not let, because its server decides that.
    fn lets_server_decide(&self) -> bool {
        false
    }

    /// Whether [`Self::open`] cuts the file for `O_TRUNC` itself.
    fn cuts_itself(&self) -> bool {
        false
    }

    /// It was read through a mount that keeps access times: always if `strict`, else as far as the other times make it interesting
    /// (`relatime`). Nothing to do for filesystems whose storage keeps them.
    fn accessed(&self, strict: bool) {
        let _ = strict;
    }

    /// Who has its content in use, if that is counted: without, nothing keeps writers and programs apart, and there are no leases.
    fn usage(&self) -> Option<&crate::Usage> {
        None
    }

    /// Itself, for a filesystem to recognise its own.
    fn as_any(&self) -> &dyn Any;
}
