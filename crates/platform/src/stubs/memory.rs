//! [`Memory`] of a stub process.

use std::io::IoSlice;
use std::sync::Arc;

use abi::Errno;

use super::accounts;
use super::caller;
use super::calls::Direction;
use super::heap;
use super::interface::{BASE, SIZE};
use super::process::Process;
use super::procfs::parse_maps;
use crate::{Mapping, Memory, ProgramBreak, write_each};

/// The most pieces that one host call takes (`IOV_MAX`).
const MOST_PIECES: usize = 1024;

/// Memory, reached through one of the processes that have it.
pub(super) struct StubMemory(pub(super) Arc<Process>);

impl StubMemory {
    fn text(&self, name: &str) -> Result<String, Errno> {
        self.0.alive(|pid| {
            let read = self.0.shared.procfs.read(&format!("{pid}/{name}"));
            // The files of a process on its way out vanish one by one.
            read.map_err(|errno| if errno == Errno::ENOENT { Errno::ESRCH } else { errno })
        })
    }
}

/// The pieces of a transfer of `length` bytes: as many as are filled, cut to fit.
fn cut(pieces: &[(u64, usize)], length: usize) -> Vec<(u64, usize)> {
    let mut left = length;
    let mut cut = Vec::with_capacity(pieces.len().min(MOST_PIECES));
    for (address, size) in pieces.iter().filter(|(_, size)| *size > 0).take(MOST_PIECES) {
        let size = (*size).min(left);
        if size == 0 {
            break;
        }
        cut.push((*address, size));
        left -= size;
    }
    cut
}

fn total(pieces: &[(u64, usize)]) -> usize {
    pieces.iter().map(|(_, size)| size).sum()
}

impl Memory for StubMemory {
    fn read(&self, address: u64, into: &mut [u8]) -> Result<usize, Errno> {
        if into.is_empty() {
            return Ok(0);
        }
        let length = into.len();
        if let Some(read) = caller::read(&self.0, address, into) {
            return Ok(read);
        }
        let done = self.0.transfer(Direction::Read(into), &[(address, length)])?;
        self.0.hide_patches(address, into.get_mut(..done).unwrap_or_default());
        Ok(done)
    }

    fn write(&self, address: u64, from: &[u8]) -> Result<usize, Errno> {
        if from.is_empty() {
            return Ok(0);
        }
        if let Some(written) = caller::write(&self.0, address, from) {
            return Ok(written);
        }
        self.0.transfer(Direction::Write(from), &[(address, from.len())])
    }

    fn write_gathered(&self, address: u64, from: &[IoSlice<'_>]) -> Result<usize, Errno> {
        let total = from.iter().map(|piece| piece.len()).sum();
        if total == 0 {
            return Ok(0);
        }
        if let Some(written) = caller::write_gathered(&self.0, address, total, from) {
            return Ok(written);
        }
        if from.len() > MOST_PIECES {
            return write_each(self, address, from);
        }
        self.0.transfer(Direction::WriteMany(from), &[(address, total)])
    }

    fn read_vectored(&self, pieces: &[(u64, usize)], into: &mut [u8]) -> Result<usize, Errno> {
        let pieces = cut(pieces, into.len());
        if let (&[(address, _)], Some(part)) = (&pieces[..], into.get_mut(..total(&pieces))) {
            return self.read(address, part);
        }
        caller::bypass(&self.0, &pieces);
        match into.get_mut(..total(&pieces)) {
            Some(part) if !part.is_empty() => self.0.transfer(Direction::Read(part), &pieces),
            _ => Ok(0),
        }
    }

    fn write_vectored(&self, pieces: &[(u64, usize)], from: &[u8]) -> Result<usize, Errno> {
        let pieces = cut(pieces, from.len());
        if let (&[(address, _)], Some(part)) = (&pieces[..], from.get(..total(&pieces))) {
            return self.write(address, part);
        }
        caller::bypass(&self.0, &pieces);
        match from.get(..total(&pieces)) {
            Some(part) if !part.is_empty() => self.0.transfer(Direction::Write(part), &pieces),
            _ => Ok(0),
        }
    }

    fn mappings(&self) -> Result<Vec<Mapping>, Errno> {
        let mut mappings = parse_maps(&self.text("maps")?);
        mappings.retain(|m| m.end <= BASE || m.start >= BASE + SIZE);
        if let Some(vdso) = &self.0.shared.own_vdso {
            vdso.name(&mut mappings);
        }
        Ok(self.0.hide_patched_mappings(mappings))
    }

    fn host_text(&self, name: &str) -> Result<String, Errno> {
        match name {
            "smaps" | "smaps_rollup" | "statm" | "stat" | "status" => {
                self.text(name).map(|text| accounts::of_guest(name, text))
            }
            _ => Err(Errno::ENOENT),
        }
    }

    fn set_break(&self, wanted: &ProgramBreak) -> Result<(), Errno> {
        heap::set(&self.0, wanted)
    }

    fn keep_break(&self) -> Result<(), Errno> {
        heap::keep(&self.0)
    }

    fn program_break(&self) -> Result<u64, Errno> {
        heap::told(&self.0)
    }

    fn id(&self) -> u64 {
        self.0.space.id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_cut_to_the_bytes_there_are() {
        assert_eq!(cut(&[(10, 4), (20, 0), (30, 4)], 6), [(10, 4), (30, 2)]);
        assert_eq!(cut(&[(10, 4)], 0), []);
        assert_eq!(cut(&[(1, 1); 2000], 2000).len(), MOST_PIECES);
    }
}
