//! One mount as one client sees it, and what its requests have in common.

use std::collections::HashSet;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use abi::Errno;
use ninep::frame::append_with;
use ninep::message::{Message, Rlerror};
use ninep::version::Dialect;
use ninep::{Attr, Malformed, Writer};
use rustix::thread::CapabilitySet;
use serde::{Deserialize, Serialize};

use crate::fids::Fids;
use crate::identity::Identities;
use crate::ids::Ids;
use crate::node::{Links, Node};

/// A tree of the host's files, and what may be done with it.
#[derive(Debug)]
pub struct Tree {
    /// The root: a directory, or the one file of a bind mount of a file. An `O_PATH` descriptor will do.
    pub root: OwnedFd,
    /// Whether changes are refused.
    pub read_only: bool,
    /// Whose files are whose.
    pub ids: Ids,
}

impl Tree {
    /// The same tree by another descriptor of its root.
    pub(crate) fn by(&self, root: OwnedFd) -> Self {
        Self { root, read_only: self.read_only, ids: self.ids.clone() }
    }
}

/// What of the host may be reached through what lies in a tree, beyond files (`--host-uds`, `--host-fifo`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// Sockets can be connected to.
    pub sockets: bool,
    /// Sockets can be made, for the host to connect to.
    pub binds: bool,
    /// FIFOs can be opened.
    pub fifos: bool,
}

/// What a connection knows.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) root: Option<OwnedFd>,
    pub(crate) root_node: Option<Arc<Node>>,
    pub(crate) read_only: bool,
    pub(crate) links: Links,
    /// What else it may reach.
    pub(crate) reach: Reach,
    /// Whether the client may have the root itself.
    pub(crate) hands_over: bool,
    /// Whether files can be given owners. Without the capability they stay this process's.
    pub(crate) chown: bool,
    /// What was agreed on; nothing before the version request.
    pub(crate) dialect: Option<Dialect>,
    /// The largest message, in bytes.
    pub(crate) message_size: u32,
    pub(crate) fids: Fids,
    pub(crate) identities: Identities,
    /// Where the host tells of what is watched, from the first watch on.
    pub(crate) events: Option<OwnedFd>,
    /// The watches that the client has.
    pub(crate) watched: HashSet<i32>,
}

/// Whether this thread may change the owners of files.
pub(crate) fn may_chown() -> bool {
    rustix::thread::capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::CHOWN))
}

impl Session {
    pub(crate) fn new(tree: Tree, links: Links, chown: bool) -> Self {
        let Tree { root, read_only, ids } = tree;
        Self {
            root: Some(root),
            root_node: None,
            read_only,
            links,
            reach: Reach::default(),
            hands_over: false,
            chown,
            dialect: None,
            message_size: ninep::version::SMALLEST_SIZE,
            fids: Fids::default(),
            identities: Identities::new(ids),
            events: None,
            watched: HashSet::new(),
        }
    }

    /// Refuses changes on a read-only mount.
    ///
    /// # Errors
    /// `EROFS`.
    pub(crate) const fn changes(&self) -> Result<(), Errno> {
        if self.read_only { Err(Errno::EROFS) } else { Ok(()) }
    }

    /// How many bytes of data fit in a reply with this many bytes besides it.
    pub(crate) fn room(&self, asked: u32, besides: usize) -> u32 {
        let overhead = u32::try_from(ninep::frame::HEADER + size_of::<u32>() + besides).unwrap_or(u32::MAX);
        asked.min(self.message_size.saturating_sub(overhead))
    }

    pub(crate) fn attr(&mut self, node: &Node) -> Result<Attr, Errno> {
        let stat = node.stat()?;
        Ok(self.identities.attr(&stat))
    }
}

/// Takes the reply to one request.
pub(crate) struct Answer<'b> {
    buffer: &'b mut Vec<u8>,
    tag: u16,
    /// A descriptor that goes with it.
    pub(crate) donated: Option<OwnedFd>,
}

/// Why a reply could not be made: what the host said, or what the wire cannot carry.
struct Failed(Errno);

impl From<Malformed> for Failed {
    fn from(_: Malformed) -> Self {
        Self(Errno::EMSGSIZE)
    }
}

impl<'b> Answer<'b> {
    pub(crate) const fn new(buffer: &'b mut Vec<u8>, tag: u16) -> Self {
        Self { buffer, tag, donated: None }
    }

    /// Sends this reply.
    ///
    /// # Errors
    /// `EMSGSIZE` if it does not fit the wire.
    pub(crate) fn reply<'a, M: Message<'a>>(&mut self, message: &M) -> Result<(), Errno> {
        self.with::<M>(|writer| {
            message.put(writer);
            Ok(())
        })
    }

    /// Sends a reply of this kind with fields written by `fill`.
    ///
    /// # Errors
    /// What `fill` fails with; nothing is sent then.
    pub(crate) fn with<'a, M: Message<'a>>(
        &mut self,
        fill: impl FnOnce(&mut Writer<'_>) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        append_with(self.buffer, self.tag, |writer| fill(writer).map(|()| M::TYPE).map_err(Failed))
            .map_err(|failed| failed.0)
    }

    /// Sends an error.
    pub(crate) fn error(&mut self, errno: Errno) -> Result<(), Errno> {
        self.reply(&Rlerror { ecode: errno.raw().unsigned_abs() })
    }
}
