//! Host calls made for the sentry.

use crate::arch::{nr, syscall};
use crate::interface::{BASE, BRK, Mailbox, ORDERS, OrderRecord, SIZE, kind};
use crate::zygote;

const EINVAL: u64 = 22u64.wrapping_neg();

/// How orders went.
pub struct Done {
    /// How many were carried out, up to and including the first that failed.
    pub count: u64,
    /// The first results.
    pub results: [u64; 4],
    /// The last result.
    pub last: u64,
}

/// Carries out the mailbox's orders up to the first failure, as far as their kinds have it so.
pub fn carry_out(mailbox: &mut Mailbox) -> Done {
    let mut done = Done { count: 0, results: [0; 4], last: 0 };
    let mut failed = false;
    let mut trying = false;
    let count = (mailbox.count as usize).min(ORDERS);
    for order in mailbox.orders.iter_mut().take(count) {
        match order.kind {
            kind::ALWAYS => {
                perform(order);
                continue;
            }
            _ if failed => continue,
            kind::TRY | kind::TRY_ON => {
                if order.kind == kind::TRY || trying {
                    perform(order);
                    trying = !is_error(order.result);
                }
                continue;
            }
            _ => perform(order),
        }
        done.last = order.result;
        if let Some(place) = done.results.get_mut(done.count as usize) {
            *place = order.result;
        }
        done.count += 1;
        failed = is_error(order.result);
    }
    done
}

fn is_error(result: u64) -> bool {
    result > 4096u64.wrapping_neg()
}

fn perform(order: &mut OrderRecord) {
    let [first, ..] = order.args;
    order.result = if touches_stub(order) {
        EINVAL
    } else if order.number == BRK {
        zygote::program_break().order(first)
    } else {
        // SAFETY: it does not concern the stub's memory, and the filter allows nothing worse.
        unsafe { syscall(order.number, order.args) }
    };
}

/// Whether an order would change the stub's own memory. The sentry refuses those before; this is the second wall.
fn touches_stub(order: &OrderRecord) -> bool {
    let [address, length, third, _, fifth, _] = order.args;
    match order.number {
        nr::MMAP | nr::MUNMAP | nr::MPROTECT | nr::MADVISE | nr::MSYNC | nr::MINCORE | nr::MSEAL => overlaps(address, length),
        nr::MREMAP => overlaps(address, length.max(third)) || overlaps(fifth, third),
        _ => false,
    }
}

fn overlaps(address: u64, length: u64) -> bool {
    address < BASE + SIZE && address.saturating_add(length) > BASE
}
