//! POSIX access control lists: acl(5).

use abi::Errno;

use crate::user::NO_ID;
use crate::{Access, Credentials, FileKind, UserNamespace};

/// The extended attribute of the list that access is checked by.
pub const ACCESS: &[u8] = b"system.posix_acl_access";
/// The extended attribute of the list that new files in a directory get.
pub const DEFAULT: &[u8] = b"system.posix_acl_default";

/// `POSIX_ACL_XATTR_VERSION`.
const VERSION: u32 = 2;
const HEADER: usize = 4;
const ENTRY: usize = 8;

/// Which of a file's two lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AclKind {
    /// The one that access is checked by.
    Access,
    /// The one that new files in a directory get.
    Default,
}

impl AclKind {
    /// The kind that an extended attribute holds.
    #[must_use]
    pub fn of_xattr(name: &[u8]) -> Option<Self> {
        match name {
            ACCESS => Some(Self::Access),
            DEFAULT => Some(Self::Default),
            _ => None,
        }
    }

    /// The name of its extended attribute.
    #[must_use]
    pub const fn xattr(self) -> &'static [u8] {
        match self {
            Self::Access => ACCESS,
            Self::Default => DEFAULT,
        }
    }
}

/// Whom an entry concerns, in the order that entries have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Owner,
    User(u32),
    OwningGroup,
    Group(u32),
    Mask,
    Other,
}

impl Who {
    const fn parse(tag: u16, id: u32) -> Result<Self, Errno> {
        Ok(match tag {
            1 => Self::Owner,
            2 => Self::User(id),
            4 => Self::OwningGroup,
            8 => Self::Group(id),
            16 => Self::Mask,
            32 => Self::Other,
            _ => return Err(Errno::EINVAL),
        })
    }

    const fn encoded(self) -> (u16, u32) {
        match self {
            Self::Owner => (1, NO_ID),
            Self::User(id) => (2, id),
            Self::OwningGroup => (4, NO_ID),
            Self::Group(id) => (8, id),
            Self::Mask => (16, NO_ID),
            Self::Other => (32, NO_ID),
        }
    }

    /// The part of the order that counts: entries for users may come in any order among themselves, and so those for groups.
    const fn rank(self) -> u8 {
        match self {
            Self::Owner => 0,
            Self::User(_) => 1,
            Self::OwningGroup => 2,
            Self::Group(_) => 3,
            Self::Mask => 4,
            Self::Other => 5,
        }
    }
}

/// A valid list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acl {
    entries: Vec<(Who, u32)>,
}

impl Acl {
    /// The list in an extended attribute's value; nothing for one without entries.
    ///
    /// # Errors
    /// `EOPNOTSUPP` for an unknown version, `EINVAL` for what is no valid list.
    pub fn parse(value: &[u8]) -> Result<Option<Self>, Errno> {
        if value.is_empty() {
            return Ok(None);
        }
        let (version, rest) = value.split_first_chunk::<HEADER>().ok_or(Errno::EINVAL)?;
        if u32::from_le_bytes(*version) != VERSION {
            return Err(Errno::EOPNOTSUPP);
        }
        let (chunks, left) = rest.as_chunks::<ENTRY>();
        if !left.is_empty() {
            return Err(Errno::EINVAL);
        }
        let entries = chunks.iter().map(|[t0, t1, p0, p1, id @ ..]| {
            let permission = u32::from(u16::from_le_bytes([*p0, *p1]));
            let who = Who::parse(u16::from_le_bytes([*t0, *t1]), u32::from_le_bytes(*id))?;
            if permission > 7 { Err(Errno::EINVAL) } else { Ok((who, permission)) }
        });
        let entries: Vec<_> = entries.collect::<Result<_, Errno>>()?;
        if entries.is_empty() {
            return Ok(None);
        }
        let acl = Self { entries };
        acl.validate()?;
        Ok(Some(acl))
    }

    fn validate(&self) -> Result<(), Errno> {
        let count = |rank| self.entries.iter().filter(|(who, _)| who.rank() == rank).count();
        let ordered = self.entries.is_sorted_by_key(|(who, _)| who.rank());
        let named = count(1) + count(3) > 0;
        let single = [0, 2, 5].iter().all(|rank| count(*rank) == 1);
        let mask = count(4);
        let nameless =
            self.entries.iter().any(|(who, _)| matches!(who, Who::User(NO_ID) | Who::Group(NO_ID)));
        let valid = ordered && single && mask <= 1 && (mask == 1 || !named) && !nameless;
        if valid { Ok(()) } else { Err(Errno::EINVAL) }
    }

    /// As an extended attribute's value.
    #[must_use]
    pub fn value(&self) -> Vec<u8> {
        let mut value = VERSION.to_le_bytes().to_vec();
        for (who, permission) in &self.entries {
            let (tag, id) = who.encoded();
            let permission = u16::try_from(*permission).unwrap_or_default();
            value.extend(tag.to_le_bytes());
            value.extend(permission.to_le_bytes());
            value.extend(id.to_le_bytes());
        }
        value
    }

    /// The list that somebody in a user namespace means.
    ///
    /// # Errors
    /// `EINVAL` for users and groups that do not exist there.
    pub fn given_in(self, user: &UserNamespace) -> Result<Self, Errno> {
        self.with_ids(|uid| user.uid(uid), |gid| user.gid(gid)).of_somebody()
    }

    /// The list as somebody in a user namespace sees it.
    #[must_use]
    pub fn seen_from(self, user: &UserNamespace) -> Self {
        self.with_ids(|uid| user.uid_within(uid), |gid| user.gid_within(gid))
    }

    /// The list with other numbers for the users and groups that it names; [`NO_ID`] where there is none.
    pub(crate) fn with_ids(
        mut self,
        user: impl Fn(u32) -> Option<u32>,
        group: impl Fn(u32) -> Option<u32>,
    ) -> Self {
        for (who, _) in &mut self.entries {
            match who {
                Who::User(id) => *id = user(*id).unwrap_or(NO_ID),
                Who::Group(id) => *id = group(*id).unwrap_or(NO_ID),
                _ => {}
            }
        }
        self
    }

    /// The list, if it names nobody who does not exist.
    ///
    /// # Errors
    /// `EINVAL`.
    pub(crate) fn of_somebody(self) -> Result<Self, Errno> {
        let nobody = |(who, _): &(Who, u32)| matches!(who, Who::User(NO_ID) | Who::Group(NO_ID));
        if self.entries.iter().any(nobody) { Err(Errno::EINVAL) } else { Ok(self) }
    }

    fn entry(&self, who: Who) -> Option<u32> {
        self.entries.iter().find(|(other, _)| *other == who).map(|(_, permission)| *permission)
    }

    /// The permission bits that a mode shows for it: the mask's stand for the group's.
    #[must_use]
    pub fn mode(&self) -> u32 {
        let of = |who| self.entry(who).unwrap_or_default();
        let group = self.entry(Who::Mask).unwrap_or_else(|| of(Who::OwningGroup));
        of(Who::Owner) << 6 | group << 3 | of(Who::Other)
    }

    /// Whether a mode says all that it says.
    #[must_use]
    pub const fn is_minimal(&self) -> bool {
        self.entries.len() == 3
    }

    /// The list after chmod(2).
    #[must_use]
    pub fn with_mode(mut self, mode: u32) -> Self {
        let masked = self.entry(Who::Mask).is_some();
        for (who, permission) in &mut self.entries {
            match who {
                Who::Owner => *permission = mode >> 6 & 7,
                Who::OwningGroup if !masked => *permission = mode >> 3 & 7,
                Who::Mask => *permission = mode >> 3 & 7,
                Who::Other => *permission = mode & 7,
                _ => {}
            }
        }
        self
    }

    /// What a new file gets from a directory's default list: its access list, unless the mode says it all, and its mode.
    #[must_use]
    pub fn inherited(mut self, mode: u32) -> (Option<Self>, u32) {
        let masked = self.entry(Who::Mask).is_some();
        let mut granted = mode & !0o777;
        for (who, permission) in &mut self.entries {
            let shift = match who {
                Who::Owner => 6,
                Who::OwningGroup if !masked => 3,
                Who::Mask => 3,
                Who::Other => 0,
                _ => continue,
            };
            *permission &= mode >> shift & 7;
            granted |= *permission << shift;
        }
        let minimal = self.is_minimal();
        ((!minimal).then_some(self), granted)
    }

    /// Whether it gives an access to who is not the file's owner, whatever the capabilities.
    fn permits(&self, credentials: &Credentials, group: u32, wanted: u32) -> bool {
        let masked = |permission: u32| permission & self.entry(Who::Mask).unwrap_or(7);
        let mut in_group = false;
        for (who, permission) in &self.entries {
            let concerned = match who {
                Who::User(id) if *id == credentials.fsuid => return masked(*permission) & wanted == wanted,
                Who::OwningGroup => credentials.in_group(group),
                Who::Group(id) => credentials.in_group(*id),
                _ => false,
            };
            in_group |= concerned;
            if concerned && permission & wanted == wanted {
                return masked(*permission) & wanted == wanted;
            }
        }
        !in_group && self.entry(Who::Other).unwrap_or_default() & wanted == wanted
    }
}

impl Credentials {
    /// As [`Self::check`], by the file's access list if it has one.
    ///
    /// # Errors
    /// `EACCES`.
    pub fn check_inode(
        &self,
        inode: &crate::InodeRef,
        attributes: &crate::Attributes,
        access: Access,
    ) -> Result<(), Errno> {
        if let Some(decided) = inode.permission(self, access, false) {
            return decided;
        }
        self.check_by_list(attributes, access, || inode.acl(AclKind::Access))
    }

    /// As [`Self::check`], by an access list, which is asked for only if it may matter.
    ///
    /// # Errors
    /// `EACCES`.
    pub fn check_by_list(
        &self,
        attributes: &crate::Attributes,
        access: Access,
        list: impl FnOnce() -> Option<Acl>,
    ) -> Result<(), Errno> {
        const GROUP: u32 = 0o070;
        attributes.allows(access)?;
        if attributes.owner.uid == self.fsuid || attributes.mode & GROUP == 0 {
            return self.check(attributes, access);
        }
        match list() {
            None => self.check(attributes, access),
            Some(acl) if acl.permits(self, attributes.owner.gid, access.bits()) => Ok(()),
            Some(_) => self.overrides(attributes, access),
        }
    }
}

/// What a new file gets from the default list of its directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inherited {
    access: Option<Acl>,
    default: Option<Acl>,
}

impl Inherited {
    /// The mode of a new file, and its lists: without a default list the umask takes from the mode.
    #[must_use]
    pub fn from_directory(directory: &crate::InodeRef, kind: FileKind, mode: u32, umask: u32) -> (u32, Self) {
        let default = if directory.server_applies_acls() { None } else { directory.acl(AclKind::Default) };
        match default {
            None => (directory.masked(mode, umask), Self::default()),
            Some(default) => {
                let (access, mode) = default.clone().inherited(mode);
                (mode, Self { access, default: (kind == FileKind::Directory).then_some(default) })
            }
        }
    }

    /// Gives the lists to the new file.
    ///
    /// # Errors
    /// `ENOSPC`.
    pub fn give(&self, inode: &crate::InodeRef) -> Result<(), Errno> {
        for (kind, acl) in [(AclKind::Access, &self.access), (AclKind::Default, &self.default)] {
            if acl.is_some() {
                inode.set_acl(kind, acl.as_ref())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CapabilitySet;

    fn value(entries: &[(u16, u16, u32)]) -> Vec<u8> {
        let mut value = VERSION.to_le_bytes().to_vec();
        for (tag, permission, id) in entries {
            value.extend(tag.to_le_bytes());
            value.extend(permission.to_le_bytes());
            value.extend(id.to_le_bytes());
        }
        value
    }

    fn sample() -> Acl {
        let entries =
            [(1, 6, NO_ID), (2, 7, 1000), (4, 4, NO_ID), (8, 2, 50), (16, 5, NO_ID), (32, 0, NO_ID)];
        Acl::parse(&value(&entries)).unwrap().unwrap()
    }

    #[test]
    fn a_list_is_what_its_value_says() {
        let acl = sample();
        assert_eq!(Acl::parse(&acl.value()), Ok(Some(acl.clone())));
        assert_eq!(acl.mode(), 0o650);
        assert_eq!(Acl::parse(&value(&[])), Ok(None));
        assert_eq!(Acl::parse(b"\x03\0\0\0"), Err(Errno::EOPNOTSUPP));
        assert_eq!(Acl::parse(b"\x02\0\0\0abc"), Err(Errno::EINVAL));
    }

    #[test]
    fn lists_that_make_no_sense_are_refused() {
        let refused = |entries: &[(u16, u16, u32)]| Acl::parse(&value(entries)) == Err(Errno::EINVAL);
        assert!(refused(&[(1, 6, NO_ID), (2, 7, 1000), (4, 4, NO_ID), (32, 0, NO_ID)]), "no mask");
        assert!(refused(&[(4, 6, NO_ID), (1, 7, NO_ID), (32, 0, NO_ID)]), "order");
        assert!(refused(&[(1, 6, NO_ID), (4, 4, NO_ID)]), "no others");
        assert!(refused(&[(1, 8, NO_ID), (4, 4, NO_ID), (32, 0, NO_ID)]), "permission");
        assert!(refused(&[(1, 6, NO_ID), (1, 6, NO_ID), (4, 4, NO_ID), (32, 0, NO_ID)]), "twice");
    }

    #[test]
    fn the_mask_bounds_all_but_owner_and_others() {
        let acl = sample();
        let user = Credentials::new(1000, 1000, CapabilitySet::EMPTY);
        assert!(acl.permits(&user, 0, 5) && !acl.permits(&user, 0, 2));
        let member = Credentials::new(1, 50, CapabilitySet::EMPTY);
        assert!(!acl.permits(&member, 0, 2), "masked");
        let owning = Credentials::new(1, 0, CapabilitySet::EMPTY);
        assert!(acl.permits(&owning, 0, 4) && !acl.permits(&owning, 0, 1));
        let other = Credentials::new(1, 1, CapabilitySet::EMPTY);
        assert!(!acl.permits(&other, 0, 4));
    }

    #[test]
    fn chmod_changes_the_mask() {
        let acl = sample().with_mode(0o720);
        assert_eq!(acl.mode(), 0o720);
        assert_eq!(acl.entry(Who::OwningGroup), Some(4));
    }

    #[test]
    fn a_new_file_gets_what_both_list_and_mode_grant() {
        let (access, mode) = sample().inherited(0o100_640 & 0o7777);
        assert_eq!(mode, 0o640);
        assert_eq!(access.map(|acl| acl.entry(Who::Mask)), Some(Some(4)));
        let minimal = Acl::parse(&value(&[(1, 7, NO_ID), (4, 5, NO_ID), (32, 0, NO_ID)])).unwrap().unwrap();
        assert_eq!(minimal.inherited(0o666), (None, 0o640));
    }
}
