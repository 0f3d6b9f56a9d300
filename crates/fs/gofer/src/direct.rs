//! `O_DIRECT`: reads and writes that pass the host's page cache by, from and to memory as aligned as disks want it.
//!
//! Whether offset and length are aligned is the host's to say. Where the guest's own memory lies makes no difference.

use std::io::IoSlice;
use std::os::fd::OwnedFd;

use abi::Errno;
use rustix::io::ReadWriteFlags;

use crate::attributes::errno;

/// What every disk is content with.
const ALIGNMENT: usize = 4096;

/// Memory of a length that begins where a disk wants it.
fn aligned<R>(length: usize, act: impl FnOnce(&mut [u8]) -> Result<R, Errno>) -> Result<R, Errno> {
    let mut memory = vec![0; length.checked_add(ALIGNMENT).ok_or(Errno::EINVAL)?];
    let start = memory.as_ptr().align_offset(ALIGNMENT);
    let end = start.checked_add(length).ok_or(Errno::EINVAL)?;
    act(memory.get_mut(start..end).ok_or(Errno::EINVAL)?)
}

/// pread(2).
pub(crate) fn read(file: &OwnedFd, into: &mut [u8], offset: u64) -> Result<usize, Errno> {
    aligned(into.len(), |memory| {
        let count = rustix::io::pread(file, &mut *memory, offset).map_err(errno)?;
        for (to, from) in into.iter_mut().zip(memory.iter().take(count)) {
            *to = *from;
        }
        Ok(count)
    })
}

/// pwrite(2), or what appends if there is no offset.
pub(crate) fn write(file: &OwnedFd, data: &[u8], offset: Option<u64>) -> Result<usize, Errno> {
    aligned(data.len(), |memory| {
        memory.copy_from_slice(data);
        match offset {
            Some(offset) => rustix::io::pwrite(file, memory, offset),
            None => rustix::io::pwritev2(file, &[IoSlice::new(memory)], 0, ReadWriteFlags::APPEND),
        }
        .map_err(errno)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_as_long_as_asked_for_and_aligned() {
        for length in [0, 1, 4096, 70_000] {
            let found = aligned(length, |memory| Ok((memory.len(), memory.as_ptr().addr() % ALIGNMENT)));
            assert_eq!(found, Ok((length, 0)));
        }
    }
}
