//! Extended attributes of one inode.

use std::collections::BTreeMap;

use abi::Errno;
use vfs::{Acl, AclKind};

/// Bytes of names and values that one inode can have.
const BYTES_MAX: usize = 131_072;

/// Names with their values.
#[derive(Debug, Default)]
pub(crate) struct Xattrs {
    values: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// Names of these namespaces are kept, and of `system.` the access control lists.
fn kept(name: &[u8]) -> Result<(), Errno> {
    if AclKind::of_xattr(name).is_some() {
        return Ok(());
    }
    let namespaces = [&b"user."[..], b"trusted.", b"security."];
    let namespace =
        namespaces.iter().find(|namespace| name.starts_with(namespace)).ok_or(Errno::EOPNOTSUPP)?;
    if name == *namespace { Err(Errno::EINVAL) } else { Ok(()) }
}

impl Xattrs {
    pub(crate) fn get(&self, name: &[u8]) -> Result<Vec<u8>, Errno> {
        kept(name)?;
        self.values.get(name).cloned().ok_or(Errno::ENODATA)
    }

    pub(crate) fn set(
        &mut self,
        name: &[u8],
        value: &[u8],
        create: bool,
        replace: bool,
    ) -> Result<(), Errno> {
        kept(name)?;
        let old = self.values.get(name);
        if create && old.is_some() {
            return Err(Errno::EEXIST);
        }
        if replace && old.is_none() {
            return Err(Errno::ENODATA);
        }
        let others: usize = self
            .values
            .iter()
            .filter(|(n, _)| *n != name)
            .map(|(n, v)| n.len().saturating_add(v.len()))
            .sum();
        if others.saturating_add(name.len()).saturating_add(value.len()) > BYTES_MAX {
            return Err(Errno::ENOSPC);
        }
        self.values.insert(name.to_vec(), value.to_vec());
        Ok(())
    }

    pub(crate) fn remove(&mut self, name: &[u8]) -> Result<(), Errno> {
        kept(name)?;
        self.values.remove(name).map(drop).ok_or(Errno::ENODATA)
    }

    pub(crate) fn acl(&self, kind: AclKind) -> Option<Acl> {
        Acl::parse(self.values.get(kind.xattr())?).ok().flatten()
    }

    pub(crate) fn set_acl(&mut self, kind: AclKind, acl: Option<&Acl>) -> Result<(), Errno> {
        match acl {
            Some(acl) => self.set(kind.xattr(), &acl.value(), false, false),
            None => {
                self.values.remove(kind.xattr());
                Ok(())
            }
        }
    }

    pub(crate) fn names(&self) -> Vec<Vec<u8>> {
        self.values.keys().cloned().collect()
    }
}
