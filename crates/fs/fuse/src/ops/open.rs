//! OPEN and OPENDIR: open(2).

use abi::Errno;
use zerocopy::IntoBytes;

use super::structure;
use crate::connection::{Connection, Shape};
use crate::wire::{FileFlags, InitFlags, Opcode, OpenIn, OpenOut};

impl Connection {
    /// Opens a file or directory. Nothing if the server has no use for it: then it is never told again, and there is nothing to release.
    ///
    /// # Errors
    /// As [`Connection::ask`].
    pub(crate) fn open(&self, node: u64, flags: u32, directory: bool) -> Result<Option<OpenOut>, Errno> {
        let (opcode, needless) = if directory {
            (Opcode::Opendir, InitFlags::NO_OPENDIR_SUPPORT)
        } else {
            (Opcode::Open, InitFlags::NO_OPEN_SUPPORT)
        };
        if self.refused().is(opcode) {
            return Ok(None);
        }
        let body = OpenIn { flags, open_flags: 0 };
        match self.ask(opcode, node, &[body.as_bytes()], Shape::of::<OpenOut>()) {
            Err(Errno::ENOSYS) if self.has(needless) => {
                self.refused().note(opcode);
                Ok(None)
            }
            answer => structure(&answer?).map(Some),
        }
    }
}

/// How files are treated whose server has no use for OPEN.
pub(crate) const UNOPENED: FileFlags = FileFlags::KEEP_CACHE;
/// The same for directories.
pub(crate) const UNOPENED_DIRECTORY: FileFlags = FileFlags::KEEP_CACHE.union(FileFlags::CACHE_DIR);
