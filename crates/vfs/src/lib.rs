//! The virtual filesystem: what a filesystem, a file and a readiness are to the kernel.
//!
//! As in Linux there are inodes ([`Inode`]), names for them ([`Dentry`]), trees of them ([`Mount`]) and open file
//! descriptions ([`OpenFile`]). Filesystems implement [`FileSystem`], [`Inode`] and [`File`].
//!
//! Nothing in this crate waits, but for operations of filesystems whose server is a process of the sandbox ([`waiting`]). An operation that cannot finish fails with `EAGAIN`, and the file's [`WaitQueue`]
//! tells when it is worth trying again; waiting itself is the system call layer's.
#![forbid(unsafe_code)]

pub mod acl;
pub mod attributes;
pub mod caller;
pub mod credentials;
pub mod dentry;
mod dentry_cache;
pub mod fd_table;
pub mod file;
pub mod file_handle;
pub mod filesystem;
pub mod filesystem_type;
pub mod inode;
pub mod inode_flags;
pub mod io;
pub mod lease;
pub mod locks;
pub mod mount;
mod mount_attach;
mod mount_detach;
pub mod mount_flags;
pub mod mount_ids;
pub mod mount_list;
pub mod mount_namespace;
pub mod mount_tree;
pub mod name;
pub mod notify;
pub mod open_file;
pub mod open_flags;
pub mod ops;
pub mod path;
pub mod path_name;
pub mod propagation;
pub mod resolve;
pub mod scratch;
pub mod special;
pub mod superblock;
pub mod terminal;
pub mod usage;
pub mod user;
pub mod wait;
pub mod waiting;
pub mod walk;
mod walk_ahead;

pub use acl::{Acl, AclKind};
pub use attributes::{
    AttributeChange, Attributes, Device, FileKind, Freshness, Owner, StatusQuery, TimeChange, Timestamp,
};
pub use caller::{At, Base, Caller, Found};
pub use credentials::{Access, Capability, CapabilitySet, Credentials};
pub use dentry::Dentry;
pub use fd_table::{Fd, FdTable};
pub use file::{DirectoryEntry, DirectorySink, File, IoctlContext, MapSource, Seek};
pub use filesystem::{FileSystem, FileSystemStatistics};
pub use filesystem_type::{FileSystemType, MountOption, MountRequest};
pub use inode::{Inode, InodeRef, LinkTarget, RenameFlags};
pub use inode_flags::InodeFlags;
pub use io::{Sink, Source};
pub use mount::Mount;
pub use mount_flags::{MountFlags, MountLocks};
pub use mount_ids::MountIds;
pub use mount_list::MountRecord;
pub use mount_namespace::MountNamespace;
pub use name::Name;
pub use open_file::OpenFile;
pub use open_flags::OpenFlags;
pub use ops::open_how::OpenHow;
pub use ops::{OwnerChange, Status, UnmountFlags, XattrMode};
pub use path::Path;
pub use propagation::{Propagation, PropagationType};
pub use resolve::{AtFlags, Lookup, Resolve};
pub use special::SpecialFiles;
pub use superblock::SuperBlock;
pub use terminal::{Terminal, TerminalId};
pub use usage::Usage;
pub use user::UserNamespace;
pub use wait::{Events, Listener, Registration, WaitQueue};
