//! personality(2).
#![expect(missing_docs, reason = "the bits of personality(2) by their names")]

pub const UNAME26: u32 = 0x002_0000;
pub const ADDR_NO_RANDOMIZE: u32 = 0x004_0000;
pub const MMAP_PAGE_ZERO: u32 = 0x010_0000;
pub const ADDR_COMPAT_LAYOUT: u32 = 0x020_0000;
pub const READ_IMPLIES_EXEC: u32 = 0x040_0000;
pub const STICKY_TIMEOUTS: u32 = 0x400_0000;

/// The bits that tell which system is meant.
pub const PER_MASK: u32 = 0xff;
pub const PER_LINUX32: u32 = 8;

/// What a program that gains privileges does not inherit.
pub const CLEAR_ON_SETID: u32 = READ_IMPLIES_EXEC | ADDR_NO_RANDOMIZE | ADDR_COMPAT_LAYOUT | MMAP_PAGE_ZERO;
