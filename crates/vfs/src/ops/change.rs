//! chmod(2), chown(2), utimensat(2), truncate(2) and their relatives: who may change what.

use std::sync::Arc;

use abi::Errno;

use super::set_id::without_set_ids;
use crate::caller::{At, Caller, Found};
use crate::resolve::{AtFlags, Lookup};
use crate::user::NO_ID;
use crate::{
    Access, AclKind, AttributeChange, Attributes, Capability, Credentials, FileKind, InodeRef, OpenFile,
    TimeChange, UserNamespace,
};

/// What chown(2) changes, with the numbers of the caller's user namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnerChange {
    /// New user.
    pub uid: Option<u32>,
    /// New group.
    pub gid: Option<u32>,
}

impl OwnerChange {
    /// With the numbers that the kernel knows them by.
    fn outward(self, user: &UserNamespace) -> Result<Self, Errno> {
        let uid = self.uid.map(|uid| user.uid(uid).ok_or(Errno::EINVAL)).transpose()?;
        let gid = self.gid.map(|gid| user.gid(gid).ok_or(Errno::EINVAL)).transpose()?;
        Ok(Self { uid, gid })
    }
}

impl Caller<'_> {
    /// fchmodat2(2).
    ///
    /// # Errors
    /// `EPERM` unless owner, `EOPNOTSUPP` for a symbolic link, `EROFS`.
    pub fn change_mode(&self, at: &At<'_>, mode: u32, flags: AtFlags) -> Result<(), Errno> {
        self.change_mode_of(&self.find(at, flags.lookup())?, mode)
    }

    /// fchmod(2).
    ///
    /// # Errors
    /// As [`Self::change_mode`].
    pub fn change_mode_of(&self, target: &Found, mode: u32) -> Result<(), Errno> {
        let attributes = changeable(target)?;
        if attributes.kind == FileKind::Symlink {
            return Err(Errno::EOPNOTSUPP);
        }
        attributes.is_loose()?;
        attributes.need_owner()?;
        if !self.credentials.owns(&attributes) && !lets_server_decide(target) {
            return Err(Errno::EPERM);
        }
        let mode = self.permitted_mode(&attributes, mode);
        target.set_attributes(&AttributeChange { mode: Some(mode), ..Default::default() })?;
        let inode = target.inode().filter(|inode| !inode.server_applies_acls());
        match inode.and_then(|inode| Some((inode.acl(AclKind::Access)?, inode))) {
            Some((acl, inode)) => inode.set_acl(AclKind::Access, Some(&acl.with_mode(mode))),
            None => Ok(()),
        }
    }

    /// fchownat(2).
    ///
    /// # Errors
    /// `EPERM`, `EROFS`, `EINVAL` for ids that do not exist in the caller's user namespace.
    pub fn change_owner(&self, at: &At<'_>, owner: OwnerChange, flags: AtFlags) -> Result<(), Errno> {
        self.change_owner_of(&self.find(at, flags.lookup())?, owner)
    }

    /// fchown(2). Set-ID bits and file capabilities go.
    ///
    /// # Errors
    /// As [`Self::change_owner`].
    pub fn change_owner_of(&self, target: &Found, owner: OwnerChange) -> Result<(), Errno> {
        let attributes = changeable(target)?;
        let credentials = self.credentials;
        let owner = owner.outward(&credentials.user)?;
        attributes.is_loose()?;
        can_be_stored(target, &attributes, owner)?;
        let owns = attributes.owner.uid == credentials.fsuid;
        let same_user = owner.uid.is_none_or(|uid| owns && uid == attributes.owner.uid);
        let own_group = |gid| credentials.in_group(gid) || gid == attributes.owner.gid;
        let same_group = owner.gid.is_none_or(|gid| owns && own_group(gid));
        if !(same_user && same_group || lets_server_decide(target)) {
            let capable = credentials.has_over(Capability::Chown, &attributes);
            // What nobody has here can be given to somebody by who is privileged over all of the filesystem.
            let adopts = |id| id == NO_ID && privileged_over_filesystem(credentials, target);
            let user = same_user || capable || adopts(attributes.owner.uid);
            let group = same_group || capable || adopts(attributes.owner.gid);
            (user && group).then_some(()).ok_or(Errno::EPERM)?;
        }
        let mut change = AttributeChange { uid: owner.uid, gid: owner.gid, ..Default::default() };
        if attributes.kind != FileKind::Directory {
            let mode = without_set_ids(credentials, &attributes);
            change.mode = (mode != attributes.mode).then_some(mode);
        }
        // Taking the bits away is a change of mode, which even "change nothing" needs the right to.
        if change.mode.is_some() && !credentials.owns(&attributes) && !lets_server_decide(target) {
            return Err(Errno::EPERM);
        }
        target.set_attributes(&change)?;
        if let Some(inode) = target.inode().filter(|_| attributes.kind == FileKind::Regular) {
            drop_file_capabilities(&inode);
        }
        Ok(())
    }

    /// utimensat(2). Without `times` (both now, the null pointer) the right to write is enough.
    ///
    /// # Errors
    /// `EACCES` or `EPERM` unless owner, `EROFS`.
    pub fn change_times(
        &self,
        at: &At<'_>,
        times: Option<(Option<TimeChange>, Option<TimeChange>)>,
        flags: AtFlags,
    ) -> Result<(), Errno> {
        self.change_times_of(&self.find(at, flags.lookup())?, times)
    }

    /// futimens(3).
    ///
    /// # Errors
    /// As [`Self::change_times`].
    pub fn change_times_of(
        &self,
        target: &Found,
        times: Option<(Option<TimeChange>, Option<TimeChange>)>,
    ) -> Result<(), Errno> {
        let now = (Some(TimeChange::Now), Some(TimeChange::Now));
        if times == Some((None, None)) {
            return Ok(());
        }
        let attributes = changeable(target)?;
        let (accessed, modified) = times.unwrap_or(now);
        if (accessed, modified) == now { attributes.allows(Access::WRITE) } else { attributes.is_loose() }?;
        if !self.credentials.owns(&attributes) && !lets_server_decide(target) {
            if (accessed, modified) != now {
                attributes.need_owner()?;
                return Err(Errno::EPERM);
            }
            target.check(self.credentials, &attributes, Access::WRITE)?;
        }
        attributes.need_owner()?;
        target.set_attributes(&AttributeChange { accessed, modified, ..Default::default() })
    }

    /// truncate(2).
    ///
    /// # Errors
    /// `EISDIR`, `EINVAL` for what has no size, `EACCES`, `EROFS`, `EFBIG`.
    pub fn truncate(&self, at: &At<'_>, size: u64) -> Result<(), Errno> {
        let found = self.find(at, Lookup::FOLLOW)?;
        let attributes = found.protection()?;
        match attributes.kind {
            FileKind::Regular => found.writable()?,
            FileKind::Directory => return Err(Errno::EISDIR),
            _ => return Err(Errno::EINVAL),
        }
        found.check(self.credentials, &attributes, Access::WRITE)?;
        attributes.is_rewritable()?;
        if let Some(inode) = found.inode() {
            crate::usage::may_change(&inode)?;
        }
        self.cut(&found, &attributes, size)
    }

    /// ftruncate(2).
    ///
    /// # Errors
    /// `EINVAL` if it is not open for writing or has no size, `EFBIG`.
    pub fn truncate_open(&self, file: &Arc<OpenFile>, size: u64) -> Result<(), Errno> {
        let attributes = file.attributes()?;
        if attributes.kind != FileKind::Regular || !file.flags().writes() {
            return Err(Errno::EINVAL);
        }
        attributes.is_rewritable()?;
        self.cut(&Found::of(Arc::clone(file)), &attributes, size)
    }

    fn cut(&self, target: &Found, attributes: &Attributes, size: u64) -> Result<(), Errno> {
        if i64::try_from(size).is_err() {
            return Err(Errno::EINVAL);
        }
        attributes.need_owner()?;
        let mode = self.mode_after_write(attributes);
        target.set_attributes(&AttributeChange { size: Some(size), mode, ..Default::default() })
    }
}

/// Nothing if the owner that chown(2) leads to is one that the filesystem can store.
fn can_be_stored(target: &Found, attributes: &Attributes, new: OwnerChange) -> Result<(), Errno> {
    let Some(ids) = target.ids() else { return Ok(()) };
    let uid = ids.stored_uid(new.uid.unwrap_or(attributes.owner.uid));
    let gid = ids.stored_gid(new.gid.unwrap_or(attributes.owner.gid));
    if uid.is_some() && gid.is_some() { Ok(()) } else { Err(Errno::EOVERFLOW) }
}

fn privileged_over_filesystem(credentials: &Credentials, target: &Found) -> bool {
    let Found::Path(path) = target else { return false };
    credentials.has_in(Capability::Chown, path.mount.superblock().user())
}

/// Whether it is the server of the file that says who may change it.
fn lets_server_decide(target: &Found) -> bool {
    target.inode().is_some_and(|inode| inode.lets_server_decide())
}

/// Kind, mode and owner of what was found, if it can be changed there.
pub(super) fn changeable(target: &Found) -> Result<Attributes, Errno> {
    target.writable()?;
    target.protection()
}

/// A file that changed hands or content has no capabilities any longer. That most have none is no error.
pub(crate) fn drop_file_capabilities(inode: &InodeRef) {
    let _ = inode.remove_xattr(b"security.capability");
}
