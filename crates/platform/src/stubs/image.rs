//! One program image: the processes that share a listener, and the thread that receives for them.
//!
//! Every execve gets an image of its own; its forks and threads inherit the listener and stay in it. Exactly one
//! thread receives (which one may change: [`host::duty`]): since Linux 6.6 each idle receiver is woken by every notification.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use abi::{Errno, nr};
use host::duty::{self, Duty};
use parking_lot::Mutex;

use super::births::Pending;
use super::calls::{self, Notification};
use super::delivery;
use super::interface::{BASE, RING, TEXT_SIZE, TRAP_NUMBER, TRAP_SHIFT, reason};
use super::mechanisms::Mechanisms;
use super::shared::{Receiving, Shared};
use super::thread::StubThread;

/// A listener and who notifies through it.
pub(super) struct Image {
    pub(super) shared: Arc<Shared>,
    pub(super) listener: OwnedFd,
    /// By the host's thread id.
    pub(super) threads: Mutex<HashMap<i32, Arc<StubThread>>>,
    /// Clones that were ordered and whose children have not reported, by token.
    pub(super) pending: Mutex<HashMap<u64, Pending>>,
}

/// What receives for an image. The image goes before the platform learns that this receiver has ended.
struct Receiver {
    image: Arc<Image>,
    _started: Receiving,
}

impl Image {
    pub(super) fn new(shared: Arc<Shared>, listener: OwnedFd) -> Arc<Self> {
        let image = Arc::new(Self { shared, listener, threads: Mutex::default(), pending: Mutex::default() });
        image.shared.remember(&image);
        image
    }

    /// Starts the receiver.
    ///
    /// # Errors
    /// `EAGAIN` if there can be no more threads.
    pub(super) fn start(self: &Arc<Self>) -> Result<(), Errno> {
        let receiver = Receiver { image: Arc::clone(self), _started: self.shared.receiver_starts() };
        let duty: Duty = Arc::new(move || receiver.image.receive());
        duty::start("receiver", duty).map_err(|_| Errno::EAGAIN)
    }

    /// Receives and serves one notification. Breaks when there will be no more.
    fn receive(self: &Arc<Self>) -> ControlFlow<()> {
        if !self.shared.mechanisms.contains(Mechanisms::END_WAKES_RECEIVER) {
            calls::wait_readable(self.listener.as_fd());
        }
        match calls::receive(self.listener.as_fd()) {
            Ok(notification) => {
                delivery::receiving(|| self.dispatch(&notification));
                return ControlFlow::Continue(());
            }
            Err(Errno::ENOENT) if calls::hung_up(self.listener.as_fd()) => {}
            // A thread died before its notification was taken, or a signal for this thread.
            Err(Errno::ENOENT | Errno::EINTR) => return ControlFlow::Continue(()),
            Err(errno) => {
                tracing::error!(%errno, "a listener fails; its guests are killed");
                self.threads.lock().values().for_each(|thread| thread.process.kill());
            }
        }
        self.abandon_clones(|_| true);
        ControlFlow::Break(())
    }

    fn dispatch(self: &Arc<Self>, n: &Notification) {
        let thread = self.threads.lock().get(&n.thread).cloned();
        let from_stub = n.ip.wrapping_sub(BASE) < TEXT_SIZE;
        let number = u64::from(n.number);
        let hello = from_stub && number == RING | reason::HELLO;
        match thread {
            Some(thread) if hello && n.args[1] != 0 => {
                // Thread ids are used again; a thread that is still there cannot be a new one.
                let still = thread.process.alive(|pid| calls::signal_thread(pid, thread.tid, 0));
                if still.is_ok() { self.refuse(n.id) } else { self.child_reports(n) }
            }
            Some(thread) if from_stub => self.from_stub(&thread, n, number),
            Some(thread) => thread.called(n),
            None if hello => self.child_reports(n),
            None => self.kill_rogue(n),
        }
    }

    /// A system call from the stub's text, which the stub or a guest that jumped there has made.
    fn from_stub(self: &Arc<Self>, thread: &Arc<StubThread>, n: &Notification, number: u64) {
        match number {
            nr::clone => self.consent_to_clone(thread, n),
            nr::exit => thread.consent_to_exit(n),
            nr::seccomp => thread.consent_to_filter(n),
            _ if number & !0xff == RING => thread.rang(number & 0xff, n),
            _ if number & !TRAP_NUMBER == RING | reason::TRAP => {
                thread.trapped(n, (number & TRAP_NUMBER) >> TRAP_SHIFT);
            }
            _ => self.refuse(n.id),
        }
    }

    /// `EPERM`.
    pub(super) fn refuse(&self, id: u64) {
        self.answer(id, Errno::EPERM.to_return());
    }

    /// Answers; a thread that is gone needs no answer.
    pub(super) fn answer(&self, id: u64, value: u64) {
        let _ = calls::answer(self.listener.as_fd(), id, value);
    }

    /// Kills a process that the sentry knows nothing of, which only a hostile guest can have made.
    pub(super) fn kill_rogue(&self, n: &Notification) {
        if calls::is_valid(self.listener.as_fd(), n.id) {
            tracing::warn!(pid = n.thread, "an unknown guest thread is killed");
            calls::kill_group(n.thread);
        }
        self.refuse(n.id);
    }

    /// Forgets a thread, unless its id is another's by now.
    pub(super) fn unbind(&self, thread: &StubThread) {
        let mut threads = self.threads.lock();
        if threads.get(&thread.tid).is_some_and(|found| core::ptr::eq(Arc::as_ptr(found), thread)) {
            threads.remove(&thread.tid);
        }
    }
}
