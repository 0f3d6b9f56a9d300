//! Numbers in the structures of an image, which are little-endian.

use abi::Errno;

/// A structure, as it lies in the image.
#[derive(Clone, Copy)]
pub(crate) struct Record<'a>(pub(crate) &'a [u8]);

impl Record<'_> {
    fn bytes<const N: usize>(self, at: usize) -> Result<[u8; N], Errno> {
        let end = at.checked_add(N).ok_or(Errno::EUCLEAN)?;
        self.0.get(at..end).and_then(|bytes| bytes.try_into().ok()).ok_or(Errno::EUCLEAN)
    }

    pub(crate) fn u8(self, at: usize) -> Result<u8, Errno> {
        self.bytes::<1>(at).map(|[byte]| byte)
    }

    pub(crate) fn u16(self, at: usize) -> Result<u16, Errno> {
        self.bytes(at).map(u16::from_le_bytes)
    }

    pub(crate) fn u32(self, at: usize) -> Result<u32, Errno> {
        self.bytes(at).map(u32::from_le_bytes)
    }

    pub(crate) fn u64(self, at: usize) -> Result<u64, Errno> {
        self.bytes(at).map(u64::from_le_bytes)
    }
}
