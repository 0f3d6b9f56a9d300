//! An inode as it lies in the image, and where its content does.

use abi::Errno;
use vfs::{Attributes, Device, FileKind, Owner, Timestamp};

use crate::image::{Image, read_exactly};
use crate::record::Record;
use crate::superblock::{Superblock, nanoseconds};

/// The address of a chunk that is a hole.
const HOLE: u32 = u32::MAX;
/// Content up to this is followed; no file is longer.
const LONGEST: u64 = i64::MAX.cast_unsigned();

/// An inode.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    pub(crate) attributes: Attributes,
    layout: Layout,
    /// Where what stands behind it begins: extended attributes.
    pub(crate) xattrs_at: u64,
    /// Their bytes.
    pub(crate) xattrs: u64,
}

/// How content is laid out.
#[derive(Clone, Copy, Debug)]
enum Layout {
    /// In one piece from this block on.
    Plain(u64),
    /// The same, but what does not fill a block lies behind the inode.
    Inline(u64),
    /// In chunks of a size that is a power of two, whose blocks stand behind the inode.
    Chunks { bits: u32, indexed: bool },
}

impl Disk {
    /// # Errors
    /// `EUCLEAN`, `EIO`; `EOPNOTSUPP` for what is compressed.
    pub(crate) fn read(image: &dyn Image, superblock: &Superblock, number: u64) -> Result<Self, Errno> {
        let at = superblock.inode_at(number)?;
        let mut bytes = [0; 64];
        let (compact, rest) = bytes.split_at_mut(32);
        read_exactly(image, at, compact)?;
        let format = Record(compact).u16(0)?;
        let extended = format & 1 != 0;
        if extended {
            read_exactly(image, at.saturating_add(32), rest)?;
        }
        let record = Record(&bytes);
        let mode = record.u16(4)?;
        let kind = FileKind::from_mode(u32::from(mode)).ok_or(Errno::EUCLEAN)?;
        let (size, links, owner, modified) = if extended {
            let seconds = i64::try_from(record.u64(32)?).map_err(|_| Errno::EUCLEAN)?;
            let modified = Timestamp { seconds, nanoseconds: nanoseconds(record.u32(40)?)? };
            (record.u64(8)?, record.u32(44)?, Owner { uid: record.u32(24)?, gid: record.u32(28)? }, modified)
        } else {
            let owner = Owner { uid: u32::from(record.u16(24)?), gid: u32::from(record.u16(26)?) };
            (u64::from(record.u32(8)?), u32::from(record.u16(6)?), owner, superblock.built)
        };
        if size > LONGEST {
            return Err(Errno::EUCLEAN);
        }
        let place = record.u32(16)?;
        let device = matches!(kind, FileKind::CharacterDevice | FileKind::BlockDevice);
        let attributes = Attributes {
            inode: number,
            kind,
            mode: u32::from(mode) & 0o7777,
            links: u64::from(links),
            owner,
            device: if device { device_of(place) } else { Device::default() },
            size,
            blocks: size.next_multiple_of(superblock.block()) >> 9,
            block_size: 4096,
            accessed: modified,
            modified,
            changed: modified,
            born: None,
            flags: None,
        };
        let count = u64::from(record.u16(2)?);
        let xattrs = if count == 0 { 0 } else { (count - 1).saturating_mul(4).saturating_add(12) };
        let layout = match (format >> 1) & 7 {
            0 => Layout::Plain(u64::from(place)),
            2 => Layout::Inline(u64::from(place)),
            4 => {
                let format = place & 0xffff;
                if format & !0x3f != 0 {
                    return Err(Errno::EOPNOTSUPP);
                }
                Layout::Chunks {
                    bits: superblock.block_bits.saturating_add(format & 0x1f),
                    indexed: format & 0x20 != 0,
                }
            }
            _ => return Err(Errno::EOPNOTSUPP),
        };
        let xattrs_at = at.saturating_add(if extended { 64 } else { 32 });
        Ok(Self { attributes, layout, xattrs_at, xattrs })
    }

    /// Behind the extended attributes.
    const fn tail(&self) -> u64 {
        self.xattrs_at.saturating_add(self.xattrs)
    }

    /// Reads content at an offset: less only at its end.
    ///
    /// # Errors
    /// `EIO`, `EUCLEAN`, `EOPNOTSUPP`.
    pub(crate) fn content(
        &self,
        image: &dyn Image,
        superblock: &Superblock,
        mut offset: u64,
        into: &mut [u8],
    ) -> Result<usize, Errno> {
        let left = usize::try_from(self.attributes.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = into.len().min(left);
        let mut rest = into.get_mut(..wanted).unwrap_or_default();
        while !rest.is_empty() {
            let (at, together) = self.place(image, superblock, offset)?;
            let count = usize::try_from(together).unwrap_or(usize::MAX).min(rest.len()).max(1);
            let (piece, behind) = rest.split_at_mut_checked(count).ok_or(Errno::EIO)?;
            match at {
                Some(at) => read_exactly(image, at, piece)?,
                None => piece.fill(0),
            }
            offset = offset.saturating_add(count as u64);
            rest = behind;
        }
        Ok(wanted)
    }

    /// Where the byte at an offset below the size lies in the image, if not in a hole, and how many lie together from there on.
    fn place(
        &self,
        image: &dyn Image,
        superblock: &Superblock,
        offset: u64,
    ) -> Result<(Option<u64>, u64), Errno> {
        let size = self.attributes.size;
        match self.layout {
            Layout::Plain(block) => {
                let at = superblock.block_at(block).checked_add(offset).ok_or(Errno::EUCLEAN)?;
                Ok((Some(at), size.saturating_sub(offset)))
            }
            Layout::Inline(block) => {
                let tail = size & !(superblock.block() - 1);
                if offset < tail {
                    let at = superblock.block_at(block).checked_add(offset).ok_or(Errno::EUCLEAN)?;
                    return Ok((Some(at), tail.saturating_sub(offset)));
                }
                let start = self.tail();
                let within = start & (superblock.block() - 1);
                // It never lies in two blocks.
                if within.saturating_add(size.saturating_sub(tail)) > superblock.block() {
                    return Err(Errno::EUCLEAN);
                }
                Ok((Some(start.saturating_add(offset.saturating_sub(tail))), size.saturating_sub(offset)))
            }
            Layout::Chunks { bits, indexed } => {
                let chunk = offset >> bits;
                let within = offset & ((1u64 << bits) - 1);
                let block = self.chunk(image, chunk, indexed)?;
                let at = match block {
                    Some(block) => {
                        Some(superblock.block_at(block).checked_add(within).ok_or(Errno::EUCLEAN)?)
                    }
                    None => None,
                };
                Ok((at, (1u64 << bits).saturating_sub(within)))
            }
        }
    }

    /// The first block of a chunk.
    fn chunk(&self, image: &dyn Image, chunk: u64, indexed: bool) -> Result<Option<u64>, Errno> {
        let unit: u64 = if indexed { 8 } else { 4 };
        let table = self.tail().checked_next_multiple_of(unit).ok_or(Errno::EUCLEAN)?;
        let at = chunk.checked_mul(unit).and_then(|at| at.checked_add(table)).ok_or(Errno::EUCLEAN)?;
        let mut bytes = [0; 8];
        let entry = if indexed { bytes.as_mut_slice() } else { bytes.get_mut(..4).unwrap_or_default() };
        read_exactly(image, at, entry)?;
        let record = Record(&bytes);
        if indexed && record.u16(2)? != 0 {
            // It lies on another device.
            return Err(Errno::EOPNOTSUPP);
        }
        let block = record.u32(if indexed { 4 } else { 0 })?;
        Ok((block != HOLE).then_some(u64::from(block)))
    }
}

/// A device number as Linux writes it down.
fn device_of(number: u32) -> Device {
    Device::new((number >> 8) & 0xfff, (number & 0xff) | ((number >> 12) & 0xfff00))
}
