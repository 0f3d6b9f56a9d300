//! The part of a batch that one answer carries: records in the mailbox, and the files that they need.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use abi::nr;

use super::interface::{ORDERS, OrderRecord, kind};

/// `SECCOMP_FILTER_FLAG_TSYNC`.
pub(super) const FOR_ALL_THREADS: u64 = 1;
/// Bytes of a `struct sock_fprog`.
const FILTER_HEADER: usize = 16;
/// Instructions of a filter that fit behind its record.
pub(super) const FILTER_WORDS: usize = ((ORDERS - 1) * size_of::<OrderRecord>() - FILTER_HEADER) / 8;

/// A call that the stub is making, and will report.
#[derive(Clone, Copy, Debug)]
pub(super) struct InFlight {
    /// Which record of the mailbox.
    pub(super) record: usize,
    /// Whether an order ends with it.
    pub(super) ends: bool,
}

/// One answer's worth of calls.
#[derive(Default)]
pub(super) struct Part {
    pub(super) records: Vec<OrderRecord>,
    pub(super) lent: Vec<(Arc<OwnedFd>, u64)>,
    pub(super) in_flight: Vec<InFlight>,
    /// A filter, which lies behind the one record that names it.
    pub(super) filter: Option<Vec<u64>>,
}

impl Part {
    /// Whether so many more calls fit, with this file.
    pub(super) fn has_room(&self, calls: usize, file: Option<&Arc<OwnedFd>>) -> bool {
        if self.filter.is_some() {
            return false;
        }
        let lend = file.is_some_and(|file| self.number_of(file).is_none());
        self.records.len() + self.lent.len() + calls + usize::from(lend) <= ORDERS
    }

    pub(super) fn number_of(&self, file: &Arc<OwnedFd>) -> Option<u64> {
        self.lent.iter().find(|(lent, _)| Arc::ptr_eq(lent, file)).map(|(_, number)| *number)
    }

    /// The bytes of the records, which will lie at `at`, with the calls that give back what was lent.
    pub(super) fn bytes(mut self, at: u64) -> (u64, Vec<u8>) {
        if let Some(program) = self.filter {
            return (1, filter_bytes(&program, at));
        }
        for (_, number) in &self.lent {
            let args = [*number, 0, 0, 0, 0, 0];
            self.records.push(OrderRecord { number: nr::close, args, kind: kind::ALWAYS, result: 0 });
        }
        let count = u64::try_from(self.records.len()).unwrap_or(0);
        let words = self.records.iter().flat_map(|r| {
            let [a, b, c, d, e, f] = r.args;
            [r.number, a, b, c, d, e, f, r.kind, r.result]
        });
        (count, words.flat_map(u64::to_le_bytes).collect())
    }
}

/// The record of seccomp(2) that puts a filter up for all threads, a `struct sock_fprog`, and the filter, as they lie at `at`.
fn filter_bytes(program: &[u64], at: u64) -> Vec<u8> {
    const SET_MODE_FILTER: u64 = 1;
    let header = at + size_of::<OrderRecord>() as u64;
    let instructions = header + FILTER_HEADER as u64;
    let record = [nr::seccomp, SET_MODE_FILTER, FOR_ALL_THREADS, header, 0, 0, 0, kind::PLAIN, 0];
    let words = record.into_iter().chain([program.len() as u64, instructions]).chain(program.iter().copied());
    words.flat_map(u64::to_le_bytes).collect()
}
