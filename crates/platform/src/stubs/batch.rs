//! Orders: checked, cut into parts that fit the mailbox, carried out by the stub.

use std::collections::VecDeque;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use abi::{Errno, nr};

use super::calls::{self, Notification};
use super::delivery::deliver_later;
use super::filter;
use super::filter::table::{STUB_ADVICE, STUB_BARRIERS};
use super::interface::{BASE, Mailbox, ORDERS, OrderRecord, SIZE, answer, kind};
use super::patching::Switch;
use super::phase::{Phase, State, Way};
use super::process::Process;
use super::thread::StubThread;
use crate::{Order, Source, Stop};

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
/// `SECCOMP_FILTER_FLAG_TSYNC`.
const FOR_ALL_THREADS: u64 = 1;
/// Bytes of a `struct sock_fprog`.
const FILTER_HEADER: usize = 16;
/// Instructions of a filter that fit behind its record.
const FILTER_WORDS: usize = ((ORDERS - 1) * size_of::<OrderRecord>() - FILTER_HEADER) / 8;
const PROTECTIONS: u32 = 7 | 0x0100_0000 | 0x0200_0000;

/// What happens when a batch is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Afterwards {
    /// The kernel hears of it.
    Report,
    /// The guest goes on with the last result.
    Return,
    /// The thread ends.
    Leave,
    /// The platform hears of it, and the kernel if it has asked for an interrupt.
    Switch,
}

/// Orders under way.
#[derive(Debug)]
pub(super) struct Batch {
    steps: VecDeque<Step>,
    results: Vec<Result<u64, Errno>>,
    afterwards: Afterwards,
    switch: Option<Switch>,
    in_flight: Vec<InFlight>,
    /// Whether one filter may be put up.
    consent: bool,
}

/// A call that the stub is making, and will report.
#[derive(Clone, Copy, Debug)]
struct InFlight {
    /// Which record of the mailbox.
    record: usize,
    /// Whether an order ends with it.
    ends: bool,
}

/// One call of the stub's.
#[derive(Debug)]
enum Step {
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

impl Batch {
    /// Orders of the kernel's for this process.
    pub(super) fn new(orders: Vec<Order>, returns: bool, process: &Process) -> Self {
        let mut all = VecDeque::with_capacity(orders.len());
        for order in orders {
            let patches = process.note_order(&order);
            all.extend(steps(order, &process.shared.unmap_all));
            all.extend(patches.into_iter().map(group));
        }
        let afterwards = if returns { Afterwards::Return } else { Afterwards::Report };
        Self::with(all, afterwards)
    }

    fn with(steps: VecDeque<Step>, afterwards: Afterwards) -> Self {
        Self { steps, results: Vec::new(), afterwards, switch: None, in_flight: Vec::new(), consent: false }
    }

    /// What gives a process patched pages.
    pub(super) fn switch(orders: Vec<Order>, switch: Switch) -> Self {
        let steps = orders.into_iter().flat_map(|order| steps(order, &[])).collect();
        Self { switch: Some(switch), ..Self::with(steps, Afterwards::Switch) }
    }

    /// Wakes one waiter of each of these futexes, then ends the thread.
    pub(super) fn last_wakes(addresses: &[u64]) -> Self {
        const FUTEX_WAKE: u64 = 1;
        let wake = |address: &u64| {
            let args = [*address, FUTEX_WAKE, 1, 0, 0, 0];
            Step::Call { number: nr::futex, args, file: None, ends: true }
        };
        let steps = addresses.iter().map(wake).collect();
        Self::with(steps, Afterwards::Leave)
    }

    /// Enters the results of the calls that were in flight.
    fn take(&mut self, results: &[u64]) {
        for (index, InFlight { ends, .. }) in core::mem::take(&mut self.in_flight).into_iter().enumerate() {
            let result = match results.get(index) {
                Some(value) => error_of(*value).map_or(Ok(*value), Err),
                // A guest has meddled with its stub.
                None => Err(Errno::EIO),
            };
            if result.is_err() {
                self.results.push(result);
                self.steps.clear();
                return;
            }
            if ends {
                self.results.push(result);
            }
        }
    }
}

/// The error in a system call's result.
pub(super) fn error_of(value: u64) -> Option<Errno> {
    let negated = value.wrapping_neg();
    if (1..=4095).contains(&negated) { i32::try_from(negated).ok().map(Errno::from_raw) } else { None }
}

/// Whether a range reaches into the stub's.
fn touches_stub(address: u64, length: u64) -> bool {
    address < BASE + SIZE && address.saturating_add(length) > BASE
}

fn steps(order: Order, unmap_all: &[(u64, u64)]) -> Vec<Step> {
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
fn group(orders: Vec<Order>) -> Step {
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

/// One answer's worth of calls.
#[derive(Default)]
struct Part {
    records: Vec<OrderRecord>,
    lent: Vec<(Arc<OwnedFd>, u64)>,
    in_flight: Vec<InFlight>,
    /// A filter, which lies behind the one record that names it.
    filter: Option<Vec<u64>>,
}

impl Part {
    /// Whether so many more calls fit, with this file.
    fn has_room(&self, calls: usize, file: Option<&Arc<OwnedFd>>) -> bool {
        if self.filter.is_some() {
            return false;
        }
        let lend = file.is_some_and(|file| self.number_of(file).is_none());
        self.records.len() + self.lent.len() + calls + usize::from(lend) <= ORDERS
    }

    fn number_of(&self, file: &Arc<OwnedFd>) -> Option<u64> {
        self.lent.iter().find(|(lent, _)| Arc::ptr_eq(lent, file)).map(|(_, number)| *number)
    }

    /// The bytes of the records, which will lie at `at`, with the calls that give back what was lent.
    fn bytes(mut self, at: u64) -> (u64, Vec<u8>) {
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

impl StubThread {
    /// As [`crate::Thread::perform`].
    pub(super) fn carry_out(&self, orders: Vec<Order>) {
        let mut state = self.state.lock();
        if let Phase::Stopped { id } = state.phase {
            state.note_clear_child_tid(&orders);
            let batch = Batch::new(orders, false, &self.process);
            self.advance(&mut state, id, batch);
        }
    }

    /// Sends the next part of a batch, or ends it.
    pub(super) fn advance(&self, state: &mut State, id: u64, mut batch: Batch) {
        let mut part = Part::default();
        while let Some(step) = batch.steps.pop_front() {
            match self.add(&mut part, id, step) {
                Ok(()) => {}
                Err(Step::Fail(errno)) if part.records.is_empty() => {
                    batch.results.push(Err(errno));
                    batch.steps.clear();
                }
                Err(step) => {
                    batch.steps.push_front(step);
                    break;
                }
            }
        }
        if part.records.is_empty() && part.lent.is_empty() {
            return self.finish(state, id, batch);
        }
        // The host asks before it takes a filter, so the batch has to be there.
        let returns =
            batch.afterwards == Afterwards::Return && batch.steps.is_empty() && part.filter.is_none();
        batch.in_flight = core::mem::take(&mut part.in_flight);
        let mailbox = state.frame.mailbox;
        let orders = mailbox + core::mem::offset_of!(Mailbox, orders) as u64;
        batch.consent = part.filter.is_some();
        let (count, bytes) = part.bytes(orders);
        let extra = [
            (mailbox + core::mem::offset_of!(Mailbox, count) as u64, &count.to_le_bytes()[..]),
            (orders, &bytes[..]),
        ];
        let mut bits = match state.frame.write_back(&self.process, None, &extra) {
            Ok(bits) => bits | answer::ORDERS,
            Err(_) => return self.process.kill(),
        };
        if returns {
            bits |= answer::FINAL;
            state.phase = Phase::Running;
            self.pass_on_interrupt(state);
        } else {
            state.phase = Phase::Orders(Box::new(batch));
        }
        self.image.answer(id, answer::COMMAND | bits);
    }

    /// Adds a call to a part, and gives it back if it does not fit or cannot be.
    fn add(&self, part: &mut Part, id: u64, step: Step) -> Result<(), Step> {
        let (number, mut args, file, ends) = match step {
            Step::Call { number, args, file, ends } => (number, args, file, ends),
            Step::Group(calls) => return self.add_group(part, id, calls),
            Step::Filter(program) if part.records.is_empty() => {
                let number = nr::seccomp;
                part.in_flight.push(InFlight { record: 0, ends: true });
                part.records.push(OrderRecord { number, args: [0; 6], kind: kind::PLAIN, result: 0 });
                part.filter = Some(program);
                return Ok(());
            }
            filter @ Step::Filter(_) => return Err(filter),
            failure @ Step::Fail(_) => return Err(failure),
        };
        if !part.has_room(1, file.as_ref()) {
            return Err(Step::Call { number, args, file, ends });
        }
        if let Some(file) = file {
            let [.., fd, _] = &mut args;
            *fd = self.lend(part, id, &file).map_err(Step::Fail)?;
        }
        part.in_flight.push(InFlight { record: part.records.len(), ends });
        part.records.push(OrderRecord { number, args, kind: kind::PLAIN, result: 0 });
        Ok(())
    }

    /// Adds all of a group, or nothing: without it all else works.
    fn add_group(&self, part: &mut Part, id: u64, calls: Vec<([u64; 6], Arc<OwnedFd>)>) -> Result<(), Step> {
        let file = calls.first().map(|(_, file)| Arc::clone(file));
        if !part.has_room(calls.len(), file.as_ref()) {
            return if part.records.is_empty() { Ok(()) } else { Err(Step::Group(calls)) };
        }
        for (index, (mut args, file)) in calls.into_iter().enumerate() {
            let Ok(lent) = self.lend(part, id, &file) else { return Ok(()) };
            let [.., fd, _] = &mut args;
            *fd = lent;
            let kind = if index == 0 { kind::TRY } else { kind::TRY_ON };
            part.records.push(OrderRecord { number: nr::mmap, args, kind, result: 0 });
        }
        Ok(())
    }

    /// The number under which the stub has a file for this part.
    fn lend(&self, part: &mut Part, id: u64, file: &Arc<OwnedFd>) -> Result<u64, Errno> {
        if let Some(lent) = part.number_of(file) {
            return Ok(lent);
        }
        let lent = calls::lend(self.image.listener.as_fd(), id, (**file).as_fd())?;
        part.lent.push((Arc::clone(file), lent));
        Ok(lent)
    }

    fn finish(&self, state: &mut State, id: u64, batch: Batch) {
        state.phase = Phase::Stopped { id };
        if core::mem::take(&mut state.exit) || batch.afterwards == Afterwards::Leave {
            return self.leave(state, Way::Ring(id));
        }
        match batch.afterwards {
            Afterwards::Return => {
                let last = batch.results.last().copied().unwrap_or(Ok(0));
                self.leave_stub(state, id, Some(last.unwrap_or_else(Errno::to_return)));
            }
            Afterwards::Switch => {
                if let Some(switch) = &batch.switch {
                    self.switched(state, switch, &batch.results);
                }
                match self.arc() {
                    Some(thread) if state.trapped.is_some() => {
                        if let Some(call) = state.trapped.take() {
                            deliver_later(&thread, Stop::Trap(call));
                        }
                    }
                    Some(thread) if core::mem::take(&mut state.asked) => {
                        deliver_later(&thread, Stop::Interrupted);
                    }
                    _ => self.leave_stub(state, id, None),
                }
            }
            Afterwards::Report | Afterwards::Leave => {
                if let Some(thread) = self.arc() {
                    deliver_later(&thread, Stop::Performed(batch.results));
                }
            }
        }
    }

    /// The stub, or a guest in its text, is about to put up a filter. A filter can only take away, but not even that is free: the host
    /// would keep it.
    pub(super) fn consent_to_filter(&self, n: &Notification) {
        let consent = match &mut self.state.lock().phase {
            Phase::Orders(batch) => core::mem::take(&mut batch.consent) && n.args[1] == FOR_ALL_THREADS,
            _ => false,
        };
        if consent {
            // A thread that is gone needs none.
            let _ = calls::let_through(self.image.listener.as_fd(), n.id);
        } else {
            self.image.refuse(n.id);
        }
    }

    /// The stub has done its part.
    pub(super) fn performed(&self, n: &Notification) {
        let [_, count, few @ ..] = n.args;
        let mut state = self.state.lock();
        let mut batch = match core::mem::replace(&mut state.phase, Phase::Running) {
            Phase::Orders(batch) => *batch,
            other => {
                state.phase = other;
                return self.image.refuse(n.id);
            }
        };
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(batch.in_flight.len());
        let results = match few.get(..count) {
            Some(few) => few.to_vec(),
            None => match self.read_results(state.frame.mailbox, &batch.in_flight, count) {
                Ok(results) => results,
                Err(_) => return self.process.kill(),
            },
        };
        batch.take(&results);
        self.advance(&mut state, n.id, batch);
    }

    /// The results of more orders than the ring's arguments hold.
    fn read_results(&self, mailbox: u64, calls: &[InFlight], count: usize) -> Result<Vec<u64>, Errno> {
        const RECORD: usize = size_of::<OrderRecord>();
        let calls = calls.get(..count).unwrap_or_default();
        let mut bytes = vec![0; calls.last().map_or(0, |last| last.record + 1) * RECORD];
        let at = mailbox + core::mem::offset_of!(Mailbox, orders) as u64;
        self.process.read_exactly(&[(at, bytes.len())], &mut bytes)?;
        let result = |call: &InFlight| {
            let record = bytes.chunks_exact(RECORD).nth(call.record);
            let bytes = record.and_then(|record| record.last_chunk::<8>()).copied();
            u64::from_le_bytes(bytes.unwrap_or_default())
        };
        Ok(calls.iter().map(result).collect())
    }
}
