//! POSIX access control lists, which the host keeps as extended attributes.
//!
//! The sentry decides by them, so it needs them as often as a permission is checked for somebody who does not own the file, or a file is
//! made. The host applies the lists of directories to new files too, and comes to the same.

use abi::Errno;
use vfs::{Acl, AclKind, FileKind, Inode, Timestamp};

use crate::filesystem::Caching;
use crate::inode::Node;

/// What is known of one file's two lists.
#[derive(Default)]
pub(crate) struct Lists {
    access: Known,
    default: Known,
}

/// One list.
#[derive(Default)]
enum Known {
    #[default]
    No,
    /// It was read when the file's change time was this one; a list cannot change without it.
    Read(Option<Timestamp>, Option<Box<Acl>>),
}

impl Lists {
    const fn of(&self, kind: AclKind) -> &Known {
        match kind {
            AclKind::Access => &self.access,
            AclKind::Default => &self.default,
        }
    }

    /// The list, if it was read; where others may change it, only if the change time is still `since`.
    pub(crate) fn get(&self, kind: AclKind, since: Option<Timestamp>) -> Option<Option<Acl>> {
        match self.of(kind) {
            Known::Read(then, acl) if since.is_none() || *then == since => Some(acl.as_deref().cloned()),
            _ => None,
        }
    }

    /// The mode has changed, and a list for access with it, if there is one.
    pub(crate) fn mode_changed(&mut self) {
        if !matches!(self.access, Known::Read(_, None)) {
            self.access = Known::No;
        }
    }

    pub(crate) fn keep(&mut self, kind: AclKind, acl: Option<&Acl>, changed: Option<Timestamp>) {
        let read = Known::Read(changed, acl.cloned().map(Box::new));
        match kind {
            AclKind::Access => self.access = read,
            AclKind::Default => self.default = read,
        }
    }
}

impl Node {
    /// A list. One that cannot be read counts as none.
    pub(crate) fn get_acl(&self, kind: AclKind) -> Option<Acl> {
        let kinds = match kind {
            AclKind::Access => self.kind() != FileKind::Symlink,
            AclKind::Default => self.kind() == FileKind::Directory,
        };
        if !kinds {
            return None;
        }
        if let Some(acl) = self.remembered_acl(kind) {
            return acl;
        }
        let since = self.changes();
        let acl = self.ask_xattr(kind.xattr()).ok().and_then(|value| Acl::parse(&value).ok().flatten());
        self.keep_acl(kind, acl.as_ref(), since);
        acl
    }

    /// Without a list, the mode is all that there is. The host changes the mode as the list says.
    pub(crate) fn put_acl(&self, kind: AclKind, acl: Option<&Acl>) -> Result<(), Errno> {
        match acl {
            Some(acl) => self.put_xattr(kind.xattr(), &acl.value(), false, false),
            // The host's word for that is not needed where nobody else gives it one.
            None if self.shared.caching == Caching::Exclusive && self.remembered_acl(kind) == Some(None) => {
                Ok(())
            }
            None => match self.delete_xattr(kind.xattr()) {
                Err(Errno::ENODATA) => Ok(()),
                other => other,
            },
        }
    }
}
