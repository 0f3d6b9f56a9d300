//! Where things go in a new address space, at random as Linux does it.

use abi::Errno;
use platform::Platform;

use super::elf::{Elf, page_down, page_up};

/// Where programs that can be put anywhere are put: two thirds up, as on Linux.
const PROGRAM_BASE: u64 = 0x5555_5555_4000;
/// How far from there at most, in pages.
const PROGRAM_PAGES: u64 = 1 << 28;
/// Where the dynamic loader is put, and how far from there at most, in pages.
const LOADER_BASE: u64 = 0x7f00_0000_0000;
const LOADER_PAGES: u64 = 1 << 26;
/// How far below the end of user space the stack ends at most, in pages.
const STACK_PAGES: u64 = 1 << 22;
/// How far the program break lies behind the data at most, in pages.
const BRK_PAGES: u64 = 1 << 13;
/// Nothing is put closer to the vDSO than this, bytes.
const VDSO_ROOM: u64 = 1 << 20;
/// Below the stack nothing is mapped for so many bytes (`stack_guard_gap`).
pub(super) const GUARD: u64 = 1 << 20;
/// The smallest and the largest stack, bytes.
const STACK_MIN: u64 = 256 << 10;
const STACK_MAX: u64 = 1 << 30;
/// The stack of a process without a limit for it, bytes.
const STACK_UNLIMITED: u64 = 256 << 20;

/// Random numbers, or zeros for a process that asked for fixed addresses.
pub(super) struct Dice {
    bytes: [u8; 64],
    used: usize,
}

impl Dice {
    /// Fresh ones.
    ///
    /// # Errors
    /// What the host reports.
    pub(super) fn new(fixed: bool) -> Result<Self, Errno> {
        let mut bytes = [0; 64];
        if !fixed {
            host::random::fill(&mut bytes)?;
        }
        Ok(Self { bytes, used: 0 })
    }

    /// A number below `limit`.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        let word =
            self.bytes.get(self.used..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default();
        self.used = self.used.saturating_add(8);
        u64::from_le_bytes(word).checked_rem(limit).unwrap_or(0)
    }
}

/// The addresses of a new program.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// Added to all addresses of the program.
    pub(super) program_bias: u64,
    /// Added to all addresses of the dynamic loader.
    pub(super) loader_bias: u64,
    /// The end of the stack.
    pub(super) stack_top: u64,
    /// Its size, bytes.
    pub(super) stack_size: u64,
    /// Where the program break starts.
    pub(super) brk: u64,
}

/// Chooses the addresses.
///
/// # Errors
/// `ENOMEM` if the program does not fit into what a guest may use.
pub(super) fn choose(
    platform: &dyn Platform,
    program: &Elf,
    loader: Option<&Elf>,
    stack_limit: u64,
    dice: &mut Dice,
) -> Result<Layout, Errno> {
    let stack_size = match stack_limit {
        crate::limits::INFINITY => STACK_UNLIMITED,
        limit => page_up(limit).clamp(STACK_MIN, STACK_MAX),
    };
    let program_bias = match program.relocatable {
        false => 0,
        // A loader started as a program goes where loaders go, so that its heap has room.
        true if program.interpreter.is_none() => place(LOADER_BASE, LOADER_PAGES, program, dice),
        true => place(PROGRAM_BASE, PROGRAM_PAGES, program, dice),
    };
    let loader_bias =
        loader.filter(|l| l.relocatable).map_or(0, |l| place(LOADER_BASE, LOADER_PAGES, l, dice));
    for (elf, bias) in [(Some(program), program_bias), (loader, loader_bias)] {
        if let Some(elf) = elf {
            let span = elf.span();
            let (start, end) = (span.start.checked_add(bias), span.end.checked_add(bias));
            usable(platform, start.ok_or(Errno::ENOMEM)?, end.ok_or(Errno::ENOMEM)?)?;
        }
    }
    let stack_top = stack_top(platform, stack_size, dice);
    usable(platform, stack_top.saturating_sub(stack_size), stack_top)?;
    let data_end = program.span().end.wrapping_add(program_bias);
    let brk = page_up(data_end).wrapping_add(dice.below(BRK_PAGES) << 12);
    Ok(Layout { program_bias, loader_bias, stack_top, stack_size, brk })
}

/// The bias that puts an image at a random place above `base`.
fn place(base: u64, pages: u64, elf: &Elf, dice: &mut Dice) -> u64 {
    let at = base.wrapping_add(dice.below(pages) << 12) & !(elf.alignment.max(1) - 1);
    at.wrapping_sub(elf.span().start)
}

fn usable(platform: &dyn Platform, start: u64, end: u64) -> Result<(), Errno> {
    let (all, kept) = (platform.address_range(), platform.reserved_range());
    let inside = start >= all.start && end <= all.end && start <= end;
    let clear = end <= kept.start || start >= kept.end;
    if inside && clear { Ok(()) } else { Err(Errno::ENOMEM) }
}

/// A random end for the stack near the end of user space, clear of the vDSO and of what the platform keeps.
fn stack_top(platform: &dyn Platform, size: u64, dice: &mut Dice) -> u64 {
    let (all, kept) = (platform.address_range(), platform.reserved_range());
    let whole = size.saturating_add(GUARD);
    let mut top = page_down(all.end.saturating_sub(dice.below(STACK_PAGES) << 12).saturating_sub(1 << 12));
    let vdso = platform.vdso().map(|at| at.saturating_sub(VDSO_ROOM)..at.saturating_add(VDSO_ROOM));
    // Whatever is in the way is passed below; the ranges are few, so two rounds settle it.
    for range in [vdso.clone(), Some(kept.clone()), vdso, Some(kept)].into_iter().flatten() {
        if top > range.start && top.saturating_sub(whole) < range.end {
            top = page_down(range.start);
        }
    }
    top
}

#[cfg(test)]
mod tests {
    use platform::mock::MockPlatform;

    use super::super::elf::Segment;
    use super::*;

    fn elf(address: u64, relocatable: bool, interpreter: Option<Vec<u8>>) -> Elf {
        let protection = abi::memory::Protection::READ;
        let segment = Segment { address, offset: 0, file_size: 0x1000, memory_size: 0x5000, protection };
        Elf {
            relocatable,
            entry: 0,
            segments: vec![segment],
            interpreter,
            headers_address: 0,
            headers_count: 1,
            executable_stack: false,
            alignment: 0x20_0000,
        }
    }

    #[test]
    fn random_places_fit_and_differ() {
        let platform = MockPlatform::new();
        let program = elf(0, true, Some(b"/ld".to_vec()));
        let mut seen = std::collections::HashSet::new();
        for _ in 0..50 {
            let mut dice = Dice::new(false).unwrap();
            let layout = choose(&platform, &program, Some(&program), 8 << 20, &mut dice).unwrap();
            assert_eq!(layout.program_bias % 0x20_0000, 0);
            let stack = layout.stack_top - layout.stack_size..layout.stack_top;
            assert!(usable(&platform, stack.start, stack.end).is_ok());
            seen.insert((layout.program_bias, layout.loader_bias, layout.stack_top));
        }
        assert!(seen.len() > 45);
    }

    #[test]
    fn a_program_over_reserved_addresses_does_not_load() {
        let platform = MockPlatform::new();
        let bad = elf(platform.reserved_range().start - 0x1000, false, None);
        let mut dice = Dice::new(true).unwrap();
        assert_eq!(choose(&platform, &bad, None, 8 << 20, &mut dice).unwrap_err(), Errno::ENOMEM);
        let low = elf(0, false, None);
        assert_eq!(choose(&platform, &low, None, 8 << 20, &mut dice).unwrap_err(), Errno::ENOMEM);
    }
}
