//! Where an image lies.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use abi::Errno;
use host::memory_file::MemoryFile;
use vfs::OpenFile;
use vfs::io::VecSink;

/// The bytes of an image.
pub trait Image: Send + Sync {
    /// Reads at an offset: fewer bytes than asked for, or none, at its end.
    ///
    /// # Errors
    /// Those of reading the file.
    fn read(&self, offset: u64, into: &mut [u8]) -> Result<usize, Errno>;
}

/// An image in a file of the sandbox.
pub struct OpenImage(pub Arc<OpenFile>);

impl Image for OpenImage {
    fn read(&self, offset: u64, into: &mut [u8]) -> Result<usize, Errno> {
        let mut sink = VecSink::new(into.len());
        self.0.file.read(offset, &mut sink)?;
        for (to, from) in into.iter_mut().zip(&sink.data) {
            *to = *from;
        }
        Ok(sink.data.len())
    }
}

/// An image in a file of the host.
pub struct HostImage(MemoryFile);

impl HostImage {
    /// Over a file that is open for reading.
    #[must_use]
    pub const fn new(file: OwnedFd) -> Self {
        Self(MemoryFile::over(file))
    }
}

impl Image for HostImage {
    fn read(&self, offset: u64, into: &mut [u8]) -> Result<usize, Errno> {
        self.0.read(offset, into)
    }
}

/// Reads all of `into`.
///
/// # Errors
/// `EIO` behind the end.
pub(crate) fn read_exactly(image: &dyn Image, offset: u64, into: &mut [u8]) -> Result<(), Errno> {
    let mut done = 0;
    while let Some(rest) = into.get_mut(done..).filter(|rest| !rest.is_empty()) {
        // No file is longer.
        let at = offset.checked_add(done as u64).filter(|at| *at < i64::MAX.cast_unsigned());
        match image.read(at.ok_or(Errno::EIO)?, rest)? {
            0 => return Err(Errno::EIO),
            count => done = done.saturating_add(count),
        }
    }
    Ok(())
}
