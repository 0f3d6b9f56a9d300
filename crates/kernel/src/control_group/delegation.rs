//! Who may move whom: delegation, as Documentation/admin-guide/cgroup-v2 has it.

use std::sync::Arc;

use abi::Errno;
use vfs::{Access, Attributes, Credentials, Device, FileKind, Timestamp};

use super::{Group, GroupId, Kept, Tree};

/// Who writes to a file of a group: whoever opened it, then.
#[derive(Clone)]
pub struct Writer {
    /// Who it is.
    pub credentials: Arc<Credentials>,
    /// The root of its cgroup namespace.
    pub root: GroupId,
}

impl Group {
    /// What stat(2) tells of one of its files, or of its directory by an empty name: `mode` if that was never changed.
    #[must_use]
    pub fn attributes(&self, file: &str, kind: FileKind, mode: u32) -> Attributes {
        let plain = Kept { mode, owner: self.owner, times: [self.born; 3] };
        let Kept { mode, owner, times: [accessed, modified, changed] } =
            self.attributes.get(file).copied().unwrap_or(plain);
        let directories = u64::try_from(self.children.len()).unwrap_or(u64::MAX);
        let links = if kind == FileKind::Directory { directories.saturating_add(2) } else { 1 };
        Attributes {
            inode: 0,
            kind,
            mode,
            links,
            owner,
            device: Device::default(),
            size: 0,
            blocks: 0,
            block_size: 4096,
            accessed,
            modified,
            changed,
            born: None,
            flags: None,
        }
    }

    /// Keeps what of them was changed.
    pub fn keep(&mut self, file: &'static str, new: &Attributes) {
        let times: [Timestamp; 3] = [new.accessed, new.modified, new.changed];
        self.attributes.insert(file, Kept { mode: new.mode, owner: new.owner, times });
    }
}

impl Tree {
    /// Whether somebody may move a process from one group to another.
    ///
    /// # Errors
    /// `EACCES` for who may not write to `cgroup.procs` of the closest group above both, `ENOENT` if one of the two lies outside
    /// of its cgroup namespace.
    pub(super) fn may_move(&self, writer: &Writer, from: GroupId, to: GroupId) -> Result<(), Errno> {
        let common = self.upward(from).into_iter().find(|above| self.is_within(to, *above));
        self.may_write(writer, common.ok_or(Errno::ENOENT)?)?;
        let seen = self.is_within(from, writer.root) && self.is_within(to, writer.root);
        if seen { Ok(()) } else { Err(Errno::ENOENT) }
    }

    /// Whether somebody may put processes into a group, by the permissions of its files alone.
    ///
    /// # Errors
    /// `EACCES`.
    pub(super) fn may_write(&self, writer: &Writer, id: GroupId) -> Result<(), Errno> {
        let group = self.group(id).ok_or(Errno::ENODEV)?;
        let attributes = group.attributes("cgroup.procs", FileKind::Regular, 0o644);
        writer.credentials.check(&attributes, Access::WRITE)
    }

    /// Whether a group can take processes.
    ///
    /// # Errors
    /// `EBUSY` if its children have controllers that its own processes would compete with, `EOPNOTSUPP` below a group that competes
    /// with its children.
    pub(super) fn can_host(&self, id: GroupId) -> Result<(), Errno> {
        let group = self.living(id)?;
        if !self.is_valid_domain(id) {
            return Err(Errno::EOPNOTSUPP);
        }
        if self.can_be_thread_root(group) || group.subtree.is_empty() { Ok(()) } else { Err(Errno::EBUSY) }
    }
}
