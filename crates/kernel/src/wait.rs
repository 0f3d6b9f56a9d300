//! Waiting, for system calls: until a file is ready, until a time has come, until a signal.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use abi::Errno;
use vfs::{Events, Listener, Registration, WaitQueue};

use crate::Task;

/// Tries an operation until it no longer fails with `EAGAIN`, waiting on a queue between tries.
///
/// # Errors
/// What the operation fails with, or `ERESTARTSYS` if a signal came first. Callers turn that into what their call does about signals.
pub async fn until<T>(
    task: &Arc<Task>,
    queue: &Arc<WaitQueue>,
    interest: Events,
    mut attempt: impl FnMut() -> Result<T, Errno>,
) -> Result<T, Errno> {
    match attempt() {
        Err(Errno::EAGAIN) => {}
        done => return done,
    }
    let mut registration: Option<Registration> = None;
    poll_fn(|_| {
        if registration.is_none() {
            registration = Some(queue.register(interest, task.listener()));
        }
        match attempt() {
            Err(Errno::EAGAIN) if task.interrupted() => Poll::Ready(Err(Errno::ERESTARTSYS)),
            Err(Errno::EAGAIN) => Poll::Pending,
            done => Poll::Ready(done),
        }
    })
    .await
}

/// Waits for a condition that a queue announces, whatever signals come: only a kill ends it, with the task.
pub(crate) async fn regardless<T>(
    task: &Arc<Task>,
    queue: &Arc<WaitQueue>,
    mut condition: impl FnMut() -> Option<T>,
) -> T {
    let _registration = queue.register(Events::all(), task.listener());
    poll_fn(|_| condition().map_or(Poll::Pending, Poll::Ready)).await
}

/// As [`until`], but gives up at a deadline.
///
/// # Errors
/// As [`until`], and `ETIMEDOUT` at the deadline.
pub async fn until_deadline<T>(
    task: &Arc<Task>,
    queue: &Arc<WaitQueue>,
    interest: Events,
    deadline: Option<Instant>,
    mut attempt: impl FnMut() -> Result<T, Errno>,
) -> Result<T, Errno> {
    let Some(deadline) = deadline else { return until(task, queue, interest, attempt).await };
    match attempt() {
        Err(Errno::EAGAIN) => {}
        done => return done,
    }
    let _timer = task.kernel.timers.add(deadline, task.listener());
    until(task, queue, interest, || match attempt() {
        Err(Errno::EAGAIN) if Instant::now() >= deadline => Err(Errno::ETIMEDOUT),
        other => other,
    })
    .await
}

/// Waits for a condition that [`Listener`]s of this task (registered by the caller) announce, a deadline, or a signal.
///
/// # Errors
/// `ETIMEDOUT` at the deadline, `ERESTARTSYS` if a signal came, and what the condition fails with other than `EAGAIN`.
pub async fn condition<T>(
    task: &Arc<Task>,
    deadline: Option<Instant>,
    mut attempt: impl FnMut() -> Result<T, Errno>,
) -> Result<T, Errno> {
    let _timer = deadline.map(|at| task.kernel.timers.add(at, task.listener()));
    poll_fn(|_| match attempt() {
        Err(Errno::EAGAIN) => {
            if task.interrupted() {
                Poll::Ready(Err(Errno::ERESTARTSYS))
            } else if deadline.is_some_and(|at| Instant::now() >= at) {
                Poll::Ready(Err(Errno::ETIMEDOUT))
            } else {
                Poll::Pending
            }
        }
        done => Poll::Ready(done),
    })
    .await
}

/// Sleeps until a deadline or a signal.
///
/// # Errors
/// `ERESTARTSYS` if a signal came first.
pub async fn sleep_until(task: &Arc<Task>, deadline: Instant) -> Result<(), Errno> {
    match condition(task, Some(deadline), || Err::<(), _>(Errno::EAGAIN)).await {
        Err(Errno::ETIMEDOUT) => Ok(()),
        other => other,
    }
}

/// Wakes a task whatever the events are.
pub(crate) struct TaskListener(pub(crate) std::sync::Weak<Task>);

impl Listener for TaskListener {
    fn notify(&self, _events: Events) {
        if let Some(task) = self.0.upgrade() {
            task.wake();
        }
    }
}
