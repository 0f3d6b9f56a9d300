//! The upper layer as a tar archive, as the OCI image specification has layers: what is new or changed, a file `.wh.NAME` for what was
//! removed, and `.wh..wh..opq` in a directory whose lower part is not seen.
//!
//! Where a renamed directory keeps its lower part (`redirect_dir`), which such an archive cannot say, all of it is written. What is changed
//! meanwhile may be in it or not: who wants one moment stops the processes first.

mod content;
mod entry;
mod walk;

use std::io::Write;

use abi::Errno;

use crate::filesystem::Overlay;
use walk::Walk;

impl Overlay {
    /// Writes the upper layer.
    ///
    /// # Errors
    /// `EROFS` if there is none, `ENAMETOOLONG` for paths that no archive can hold, those of reading and of writing.
    pub fn archive(&self, to: &mut dyn Write) -> Result<(), Errno> {
        self.shared.upper()?;
        let mut walk = Walk::new(to);
        walk.layer(&self.root)?;
        walk.other_names(&self.root)?;
        entry::end(to)
    }
}

/// What writing to the archive failed with.
fn errno(error: &std::io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(Errno::EIO.raw()))
}
