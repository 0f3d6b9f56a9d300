//! Who may do what: mostly the server's business.

use abi::Errno;
use vfs::{Access, AclKind, Attributes, Credentials, FileKind, Owner, waiting};

use super::Node;

impl Node {
    /// Whether somebody may use the mount at all: with `allow_other` everybody in the
    /// user namespace that it was mounted in, else only who mounted it, with no more rights than that. Not
    /// even the superuser, whom the server could hold up for as long as it likes.
    fn admits(&self, credentials: &Credentials) -> bool {
        let connection = &self.shared.connection;
        let Owner { uid: user, gid: group } = connection.owner;
        self.shared.options.allow_other && credentials.user.is_within(&connection.user)
            || [credentials.uid, credentials.euid, credentials.suid].iter().all(|uid| *uid == user)
                && [credentials.gid, credentials.egid, credentials.sgid].iter().all(|gid| *gid == group)
    }

    /// The same for whoever the calling thread works for.
    pub(crate) fn admits_current(&self) -> bool {
        waiting::identity().is_none_or(|identity| self.admits(&identity.credentials))
    }

    /// See [`vfs::Inode::permission`].
    pub(super) fn decide(
        &self,
        credentials: &Credentials,
        access: Access,
        asked: bool,
    ) -> Option<Result<(), Errno>> {
        if !self.admits(credentials) {
            return Some(Err(Errno::EACCES));
        }
        if self.checks_modes() {
            return Some(self.check(credentials, access));
        }
        if asked {
            return Some(self.shared.connection.access(self.id, access.bits()));
        }
        if access.contains(Access::EXECUTE) && self.kind == FileKind::Regular {
            return Some(self.executable());
        }
        Some(Ok(()))
    }

    /// Whether modes are checked here, and not by the server.
    pub(crate) fn checks_modes(&self) -> bool {
        self.shared.options.default_permissions || self.heeds_acls()
    }

    /// The check by mode and list. What is not to be believed any more is asked for first; who is refused by what was known already is
    /// checked once more by what the server says now.
    fn check(&self, credentials: &Credentials, access: Access) -> Result<(), Errno> {
        let known = self.believed();
        let attributes = known.map_or_else(|| self.ask(), Ok)?;
        match self.check_by(&attributes, credentials, access) {
            Err(Errno::EACCES) if known.is_some() => self.check_by(&self.ask()?, credentials, access),
            checked => checked,
        }
    }

    fn check_by(
        &self,
        attributes: &Attributes,
        credentials: &Credentials,
        access: Access,
    ) -> Result<(), Errno> {
        let mut failed = None;
        let list = || {
            let heeds = self.heeds_acls();
            let list = if heeds { self.list(AclKind::Access) } else { Ok(None) };
            list.map_err(|error| failed = Some(error)).ok().flatten()
        };
        let checked = credentials.check_by_list(attributes, access, list);
        failed.map_or(checked, Err)
    }

    /// A program must be executable for somebody.
    fn executable(&self) -> Result<(), Errno> {
        if self.refreshed()?.mode & 0o111 == 0 { Err(Errno::EACCES) } else { Ok(()) }
    }
}
