//! uid_map, gid_map, projid_map and setgroups: user_namespaces(7).

use std::sync::Arc;

use abi::Errno;
use synthetic::Content;
use vfs::user::{IdKind, Opener};
use vfs::{Capability, Credentials, UserNamespace};

use super::Subject;

/// Which of the files.
#[derive(Clone, Copy)]
pub(super) enum Which {
    Map(IdKind),
    SetGroups,
}

/// A file about the user namespace that a task is in. It is that namespace's, and the opener's view of it, once it is open.
pub(super) struct Users {
    pub(super) subject: Subject,
    pub(super) which: Which,
}

impl Users {
    fn opened(&self, credentials: &Credentials) -> Result<Opened, Errno> {
        let user = Arc::clone(&self.subject.task()?.credentials().user);
        Ok(Opened { user, opener: credentials.clone(), which: self.which })
    }
}

impl Content for Users {
    fn generate(&self) -> Result<Vec<u8>, Errno> {
        Err(Errno::ESRCH)
    }

    fn opened_by(&self, credentials: &Credentials) -> Option<Arc<dyn Content>> {
        self.opened(credentials).ok().map(|opened| Arc::new(opened) as Arc<dyn Content>)
    }
}

struct Opened {
    user: Arc<UserNamespace>,
    opener: Credentials,
    which: Which,
}

impl Content for Opened {
    fn generate(&self) -> Result<Vec<u8>, Errno> {
        Ok(match self.which {
            Which::SetGroups => if self.user.setgroups() { "allow\n" } else { "deny\n" }.into(),
            Which::Map(kind) => {
                // A namespace's own members call the ids outside as the namespace above does.
                let own = self.opener.user == self.user;
                let above = self.user.parent.as_ref().filter(|_| own);
                let reader = above.unwrap_or(&self.opener.user).map(kind);
                self.user.map(kind).map(|map| map.text(reader)).unwrap_or_default().into_bytes()
            }
        })
    }

    fn store(&self, offset: u64, text: &[u8]) -> Result<(), Errno> {
        if offset != 0 {
            return Err(Errno::EINVAL);
        }
        let caller = kernel::current::task().ok_or(Errno::EPERM)?.credentials();
        match self.which {
            Which::Map(kind) => {
                let who = Opener { file: &self.opener, caller: &caller };
                self.user.write_map(kind, who, text)
            }
            Which::SetGroups if !self.opener.has_in(Capability::SysAdmin, &self.user) => Err(Errno::EACCES),
            Which::SetGroups => self.user.write_setgroups(text),
        }
    }
}
