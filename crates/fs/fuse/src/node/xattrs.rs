//! Extended attributes: never cached.

use abi::Errno;

use super::Node;

impl Node {
    pub(super) fn get_xattr(&self, name: &[u8]) -> Result<Vec<u8>, Errno> {
        self.good()?;
        self.shared.connection.getxattr(self.id, name)
    }

    pub(super) fn put_xattr(&self, name: &[u8], value: &[u8], mode: (bool, bool)) -> Result<(), Errno> {
        self.good()?;
        self.shared.connection.setxattr(self.id, name, value, mode, false)?;
        self.was_labelled();
        Ok(())
    }

    pub(super) fn delete_xattr(&self, name: &[u8]) -> Result<(), Errno> {
        self.good()?;
        self.shared.connection.removexattr(self.id, name)?;
        self.was_labelled();
        Ok(())
    }

    pub(super) fn list_xattrs(&self) -> Result<Vec<Vec<u8>>, Errno> {
        self.good()?;
        self.shared.connection.listxattr(self.id)
    }
}
