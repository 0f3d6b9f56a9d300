//! What the server says a file is like.

use abi::Errno;
use ninep::Attr;
use ninep::flags::GetAttr;
use vfs::Attributes;

/// Numbers that no inode has: what uses them takes 0 to mean none, and 1 for bad blocks.
const RESERVED: u64 = 2;

/// The inode number for a server's.
pub(crate) const fn number(path: u64) -> u64 {
    path.wrapping_add(RESERVED)
}

/// What was told.
///
/// # Errors
/// `EIO` for a file without a type.
pub(crate) fn from_wire(attr: &Attr) -> Result<Attributes, Errno> {
    let valid = GetAttr::from_bits_truncate(attr.valid);
    if !valid.contains(GetAttr::MODE) {
        return Err(Errno::EIO);
    }
    let attributes = gofer_fs::from_wire(attr)?;
    // Linux counts and shows sizes as signed numbers.
    let size = attributes.size.min(i64::MAX.cast_unsigned());
    Ok(Attributes { inode: number(attr.qid.path), size, ..attributes })
}
