//! `mount -t 9p`: filesystems of servers that somebody else runs, mostly processes of the sandbox, over a connection that a guest has.
//!
//! What the container's own files come through ([`gofer_fs`]) is another client: its server is this project's, speaks the extension and lends
//! descriptors of the host. Here the server is anybody, speaks plain 9P2000.L and may lie: lengths and types are checked where a reply comes
//! in, names where entries are listed, and a server that answers nonsense, late or not at all harms those who use its mount and nobody else.
//! See `docs/decisions/0016-two-clients-of-9p.md`.
//!
//! Whoever uses the mount waits for replies on the thread that carries the call ([`vfs::waiting`]), so nothing here holds a lock while it asks.
//!
//! | module | holds |
//! |---|---|
//! | `options` | what can be said when mounting |
//! | `client` | requests on their way over two files of a guest |
//! | `filesystem` | a mount: its users and inodes |
//! | `node` | inodes |
//! | `file` | open files and directories, what is mapped of them, locks |
#![forbid(unsafe_code)]

mod client;
mod file;
mod filesystem;
mod node;
mod options;
#[cfg(test)]
mod tests;

pub use filesystem::{Connection, mount};
pub use options::{Options, Transport};
