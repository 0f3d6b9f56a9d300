//! Static, position-fixed ELF programs.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use platform::{Context, Memory, Order, Registers, Source};

pub(crate) const STACK: u64 = 0x6f00_0000_0000;
pub(crate) const STACK_SIZE: u64 = 1 << 20;
pub(crate) const HEAP_SIZE: u64 = 64 << 20;

/// A program and how it is mapped.
pub(crate) struct Program {
    pub(crate) orders: Vec<Order>,
    pub(crate) entry: u64,
    pub(crate) heap: u64,
    headers: (u64, u64),
    clear: Vec<(u64, u64)>,
}

fn word<const N: usize>(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word[..N].copy_from_slice(&bytes[at..at + N]);
    u64::from_le_bytes(word)
}

pub(crate) fn load(path: &Path) -> std::io::Result<Program> {
    let bytes = std::fs::read(path)?;
    let file: Arc<OwnedFd> = Arc::new(File::open(path)?.into());
    let (at, count) = (word::<8>(&bytes, 32), word::<2>(&bytes, 56));
    let mut program = Program {
        orders: Vec::new(),
        entry: word::<8>(&bytes, 24),
        heap: 0,
        headers: (0, count),
        clear: Vec::new(),
    };
    for index in 0..count {
        let header = &bytes[(at + index * 56) as usize..];
        if word::<4>(header, 0) != 1 {
            continue;
        }
        let (flags, offset, address) = (word::<4>(header, 4), word::<8>(header, 8), word::<8>(header, 16));
        let (in_file, in_memory) = (word::<8>(header, 32), word::<8>(header, 40));
        let page = address & !4095;
        let end = (address + in_memory).next_multiple_of(4096);
        let file_end = (address + in_file).next_multiple_of(4096);
        let protection = ((flags & 4) >> 2 | flags & 2 | (flags & 1) << 2) as u32;
        let map = |address, length, source| Order::Map { address, length, protection, flags: 0x12, source };
        let source = Source::File { file: Arc::clone(&file), offset: offset - (address - page) };
        program.orders.push(map(page, file_end - page, source));
        if in_memory > in_file {
            program.clear.push((address + in_file, file_end - address - in_file));
            if end > file_end {
                program.orders.push(map(file_end, end - file_end, Source::Anonymous));
            }
        }
        if offset == 0 {
            program.headers.0 = address + at;
        }
        program.heap = program.heap.max(end);
    }
    let map = |address, length| Order::Map {
        address,
        length,
        protection: 3,
        flags: 0x12,
        source: Source::Anonymous,
    };
    program.orders.push(map(STACK, STACK_SIZE));
    program.orders.push(map(program.heap, HEAP_SIZE));
    Ok(program)
}

impl Program {
    /// Fills in what is not in the file, and gives the registers to start with.
    pub(crate) fn start(&self, memory: &dyn Memory, arguments: &[&str], vdso: u64) -> Context {
        for (at, length) in &self.clear {
            memory.write(*at, &vec![0; *length as usize]).unwrap();
        }
        let mut strings = STACK + STACK_SIZE - 4096;
        let mut words = vec![arguments.len() as u64];
        for argument in arguments {
            words.push(strings);
            memory.write(strings, &[argument.as_bytes(), &[0]].concat()).unwrap();
            strings += argument.len() as u64 + 1;
        }
        words.extend([0, 0]);
        let random = STACK + STACK_SIZE - 64;
        for pair in [
            (3, self.headers.0),
            (4, 56),
            (5, self.headers.1),
            (6, 4096),
            (9, self.entry),
            (25, random),
            (33, vdso),
            (0, 0),
        ] {
            words.extend([pair.0, pair.1]);
        }
        let rsp = (STACK + STACK_SIZE - 8192 - words.len() as u64 * 8) & !15;
        let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        memory.write(rsp, &bytes).unwrap();
        Context {
            registers: Registers { rip: self.entry, rsp, eflags: 0x200, ..Default::default() },
            ..Default::default()
        }
    }
}
