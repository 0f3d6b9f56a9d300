//! From a stop of the guest thread to its going on.

use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use abi::Errno;
use platform::{Observer, Stop, SyscallArgs, Thread};

use super::cell::{Access, Current, Reply, Rest, Work};
use crate::{Outcome, Task, current, executor, seccomp, signal, strace};

/// Ties a host thread to its task. A task gets a new thread, and a new generation, with each execve(2): stops
/// of an older one no longer concern it.
pub struct Binding {
    task: Arc<Task>,
    generation: u64,
    /// The host thread, once the task has it.
    thread: OnceLock<Arc<dyn Thread>>,
}

impl Binding {
    /// For the first thread of a task.
    #[must_use]
    pub fn first(task: &Arc<Task>) -> Arc<Self> {
        Arc::new(Self { task: Arc::clone(task), generation: 0, thread: OnceLock::new() })
    }

    /// For the thread that an execve(2) prepares.
    pub(crate) fn next(task: &Arc<Task>) -> Arc<Self> {
        let generation = task.generation.load(Ordering::Acquire).wrapping_add(1);
        Arc::new(Self { task: Arc::clone(task), generation, thread: OnceLock::new() })
    }

    /// The host thread, if it is the one that carries the task now.
    fn thread(&self) -> Option<&Arc<dyn Thread>> {
        if self.task.generation.load(Ordering::Acquire) != self.generation {
            return None;
        }
        self.thread.get().or_else(|| {
            let thread = self.task.thread()?;
            Some(self.thread.get_or_init(|| thread))
        })
    }
}

/// A stop as it arrives.
pub(super) struct Arrival<'a> {
    generation: u64,
    stop: Stop,
    /// What has stopped, if that is at hand.
    thread: Option<&'a Arc<dyn Thread>>,
}

impl Observer for Binding {
    fn stopped(&self, stop: Stop) {
        let arrival = Arrival { generation: self.generation, stop, thread: self.thread() };
        executor::begin_turn(|| self.task.receive(arrival));
    }

    /// The calls that were woken may wait for the guest thread that has just stopped: to a FUSE server, its next call.
    fn afterwards(&self) {
        executor::end_turn();
    }
}

impl Task {
    /// A stop of one of its threads. It is seen to at once, or by the thread that is at the task's step now.
    fn receive(self: &Arc<Self>, arrival: Arrival<'_>) {
        current::with(self, || {
            let mut arrival = Some(arrival);
            self.schedule.try_run(|| self.guarded_step(arrival.take()));
            if let Some(Arrival { generation, stop, .. }) = arrival {
                {
                    let mut cell = self.cell.lock();
                    cell.inbox.push_back((generation, stop));
                    self.left.inbox.store(true, Ordering::Release);
                }
                // The thread that is at the step may be waiting.
                self.parked.unpark();
                self.schedule.run(|| self.guarded_step(None));
            }
        });
    }

    /// Everything that is to be done for this task now. Called by one thread at a time.
    pub(super) fn step(self: &Arc<Self>, arrival: Option<Arrival<'_>>) {
        while self.left.inbox.load(Ordering::Acquire) {
            let next = {
                let mut cell = self.cell.lock();
                let next = cell.inbox.pop_front();
                self.left.inbox.store(!cell.inbox.is_empty(), Ordering::Release);
                next
            };
            if let Some((generation, stop)) = next {
                self.sort(Arrival { generation, stop, thread: None });
            }
        }
        // A call that begins now is polled as it begins.
        let begins = matches!(arrival, Some(Arrival { stop: Stop::Syscall(_) | Stop::Trap(_), .. }));
        if let Some(arrival) = arrival {
            self.sort(arrival);
        }
        if !begins {
            self.poll_call();
        }
        self.leave_rest();
    }

    fn sort(self: &Arc<Self>, arrival: Arrival<'_>) {
        match arrival.generation.wrapping_sub(self.generation.load(Ordering::Acquire)) {
            0 => self.stop(arrival.stop, arrival.thread),
            1 => self.prepared(arrival.stop),
            _ => {}
        }
    }

    fn stop(self: &Arc<Self>, stop: Stop, thread: Option<&Arc<dyn Thread>>) {
        self.mark_stopped();
        self.has_mapped();
        match stop {
            Stop::Syscall(args) => self.begin_call(args, Access::Light, thread),
            Stop::Trap(args) => self.begin_call(args, Access::Trap, thread),
            Stop::Performed(results) => self.performed_orders(results),
            Stop::Cloned(child) => self.clone_ended(child),
            Stop::Started(thread) => self.begin(thread),
            Stop::Gone(how) => self.gone(how),
            Stop::Fault(fault) => {
                signal::fault(self, &fault);
                self.settle(Rest::between(Access::Registers));
            }
            Stop::Interrupted => {
                if self.signals.is_outside() {
                    // The guest may have unblocked what waits for it.
                    self.signals.demand_attention();
                }
                let cut_short = self.cell.lock().cut_short.take();
                self.settle(match cut_short {
                    Some((args, errno)) => Rest::after(args, Access::Registers, Err(errno)),
                    None => Rest { interrupted: true, ..Rest::between(Access::Registers) },
                });
            }
        }
    }

    /// Results of orders: for the call that asked for them, or as the value of one that has ended.
    fn performed_orders(self: &Arc<Self>, results: Vec<Result<u64, Errno>>) {
        let rest = self.cell.lock().ordered.take();
        match rest {
            None => self.reply_with(Reply::Performed(results)),
            Some(args) => {
                let last = results.last().copied().unwrap_or(Ok(0));
                self.settle(Rest::after(args, Access::Registers, last.map(Outcome::Value)));
            }
        }
    }

    fn begin_call(self: &Arc<Self>, args: SyscallArgs, access: Access, thread: Option<&Arc<dyn Thread>>) {
        signal::forget(self);
        if access == Access::Light {
            self.publish_for(&args);
        }
        if let Some(result) = self.dispatch(args, access) {
            self.settle_on(thread, Rest::after(args, access, result));
        }
    }

    /// Starts a call, for the first time or again. The result, unless it waits.
    pub(super) fn dispatch(
        self: &Arc<Self>,
        args: SyscallArgs,
        access: Access,
    ) -> Option<Result<Outcome, Errno>> {
        strace::enter(self, &args);
        if self.is_filtered()
            && let Some(result) = seccomp::judge(self, &args)
        {
            return Some(result);
        }
        match self.kernel.dispatcher.dispatch(self, &args) {
            Work::Done(result) => Some(result),
            Work::Later(call) => {
                let result = self.poll(Current { args, access, call });
                if result.is_none() {
                    if let Some(thread) = self.thread() {
                        thread.call_waits();
                    }
                    strace::wait(self, &args);
                }
                result
            }
        }
    }

    fn poll_call(self: &Arc<Self>) {
        if !self.left.call.load(Ordering::Acquire) {
            return;
        }
        let Some(current) = self.take_call() else { return };
        let (args, access) = (current.args, current.access);
        if let Some(result) = self.poll(current) {
            self.settle(Rest::after(args, access, result));
        }
    }

    fn poll(self: &Arc<Self>, mut current: Current) -> Option<Result<Outcome, Errno>> {
        match current.call.as_mut().poll(&mut Context::from_waker(&self.waker)) {
            Poll::Ready(result) => Some(result),
            Poll::Pending => {
                self.park(current);
                None
            }
        }
    }

    pub(super) fn park(&self, call: Current) {
        let mut cell = self.cell.lock();
        cell.current = Some(call);
        self.left.call.store(true, Ordering::Release);
    }

    pub(super) fn take_call(&self) -> Option<Current> {
        let mut cell = self.cell.lock();
        self.left.call.store(false, Ordering::Release);
        cell.current.take()
    }

    /// Comes to rest in a stop of its process.
    pub(super) fn take_rest(&self, rest: Rest) {
        let mut cell = self.cell.lock();
        cell.rest = Some(rest);
        self.left.rest.store(true, Ordering::Release);
    }

    /// A task that rests in a stop of its process looks whether it may go on.
    fn leave_rest(self: &Arc<Self>) {
        if !self.left.rest.load(Ordering::Acquire) {
            return;
        }
        let rest = {
            let mut cell = self.cell.lock();
            self.left.rest.store(false, Ordering::Release);
            cell.rest.take()
        };
        if let Some(rest) = rest {
            self.settle(rest);
        }
    }
}
