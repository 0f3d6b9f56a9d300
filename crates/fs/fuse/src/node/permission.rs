//! Who may do what: mostly the server's business.

use abi::Errno;
use vfs::{Access, Credentials, FileKind, Owner, waiting};

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
        if self.shared.options.default_permissions {
            // What is not to be believed any more is asked for first.
            return self.refreshed().err().map(Err);
        }
        if asked {
            return Some(self.shared.connection.access(self.id, access.bits()));
        }
        if access.contains(Access::EXECUTE) && self.kind == FileKind::Regular {
            return Some(self.executable());
        }
        Some(Ok(()))
    }

    /// A program must be executable for somebody.
    fn executable(&self) -> Result<(), Errno> {
        if self.refreshed()?.mode & 0o111 == 0 { Err(Errno::EACCES) } else { Ok(()) }
    }
}
