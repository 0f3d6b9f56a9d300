//! One watched descriptor of an epoll instance.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};

use abi::epoll::{EPOLLET, EPOLLEXCLUSIVE, EPOLLONESHOT, EPOLLWAKEUP, EpollEvent};
use parking_lot::Mutex;
use vfs::{Events, Listener, OpenFile, Registration};

use super::Epoll;

/// What an item is known by: the same description may be watched once through each descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) fd: i32,
    pub(super) description: u64,
}

pub(super) struct Item {
    pub(super) key: Key,
    this: Weak<Self>,
    epoll: Weak<Epoll>,
    file: Weak<OpenFile>,
    /// Whether it is in the list of those that may be ready.
    pub(super) queued: AtomicBool,
    watch: Mutex<Watch>,
}

struct Watch {
    event: EpollEvent,
    registration: Option<Registration>,
}

/// Bits that say how to watch, not what for.
const MODES: u32 = EPOLLET | EPOLLONESHOT | EPOLLEXCLUSIVE | EPOLLWAKEUP;

fn interest(event: &EpollEvent) -> Events {
    Events::from_bits_truncate(event.events & !MODES)
}

impl Item {
    pub(super) fn new(key: Key, epoll: Weak<Epoll>, file: &Arc<OpenFile>) -> Arc<Self> {
        let watch = Mutex::new(Watch { event: EpollEvent::default(), registration: None });
        let (file, queued) = (Arc::downgrade(file), AtomicBool::new(false));
        Arc::new_cyclic(|this| Self { key, this: Weak::clone(this), epoll, file, queued, watch })
    }

    /// Its line in /proc/PID/fdinfo, as long as the file is open.
    pub(super) fn details(&self) -> Option<String> {
        let file = self.file.upgrade()?;
        let event = self.watch.lock().event;
        let (fd, events, data) = (self.key.fd, event.events | (Events::ERR | Events::HUP).bits(), event.data);
        let inode = file.attributes().map_or(0, |attributes| attributes.inode);
        let device = file.inode().map(|inode| inode.filesystem().device()).unwrap_or_default();
        let device = (device.major << 20) | device.minor;
        let position = file.offset();
        Some(format!(
            "tfd: {fd:8} events: {events:8x} data: {data:16x}  pos:{position} ino:{inode:x} sdev:{device:x}\n"
        ))
    }

    /// Watches for these events from now on.
    pub(super) fn watch(self: &Arc<Self>, file: &OpenFile, event: EpollEvent) {
        let new = file.file.readiness().map(|queue| {
            let listener: Arc<dyn Listener> = Arc::clone(self) as _;
            if event.events & EPOLLEXCLUSIVE == 0 {
                queue.register(interest(&event), listener)
            } else {
                queue.register_exclusively(interest(&event), listener)
            }
        });
        let mut watch = self.watch.lock();
        watch.event = event;
        let old = std::mem::replace(&mut watch.registration, new);
        drop(watch);
        drop(old);
    }

    /// Hears of nothing any more.
    pub(super) fn stop(&self) {
        let registration = self.watch.lock().registration.take();
        drop(registration);
    }

    pub(super) fn mode(&self) -> u32 {
        self.watch.lock().event.events
    }

    /// What is to be reported of it now. `Err` if its description is gone.
    pub(super) fn current(&self) -> Result<Option<EpollEvent>, Gone> {
        let file = self.file.upgrade().ok_or(Gone)?;
        let event = self.watch.lock().event;
        if event.events & !MODES == 0 {
            return Ok(None);
        }
        let events = file.poll() & (interest(&event) | Events::ERR | Events::HUP);
        Ok((!events.is_empty()).then_some(EpollEvent { events: events.bits(), data: event.data }))
    }

    /// It was reported. Returns whether it stays in the list: it is level-triggered.
    pub(super) fn reported(&self) -> bool {
        let mut watch = self.watch.lock();
        let mode = watch.event.events;
        if mode & EPOLLONESHOT != 0 {
            watch.event.events &= MODES;
        }
        mode & (EPOLLONESHOT | EPOLLET) == 0
    }

    /// The description, as long as somebody has it open.
    pub(super) fn file(&self) -> Option<Arc<OpenFile>> {
        self.file.upgrade()
    }

    pub(super) fn is_gone(&self) -> bool {
        self.file.strong_count() == 0
    }
}

/// The description that was watched is gone.
pub(super) struct Gone;

impl Listener for Item {
    fn notify(&self, events: Events) {
        self.notify_exclusively(events);
    }

    /// Somebody comes for the events if somebody waits, or watches the instance.
    fn notify_exclusively(&self, events: Events) -> bool {
        let event = self.watch.lock().event;
        if event.events & !MODES == 0 || !events.intersects(interest(&event) | Events::ERR | Events::HUP) {
            return false;
        }
        let (Some(epoll), Some(item)) = (self.epoll.upgrade(), self.this.upgrade()) else { return false };
        let awaited = epoll.is_awaited();
        epoll.announce(item);
        awaited
    }
}
