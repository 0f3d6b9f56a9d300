//! From a stop of the guest thread to its going on.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use abi::Errno;
use platform::{Observer, Stop, SyscallArgs};

use super::cell::{Access, Current, Reply, Rest, Work};
use crate::executor::{self, Run};
use crate::{Outcome, Task, signal, strace};

/// Ties a host thread to its task. A task gets a new thread, and a new generation, with each execve(2): stops
/// of an older one no longer concern it.
pub struct Binding {
    task: Arc<Task>,
    generation: u64,
}

impl Binding {
    /// For the first thread of a task.
    #[must_use]
    pub fn first(task: &Arc<Task>) -> Arc<Self> {
        Arc::new(Self { task: Arc::clone(task), generation: 0 })
    }

    /// For the thread that an execve(2) prepares.
    pub(crate) fn next(task: &Arc<Task>) -> Arc<Self> {
        let generation = task.cell.lock().generation.wrapping_add(1);
        Arc::new(Self { task: Arc::clone(task), generation })
    }
}

impl Observer for Binding {
    fn stopped(self: Arc<Self>, stop: Stop) {
        self.task.cell.lock().inbox.push_back((self.generation, stop));
        executor::turn(|| Arc::clone(&self.task).run());
    }
}

impl Task {
    /// Everything that is to be done for this task now. Called by one thread at a time.
    pub(super) fn step(self: &Arc<Self>) {
        loop {
            let next = {
                let mut cell = self.cell.lock();
                let generation = cell.generation;
                cell.inbox.pop_front().map(|(of, stop)| (of.wrapping_sub(generation), stop))
            };
            match next {
                Some((0, stop)) => self.stop(stop),
                Some((1, stop)) => self.prepared(stop),
                Some(_) => {}
                None => break,
            }
        }
        self.poll_call();
        self.leave_rest();
    }

    fn stop(self: &Arc<Self>, stop: Stop) {
        self.mark_stopped();
        match stop {
            Stop::Syscall(args) => self.begin_call(args, Access::Light),
            Stop::Trap(args) => self.begin_call(args, Access::Trap),
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

    fn begin_call(self: &Arc<Self>, args: SyscallArgs, access: Access) {
        signal::forget(self);
        if access == Access::Light {
            self.publish_for(&args);
        }
        if let Some(result) = self.dispatch(args, access) {
            self.settle(Rest::after(args, access, result));
        }
    }

    /// Starts a call, for the first time or again. The result, unless it waits.
    pub(super) fn dispatch(
        self: &Arc<Self>,
        args: SyscallArgs,
        access: Access,
    ) -> Option<Result<Outcome, Errno>> {
        strace::enter(self, &args);
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
        let Some(current) = self.cell.lock().current.take() else { return };
        let (args, access) = (current.args, current.access);
        if let Some(result) = self.poll(current) {
            self.settle(Rest::after(args, access, result));
        }
    }

    fn poll(self: &Arc<Self>, mut current: Current) -> Option<Result<Outcome, Errno>> {
        let waker = Waker::from(Arc::new(TaskWaker(Arc::downgrade(self))));
        match current.call.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => Some(result),
            Poll::Pending => {
                self.cell.lock().current = Some(current);
                None
            }
        }
    }

    /// A task that rests in a stop of its process looks whether it may go on.
    fn leave_rest(self: &Arc<Self>) {
        let rest = self.cell.lock().rest.take();
        if let Some(rest) = rest {
            self.settle(rest);
        }
    }
}

struct TaskWaker(std::sync::Weak<Task>);

impl std::task::Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        if let Some(task) = self.0.upgrade() {
            task.wake();
        }
    }
}
