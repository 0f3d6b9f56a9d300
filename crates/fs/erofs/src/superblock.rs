//! The superblock of an image.

use abi::Errno;
use vfs::Timestamp;

use crate::crc;
use crate::image::{Image, read_exactly};
use crate::record::Record;

/// Where it lies.
const OFFSET: u64 = 1024;
const BYTES: usize = 128;
/// `EROFS_SUPER_MAGIC_V1`.
pub(crate) const MAGIC: u32 = 0xe0f5_e1e2;
/// Of the compatible features: there is a checksum.
const CHECKSUM: u32 = 1;
/// Of the incompatible features the only one that is known here: files in chunks.
const CHUNKED: u32 = 4;
/// A block is between 512 and 4,096 bytes.
const BLOCK_BITS: std::ops::RangeInclusive<u8> = 9..=12;

/// What it says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Superblock {
    /// A block's size, as a power of two.
    pub(crate) block_bits: u32,
    /// The number of the root directory's inode.
    pub(crate) root: u64,
    /// How many inodes there are.
    pub(crate) inodes: u64,
    /// How many blocks.
    pub(crate) blocks: u64,
    /// The block that inodes are counted from.
    inodes_at: u64,
    /// The block that shared extended attributes are counted from.
    pub(crate) xattrs_at: u64,
    /// The time of files that have none of their own.
    pub(crate) built: Timestamp,
}

impl Superblock {
    /// # Errors
    /// `EINVAL` if it is none, `EBADMSG` with a wrong checksum, `EOPNOTSUPP` for features that are not known.
    pub(crate) fn read(image: &dyn Image) -> Result<Self, Errno> {
        let mut bytes = [0; BYTES];
        read_exactly(image, OFFSET, &mut bytes).map_err(|_| Errno::EINVAL)?;
        let record = Record(&bytes);
        let block_bits = record.u8(12)?;
        if record.u32(0)? != MAGIC || !BLOCK_BITS.contains(&block_bits) || record.u8(89)? != 0 {
            return Err(Errno::EINVAL);
        }
        if record.u32(80)? & !CHUNKED != 0 {
            return Err(Errno::EOPNOTSUPP);
        }
        if record.u32(8)? & CHECKSUM != 0 {
            verify(image, block_bits, record.u32(4)?)?;
        }
        let seconds = i64::try_from(record.u64(24)?).map_err(|_| Errno::EUCLEAN)?;
        Ok(Self {
            block_bits: u32::from(block_bits),
            root: u64::from(record.u16(14)?),
            inodes: record.u64(16)?,
            blocks: u64::from(record.u32(36)?),
            inodes_at: u64::from(record.u32(40)?),
            xattrs_at: u64::from(record.u32(44)?),
            built: Timestamp { seconds, nanoseconds: nanoseconds(record.u32(32)?)? },
        })
    }

    /// Bytes of a block.
    pub(crate) const fn block(&self) -> u64 {
        1 << self.block_bits
    }

    /// Where a block begins.
    pub(crate) const fn block_at(&self, block: u64) -> u64 {
        // Of at most 33 bits.
        block << self.block_bits
    }

    /// Where an inode begins.
    ///
    /// # Errors
    /// `EUCLEAN`.
    pub(crate) fn inode_at(&self, number: u64) -> Result<u64, Errno> {
        let within = number.checked_mul(32).ok_or(Errno::EUCLEAN)?;
        self.block_at(self.inodes_at).checked_add(within).ok_or(Errno::EUCLEAN)
    }
}

/// What may stand there for the part of a second.
pub(crate) fn nanoseconds(value: u32) -> Result<u32, Errno> {
    if value < 1_000_000_000 { Ok(value) } else { Err(Errno::EUCLEAN) }
}

/// The checksum is of the rest of the superblock's block.
fn verify(image: &dyn Image, block_bits: u8, expected: u32) -> Result<(), Errno> {
    let block = 1usize << block_bits;
    let length = if block > 1024 { block.saturating_sub(1024) } else { block };
    let mut bytes = vec![0; length.saturating_sub(8)];
    read_exactly(image, OFFSET + 8, &mut bytes)?;
    if crc::crc32c(crc::AFTER_MAGIC, &bytes) == expected { Ok(()) } else { Err(Errno::EBADMSG) }
}
