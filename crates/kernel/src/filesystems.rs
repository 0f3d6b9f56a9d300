//! The types of filesystems that mount(2) knows.

use std::sync::Arc;

use abi::Errno;
use vfs::SuperBlock;

/// Makes filesystems. The sentry, which knows them all, implements it.
pub trait FileSystemTypes: Send + Sync {
    /// A new filesystem of this type, with options as mount(2) takes them.
    ///
    /// # Errors
    /// `ENODEV` for a type that is not known, `EINVAL` for bad options.
    fn make(&self, kind: &[u8], options: &[u8]) -> Result<Arc<SuperBlock>, Errno>;
}

/// A kernel without any.
pub(crate) struct NoTypes;

impl FileSystemTypes for NoTypes {
    fn make(&self, _: &[u8], _: &[u8]) -> Result<Arc<SuperBlock>, Errno> {
        Err(Errno::ENODEV)
    }
}
