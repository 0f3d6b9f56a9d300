//! What all parts of a platform share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak, mpsc};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::calls;
use super::delivery::Parcel;
use super::filter;
use super::frame::Shape;
use super::image::Image;
use super::interface::PLAIN_WORDS;
use super::mechanisms::Mechanisms;
use super::patching::{Patching, Texts};
use super::poller::Poller;
use super::pool::Pool;
use super::process::{Process, Space};
use super::procfs::Procfs;
use super::slots::Slots;
use super::start::Zygote;
use super::thread::StubThread;
use super::vdso::Vdso;

/// The platform's state.
pub(super) struct Shared {
    pub(super) procfs: Arc<Procfs>,
    /// The process group of all stubs, which is the zygote's pid.
    pub(super) group: i32,
    /// Bytes of a slot.
    pub(super) slot_size: u64,
    /// Where the vDSO is.
    pub(super) vdso: Option<u64>,
    /// The guests' own, unless they see the host's.
    pub(super) own_vdso: Option<Arc<Vdso>>,
    /// Where the stub keeps the program break of its memory.
    pub(super) heap: u64,
    /// What [`crate::Order::UnmapAll`] unmaps: start and length.
    pub(super) unmap_all: Vec<(u64, u64)>,
    /// What is used of what the host has.
    pub(super) mechanisms: Mechanisms,
    /// How a signal frame is laid out, once the first stub has shown it.
    pub(super) shape: OnceLock<Shape>,
    /// Patched call sites, if they are wanted.
    pub(super) patching: Option<Patching>,
    pub(super) pool: Pool,
    /// Live processes by pid.
    pub(super) processes: Mutex<HashMap<i32, Arc<Process>>>,
    /// Children that their parents have reported and that have not reported themselves: pid, image, token.
    pub(super) awaited: Mutex<HashMap<i32, (Weak<Image>, u64)>>,
    /// All images, for the rare search among their clones.
    pub(super) images: Mutex<Vec<Weak<Image>>>,
    /// To the courier, until the platform closes.
    courier: Mutex<Option<mpsc::Sender<Parcel>>>,
    /// Whether the process group has no member left.
    extinct: Mutex<bool>,
    receivers: Arc<Receivers>,
    pub(super) poller: Arc<Poller>,
    /// Whether there may be a poller: there is more than one processor, and an answer cannot be lost.
    pub(super) polls: bool,
    /// Calls that no window may carry: [`filter::plain`].
    plain: [u64; PLAIN_WORDS],
    start: Instant,
    next_space: AtomicU64,
    warned: AtomicBool,
}

/// How many receiver threads there are.
#[derive(Default)]
struct Receivers {
    count: Mutex<usize>,
    changed: Condvar,
}

/// A receiver thread that has not ended.
pub(super) struct Receiving(Arc<Receivers>);

impl Drop for Receiving {
    fn drop(&mut self) {
        *self.0.count.lock() -= 1;
        self.0.changed.notify_all();
    }
}

impl Shared {
    pub(super) fn new(zygote: &Zygote, courier: mpsc::Sender<Parcel>) -> Self {
        Self {
            procfs: Arc::clone(&zygote.procfs),
            group: zygote.pid,
            slot_size: zygote.slot_size,
            vdso: zygote.vdso,
            own_vdso: zygote.own_vdso.clone(),
            heap: zygote.heap,
            unmap_all: zygote.unmap_all.clone(),
            mechanisms: zygote.mechanisms,
            shape: OnceLock::new(),
            patching: zygote.patching.then(Patching::default),
            pool: Pool::default(),
            processes: Mutex::default(),
            awaited: Mutex::default(),
            images: Mutex::default(),
            courier: Mutex::new(Some(courier)),
            extinct: Mutex::new(false),
            receivers: Arc::default(),
            poller: Arc::default(),
            polls: zygote.mechanisms.contains(Mechanisms::PROMPT_ANSWERS)
                && std::thread::available_parallelism().is_ok_and(|processors| processors.get() > 1),
            plain: filter::plain(),
            start: Instant::now(),
            next_space: AtomicU64::new(1),
            warned: AtomicBool::new(false),
        }
    }

    /// Whether no window may carry the call of this number.
    pub(super) fn is_plain(&self, number: u64) -> bool {
        let word = usize::try_from(number / 64).ok().and_then(|at| self.plain.get(at));
        word.is_some_and(|word| word >> (number % 64) & 1 != 0)
    }

    /// Since the platform's start.
    pub(super) fn uptime(&self) -> Duration {
        self.start.elapsed()
    }

    /// A memory with these slots and texts.
    pub(super) fn space(&self, slots: Slots, texts: Texts) -> Arc<Space> {
        Arc::new(Space { id: self.next_space.fetch_add(1, Ordering::Relaxed), slots, texts })
    }

    /// Images that still have receivers.
    pub(super) fn live_images(&self) -> Vec<Arc<Image>> {
        self.images.lock().iter().filter_map(Weak::upgrade).collect()
    }

    /// Enters an image, and forgets those that are no more.
    pub(super) fn remember(&self, image: &Arc<Image>) {
        let mut images = self.images.lock();
        images.retain(|image| image.strong_count() > 0);
        images.push(Arc::downgrade(image));
    }

    /// A new stub is ready.
    pub(super) fn ready(&self, thread: Arc<StubThread>) {
        self.pool.put(thread);
    }

    /// Has the courier deliver. Without one the platform is closing, and nobody listens.
    pub(super) fn send(&self, parcel: Parcel) {
        if let Some(courier) = &*self.courier.lock() {
            drop(courier.send(parcel));
        }
    }

    /// Says once that the host wakes guests the slow way, though it should know better.
    pub(super) fn warn_of_slow_wake_ups(&self) {
        if !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "the host kernel refuses SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP: system calls will be slow"
            );
        }
    }

    /// No child of the group is left, and the group's number may become another's.
    pub(super) fn extinct(&self) {
        *self.extinct.lock() = true;
    }

    /// Counts a receiver.
    pub(super) fn receiver_starts(&self) -> Receiving {
        *self.receivers.count.lock() += 1;
        Receiving(Arc::clone(&self.receivers))
    }

    /// Waits until no receiver is left, but not for ever: an observer may be stuck.
    pub(super) fn wait_for_receivers(&self) {
        let deadline = Instant::now() + Duration::from_secs(5);
        let mut count = self.receivers.count.lock();
        while *count > 0 && !self.receivers.changed.wait_until(&mut count, deadline).timed_out() {}
    }

    /// Kills everything, and lets the workers end.
    pub(super) fn close(&self) {
        self.pool.close();
        self.poller.close();
        let extinct = self.extinct.lock();
        if !*extinct {
            calls::kill_process_group(self.group);
        }
        drop(extinct);
        *self.courier.lock() = None;
    }
}
