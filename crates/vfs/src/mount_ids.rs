//! Idmapped mounts: whose the files of a filesystem are when they are seen through one. mount_setattr(2), `MOUNT_ATTR_IDMAP`.

use std::sync::Arc;

use abi::Errno;

use crate::user::{IdKind, IdMap, NO_ID};
use crate::{Acl, AttributeChange, Attributes, Owner, UserNamespace};

/// What a mount makes of users and groups: what the filesystem calls by a number belongs to whoever has that number in a user namespace.
///
/// The maps are a copy: the mount keeps no namespace alive but the filesystem's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountIds {
    users: IdMap,
    groups: IdMap,
    /// Where the numbers are those that the filesystem stores.
    filesystem: Arc<UserNamespace>,
}

impl MountIds {
    /// The maps of a user namespace, for a mount of a filesystem that belongs to another one.
    ///
    /// # Errors
    /// `EINVAL` if one of the maps has not been written.
    pub fn of(user: &UserNamespace, filesystem: &Arc<UserNamespace>) -> Result<Self, Errno> {
        let map = |kind| user.map(kind).cloned().ok_or(Errno::EINVAL);
        let filesystem = Arc::clone(filesystem);
        Ok(Self { users: map(IdKind::User)?, groups: map(IdKind::Group)?, filesystem })
    }

    /// The map of users or of groups.
    #[must_use]
    pub const fn map(&self, kind: IdKind) -> &IdMap {
        match kind {
            IdKind::Group => &self.groups,
            IdKind::User | IdKind::Project => &self.users,
        }
    }

    /// Whom a stored user is here; nobody if there is none.
    #[must_use]
    pub fn seen_uid(&self, stored: u32) -> Option<u32> {
        self.filesystem.uid_within(stored).and_then(|id| self.users.outward(id))
    }

    /// The same of a group.
    #[must_use]
    pub fn seen_gid(&self, stored: u32) -> Option<u32> {
        self.filesystem.gid_within(stored).and_then(|id| self.groups.outward(id))
    }

    /// What is stored for a user; nothing for one who can have nothing here.
    #[must_use]
    pub fn stored_uid(&self, seen: u32) -> Option<u32> {
        self.users.inward(seen).and_then(|id| self.filesystem.uid(id))
    }

    /// The same for a group.
    #[must_use]
    pub fn stored_gid(&self, seen: u32) -> Option<u32> {
        self.groups.inward(seen).and_then(|id| self.filesystem.gid(id))
    }

    /// Attributes as they are seen: an owner that nobody is here is [`NO_ID`].
    pub(crate) fn seen(&self, attributes: Attributes) -> Attributes {
        let owner = Owner {
            uid: self.seen_uid(attributes.owner.uid).unwrap_or(NO_ID),
            gid: self.seen_gid(attributes.owner.gid).unwrap_or(NO_ID),
        };
        Attributes { owner, ..attributes }
    }

    /// An owner as it is stored.
    ///
    /// # Errors
    /// `EOVERFLOW` for one who can have nothing here.
    pub(crate) fn stored(&self, owner: Owner) -> Result<Owner, Errno> {
        let uid = self.stored_uid(owner.uid).ok_or(Errno::EOVERFLOW)?;
        let gid = self.stored_gid(owner.gid).ok_or(Errno::EOVERFLOW)?;
        Ok(Owner { uid, gid })
    }

    /// A change of attributes as it is stored.
    ///
    /// # Errors
    /// As [`Self::stored`].
    pub(crate) fn stored_change(&self, change: &AttributeChange) -> Result<AttributeChange, Errno> {
        let uid = change.uid.map(|uid| self.stored_uid(uid).ok_or(Errno::EOVERFLOW)).transpose()?;
        let gid = change.gid.map(|gid| self.stored_gid(gid).ok_or(Errno::EOVERFLOW)).transpose()?;
        Ok(AttributeChange { uid, gid, ..*change })
    }

    /// An access control list as it is seen.
    pub(crate) fn seen_list(&self, list: Acl) -> Acl {
        list.with_ids(|uid| self.seen_uid(uid), |gid| self.seen_gid(gid))
    }

    /// An access control list as it is stored.
    ///
    /// # Errors
    /// `EINVAL` if it names somebody who is nobody here.
    pub(crate) fn stored_list(&self, list: Acl) -> Result<Acl, Errno> {
        list.with_ids(|uid| self.stored_uid(uid), |gid| self.stored_gid(gid)).of_somebody()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user::Opener;
    use crate::{CapabilitySet, Credentials};

    fn namespace(by: &Credentials, users: &str, groups: &str) -> Arc<UserNamespace> {
        let user = UserNamespace::below(by).unwrap();
        let opener = Opener { file: by, caller: by };
        user.write_map(IdKind::User, opener, users.as_bytes()).unwrap();
        user.write_map(IdKind::Group, opener, groups.as_bytes()).unwrap();
        user
    }

    #[test]
    fn owners_go_there_and_back() {
        let root = Credentials::root(CapabilitySet::FULL);
        let user = namespace(&root, "0 1000 10\n50 5 1", "0 2000 10");
        let ids = MountIds::of(&user, &UserNamespace::initial()).unwrap();
        assert_eq!([0, 9, 10, 50].map(|id| ids.seen_uid(id)), [Some(1000), Some(1009), None, Some(5)]);
        assert_eq!([1000, 5, 0].map(|id| ids.stored_uid(id)), [Some(0), Some(50), None]);
        assert_eq!(ids.stored(Owner { uid: 1003, gid: 2004 }), Ok(Owner { uid: 3, gid: 4 }));
        assert_eq!(ids.stored(Owner { uid: 1003, gid: 4 }), Err(Errno::EOVERFLOW));
    }

    #[test]
    fn a_filesystem_of_a_user_namespace_has_its_numbers() {
        let root = Credentials::root(CapabilitySet::FULL);
        let filesystem = namespace(&root, "0 100000 1000", "0 100000 1000");
        let ids = MountIds::of(&namespace(&root, "0 7 1", "0 8 1"), &filesystem).unwrap();
        assert_eq!((ids.seen_uid(100_000), ids.seen_uid(0), ids.seen_gid(100_001)), (Some(7), None, None));
        assert_eq!((ids.stored_uid(7), ids.stored_gid(8)), (Some(100_000), Some(100_000)));
    }

    #[test]
    fn maps_that_are_not_written_map_nothing() {
        let user = UserNamespace::below(&Credentials::root(CapabilitySet::FULL)).unwrap();
        assert!(MountIds::of(&user, &UserNamespace::initial()).is_err());
    }
}
