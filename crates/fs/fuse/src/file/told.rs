//! What the server was told of an open file: at the end of this it is told that the file is closed.

use std::sync::Arc;

use parking_lot::Mutex;
use vfs::OpenFlags;

use super::handle::wire_flags;
use crate::node::Node;

/// An open file as the server knows it. Whatever was asked on its behalf holds it, so that its end comes last.
pub(crate) struct Told {
    pub(crate) node: Arc<Node>,
    /// The server's number for it.
    pub(crate) number: u64,
    /// How it was opened.
    pub(crate) opened: OpenFlags,
    /// Whether the server knows of it at all.
    pub(crate) known: bool,
    /// Whose flock(2) lock goes with it.
    pub(super) locked: Mutex<Option<u64>>,
}

impl Told {
    /// The flags of open(2) as requests carry them.
    pub(crate) fn open_flags(&self) -> u32 {
        wire_flags(
            self.opened.difference(OpenFlags::CREAT | OpenFlags::EXCL | OpenFlags::NOCTTY | OpenFlags::TRUNC),
        )
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        let directory = self.node.is_directory();
        if self.known && self.node.shared.connection.opens(directory) {
            let locked = self.locked.get_mut().take();
            let flags = self.open_flags();
            let node = Arc::clone(&self.node);
            self.node.shared.connection.release(self.node.id, (self.number, flags), directory, locked, node);
        }
    }
}
