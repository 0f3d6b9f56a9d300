//! The one thread that waits for host descriptors.
//!
//! A descriptor is armed only when a try found it not ready, and for one report: a sandbox that nobody waits in burns no CPU,
//! and a peer that drains our output does not wake us for each piece.

use std::collections::{HashMap, VecDeque};
use std::ops::ControlFlow;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use abi::Errno;
use host::duty::{self, Duty};
use parking_lot::Mutex;
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use vfs::{Events, Listener, Registration, WaitQueue};

/// Runs what a report wakes as one turn of the kernel's executor.
pub type Turn = fn(&mut dyn FnMut());

/// Waits for host descriptors and notifies their queues.
pub struct Poller {
    epoll: OwnedFd,
    watched: Mutex<HashMap<u64, Weak<Watched>>>,
    next: AtomicU64,
    /// What has come and has not been seen to.
    reports: Mutex<VecDeque<(u64, Events)>>,
}

/// A descriptor that can be waited for.
pub(crate) struct Watched {
    id: u64,
    fd: Arc<OwnedFd>,
    poller: Arc<Poller>,
    pub(crate) queue: Arc<WaitQueue>,
    /// What a report is wanted for.
    armed: Mutex<Events>,
}

impl Poller {
    /// Starts the thread.
    ///
    /// # Errors
    /// The host's, when it has no room for a descriptor or a thread.
    pub fn start(turn: Turn) -> std::io::Result<Arc<Self>> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let poller = Arc::new(Self {
            epoll,
            watched: Mutex::default(),
            next: AtomicU64::new(1),
            reports: Mutex::default(),
        });
        let served = Arc::clone(&poller);
        let duty: Duty = Arc::new(move || served.serve(turn));
        std::thread::Builder::new().name(String::from("host-poller")).spawn(move || duty::carry_out(duty))?;
        Ok(poller)
    }

    /// Registers a descriptor, not armed yet. Nothing if it cannot be polled.
    pub(crate) fn watch(self: &Arc<Self>, fd: &Arc<OwnedFd>) -> Option<Arc<Watched>> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        epoll::add(&self.epoll, fd, EventData::new_u64(id), EventFlags::ONESHOT).ok()?;
        let watched = Arc::new(Watched {
            id,
            fd: Arc::clone(fd),
            poller: Arc::clone(self),
            queue: WaitQueue::new(),
            armed: Mutex::new(Events::empty()),
        });
        // An error or hang-up that is there already reports at once, though no event is asked for.
        self.watched.lock().insert(id, Arc::downgrade(&watched));
        Some(watched)
    }

    /// Sees to the next report.
    fn serve(&self, turn: Turn) -> ControlFlow<()> {
        let next = self.reports.lock().pop_front();
        let Some((id, events)) = next else { return self.wait() };
        let watched = self.watched.lock().get(&id).and_then(Weak::upgrade);
        if let Some(watched) = watched {
            turn(&mut || watched.report(events));
        }
        ControlFlow::Continue(())
    }

    /// Waits for reports.
    fn wait(&self) -> ControlFlow<()> {
        let mut reports = Vec::with_capacity(64);
        match epoll::wait(&self.epoll, spare_capacity(&mut reports), None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => {
                tracing::error!(%error, "waiting for host descriptors ended");
                return ControlFlow::Break(());
            }
        }
        let told = |report: &epoll::Event| {
            let (id, flags) = ({ report.data }.u64(), { report.flags }.bits());
            (id, Events::from_bits_truncate(flags))
        };
        self.reports.lock().extend(reports.iter().map(told));
        ControlFlow::Continue(())
    }
}

/// A descriptor that is read here whenever something comes, until this is dropped.
pub struct Followed {
    _told: Registration,
    _watched: Arc<Watched>,
}

/// Reads what has come, and asks to be told of more.
struct Reader {
    watched: Weak<Watched>,
    read: Box<dyn Fn() + Send + Sync>,
}

impl Listener for Reader {
    fn notify(&self, _: Events) {
        if let Some(watched) = self.watched.upgrade() {
            (self.read)();
            watched.arm(Events::IN);
        }
    }
}

impl Poller {
    /// Has `read` called on the poller's thread whenever the descriptor, which never waits, has something to be read.
    ///
    /// # Errors
    /// `EPERM` if it cannot be polled.
    pub fn follow(
        self: &Arc<Self>,
        fd: &Arc<OwnedFd>,
        read: Box<dyn Fn() + Send + Sync>,
    ) -> Result<Followed, Errno> {
        let watched = self.watch(fd).ok_or(Errno::EPERM)?;
        let reader: Arc<dyn Listener> = Arc::new(Reader { watched: Arc::downgrade(&watched), read });
        let told = watched.queue.register(Events::all(), reader);
        watched.arm(Events::IN);
        Ok(Followed { _told: told, _watched: watched })
    }
}

impl Watched {
    /// Asks for a report when one of these comes.
    pub(crate) fn arm(&self, events: Events) {
        let mut armed = self.armed.lock();
        if !armed.contains(events) {
            *armed |= events;
            self.tell(*armed);
        }
    }

    fn tell(&self, armed: Events) {
        let flags = EventFlags::from_bits_retain(armed.bits()) | EventFlags::ONESHOT;
        if let Err(error) =
            epoll::modify(&self.poller.epoll, self.fd.as_fd(), EventData::new_u64(self.id), flags)
        {
            tracing::error!(%error, "a host descriptor cannot be waited for");
        }
    }

    fn report(&self, events: Events) {
        let ended = events.intersects(Events::ERR | Events::HUP);
        let mut armed = self.armed.lock();
        *armed = if ended { Events::empty() } else { armed.difference(events) };
        if !armed.is_empty() {
            self.tell(*armed);
        }
        drop(armed);
        self.queue.notify(if ended { Events::all() } else { events });
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.poller.watched.lock().remove(&self.id);
        // The descriptor may be shared, so it would not leave the set by being closed.
        if let Err(error) = epoll::delete(&self.poller.epoll, self.fd.as_fd()) {
            tracing::error!(%error, "a host descriptor cannot be forgotten");
        }
    }
}
