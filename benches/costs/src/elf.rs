//! The smallest program that the kernel loads.

/// A static ELF executable of one segment that is never run.
pub(crate) fn smallest() -> Vec<u8> {
    const BASE: u64 = 0x40_0000;
    const HEADERS: u64 = 64 + 56;
    let mut file = Vec::new();
    // Identification: 64 bits, little endian, version 1.
    file.extend([0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    // Executable, x86-64, version 1.
    file.extend([2, 0, 62, 0, 1, 0, 0, 0]);
    // Entry point, program headers, section headers.
    for word in [BASE + HEADERS, 64, 0] {
        file.extend(word.to_le_bytes());
    }
    // Flags, sizes and counts.
    file.extend([0; 4]);
    for half in [64_u16, 56, 1, 0, 0, 0] {
        file.extend(half.to_le_bytes());
    }
    // One segment, readable and executable.
    file.extend([1, 0, 0, 0, 5, 0, 0, 0]);
    for word in [0, BASE, BASE, 4096, 4096, 4096] {
        file.extend(word.to_le_bytes());
    }
    file.resize(4096, 0xf4);
    file
}
