//! Extended attributes. Most files have none, and are asked for some again and again (the capabilities of a program that is executed):
//! so the names are kept.

use std::sync::Arc;

use abi::Errno;
use ninep::message::{Txattrget, Txattrlist, Txattrremove, Txattrset};
use ninep::{Data, Text};

use crate::inode::Node;

/// The largest value and the longest list of names (`XATTR_SIZE_MAX`, `XATTR_LIST_MAX`).
const MOST: u32 = 65536;
/// `XATTR_CREATE`.
const CREATE: u32 = 1;
/// `XATTR_REPLACE`.
const REPLACE: u32 = 2;
const CAPABILITY: &[u8] = b"security.capability";

impl Node {
    pub(crate) fn list_xattrs(&self) -> Result<Arc<[Vec<u8>]>, Errno> {
        if let Some(names) = self.remembered_xattrs() {
            return Ok(names);
        }
        let fid = self.fid()?;
        let since = self.changes();
        let request = Txattrlist { fid: fid.number(), size: MOST };
        let names = self.shared.client.call(&request, |reply| {
            let names = reply.data.0.split(|byte| *byte == 0).filter(|name| !name.is_empty());
            names.map(<[u8]>::to_vec).collect::<Arc<[_]>>()
        });
        let names = match names {
            // A filesystem of the host without any has none to list.
            Err(Errno::EOPNOTSUPP) => Arc::from([]),
            other => other?,
        };
        self.keep_xattrs(&names, since);
        Ok(names)
    }

    /// Whether the name is known to be none of this file's.
    fn lacks(&self, name: &[u8]) -> Result<bool, Errno> {
        if name == CAPABILITY && self.is_plain() {
            return Ok(true);
        }
        Ok(!self.list_xattrs()?.iter().any(|other| other == name))
    }

    pub(crate) fn get_xattr(&self, name: &[u8]) -> Result<Vec<u8>, Errno> {
        if self.lacks(name)? {
            return Err(Errno::ENODATA);
        }
        self.ask_xattr(name)
    }

    /// The value of one that may not exist.
    pub(crate) fn ask_xattr(&self, name: &[u8]) -> Result<Vec<u8>, Errno> {
        let fid = self.fid()?;
        let request = Txattrget { fid: fid.number(), size: MOST, name: Text(name) };
        self.shared.client.call(&request, |reply| reply.data.0.to_vec())
    }

    pub(crate) fn put_xattr(
        &self,
        name: &[u8],
        value: &[u8],
        create: bool,
        replace: bool,
    ) -> Result<(), Errno> {
        let fid = self.fid()?;
        let flags = if create { CREATE } else { 0 } | if replace { REPLACE } else { 0 };
        let request = Txattrset { fid: fid.number(), flags, name: Text(name), value: Data(value) };
        self.is_not_plain();
        let _own = self.own_change();
        let result = self.shared.client.call(&request, |_| ());
        self.protection_changes();
        self.changed();
        self.forget_acls();
        result
    }

    pub(crate) fn delete_xattr(&self, name: &[u8]) -> Result<(), Errno> {
        if self.lacks(name)? {
            return Err(Errno::ENODATA);
        }
        let fid = self.fid()?;
        let request = Txattrremove { fid: fid.number(), name: Text(name) };
        let _own = self.own_change();
        let result = self.shared.client.call(&request, |_| ());
        self.protection_changes();
        self.changed();
        self.forget_acls();
        result
    }
}
