//! ioctl(2) on files and directories.

use abi::Errno;
use vfs::{Capability, IoctlContext};

use super::handle::Handle;
use crate::wire::IoctlIn;

/// `FUSE_IOCTL_DIR`.
const DIRECTORY: u32 = 1 << 4;
/// `FIBMAP`: which block of a device holds one of a file.
const FIBMAP: u32 = 1;
/// `_IOC_WRITE`: the caller's data goes in.
const IN: u32 = 1;
/// `_IOC_READ`: data comes out.
const OUT: u32 = 2;

impl Handle {
    /// Has the server carry a request out. How much memory of the caller's it is about its number says: `_IOC(direction, type, number, size)`.
    ///
    /// # Errors
    /// `ENOTTY`, `EFAULT`, and the server's.
    pub(super) fn control(
        &self,
        context: &dyn IoctlContext,
        request: u32,
        argument: u64,
    ) -> Result<u64, Errno> {
        let connection = &self.node.shared.connection;
        let directory = self.node.is_directory();
        if directory && !connection.settings().controls_directories() {
            return Err(Errno::ENOTTY);
        }
        self.node.good()?;
        if request == FIBMAP && !directory {
            return map_block(context, argument);
        }
        let (direction, size) = (request >> 30, request >> 16 & 0x3fff);
        let sized = |bit: u32| if direction & bit == 0 { 0 } else { size };
        let what = IoctlIn {
            fh: self.number(),
            flags: if directory { DIRECTORY } else { 0 },
            cmd: request,
            arg: argument,
            in_size: sized(IN),
            out_size: sized(OUT),
        };
        let mut data = vec![0; usize::try_from(what.in_size).unwrap_or(0)];
        if !data.is_empty() {
            context.read(argument, &mut data)?;
        }
        let (result, out) = connection.ioctl(self.node.id, &what, &data)?;
        if !out.is_empty() {
            context.write(argument, &out)?;
        }
        u64::try_from(result).map_err(|_| Errno::from_raw(result.saturating_neg()))
    }
}

/// There is no device, so there is no block of it: the server is not asked (BMAP).
fn map_block(context: &dyn IoctlContext, argument: u64) -> Result<u64, Errno> {
    context.credentials().need(Capability::SysRawio)?;
    let mut block = [0; 4];
    context.read(argument, &mut block)?;
    if i32::from_le_bytes(block) < 0 {
        return Err(Errno::EINVAL);
    }
    context.write(argument, &[0; 4]).map(|()| 0)
}
