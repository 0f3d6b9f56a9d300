//! When set-ID bits and file capabilities vanish: chown(2), write(2), truncate(2), chmod(2).

use super::change::drop_file_capabilities;
use crate::caller::Caller;
use crate::{Attributes, Capability, Credentials, FileKind, OpenFile};

const SETUID: u32 = 0o4000;
const SETGID: u32 = 0o2000;
const GROUP_EXECUTE: u32 = 0o010;

/// The mode that is left of a file's once somebody else may have changed what it contains; nothing if it stays.
#[must_use]
pub fn mode_after_write(credentials: &Credentials, attributes: &Attributes) -> Option<u32> {
    let privileged = credentials.has(Capability::Fsetid);
    if privileged || attributes.kind != FileKind::Regular || attributes.mode & (SETUID | SETGID) == 0 {
        return None;
    }
    let mode = without_set_ids(credentials, attributes);
    (mode != attributes.mode).then_some(mode)
}

/// The mode without set-user-ID, and without set-group-ID where that means execution or the caller is not in the group.
/// (Without group execution the bit once meant mandatory locking.)
pub(super) fn without_set_ids(credentials: &Credentials, attributes: &Attributes) -> u32 {
    let mode = attributes.mode & !SETUID;
    let trusted =
        credentials.in_group(attributes.owner.gid) || credentials.has_over(Capability::Fsetid, attributes);
    if mode & GROUP_EXECUTE != 0 || !trusted { mode & !SETGID } else { mode }
}

impl Caller<'_> {
    /// The mode that the caller's chmod(2) leads to: set-group-ID only for members of the group.
    pub(super) fn permitted_mode(&self, attributes: &Attributes, mode: u32) -> u32 {
        let mode = mode & 0o7777;
        let credentials = self.credentials;
        if credentials.in_group(attributes.owner.gid) || credentials.has_over(Capability::Fsetid, attributes)
        {
            mode
        } else {
            mode & !SETGID
        }
    }

    /// As [`mode_after_write`], for the caller.
    pub(super) fn mode_after_write(&self, attributes: &Attributes) -> Option<u32> {
        mode_after_write(self.credentials, attributes)
    }
}

/// A description is about to write: set-ID bits and file capabilities of a regular file go, as far as whoever opened it may
/// not keep them. The capabilities are looked for at the first write of each description only.
pub(crate) fn shed_privileges(file: &OpenFile, first: bool) {
    if !first && file.credentials.has(Capability::Fsetid) {
        return;
    }
    let Some(path) = &file.path else { return };
    let inode = path.dentry.inode_ref();
    if inode.kind() != FileKind::Regular || inode.server_sheds_privileges() {
        return;
    }
    let Ok(attributes) = path.protection() else { return };
    if let Some(mode) = mode_after_write(&file.credentials, &attributes) {
        // The write goes on if the filesystem cannot change modes: then it has none that mean anything.
        let _ = inode.shed_set_ids(mode);
    }
    if first && attributes.mode & 0o111 != 0 {
        drop_file_capabilities(inode);
    }
}
