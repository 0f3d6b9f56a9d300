//! The virtual filesystem: what a filesystem, a file and a readiness are to the kernel.
//!
//! As in Linux there are inodes ([`Inode`]), names for them ([`Dentry`]), trees of them ([`Mount`]) and open file
//! descriptions ([`OpenFile`]). Filesystems implement [`FileSystem`], [`Inode`] and [`File`].
//!
//! Nothing in this crate waits. An operation that cannot finish fails with `EAGAIN`, and the file's [`WaitQueue`]
//! tells when it is worth trying again; waiting itself is the system call layer's.
#![forbid(unsafe_code)]

pub mod attributes;
pub mod credentials;
pub mod dentry;
pub mod fd_table;
pub mod file;
pub mod filesystem;
pub mod inode;
pub mod io;
pub mod mount;
pub mod name;
pub mod open_file;
pub mod open_flags;
pub mod path;
pub mod special;
pub mod wait;

pub use attributes::{AttributeChange, Attributes, Device, FileKind, Owner, TimeChange, Timestamp};
pub use credentials::{Access, Capability, CapabilitySet, Credentials};
pub use fd_table::{Fd, FdTable};
pub use file::{DirectoryEntry, DirectorySink, File, IoctlContext, MapSource, Seek, TerminalId};
pub use filesystem::{FileSystem, FileSystemStatistics};
pub use inode::{Inode, InodeRef, RenameFlags};
pub use io::{Sink, Source};
pub use name::Name;
pub use open_file::OpenFile;
pub use open_flags::OpenFlags;
pub use wait::{Events, Listener, Registration, WaitQueue};
