//! Ready stubs, made ahead of need: installing a filter costs as much as half an execve.

use std::collections::VecDeque;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use abi::Errno;
use parking_lot::{Condvar, Mutex};

use super::calls;
use super::frame::Frame;
use super::image::Image;
use super::mechanisms::Mechanisms;
use super::patching::Texts;
use super::phase::Phase;
use super::process::Process;
use super::shared::Shared;
use super::slots::Slots;
use super::start::Zygote;
use super::thread::StubThread;

/// How many stubs wait for a guest.
const READY: usize = 2;
/// How long a new stub may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The descriptor that a new stub's listener is.
const LISTENER: i32 = 1;

/// The stubs that are ready or being made.
#[derive(Default)]
pub(super) struct Pool {
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Default)]
struct Inner {
    ready: VecDeque<Arc<StubThread>>,
    /// Being made.
    coming: usize,
    /// Why the last one could not be made, until somebody has heard of it.
    failure: Option<Errno>,
    closed: bool,
}

impl Pool {
    /// Takes a ready stub, and has another one made. Waits while there is none.
    ///
    /// # Errors
    /// Why none can be made: `EAGAIN`, `ENOMEM`.
    pub(super) fn take(&self) -> Result<Arc<StubThread>, Errno> {
        let deadline = Instant::now() + PATIENCE;
        let mut inner = self.inner.lock();
        loop {
            while let Some(thread) = inner.ready.pop_front() {
                if !thread.process.is_dead() {
                    self.changed.notify_all();
                    return Ok(thread);
                }
            }
            if let Some(errno) = inner.failure.take() {
                self.changed.notify_all();
                return Err(errno);
            }
            if inner.closed || self.changed.wait_until(&mut inner, deadline).timed_out() {
                return Err(Errno::EAGAIN);
            }
        }
    }

    /// A stub has become ready.
    pub(super) fn put(&self, thread: Arc<StubThread>) {
        let mut inner = self.inner.lock();
        inner.coming = inner.coming.saturating_sub(1);
        if !inner.closed {
            inner.ready.push_back(thread);
        }
        self.changed.notify_all();
    }

    /// A stub that was being made will not become ready.
    pub(super) fn lost(&self, errno: Errno) {
        let mut inner = self.inner.lock();
        inner.coming = inner.coming.saturating_sub(1);
        inner.failure = Some(errno);
        self.changed.notify_all();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.inner.lock().closed
    }

    pub(super) fn close(&self) {
        let mut inner = self.inner.lock();
        inner.closed = true;
        // They hold what holds the pool.
        let ready = core::mem::take(&mut inner.ready);
        drop(inner);
        drop(ready);
        self.changed.notify_all();
    }

    /// Waits for so long, or until the pool is closed: then it returns true.
    fn closes_within(&self, pause: Duration) -> bool {
        let deadline = Instant::now() + pause;
        let mut inner = self.inner.lock();
        while !inner.closed && !self.changed.wait_until(&mut inner, deadline).timed_out() {}
        inner.closed
    }

    /// Waits until a stub is to be made. Returns false when the pool is closed.
    fn wait_for_need(&self) -> bool {
        let mut inner = self.inner.lock();
        while !inner.closed && (inner.failure.is_some() || inner.ready.len() + inner.coming >= READY) {
            self.changed.wait(&mut inner);
        }
        inner.coming += 1;
        !inner.closed
    }
}

/// The work of the thread that keeps the pool filled.
pub(super) fn fill(shared: &Arc<Shared>, zygote: &Zygote) {
    while shared.pool.wait_for_need() {
        if let Err(errno) = make(shared, zygote) {
            tracing::warn!(%errno, "no new guest process can be made");
            shared.pool.lost(errno);
        }
    }
}

/// Makes a stub, up to the point where its receiver waits for it.
fn make(shared: &Arc<Shared>, zygote: &Zygote) -> Result<(), Errno> {
    let pid = zygote.spawn()?;
    let listener = match fetch_listener(&shared.pool, pid) {
        Ok(listener) => listener,
        Err(errno) => {
            // The reaper does not know it and will reap it.
            calls::kill_group(pid);
            return Err(errno);
        }
    };
    let synchronous = shared.mechanisms.contains(Mechanisms::SYNCHRONOUS_WAKE_UP);
    if synchronous && calls::set_synchronous(listener.as_fd()).is_err() {
        shared.warn_of_slow_wake_ups();
    }
    let image = Image::new(Arc::clone(shared), listener);
    let space = shared.space(Slots::new(shared.slot_size), Texts::default());
    let process = Arc::new(Process::new(Arc::clone(shared), pid, space));
    let (phase, frame) = (Phase::Starting, Frame::default());
    let thread = StubThread::new(Arc::clone(&image), process, pid, 0, phase, frame);
    if let Err(errno) = image.enter_first(&thread).and_then(|()| image.start()) {
        // Its end is no news to the pool.
        thread.state.lock().phase = Phase::Leaving;
        thread.process.kill();
        return Err(errno);
    }
    Ok(())
}

/// The stub installs its filter while we look: the listener appears in its table a moment later. To look often would only hold it up where
/// there is no other processor.
fn fetch_listener(pool: &Pool, pid: i32) -> Result<OwnedFd, Errno> {
    const SHORT: Duration = Duration::from_micros(50);
    const LONG: Duration = Duration::from_millis(1);
    let deadline = Instant::now() + PATIENCE;
    let process = calls::hold_of(pid)?;
    let mut pause = SHORT;
    loop {
        if pool.closes_within(pause) {
            return Err(Errno::EAGAIN);
        }
        match calls::descriptor_of(process.as_fd(), LISTENER) {
            Err(Errno::EBADF) if Instant::now() < deadline => pause = (pause * 2).min(LONG),
            result => return result,
        }
    }
}
