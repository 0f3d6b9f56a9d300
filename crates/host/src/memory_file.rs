//! Files without a name that nobody else has: in host memory (memfd_create(2)), or wherever they were made.

use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};

use abi::Errno;
use rustix::fs::{FallocateFlags, MemfdFlags, OFlags, SealFlags, SeekFrom};

use crate::errno_of;
use crate::reopen::reopen;

/// A file in memory, without a name. Its content is the host's page cache, so that guests can map it.
#[derive(Debug)]
pub struct MemoryFile {
    file: OwnedFd,
}

impl MemoryFile {
    /// A new empty file that can be sealed.
    ///
    /// # Errors
    /// `EMFILE`, `ENFILE`, `ENOMEM`.
    pub fn new(label: &CStr) -> Result<Self, Errno> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        rustix::fs::memfd_create(label, flags).map(|file| Self { file }).map_err(errno_of)
    }

    /// One that was made elsewhere, open for reading and writing. It cannot be sealed.
    #[must_use]
    pub const fn over(file: OwnedFd) -> Self {
        Self { file }
    }

    /// A descriptor for reading and writing.
    ///
    /// # Errors
    /// `EMFILE`.
    pub fn read_write(&self) -> Result<OwnedFd, Errno> {
        rustix::io::fcntl_dupfd_cloexec(&self.file, 0).map_err(errno_of)
    }

    /// A descriptor that can only be read, and of which no writable shared mapping can be made.
    ///
    /// # Errors
    /// `EMFILE`; `ENOENT` without sight of /proc.
    pub fn read_only(&self) -> Result<OwnedFd, Errno> {
        reopen(&self.file, OFlags::RDONLY)
    }

    /// Reads at an offset: zero at the end.
    ///
    /// # Errors
    /// `EIO`.
    pub fn read(&self, offset: u64, into: &mut [u8]) -> Result<usize, Errno> {
        rustix::io::pread(&self.file, into, offset).map_err(errno_of)
    }

    /// Writes at an offset, growing the file.
    ///
    /// # Errors
    /// `ENOMEM`, `ENOSPC`, `EPERM` if sealed.
    pub fn write(&self, offset: u64, from: &[u8]) -> Result<usize, Errno> {
        rustix::io::pwrite(&self.file, from, offset).map_err(errno_of)
    }

    /// Bytes.
    ///
    /// # Errors
    /// `EIO`.
    pub fn size(&self) -> Result<u64, Errno> {
        let stat = rustix::fs::fstat(&self.file).map_err(errno_of)?;
        Ok(u64::try_from(stat.st_size).unwrap_or(0))
    }

    /// Blocks of 512 bytes in use.
    ///
    /// # Errors
    /// `EIO`.
    pub fn blocks(&self) -> Result<u64, Errno> {
        let stat = rustix::fs::fstat(&self.file).map_err(errno_of)?;
        Ok(u64::try_from(stat.st_blocks).unwrap_or(0))
    }

    /// Cuts or grows the file.
    ///
    /// # Errors
    /// `EPERM` if sealed.
    pub fn set_size(&self, size: u64) -> Result<(), Errno> {
        rustix::fs::ftruncate(&self.file, size).map_err(errno_of)
    }

    /// Reserves memory for a range, growing the file unless `keep_size`.
    ///
    /// # Errors
    /// `ENOMEM`, `ENOSPC`, `EPERM` if sealed.
    pub fn allocate(&self, offset: u64, length: u64, keep_size: bool) -> Result<(), Errno> {
        let flags = if keep_size { FallocateFlags::KEEP_SIZE } else { FallocateFlags::empty() };
        rustix::fs::fallocate(&self.file, flags, offset, length).map_err(errno_of)
    }

    /// Gives the memory of a range back: it reads as zeros.
    ///
    /// # Errors
    /// `EPERM` if sealed.
    pub fn punch(&self, offset: u64, length: u64) -> Result<(), Errno> {
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        rustix::fs::fallocate(&self.file, flags, offset, length).map_err(errno_of)
    }

    /// The next data, or the next hole, at or after an offset.
    ///
    /// # Errors
    /// `ENXIO` behind the end.
    pub fn seek(&self, offset: u64, hole: bool) -> Result<u64, Errno> {
        let to = if hole { SeekFrom::Hole(offset) } else { SeekFrom::Data(offset) };
        rustix::fs::seek(&self.file, to).map_err(errno_of)
    }

    /// Adds seals (`F_SEAL_*`).
    ///
    /// # Errors
    /// `EBUSY` if there are writable shared mappings, `EPERM` if sealed against it.
    pub fn seal(&self, seals: u32) -> Result<(), Errno> {
        rustix::fs::fcntl_add_seals(&self.file, SealFlags::from_bits_retain(seals)).map_err(errno_of)
    }

    /// Writes all of it at an offset.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn write_all(&self, mut offset: u64, mut from: &[u8]) -> Result<(), Errno> {
        while !from.is_empty() {
            let written = self.write(offset, from)?;
            if written == 0 {
                return Err(Errno::ENOSPC);
            }
            offset = offset.saturating_add(written as u64);
            from = from.get(written..).unwrap_or_default();
        }
        Ok(())
    }
}

impl AsFd for MemoryFile {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.file.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_only_descriptor_cannot_write() {
        let file = MemoryFile::new(c"test").unwrap();
        file.write_all(0, b"hello").unwrap();
        let reader = file.read_only().unwrap();
        let mut buffer = [0; 5];
        rustix::io::pread(&reader, &mut buffer, 0).unwrap();
        assert_eq!(&buffer, b"hello");
        assert_eq!(rustix::io::pwrite(&reader, b"x", 0).unwrap_err(), rustix::io::Errno::BADF);
    }

    #[test]
    fn holes_are_found() {
        let file = MemoryFile::new(c"test").unwrap();
        file.write_all(8192, &[1; 4096]).unwrap();
        assert_eq!(file.seek(0, false), Ok(8192));
        assert_eq!(file.seek(8192, true), Ok(12288));
        file.punch(8192, 4096).unwrap();
        assert_eq!(file.seek(0, false), Err(Errno::ENXIO));
        assert_eq!(file.size(), Ok(12288));
        assert_eq!(file.blocks(), Ok(0));
    }
}
