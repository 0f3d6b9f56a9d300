//! POSIX access control lists: extended attributes that only the server understands, or (`POSIX_ACL`) that count here.

use abi::Errno;
use parking_lot::Mutex;
use vfs::{Acl, AclKind, FileKind, waiting};

use super::Node;
use crate::wire::InitFlags;

/// The lists of a file that are known, as long as its attributes are.
#[derive(Default)]
pub(super) struct Lists(Mutex<Known>);

#[derive(Default)]
struct Known {
    access: Option<Option<Acl>>,
    default: Option<Option<Acl>>,
}

impl Lists {
    fn get(&self, kind: AclKind) -> Option<Option<Acl>> {
        let known = self.0.lock();
        match kind {
            AclKind::Access => known.access.clone(),
            AclKind::Default => known.default.clone(),
        }
    }

    fn keep(&self, kind: AclKind, acl: Option<Acl>) {
        let mut known = self.0.lock();
        match kind {
            AclKind::Access => known.access = Some(acl),
            AclKind::Default => known.default = Some(acl),
        }
    }

    /// Nothing is known any more.
    pub(super) fn forget(&self) {
        *self.0.lock() = Known::default();
    }
}

impl Node {
    /// Whether they count here.
    pub(super) fn heeds_acls(&self) -> bool {
        self.shared.connection.has(InitFlags::POSIX_ACL)
    }

    /// Whether there are none: in other user namespaces, whose ids only lists that count here can be told in.
    pub(super) fn has_no_acls(&self) -> bool {
        !self.heeds_acls() && !self.shared.connection.user.is_initial()
    }

    /// The list of a kind.
    ///
    /// # Errors
    /// `EOPNOTSUPP` from servers without extended attributes, `EINVAL` for what is no list, and the server's.
    pub(super) fn list(&self, kind: AclKind) -> Result<Option<Acl>, Errno> {
        let there = match kind {
            AclKind::Access => self.kind != FileKind::Symlink,
            AclKind::Default => self.kind == FileKind::Directory,
        };
        if !there {
            return Ok(None);
        }
        let heeds = self.heeds_acls();
        if let Some(known) = self.lists.get(kind).filter(|_| heeds) {
            return Ok(known);
        }
        let since = self.changes();
        let acl = match self.get_xattr(kind.xattr()) {
            Ok(value) if value.is_empty() => None,
            Ok(value) => {
                let acl = Acl::parse(&value)?;
                acl.map(|acl| acl.given_in(&self.shared.connection.user)).transpose()?
            }
            Err(Errno::ENODATA) => None,
            Err(error) => return Err(error),
        };
        if heeds && self.changes() == since {
            self.lists.keep(kind, acl.clone());
        }
        Ok(acl)
    }

    /// Has the server set or remove one, and do to the mode what that means.
    ///
    /// # Errors
    /// `EOPNOTSUPP`, and the server's.
    pub(super) fn put_list(&self, kind: AclKind, acl: Option<&Acl>) -> Result<(), Errno> {
        if self.has_no_acls() {
            return Err(Errno::EOPNOTSUPP);
        }
        self.good()?;
        let connection = &self.shared.connection;
        let result = match acl {
            Some(acl) => {
                let value = acl.clone().seen_from(&connection.user).value();
                let sheds_group = self.heeds_acls() && self.loses_set_group_id();
                connection.setxattr(self.id, kind.xattr(), &value, (false, false), sheds_group)
            }
            None => connection.removexattr(self.id, kind.xattr()),
        };
        if self.heeds_acls() {
            self.attributes_outdated();
        } else {
            self.was_labelled();
        }
        result
    }

    /// Whether the caller is neither in the file's group nor may set its bit all the same.
    fn loses_set_group_id(&self) -> bool {
        let attributes = self.last_known();
        waiting::identity().is_some_and(|identity| {
            let who = &identity.credentials;
            !who.in_group(attributes.owner.gid) && !who.has_over(vfs::Capability::Fsetid, &attributes)
        })
    }
}
