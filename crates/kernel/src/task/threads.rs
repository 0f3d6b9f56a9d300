//! The host threads that carry a task.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use abi::Errno;
use platform::{Gone, Order, Stop, SyscallArgs, Thread};

use super::Task;
use super::cell::{Access, Call, Current, Reply, Rest};
use crate::executor::Run;
use crate::waiting::Wait;

impl Task {
    /// The host thread that carries it now.
    #[must_use]
    pub fn thread(&self) -> Option<Arc<dyn Thread>> {
        self.cell.lock().thread.clone()
    }

    /// Whether a system call of its waits for something.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.cell.lock().current.is_some()
    }

    /// How its thread waits in the middle of a call, for a server inside the sandbox, if it does.
    #[must_use]
    pub fn wait_within(&self) -> Option<Wait> {
        self.parked.wait()
    }

    /// Sets the thread that an execve(2) prepares. Returns the one that was set before.
    pub(crate) fn set_next(&self, thread: Option<Arc<dyn Thread>>) -> Option<Arc<dyn Thread>> {
        std::mem::replace(&mut self.cell.lock().next, thread)
    }

    /// The prepared thread becomes the task's. Returns the old one, whose stops no longer concern the task.
    pub(crate) fn change_over(&self) -> Option<Arc<dyn Thread>> {
        let mut cell = self.cell.lock();
        self.generation.fetch_add(1, Ordering::AcqRel);
        let next = cell.next.take();
        std::mem::replace(&mut cell.thread, next)
    }

    /// Kills the host processes that carry it: the one it runs in, and the one that an execve(2) in progress prepares.
    pub(crate) fn kill_threads(&self) {
        let (now, next) = {
            let cell = self.cell.lock();
            (cell.thread.clone(), cell.next.clone())
        };
        [now, next].into_iter().flatten().for_each(|thread| thread.kill_process());
    }

    /// Has a call carried out that no guest has made: the one that starts the first program.
    pub(crate) fn carry_out(self: &Arc<Self>, args: SyscallArgs, call: Call) {
        self.park(Current { args, access: Access::Registers, call });
        Arc::clone(self).run();
    }

    /// Notes that what its parent's calls are answered from will be there for its own, too.
    pub(crate) fn expect_published(&self) {
        self.cell.lock().expects_published = true;
    }

    /// Notes where a child made by fork(2) wants its id, in the memory that it will have.
    pub(crate) fn set_first_tid_address(&self, address: u64) {
        self.cell.lock().first_tid_address = Some(address);
    }

    /// The answer to a clone: for the call that waits for it, or why a child could not be made whose parent was to go on by itself.
    pub(super) fn clone_ended(self: &Arc<Self>, child: Result<Arc<dyn Thread>, Errno>) {
        let launched = {
            let mut cell = self.cell.lock();
            if cell.current.is_some() { None } else { cell.launched.take() }
        };
        match (launched, child) {
            (Some((args, launched)), Err(errno)) => {
                crate::clone::withdraw(self, launched);
                self.settle(Rest::after(args, Access::Registers, Err(errno)));
            }
            (_, child) => self.reply_with(Reply::Cloned(child)),
        }
    }

    /// A stop of the thread that an execve(2) prepares.
    pub(super) fn prepared(self: &Arc<Self>, stop: Stop) {
        if self.cell.lock().next.is_none() {
            return;
        }
        match stop {
            Stop::Performed(results) => self.reply_with(Reply::Performed(results)),
            Stop::Gone(_) => self.reply_with(Reply::Lost),
            _ => {}
        }
    }

    pub(super) fn reply_with(&self, reply: Reply) {
        self.cell.lock().reply = Some(reply);
    }

    /// The host thread is gone: what it was doing is dropped, and the task ends.
    pub(super) fn gone(self: &Arc<Self>, how: Gone) {
        let (call, rest, reply, next) = {
            let mut cell = self.cell.lock();
            (cell.current.take(), cell.rest.take(), cell.reply.take(), cell.next.take())
        };
        drop((call, rest));
        if let Some(Reply::Cloned(Ok(child))) = reply {
            child.kill_process();
        }
        if let Some(next) = next {
            next.kill_process();
        }
        crate::exit::gone(self, how);
        self.cell.lock().thread = None;
    }

    /// Has the platform carry out orders in the guest's address space, in a call that came with registers.
    ///
    /// # Errors
    /// `ESRCH` if the thread is gone.
    pub async fn perform(self: &Arc<Self>, orders: Vec<Order>) -> Result<Vec<Result<u64, Errno>>, Errno> {
        self.thread().ok_or(Errno::ESRCH)?.perform(orders);
        self.performed().await
    }

    /// Waits for the results of orders given to one of its threads.
    pub(crate) async fn performed(self: &Arc<Self>) -> Result<Vec<Result<u64, Errno>>, Errno> {
        match self.reply().await {
            Reply::Performed(results) => Ok(results),
            Reply::Cloned(_) | Reply::Lost => Err(Errno::EAGAIN),
        }
    }

    /// Waits for the answer to a request to clone its thread.
    pub(crate) async fn cloned(self: &Arc<Self>) -> Result<Arc<dyn Thread>, Errno> {
        match self.reply().await {
            Reply::Cloned(child) => child,
            Reply::Performed(_) | Reply::Lost => Err(Errno::EAGAIN),
        }
    }

    async fn reply(self: &Arc<Self>) -> Reply {
        std::future::poll_fn(|_| match self.cell.lock().reply.take() {
            Some(reply) => std::task::Poll::Ready(reply),
            None => std::task::Poll::Pending,
        })
        .await
    }
}
