//! The program break: [`Heap`] in the stub's data, reached as all of a guest's memory.

use core::mem::offset_of;

use abi::Errno;

use super::interface::Heap;
use super::process::Process;
use crate::ProgramBreak;

/// Bytes that [`set`] writes: all but the mark of who moves it.
const SET: usize = offset_of!(Heap, moving);

/// As [`crate::Memory::set_break`].
pub(super) fn set(process: &Process, wanted: &ProgramBreak) -> Result<(), Errno> {
    let bytes: Vec<u8> =
        [wanted.start, wanted.at, wanted.limit].iter().flat_map(|word| word.to_le_bytes()).collect();
    process.write_exactly(&[(process.shared.heap, SET)], &bytes)
}

/// As [`crate::Memory::keep_break`].
pub(super) fn keep(process: &Process) -> Result<(), Errno> {
    let at = process.shared.heap + offset_of!(Heap, limit) as u64;
    process.write_exactly(&[(at, 8)], &0u64.to_le_bytes())
}

/// As [`crate::Memory::program_break`].
pub(super) fn told(process: &Process) -> Result<u64, Errno> {
    let mut bytes = [0; 8];
    let at = process.shared.heap + offset_of!(Heap, at) as u64;
    process.read_exactly(&[(at, bytes.len())], &mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}
