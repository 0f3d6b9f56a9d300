//! What fstat(2) shows of an anonymous inode.

use vfs::{Attributes, Device, FileKind, Owner, Timestamp};

/// The one inode that all anonymous files share in Linux: no type, mode 0600, root's.
#[must_use]
pub fn attributes() -> Attributes {
    Attributes {
        inode: 1,
        kind: FileKind::Anonymous,
        mode: 0o600,
        links: 1,
        owner: Owner::default(),
        device: Device::default(),
        size: 0,
        blocks: 0,
        block_size: 4096,
        accessed: Timestamp::default(),
        modified: Timestamp::default(),
        changed: Timestamp::default(),
        born: None,
        flags: None,
    }
}
