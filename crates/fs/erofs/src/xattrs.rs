//! Extended attributes: some behind the inode, and some that several inodes share.

use abi::Errno;

use crate::content::Disk;
use crate::filesystem::Mounted;
use crate::image::read_exactly;
use crate::record::Record;

/// Bytes before the numbers of shared ones.
const HEADER: usize = 12;
/// Bytes before a name.
const ENTRY: usize = 4;

/// A name with its value.
pub(crate) type Xattr = (Vec<u8>, Vec<u8>);

/// All of a file's.
///
/// # Errors
/// `EUCLEAN`, `EIO`; `EOPNOTSUPP` for names that the image keeps elsewhere.
pub(crate) fn all(mounted: &Mounted, file: &Disk) -> Result<Vec<Xattr>, Errno> {
    if file.xattrs == 0 {
        return Ok(Vec::new());
    }
    // At most 256 KiB, by the width of the field that tells it.
    let mut bytes = vec![0; usize::try_from(file.xattrs).unwrap_or(0)];
    read_exactly(mounted.image.as_ref(), file.xattrs_at, &mut bytes)?;
    let record = Record(&bytes);
    let shared = usize::from(record.u8(4)?);
    let mut found = Vec::new();
    for index in 0..shared {
        let number = u64::from(record.u32(HEADER.saturating_add(index.saturating_mul(4)))?);
        let superblock = &mounted.superblock;
        let at = superblock.block_at(superblock.xattrs_at).saturating_add(number.saturating_mul(4));
        found.extend(read_shared(mounted, at)?);
    }
    let mut at = HEADER.saturating_add(shared.saturating_mul(4));
    while at.saturating_add(ENTRY) <= bytes.len() {
        let rest = bytes.get(at..).unwrap_or_default();
        let (xattr, length) = parse(rest)?;
        found.extend(xattr);
        at = at.saturating_add(length).next_multiple_of(4);
    }
    Ok(found)
}

fn read_shared(mounted: &Mounted, at: u64) -> Result<Option<Xattr>, Errno> {
    let mut head = [0; ENTRY];
    read_exactly(mounted.image.as_ref(), at, &mut head)?;
    let mut bytes = vec![0; length(&head)?];
    read_exactly(mounted.image.as_ref(), at, &mut bytes)?;
    parse(&bytes).map(|(xattr, _)| xattr)
}

/// Bytes of the entry that begins so.
fn length(head: &[u8]) -> Result<usize, Errno> {
    let record = Record(head);
    Ok(ENTRY.saturating_add(usize::from(record.u8(0)?)).saturating_add(usize::from(record.u16(2)?)))
}

/// The entry at the beginning, unless it is of a kind that nobody sees, and its bytes.
fn parse(bytes: &[u8]) -> Result<(Option<Xattr>, usize), Errno> {
    let length = length(bytes)?;
    let record = Record(bytes);
    let (name, index) = (usize::from(record.u8(0)?), record.u8(1)?);
    let prefix: &[u8] = match index {
        1 => b"user.",
        2 => b"system.posix_acl_access",
        3 => b"system.posix_acl_default",
        4 => b"trusted.",
        6 => b"security.",
        index if index & 0x80 != 0 => return Err(Errno::EOPNOTSUPP),
        _ => return Ok((None, length)),
    };
    let value_at = ENTRY.saturating_add(name);
    let name = bytes.get(ENTRY..value_at).ok_or(Errno::EUCLEAN)?;
    let value = bytes.get(value_at..length).ok_or(Errno::EUCLEAN)?;
    Ok((Some(([prefix, name].concat(), value.to_vec())), length))
}
