//! Files of the host, through the gofer: a container's root and its bind mounts.
//!
//! Names and attributes travel as messages ([`ninep`]). Contents do not: an open regular file's host descriptor is donated by the gofer,
//! shared by everybody who has the file open, and read, written, mapped and synced here. So the host's page cache is the
//! only one, and what the sentry knows of a file is at most a copy of what the host knows.
//!
//! What is known is kept as long as nothing can have changed it ([`Caching`]). Every change through this filesystem marks the
//! files it touched, and what is asked next about them comes from the host again.
//!
//! A gofer may also leave its tree to the sentry altogether ([`GoferFs::take_over`], `--directfs`): the same messages then go to a server in the sentry
//! itself, and an exchange costs a call of a function.
//!
//! Host calls made here, for the sentry's filter: on the connection `sendmsg`, `recvmsg`; on donated descriptors `pread64`, `pwrite64`,
//! `pwritev2` (appending), `statx`, `lseek`, `fallocate`, `fsync`, `fdatasync`, `close`; on the one for events `read`.
#![forbid(unsafe_code)]

mod acl;
mod attributes;
mod change;
mod direct;
mod directory;
mod file;
mod filesystem;
mod handles;
mod inode;
mod listing;
mod lookup;
mod names;
mod special;
mod watch;
mod xattrs;

pub use attributes::{from_wire, statistics, to_wire};
pub use filesystem::{Caching, GoferFs, Handover};
pub use watch::{Follow, Kept};
