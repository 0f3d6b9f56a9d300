//! OPEN and OPENDIR: open(2).

use abi::Errno;
use vfs::OpenFlags;
use zerocopy::IntoBytes;

use super::structure;
use crate::connection::{Connection, Shape};
use crate::wire::{FileFlags, Opcode, OpenIn, OpenOut};

/// `FUSE_OPEN_KILL_SUIDGID`: set-ID bits and capabilities shall go, because the file is truncated.
const KILL_SET_IDS: u32 = 1;

impl Connection {
    /// Opens a file or directory. Nothing if the server has no use for it: then it is never told again, and there is nothing to release.
    ///
    /// # Errors
    /// As [`Connection::ask`].
    pub(crate) fn open(&self, node: u64, flags: u32, directory: bool) -> Result<Option<OpenOut>, Errno> {
        if !self.opens(directory) {
            return Ok(None);
        }
        let opcode = if directory { Opcode::Opendir } else { Opcode::Open };
        let body = OpenIn { flags, open_flags: self.open_flags(flags) };
        match self.ask(opcode, node, &[body.as_bytes()], Shape::of::<OpenOut>()) {
            // As in Linux, whether or not the server has said in INIT that it may answer so.
            Err(Errno::ENOSYS) => {
                self.refused().note(opcode);
                Ok(None)
            }
            answer => structure(&answer?).map(Some),
        }
    }

    /// Whether the server has a use for OPEN, or OPENDIR. If not, it is not told of closing either.
    pub(crate) fn opens(&self, directory: bool) -> bool {
        !self.refused().is(if directory { Opcode::Opendir } else { Opcode::Open })
    }

    /// What is said of opening a file besides the flags of open(2).
    pub(super) fn open_flags(&self, flags: u32) -> u32 {
        if flags & OpenFlags::TRUNC.bits() != 0 && self.kills_privileges() { KILL_SET_IDS } else { 0 }
    }
}

/// How files are treated whose server has no use for OPEN.
pub(crate) const UNOPENED: FileFlags = FileFlags::KEEP_CACHE;
/// The same for directories.
pub(crate) const UNOPENED_DIRECTORY: FileFlags = FileFlags::KEEP_CACHE.union(FileFlags::CACHE_DIR);
