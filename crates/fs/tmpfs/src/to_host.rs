//! Content that moves to a host file of its own, to be mapped.

use abi::Errno;
use host::memory_file::MemoryFile;
use vfs::scratch;

use crate::pages::{PAGE, Pages};
use crate::stored::Stored;

/// Bytes copied at once.
const TOGETHER: u64 = 65_536;

/// From the sentry's memory.
pub(crate) fn from_heap(pages: &Pages, size: u64) -> Result<MemoryFile, Errno> {
    let file = MemoryFile::new(c"tmpfs")?;
    file.set_size(size)?;
    for (number, page) in pages.iter() {
        file.write_all(number.saturating_mul(PAGE), page)?;
    }
    Ok(file)
}

/// From a store. The pages are copied that have data: those that the store keeps as holes stay holes.
pub(crate) fn from_store(stored: &Stored, size: u64) -> Result<MemoryFile, Errno> {
    let file = MemoryFile::new(c"tmpfs")?;
    file.set_size(size)?;
    let mut at = 0;
    while let Some(start) = stored.next_data(at).filter(|start| *start < size) {
        let end = stored.next_hole(start).min(size).min(start.saturating_add(TOGETHER));
        scratch::with(usize::try_from(end.saturating_sub(start)).unwrap_or(0), |buffer| {
            stored.copy_out(start, buffer)?;
            file.write_all(start, buffer)
        })?;
        at = end;
    }
    Ok(file)
}
