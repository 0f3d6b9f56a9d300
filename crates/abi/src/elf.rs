//! The parts of ELF that a loader reads: elf(5), and the auxiliary vector: getauxval(3).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The ELF header of a 64-bit file.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
#[expect(missing_docs, reason = "the fields of Elf64_Ehdr by their names")]
pub struct FileHeader {
    pub ident: [u8; 16],
    pub kind: u16,
    pub machine: u16,
    pub version: u32,
    pub entry: u64,
    pub phoff: u64,
    pub shoff: u64,
    pub flags: u32,
    pub ehsize: u16,
    pub phentsize: u16,
    pub phnum: u16,
    pub shentsize: u16,
    pub shnum: u16,
    pub shstrndx: u16,
}

/// A program header of a 64-bit file.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
#[expect(missing_docs, reason = "the fields of Elf64_Phdr by their names")]
pub struct ProgramHeader {
    pub kind: u32,
    pub flags: u32,
    pub offset: u64,
    pub vaddr: u64,
    pub paddr: u64,
    pub filesz: u64,
    pub memsz: u64,
    pub align: u64,
}

/// The first four bytes of every ELF file.
pub const MAGIC: [u8; 4] = *b"\x7fELF";
/// `ELFCLASS64`.
pub const CLASS_64: u8 = 2;
/// `ELFDATA2LSB`.
pub const DATA_LITTLE: u8 = 1;
/// `ET_EXEC`.
pub const TYPE_EXECUTABLE: u16 = 2;
/// `ET_DYN`.
pub const TYPE_SHARED: u16 = 3;
/// `EM_X86_64`.
pub const MACHINE_X86_64: u16 = 62;
/// `PT_LOAD`.
pub const LOAD: u32 = 1;
/// `PT_INTERP`.
pub const INTERPRETER: u32 = 3;
/// `PT_PHDR`.
pub const PROGRAM_HEADERS: u32 = 6;
/// `PT_GNU_STACK`.
pub const GNU_STACK: u32 = 0x6474_e551;
/// `PF_X`.
pub const EXECUTE: u32 = 1;
/// `PF_W`.
pub const WRITE: u32 = 2;
/// `PF_R`.
pub const READ: u32 = 4;

/// Keys of the auxiliary vector.
#[expect(missing_docs, reason = "the keys of getauxval(3) by their names")]
pub mod auxv {
    pub const NULL: u64 = 0;
    pub const PHDR: u64 = 3;
    pub const PHENT: u64 = 4;
    pub const PHNUM: u64 = 5;
    pub const PAGESZ: u64 = 6;
    pub const BASE: u64 = 7;
    pub const FLAGS: u64 = 8;
    pub const ENTRY: u64 = 9;
    pub const UID: u64 = 11;
    pub const EUID: u64 = 12;
    pub const GID: u64 = 13;
    pub const EGID: u64 = 14;
    pub const PLATFORM: u64 = 15;
    pub const HWCAP: u64 = 16;
    pub const CLKTCK: u64 = 17;
    pub const SECURE: u64 = 23;
    pub const RANDOM: u64 = 25;
    pub const HWCAP2: u64 = 26;
    pub const EXECFN: u64 = 31;
    pub const SYSINFO_EHDR: u64 = 33;
    pub const MINSIGSTKSZ: u64 = 51;
}
