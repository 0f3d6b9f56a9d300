//! Orders: checked, cut into parts that fit the mailbox, carried out by the stub.

use std::collections::VecDeque;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use abi::{Errno, nr};

use super::calls::{self, Notification};
use super::delivery::deliver_later;
use super::interface::{Mailbox, OrderRecord, answer, kind};
use super::part::{FOR_ALL_THREADS, InFlight, Part};
use super::patching::Switch;
use super::phase::{Phase, State, Way};
use super::process::Process;
use super::steps::{Step, group, steps};
use super::thread::StubThread;
use crate::{Order, Stop};

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
