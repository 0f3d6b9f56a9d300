//! Reading ELF executables: elf(5). Everything in the file is untrusted.

use abi::Errno;
use abi::elf::{self, FileHeader, ProgramHeader};
use abi::memory::{PAGE_SIZE, Protection};
use zerocopy::FromBytes;

/// Bytes of program headers that are read at most, as in Linux.
const HEADERS_MAX: usize = 65_536;
/// The longest name of an interpreter, with its NUL.
const INTERPRETER_MAX: u64 = 4096;

/// A `PT_LOAD` segment, checked: page offsets agree, sizes do not overflow, and segments ascend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// Where it belongs, before relocation of the whole.
    pub(super) address: u64,
    /// Where it is in the file.
    pub(super) offset: u64,
    /// Bytes in the file.
    pub(super) file_size: u64,
    /// Bytes in memory.
    pub(super) memory_size: u64,
    pub(super) protection: Protection,
}

/// What the loader needs to know of an executable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Elf {
    /// Whether it can be put anywhere (`ET_DYN`).
    pub(super) relocatable: bool,
    pub(super) entry: u64,
    pub(super) segments: Vec<Segment>,
    /// Path of the dynamic loader.
    pub(super) interpreter: Option<Vec<u8>>,
    /// Where the program headers will be in memory, before relocation.
    pub(super) headers_address: u64,
    pub(super) headers_count: u16,
    /// Whether the stack shall be executable.
    pub(super) executable_stack: bool,
    /// The alignment that segments ask for.
    pub(super) alignment: u64,
}

impl Elf {
    /// The addresses from the first to the last page.
    pub(super) fn span(&self) -> core::ops::Range<u64> {
        let start = self.segments.first().map_or(0, |s| page_down(s.address));
        let end = self.segments.last().map_or(0, |s| page_up(s.address.saturating_add(s.memory_size)));
        start..end
    }
}

pub(super) const fn page_down(at: u64) -> u64 {
    at & !(PAGE_SIZE - 1)
}

pub(super) const fn page_up(at: u64) -> u64 {
    page_down(at.saturating_add(PAGE_SIZE - 1))
}

/// Whether a file begins as an ELF file does.
pub(super) fn is_elf(start: &[u8]) -> bool {
    start.starts_with(&elf::MAGIC)
}

/// Parses a file. `read` reads up to so many bytes at an offset.
///
/// # Errors
/// `ENOEXEC` for what is no executable of this machine, and what `read` fails with.
pub(super) fn parse(start: &[u8], read: impl Fn(u64, usize) -> Result<Vec<u8>, Errno>) -> Result<Elf, Errno> {
    let (header, _) = FileHeader::read_from_prefix(start).map_err(|_| Errno::ENOEXEC)?;
    let [_, _, _, _, class, data, ..] = header.ident;
    let known = is_elf(start)
        && class == elf::CLASS_64
        && data == elf::DATA_LITTLE
        && header.machine == elf::MACHINE_X86_64
        && matches!(header.kind, elf::TYPE_EXECUTABLE | elf::TYPE_SHARED);
    let size = usize::from(header.phnum) * size_of::<ProgramHeader>();
    let entry_size = usize::from(header.phentsize);
    if !known || size == 0 || size > HEADERS_MAX || entry_size != size_of::<ProgramHeader>() {
        return Err(Errno::ENOEXEC);
    }
    let headers = program_headers(start, header.phoff, size, &read)?;
    let mut parsed = Elf {
        relocatable: header.kind == elf::TYPE_SHARED,
        entry: header.entry,
        segments: Vec::new(),
        interpreter: None,
        headers_address: 0,
        headers_count: header.phnum,
        executable_stack: false,
        alignment: PAGE_SIZE,
    };
    let mut told = None;
    for program in headers {
        match program.kind {
            elf::LOAD => {
                parsed.alignment = parsed.alignment.max(alignment(program.align));
                parsed.segments.push(segment(&program, parsed.segments.last())?);
            }
            elf::INTERPRETER if parsed.interpreter.is_none() => {
                parsed.interpreter = Some(interpreter(&program, &read)?);
            }
            elf::PROGRAM_HEADERS => told = Some(program.vaddr),
            elf::GNU_STACK => parsed.executable_stack = program.flags & elf::EXECUTE != 0,
            _ => {}
        }
    }
    parsed.segments.retain(|s| s.memory_size > 0);
    if parsed.segments.is_empty() {
        return Err(Errno::ENOEXEC);
    }
    let holder = parsed
        .segments
        .iter()
        .find(|s| header.phoff >= s.offset && header.phoff < s.offset.saturating_add(s.file_size));
    let computed = holder.map(|s| s.address.wrapping_add(header.phoff - s.offset));
    parsed.headers_address = told.or(computed).unwrap_or(0);
    Ok(parsed)
}

fn program_headers(
    start: &[u8],
    offset: u64,
    size: usize,
    read: &impl Fn(u64, usize) -> Result<Vec<u8>, Errno>,
) -> Result<Vec<ProgramHeader>, Errno> {
    let from = usize::try_from(offset).map_err(|_| Errno::ENOEXEC)?;
    let end = from.checked_add(size).ok_or(Errno::ENOEXEC)?;
    let bytes = match start.get(from..end) {
        Some(bytes) => bytes.to_vec(),
        None => read(offset, size)?,
    };
    if bytes.len() < size {
        return Err(Errno::ENOEXEC);
    }
    let pieces = bytes.chunks_exact(size_of::<ProgramHeader>());
    pieces.map(|piece| ProgramHeader::read_from_bytes(piece).map_err(|_| Errno::ENOEXEC)).collect()
}

const fn alignment(wanted: u64) -> u64 {
    if wanted.is_power_of_two() && wanted <= 1 << 30 { wanted } else { PAGE_SIZE }
}

fn segment(program: &ProgramHeader, before: Option<&Segment>) -> Result<Segment, Errno> {
    let end = program.vaddr.checked_add(program.memsz).ok_or(Errno::ENOEXEC)?;
    let ends_well = page_up(end) >= end && program.offset.checked_add(program.filesz).is_some();
    let aligned = program.vaddr % PAGE_SIZE == program.offset % PAGE_SIZE;
    let ascends = before.is_none_or(|b| program.vaddr >= b.address.saturating_add(b.memory_size));
    if !ends_well || !aligned || !ascends || program.filesz > program.memsz {
        return Err(Errno::ENOEXEC);
    }
    let mut protection = Protection::empty();
    protection.set(Protection::READ, program.flags & elf::READ != 0);
    protection.set(Protection::WRITE, program.flags & elf::WRITE != 0);
    protection.set(Protection::EXEC, program.flags & elf::EXECUTE != 0);
    Ok(Segment {
        address: program.vaddr,
        offset: program.offset,
        file_size: program.filesz,
        memory_size: program.memsz,
        protection,
    })
}

fn interpreter(
    program: &ProgramHeader,
    read: &impl Fn(u64, usize) -> Result<Vec<u8>, Errno>,
) -> Result<Vec<u8>, Errno> {
    if !(2..=INTERPRETER_MAX).contains(&program.filesz) {
        return Err(Errno::ENOEXEC);
    }
    let size = usize::try_from(program.filesz).map_err(|_| Errno::ENOEXEC)?;
    let mut path = read(program.offset, size)?;
    if path.len() != size || path.pop() != Some(0) {
        return Err(Errno::ENOEXEC);
    }
    let end = path.iter().position(|b| *b == 0).unwrap_or(path.len());
    path.truncate(end);
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocopy::IntoBytes;

    fn header(phnum: u16) -> FileHeader {
        let mut ident = [0; 16];
        ident[..4].copy_from_slice(&elf::MAGIC);
        ident[4] = elf::CLASS_64;
        ident[5] = elf::DATA_LITTLE;
        FileHeader {
            ident,
            kind: elf::TYPE_SHARED,
            machine: elf::MACHINE_X86_64,
            version: 1,
            entry: 0x1040,
            phoff: 64,
            shoff: 0,
            flags: 0,
            ehsize: 64,
            phentsize: 56,
            phnum,
            shentsize: 0,
            shnum: 0,
            shstrndx: 0,
        }
    }

    fn load(vaddr: u64, offset: u64, filesz: u64, memsz: u64) -> ProgramHeader {
        ProgramHeader { kind: elf::LOAD, flags: 6, offset, vaddr, paddr: 0, filesz, memsz, align: 0x1000 }
    }

    fn parse_with(programs: &[ProgramHeader]) -> Result<Elf, Errno> {
        let mut bytes = header(u16::try_from(programs.len()).unwrap()).as_bytes().to_vec();
        programs.iter().for_each(|p| bytes.extend(p.as_bytes()));
        parse(&bytes, |_, _| Ok(Vec::new()))
    }

    #[test]
    fn a_plain_file_is_read() {
        let elf = parse_with(&[load(0, 0, 0x500, 0x500), load(0x2f00, 0x1f00, 0x200, 0x3000)]).unwrap();
        assert_eq!(elf.span(), 0..0x6000);
        assert_eq!(elf.headers_address, 64);
        assert!(elf.relocatable && elf.interpreter.is_none());
    }

    #[test]
    fn nonsense_is_refused() {
        let refused = [
            load(u64::MAX - 10, 0, 10, 100),
            load(0x1000, 0x10, 10, 10),
            load(0x1000, 0, 100, 10),
            load(0, u64::MAX - 0xfff, 0x2000, 0x2000),
        ];
        for bad in refused {
            assert_eq!(parse_with(&[bad]), Err(Errno::ENOEXEC), "{bad:?}");
        }
        assert_eq!(parse_with(&[load(0x5000, 0, 1, 1), load(0x1000, 0, 1, 1)]), Err(Errno::ENOEXEC));
        assert_eq!(parse_with(&[]), Err(Errno::ENOEXEC));
        assert_eq!(parse(b"\x7fELF", |_, _| Ok(Vec::new())), Err(Errno::ENOEXEC));
    }

    #[test]
    fn an_interpreter_must_end_with_nul() {
        let interp = ProgramHeader { kind: elf::INTERPRETER, ..load(0, 0x300, 5, 5) };
        let mut bytes = header(2).as_bytes().to_vec();
        bytes.extend(interp.as_bytes());
        bytes.extend(load(0, 0, 0x500, 0x500).as_bytes());
        let good = parse(&bytes, |_, n| Ok(b"/l/s\0".get(..n).unwrap().to_vec())).unwrap();
        assert_eq!(good.interpreter.as_deref(), Some(&b"/l/s"[..]));
        assert_eq!(parse(&bytes, |_, n| Ok(vec![b'x'; n])), Err(Errno::ENOEXEC));
    }
}
