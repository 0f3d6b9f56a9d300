//! From a stop of the guest thread to its going on.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use abi::Errno;
use platform::{Observer, Resume, Stop, SyscallArgs};

use super::cell::{Current, Reply, Work};
use crate::executor::{self, Run};
use crate::{Outcome, Task};

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
    }

    fn stop(self: &Arc<Self>, stop: Stop) {
        match stop {
            Stop::Syscall(args) => self.syscall(args, false),
            Stop::Trap(args) => self.syscall(args, true),
            Stop::Performed(results) => self.reply_with(Reply::Performed(results)),
            Stop::Cloned(child) => self.reply_with(Reply::Cloned(child)),
            Stop::Started(thread) => self.started(thread),
            Stop::Gone(how) => self.gone(how),
            Stop::Fault(_) | Stop::Interrupted => {}
        }
    }

    fn syscall(self: &Arc<Self>, args: SyscallArgs, context: bool) {
        match self.kernel.dispatcher.dispatch(self, &args) {
            Work::Done(result) => self.finish(&args, context, result),
            Work::Later(call) => self.cell.lock().current = Some(Current { args, context, call }),
        }
    }

    fn poll_call(self: &Arc<Self>) {
        let Some(mut current) = self.cell.lock().current.take() else { return };
        let waker = Waker::from(Arc::new(TaskWaker(Arc::downgrade(self))));
        match current.call.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => self.finish(&current.args, current.context, result),
            Poll::Pending => self.cell.lock().current = Some(current),
        }
    }

    /// Lets the guest go on with a call's result.
    fn finish(self: &Arc<Self>, args: &SyscallArgs, context: bool, result: Result<Outcome, Errno>) {
        let _ = (args, context);
        let Some(thread) = self.thread() else { return };
        match result {
            Ok(Outcome::Value(value)) => thread.resume(Resume::Return(value)),
            Ok(Outcome::Orders(orders)) => thread.resume(Resume::ReturnOrders(orders)),
            Ok(Outcome::Context) => thread.resume(Resume::Context),
            Ok(Outcome::Ended) => {}
            Err(errno) => thread.resume(Resume::Return(errno.to_return())),
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
