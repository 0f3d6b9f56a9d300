//! The names of a directory: in each block as many entries as there are, and then their names, in order.

use abi::Errno;
use vfs::FileKind;

use crate::content::Disk;
use crate::filesystem::Mounted;
use crate::record::Record;

/// Bytes of an entry.
pub(crate) const ENTRY: u64 = 12;
const ENTRY_BYTES: usize = 12;
/// `EROFS_NAME_LEN`.
const NAME_MAX: usize = 255;
/// No directory is longer, in bytes.
const LONGEST: u64 = 1 << 40;

/// A name.
pub(crate) struct Entry {
    pub(crate) name: Vec<u8>,
    pub(crate) inode: u64,
    pub(crate) kind: FileKind,
}

/// The entries of one block of a directory; none behind its end.
///
/// # Errors
/// `EUCLEAN`, `EIO`.
pub(crate) fn block(mounted: &Mounted, directory: &Disk, block: u64) -> Result<Vec<Entry>, Errno> {
    if directory.attributes.size > LONGEST {
        return Err(Errno::EUCLEAN);
    }
    let size = mounted.superblock.block();
    let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
    let offset = block.checked_mul(size).ok_or(Errno::EUCLEAN)?;
    let count = mounted.content(directory, offset, &mut bytes)?;
    parse(bytes.get(..count).unwrap_or_default())
}

fn parse(bytes: &[u8]) -> Result<Vec<Entry>, Errno> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let record = Record(bytes);
    let names = usize::from(record.u16(8)?);
    if names % ENTRY_BYTES != 0 || names == 0 || names >= bytes.len() {
        return Err(Errno::EUCLEAN);
    }
    let mut entries = Vec::with_capacity(names / ENTRY_BYTES);
    for at in (0..names).step_by(ENTRY_BYTES) {
        let start = usize::from(record.u16(at + 8)?);
        let last = at + ENTRY_BYTES == names;
        let end = if last { bytes.len() } else { usize::from(record.u16(at + ENTRY_BYTES + 8)?) };
        let mut name = bytes.get(start..end).filter(|_| start >= names).ok_or(Errno::EUCLEAN)?;
        if last {
            // What is left of the block is filled with zeros.
            name = name.split(|byte| *byte == 0).next().unwrap_or_default();
        }
        if name.is_empty() || name.len() > NAME_MAX || name.iter().any(|byte| matches!(byte, 0 | b'/')) {
            return Err(Errno::EUCLEAN);
        }
        entries.push(Entry {
            name: name.to_vec(),
            inode: record.u64(at)?,
            kind: kind_of(record.u8(at + 10)?),
        });
    }
    Ok(entries)
}

/// Finds a name: blocks and the entries in them are in order.
///
/// # Errors
/// `ENOENT`, `EUCLEAN`, `EIO`.
pub(crate) fn find(mounted: &Mounted, directory: &Disk, name: &[u8]) -> Result<u64, Errno> {
    let (mut low, mut high) = (0, directory.attributes.size.div_ceil(mounted.superblock.block()));
    while low < high {
        let middle = low.midpoint(high);
        let entries = block(mounted, directory, middle)?;
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return Err(Errno::EUCLEAN) };
        if name < first.name.as_slice() {
            high = middle;
        } else if name > last.name.as_slice() {
            low = middle.saturating_add(1);
        } else {
            return entries
                .iter()
                .find(|entry| entry.name == name)
                .map(|entry| entry.inode)
                .ok_or(Errno::ENOENT);
        }
    }
    Err(Errno::ENOENT)
}

/// `EROFS_FT_*`, for listings alone.
const fn kind_of(number: u8) -> FileKind {
    match number {
        2 => FileKind::Directory,
        3 => FileKind::CharacterDevice,
        4 => FileKind::BlockDevice,
        5 => FileKind::Fifo,
        6 => FileKind::Socket,
        7 => FileKind::Symlink,
        _ => FileKind::Regular,
    }
}
