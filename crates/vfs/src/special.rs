//! Inodes whose open file is not their filesystem's business: devices, FIFOs and sockets.

use std::sync::Arc;

use abi::Errno;

use crate::{Attributes, Credentials, File, InodeRef, OpenFlags};

/// Opens what a filesystem only stores a name for. The kernel implements it.
pub trait SpecialFiles: Send + Sync {
    /// Opens a character or block device by its number, or a FIFO by its inode. `caller` is the kernel's task, for `/dev/tty`.
    ///
    /// A FIFO's open never waits here: the file that comes back may have to be waited for before open(2) returns.
    ///
    /// # Errors
    /// `ENXIO` for a device that does not exist, and for sockets.
    fn open(
        &self,
        inode: &InodeRef,
        attributes: &Attributes,
        flags: OpenFlags,
        credentials: &Credentials,
        caller: Option<&dyn core::any::Any>,
    ) -> Result<Arc<dyn File>, Errno>;
}
