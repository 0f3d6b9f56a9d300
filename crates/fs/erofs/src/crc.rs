//! CRC-32C, as the superblock has it: reflected, without inversion at the end.

/// What it is after the magic number and four zeros, which stand for the checksum itself.
pub(crate) const AFTER_MAGIC: u32 = 0x5045_b54a;
/// Castagnoli's polynomial, reflected.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// Goes on with more bytes.
pub(crate) fn crc32c(start: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(start, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (POLYNOMIAL & 0u32.wrapping_sub(crc & 1)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_known_one() {
        assert_eq!(!crc32c(!0, b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(!0, &[0xe2, 0xe1, 0xf5, 0xe0, 0, 0, 0, 0]), AFTER_MAGIC);
    }
}
