//! What an order comes to: the calls that the stub makes for it, checked.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use abi::{Errno, nr};

use super::filter;
use super::filter::table::{STUB_ADVICE, STUB_BARRIERS};
use super::interface::{BASE, SIZE};
use super::part::FILTER_WORDS;
use crate::{Order, Source};

const MAP_SHARED: u32 = 1;
const MAP_PRIVATE: u32 = 2;
const MAP_ANONYMOUS: u32 = 0x20;
/// What an order may ask for: as [`super::filter::table::MAP_FLAGS`], and `MAP_GROWSDOWN`, `MAP_SHARED_VALIDATE`.
const MAP_FLAGS: u32 = super::filter::table::MAP_FLAGS | 0x100 | 0x3;
const MREMAP_FLAGS: u32 = 7;
const MREMAP_FIXED: u32 = 2;
const MS_FLAGS: u32 = 7;
/// `FUTEX_WAKE`, `REQUEUE`, `CMP_REQUEUE`, `WAKE_OP`, `WAKE_BITSET`.
const FUTEX_WITHOUT_WAIT: [u64; 5] = [1, 3, 4, 5, 10];
/// All but `FUTEX_PRIVATE_FLAG` and `FUTEX_CLOCK_REALTIME`.
const FUTEX_OPERATION: u64 = !(128 | 256);
const PROTECTIONS: u32 = 7 | 0x0100_0000 | 0x0200_0000;

/// One call of the stub's.
#[derive(Debug)]
pub(super) enum Step {
    Call {
        number: u64,
        args: [u64; 6],
        file: Option<Arc<OwnedFd>>,
        ends: bool,
    },
    /// Mappings that are made together, as far as they can be: nobody hears of their results.
    Group(Vec<([u64; 6], Arc<OwnedFd>)>),
    /// One more filter for all threads of the process. Nothing else goes with it.
    Filter(Vec<u64>),
    Fail(Errno),
}

/// Whether a range reaches into the stub's.
fn touches_stub(address: u64, length: u64) -> bool {
    address < BASE + SIZE && address.saturating_add(length) > BASE
}

/// The steps of an order. `unmap_all` is what [`Order::UnmapAll`] unmaps: start and length.
pub(super) fn steps(order: Order, unmap_all: &[(u64, u64)]) -> Vec<Step> {
    let call = |number: u64, args: [u64; 6]| vec![Step::Call { number, args, file: None, ends: true }];
    let ranged = |number: u64, address: u64, length: u64, third: u64| {
        if touches_stub(address, length) {
            return vec![Step::Fail(Errno::EINVAL)];
        }
        call(number, [address, length, third, 0, 0, 0])
    };
    match order {
        Order::Map { address, length, protection, flags, source } => {
            vec![map(address, length, protection, flags, source)]
        }
        Order::Unmap { address, length } => ranged(nr::munmap, address, length, 0),
        Order::Protect { protection, .. } if protection & !PROTECTIONS != 0 => {
            vec![Step::Fail(Errno::EINVAL)]
        }
        Order::Protect { address, length, protection } => {
            ranged(nr::mprotect, address, length, protection.into())
        }
        Order::Remap { address, old_length, new_length, flags, new_address } => {
            let to = flags & MREMAP_FIXED != 0 && touches_stub(new_address, new_length);
            if to || flags & !MREMAP_FLAGS != 0 || touches_stub(address, old_length.max(new_length)) {
                return vec![Step::Fail(Errno::EINVAL)];
            }
            let new_address = if flags & MREMAP_FIXED == 0 { 0 } else { new_address };
            call(nr::mremap, [address, old_length, new_length, flags.into(), new_address, 0])
        }
        Order::Advise { address, length, advice } => match u32::try_from(advice.0) {
            Ok(number) if STUB_ADVICE.contains(&number) => {
                ranged(nr::madvise, address, length, number.into())
            }
            _ => vec![Step::Fail(Errno::EINVAL)],
        },
        Order::Sync { flags, .. } if flags & !MS_FLAGS != 0 => vec![Step::Fail(Errno::EINVAL)],
        Order::Sync { address, length, flags } => ranged(nr::msync, address, length, flags.into()),
        Order::Break { to } => call(nr::brk, [to, 0, 0, 0, 0, 0]),
        Order::SetClearChildTid { address } => call(nr::set_tid_address, [address, 0, 0, 0, 0, 0]),
        // What there is to do follows as groups; this makes a result.
        Order::Patch { .. } => call(nr::madvise, [0; 6]),
        // Whoever waits in a handler hears of no interrupt.
        Order::Futex { args } if FUTEX_WITHOUT_WAIT.contains(&(args[1] & FUTEX_OPERATION)) => {
            call(nr::futex, args)
        }
        Order::Residency { address, length, vector } => {
            if touches_stub(vector, length.div_ceil(4096)) {
                return vec![Step::Fail(Errno::EFAULT)];
            }
            ranged(nr::mincore, address, length, vector)
        }
        Order::Seal { address, length } => ranged(nr::mseal, address, length, 0),
        Order::Barrier { command } if STUB_BARRIERS.contains(&command) => {
            call(nr::membarrier, [command.into(), 0, 0, 0, 0, 0])
        }
        Order::Restartable { area, length, .. } if touches_stub(area, length.into()) => {
            vec![Step::Fail(Errno::EFAULT)]
        }
        Order::Restartable { area, length, flags, signature } => {
            call(nr::rseq, [area, length.into(), flags.into(), signature.into(), 0, 0])
        }
        Order::Barrier { .. } => vec![Step::Fail(Errno::EINVAL)],
        Order::Futex { .. } => vec![Step::Fail(Errno::ENOSYS)],
        Order::Watch(watch) => match filter::watch::program(&watch) {
            Ok(program) if program.len() <= FILTER_WORDS => vec![Step::Filter(program)],
            _ => vec![Step::Fail(Errno::EINVAL)],
        },
        Order::UnmapAll => {
            let last = unmap_all.len().saturating_sub(1);
            let step = |(index, (address, length)): (usize, &(u64, u64))| Step::Call {
                number: nr::munmap,
                args: [*address, *length, 0, 0, 0, 0],
                file: None,
                ends: index == last,
            };
            unmap_all.iter().enumerate().map(step).collect()
        }
    }
}

/// Mappings of files that are made together.
pub(super) fn group(orders: Vec<Order>) -> Step {
    let calls = orders.into_iter().flat_map(|order| steps(order, &[])).filter_map(|step| match step {
        Step::Call { args, file: Some(file), .. } => Some((args, file)),
        _ => None,
    });
    Step::Group(calls.collect())
}

fn map(address: u64, length: u64, protection: u32, flags: u32, source: Source) -> Step {
    let kind = flags & (MAP_SHARED | MAP_PRIVATE);
    if flags & !MAP_FLAGS != 0 || protection & !PROTECTIONS != 0 || kind == 0 || touches_stub(address, length)
    {
        return Step::Fail(Errno::EINVAL);
    }
    const NO_FILE: u64 = u64::MAX;
    let flags = u64::from(flags & !MAP_ANONYMOUS);
    let (flags, offset, file) = match source {
        Source::Anonymous => (flags | u64::from(MAP_ANONYMOUS), 0, None),
        Source::File { file, offset } => (flags, offset, Some(file)),
    };
    let args = [address, length, protection.into(), flags, NO_FILE, offset];
    Step::Call { number: nr::mmap, args, file, ends: true }
}
