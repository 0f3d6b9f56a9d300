//! What requests that make files have in common: what is said of the new file besides.

use abi::Errno;
use vfs::waiting;
use zerocopy::IntoBytes;

use crate::connection::{Connection, Question, Shape};
use crate::wire::{ExtHeader, InitFlags, Opcode, SecctxHeader, SuppGroups, padded};

/// `FUSE_EXT_GROUPS`.
const GROUPS: u32 = 32;

/// The directory in which something is made.
#[derive(Clone, Copy)]
pub(crate) struct Parent {
    /// The server's number for it.
    pub(crate) id: u64,
    /// Whose it is.
    pub(crate) group: u32,
}

impl Connection {
    /// Asks for something to be made.
    ///
    /// # Errors
    /// As [`Connection::ask`].
    pub(super) fn ask_to_make(
        &self,
        opcode: Opcode,
        parent: Parent,
        parts: &[&[u8]],
        shape: Shape,
    ) -> Result<Vec<u8>, Errno> {
        let extension = self.extension(parent.group);
        let body = [&parts.concat(), extension.as_slice()].concat();
        let extension = extension.len();
        self.put(Question { opcode, node: parent.id, asker: self.asker()?, body, shape, extension })
    }

    /// That there are no labels, because there is no security module, and the directory's group if the caller is in it otherwise than by
    /// the group that files would get.
    fn extension(&self, group: u32) -> Vec<u8> {
        let mut extension = Vec::new();
        if self.has(InitFlags::SECURITY_CTX) {
            let size = u32::try_from(size_of::<SecctxHeader>()).unwrap_or(0);
            extension.extend_from_slice(SecctxHeader { size, nr_secctx: 0 }.as_bytes());
        }
        if self.has(InitFlags::CREATE_SUPP_GROUP)
            && let Some(identity) = waiting::identity()
            && identity.credentials.fsgid != group
            && identity.credentials.in_group(group)
            && let Some(told) = self.user.gid_within(group)
        {
            let groups = [SuppGroups { nr_groups: 1 }.as_bytes(), &told.to_le_bytes()].concat();
            let size = padded(size_of::<ExtHeader>().saturating_add(groups.len()));
            let header = ExtHeader { size: u32::try_from(size).unwrap_or(0), kind: GROUPS };
            extension.extend_from_slice(header.as_bytes());
            extension.extend_from_slice(&groups);
        }
        extension
    }
}
