//! Extended attributes: files of their own on the wire.

use abi::Errno;
use ninep::message::{Tread, Twrite, Txattrcreate, Txattrwalk};
use ninep::{Data, Text};

use super::Node;
use crate::client::Fid;

/// The largest value and the longest list of names (`XATTR_SIZE_MAX`, `XATTR_LIST_MAX`).
const MOST: usize = 65_536;
/// `XATTR_REPLACE`.
const REPLACE: u32 = 2;

impl Node {
    /// Reads a value, or the list of names if the name is empty.
    fn read_xattr(&self, name: &[u8]) -> Result<Vec<u8>, Errno> {
        if self.shared.options.no_xattr {
            return Err(Errno::EOPNOTSUPP);
        }
        let (client, fid) = (&self.shared.client, self.fid()?);
        let request = |newfid| Txattrwalk { fid: fid.number(), newfid, name: Text(name) };
        let (value, size) = client.make(request, |reply| reply.size)?;
        let size = usize::try_from(size).ok().filter(|size| *size <= MOST).ok_or(Errno::ERANGE)?;
        let mut data = Vec::new();
        while data.len() < size {
            let left = u32::try_from(size.saturating_sub(data.len())).unwrap_or(u32::MAX);
            let count = client.most_data(left);
            let request = Tread { fid: value.number(), offset: data.len() as u64, count };
            let more = client.call(&request, |reply| reply.data.0.to_vec())?;
            if more.is_empty() {
                break;
            }
            data.extend_from_slice(&more);
        }
        data.truncate(size);
        Ok(data)
    }

    pub(super) fn get_xattr(&self, name: &[u8]) -> Result<Vec<u8>, Errno> {
        self.read_xattr(name)
    }

    pub(super) fn list_xattrs(&self) -> Result<Vec<Vec<u8>>, Errno> {
        let names = match self.read_xattr(b"") {
            Err(Errno::EOPNOTSUPP) => return Ok(Vec::new()),
            names => names?,
        };
        let names = names.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        Ok(names.map(<[u8]>::to_vec).collect())
    }

    /// Sets one, with the flags of setxattr(2). It takes effect when its fid is given up.
    pub(super) fn put_xattr(&self, name: &[u8], value: &[u8], flags: u32) -> Result<(), Errno> {
        if self.shared.options.no_xattr {
            return Err(Errno::EOPNOTSUPP);
        }
        let (fid, _) = self.shared.client.walk(&*self.fid()?, std::iter::empty())?;
        let size = value.len() as u64;
        let request = Txattrcreate { fid: fid.number(), name: Text(name), size, flags };
        self.shared.client.call(&request, |_| ())?;
        let written = self.write_xattr(&fid, value);
        let set = fid.give_up();
        self.changed();
        written.and(set)
    }

    fn write_xattr(&self, fid: &Fid, value: &[u8]) -> Result<(), Errno> {
        let client = &self.shared.client;
        let mut done = 0;
        while let Some(rest) = value.get(done..).filter(|rest| !rest.is_empty()) {
            let most = usize::try_from(client.most_data(0)).unwrap_or(usize::MAX);
            let piece = rest.get(..most).unwrap_or(rest);
            let request = Twrite { fid: fid.number(), offset: done as u64, data: Data(piece) };
            match usize::try_from(client.call(&request, |reply| reply.count)?) {
                Ok(count @ 1..) if count <= piece.len() => done = done.saturating_add(count),
                _ => return Err(Errno::EIO),
            }
        }
        Ok(())
    }

    /// As Linux has it: what is replaced by nothing is gone.
    pub(super) fn delete_xattr(&self, name: &[u8]) -> Result<(), Errno> {
        self.put_xattr(name, &[], REPLACE)
    }
}
