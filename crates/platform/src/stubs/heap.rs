//! The program break while the gate moves it: [`Heap`] in the stub's data, reached as all of a guest's memory.

use core::mem::offset_of;

use abi::Errno;

use super::interface::Heap;
use super::mechanisms::Mechanisms;
use super::process::Process;
use crate::ProgramBreak;

/// Bytes that [`lend`] writes: all but the mark of who moves it.
const LENT: usize = offset_of!(Heap, moving);

/// As [`crate::Memory::lend_break`].
pub(super) fn lend(process: &Process, lent: &ProgramBreak) -> Result<(), Errno> {
    let shared = &process.shared;
    if shared.patching.is_none() || !shared.mechanisms.contains(Mechanisms::SEGMENT_INSTRUCTIONS) {
        // No call would ever find it.
        return Err(Errno::ENOSYS);
    }
    let bytes: Vec<u8> =
        [lent.start, lent.at, lent.limit].iter().flat_map(|word| word.to_le_bytes()).collect();
    process.write_exactly(&[(shared.heap, LENT)], &bytes)
}

/// As [`crate::Memory::lent_break`].
pub(super) fn lent(process: &Process) -> Result<u64, Errno> {
    let mut bytes = [0; 8];
    let at = process.shared.heap + offset_of!(Heap, at) as u64;
    process.read_exactly(&[(at, bytes.len())], &mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}
