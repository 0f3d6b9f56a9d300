//! Access control lists, with the option `posixacl`: extended attributes that count here.

use abi::Errno;
use parking_lot::Mutex;
use vfs::{Acl, AclKind, FileKind};

use super::Node;

/// What is known of a file's two lists. As Linux has it, until they are changed here.
#[derive(Default)]
pub(super) struct Lists(Mutex<[Option<Option<Box<Acl>>>; 2]>);

const fn index(kind: AclKind) -> usize {
    match kind {
        AclKind::Access => 0,
        AclKind::Default => 1,
    }
}

impl Lists {
    fn get(&self, kind: AclKind) -> Option<Option<Acl>> {
        self.0.lock().get(index(kind))?.as_ref().map(|acl| acl.as_deref().cloned())
    }

    fn keep(&self, kind: AclKind, acl: Option<Acl>) {
        if let Some(known) = self.0.lock().get_mut(index(kind)) {
            *known = Some(acl.map(Box::new));
        }
    }

    pub(super) fn forget(&self) {
        *self.0.lock() = [None, None];
    }
}

impl Node {
    /// A list. One that cannot be read counts as none.
    pub(super) fn list(&self, kind: AclKind) -> Option<Acl> {
        let has = match kind {
            AclKind::Access => self.kind != FileKind::Symlink,
            AclKind::Default => self.kind == FileKind::Directory,
        };
        if !has || !self.shared.options.posix_acl {
            return None;
        }
        if let Some(known) = self.lists.get(kind) {
            return known;
        }
        let acl = self.get_xattr(kind.xattr()).ok().and_then(|value| Acl::parse(&value).ok().flatten());
        self.lists.keep(kind, acl.clone());
        acl
    }

    pub(super) fn put_list(&self, kind: AclKind, acl: Option<&Acl>) -> Result<(), Errno> {
        if !self.shared.options.posix_acl {
            return Err(Errno::EOPNOTSUPP);
        }
        let result = match acl {
            Some(acl) => self.put_xattr(kind.xattr(), &acl.value(), 0),
            None => match self.delete_xattr(kind.xattr()) {
                Err(Errno::ENODATA) => Ok(()),
                result => result,
            },
        };
        self.lists.forget();
        result
    }
}
