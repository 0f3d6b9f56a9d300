//! What guests map of a file: a host file with a copy of as much of it as was mapped so far.
//!
//! Not the image itself: whoever could map that would see all files in it, also those that its user may not read.

use std::collections::HashSet;
use std::os::fd::OwnedFd;

use abi::Errno;
use host::memory_file::MemoryFile;
use vfs::scratch;

/// Bytes copied at once.
const PIECE: u64 = 64 << 10;
/// The most that is copied for one mapping, in bytes: a file of an image costs nothing to make as long as its maker likes.
const MOST: u64 = 4 << 30;

/// The copy.
pub(crate) struct Mapped {
    file: MemoryFile,
    /// Which pieces it has.
    pieces: HashSet<u64>,
}

impl Mapped {
    pub(crate) fn new(size: u64) -> Result<Self, Errno> {
        let file = MemoryFile::new(c"erofs")?;
        file.set_size(size)?;
        Ok(Self { file, pieces: HashSet::new() })
    }

    /// Copies a range by `read`, and returns a descriptor that only reads.
    ///
    /// # Errors
    /// `ENOMEM` for more than can be kept, and those of reading.
    pub(crate) fn load(
        &mut self,
        start: u64,
        end: u64,
        read: impl Fn(u64, &mut [u8]) -> Result<usize, Errno>,
    ) -> Result<OwnedFd, Errno> {
        if end.saturating_sub(start) > MOST {
            return Err(Errno::ENOMEM);
        }
        for piece in start / PIECE..end.div_ceil(PIECE) {
            if self.pieces.contains(&piece) {
                continue;
            }
            let at = piece.saturating_mul(PIECE);
            scratch::with(usize::try_from(PIECE).unwrap_or(0), |buffer| {
                let count = read(at, buffer)?;
                let data = buffer.get(..count).unwrap_or_default();
                // Holes of the image stay holes.
                if data.iter().all(|byte| *byte == 0) { Ok(()) } else { self.file.write_all(at, data) }
            })?;
            self.pieces.insert(piece);
        }
        self.file.read_only()
    }
}
