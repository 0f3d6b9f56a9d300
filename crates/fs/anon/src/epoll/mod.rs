//! epoll(7): a set of watched descriptors and the list of those that may be ready.
//!
//! A watched file's readiness puts its [`Item`] in the list and wakes those who wait. Whoever collects asks each
//! item of the list again, so the list may hold too much but never too little. An item does not keep its file open: when the
//! last descriptor of the description goes, the item is dead, and swept out when it is met.
//!
//! Locks: `collecting` of an outer instance before that of an inner one (cycles are refused when watching starts), then
//! `items`, then `ready`. No file is asked and nobody is notified under `items` or `ready`.

mod file;
mod item;
mod nesting;

#[cfg(test)]
mod tests;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use abi::Errno;
use abi::epoll::{EPOLLET, EPOLLEXCLUSIVE, EPOLLWAKEUP, EpollEvent};
use parking_lot::Mutex;
use vfs::waiting::SleepLock;
use vfs::{Events, OpenFile, WaitQueue};

use item::{Item, Key};

/// The most items of one instance.
const MOST_ITEMS: usize = 1 << 20;
/// What may stand beside `EPOLLEXCLUSIVE`: epoll_ctl(2).
const WITH_EXCLUSIVE: u32 = 0x1 | 0x4 | 0x8 | 0x10 | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;

/// An epoll instance.
pub struct Epoll {
    this: Weak<Self>,
    items: Mutex<Items>,
    ready: Mutex<VecDeque<Arc<Item>>>,
    /// Held by whoever goes through the list, so that a second one sees what the first puts back.
    collecting: SleepLock<()>,
    /// Those in epoll_wait(2).
    waiters: Arc<WaitQueue>,
    /// Those who poll the instance itself.
    watchers: Arc<WaitQueue>,
    /// Instances that watch this one.
    parents: Mutex<Vec<Weak<Self>>>,
}

#[derive(Default)]
struct Items {
    by_key: HashMap<Key, Arc<Item>>,
    /// Dead ones are swept out when there are this many.
    sweep_at: usize,
}

impl Epoll {
    /// An instance that watches nothing.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            this: Weak::clone(this),
            items: Mutex::default(),
            ready: Mutex::default(),
            collecting: SleepLock::default(),
            waiters: WaitQueue::new(),
            watchers: WaitQueue::new(),
            parents: Mutex::default(),
        })
    }

    /// Where epoll_wait(2) waits, for `IN`.
    #[must_use]
    pub const fn waiters(&self) -> &Arc<WaitQueue> {
        &self.waiters
    }

    /// What it watches, by descriptor; not all of very many.
    fn some_items(&self) -> Vec<Arc<Item>> {
        const MOST: usize = 16_384;
        let mut items: Vec<_> = self.items.lock().by_key.values().take(MOST).cloned().collect();
        items.sort_by_key(|item| item.key.fd);
        items
    }

    /// `EPOLL_CTL_ADD`.
    ///
    /// # Errors
    /// `EEXIST`, `EPERM` for a file that cannot be polled, `ELOOP` for a cycle or deep nesting, `EINVAL` for what cannot stand beside
    /// `EPOLLEXCLUSIVE` and for itself, `ENOSPC`.
    pub fn add(&self, fd: i32, file: &Arc<OpenFile>, event: EpollEvent) -> Result<(), Errno> {
        if file.file.readiness().is_none() {
            return Err(Errno::EPERM);
        }
        let inner = file.file.as_any().downcast_ref::<Self>();
        let exclusive = event.events & EPOLLEXCLUSIVE != 0;
        if inner.is_some_and(|inner| std::ptr::eq(inner, self) || exclusive)
            || exclusive && event.events & !WITH_EXCLUSIVE != 0
        {
            return Err(Errno::EINVAL);
        }
        let nesting = inner.map(|inner| nesting::check(self, inner)).transpose()?;
        let key = Key { fd, description: file.id };
        let item = Item::new(key, Weak::clone(&self.this), file);
        self.items.lock().insert(key, Arc::clone(&item))?;
        if let Some(inner) = inner {
            inner.parents.lock().push(Weak::clone(&self.this));
        }
        drop(nesting);
        item.watch(file, event);
        self.look(&item);
        Ok(())
    }

    /// `EPOLL_CTL_MOD`.
    ///
    /// # Errors
    /// `ENOENT`, `EINVAL` with `EPOLLEXCLUSIVE`.
    pub fn modify(&self, fd: i32, file: &Arc<OpenFile>, event: EpollEvent) -> Result<(), Errno> {
        let key = Key { fd, description: file.id };
        let item = self.items.lock().by_key.get(&key).cloned().ok_or(Errno::ENOENT)?;
        if (event.events | item.mode()) & EPOLLEXCLUSIVE != 0 {
            return Err(Errno::EINVAL);
        }
        item.watch(file, event);
        self.look(&item);
        Ok(())
    }

    /// `EPOLL_CTL_DEL`.
    ///
    /// # Errors
    /// `ENOENT`.
    pub fn remove(&self, fd: i32, file: &Arc<OpenFile>) -> Result<(), Errno> {
        let item = self.items.lock().by_key.remove(&Key { fd, description: file.id }).ok_or(Errno::ENOENT)?;
        item.stop();
        self.ready.lock().retain(|other| !Arc::ptr_eq(other, &item));
        if let Some(inner) = file.file.as_any().downcast_ref::<Self>() {
            nesting::forget(self, inner);
        }
        Ok(())
    }

    /// The description that is watched through a descriptor; the one at this place if there are several, which were opened there one after the other.
    #[must_use]
    pub fn watched(&self, fd: i32, index: usize) -> Option<u64> {
        let items = self.items.lock();
        let mut all: Vec<u64> = items.by_key.keys().filter(|k| k.fd == fd).map(|k| k.description).collect();
        drop(items);
        all.sort_unstable();
        all.get(index).copied()
    }

    /// Hands up to `most` events to `deliver`. What fails to be delivered stays to be reported.
    ///
    /// # Errors
    /// `EAGAIN` if nothing is ready, and `deliver`'s.
    pub fn collect(
        &self,
        most: usize,
        deliver: impl FnOnce(&[EpollEvent]) -> Result<(), Errno>,
    ) -> Result<usize, Errno> {
        let one = self.collecting.lock();
        let (items, events) = self.gather(most);
        if items.is_empty() {
            return Err(Errno::EAGAIN);
        }
        let delivered = deliver(&events);
        for item in items {
            if delivered.is_err() || item.reported() {
                self.enlist(item);
            }
        }
        drop(one);
        if !self.ready.lock().is_empty() {
            self.waiters.notify(Events::IN);
        }
        delivered.map(|()| events.len())
    }

    /// Takes items out of the list, each at most once, until `most` of them are ready.
    fn gather(&self, most: usize) -> (Vec<Arc<Item>>, Vec<EpollEvent>) {
        let (mut items, mut events) = (Vec::new(), Vec::new());
        let mut left = self.ready.lock().len();
        while left > 0 && items.len() < most {
            left -= 1;
            let Some(item) = self.take() else { break };
            if let Some(event) = self.ask(&item) {
                items.push(item);
                events.push(event);
            }
        }
        (items, events)
    }

    fn take(&self) -> Option<Arc<Item>> {
        let item = self.ready.lock().pop_front()?;
        item.queued.store(false, Ordering::Release);
        Some(item)
    }

    /// What an item has to report; one whose file is gone goes too.
    fn ask(&self, item: &Arc<Item>) -> Option<EpollEvent> {
        item.current().unwrap_or_else(|_| {
            let dead = self.items.lock().by_key.remove(&item.key);
            item.stop();
            drop(dead);
            None
        })
    }

    /// Puts an item in the list, once.
    fn enlist(&self, item: Arc<Item>) {
        if !item.queued.swap(true, Ordering::AcqRel) {
            self.ready.lock().push_back(item);
        }
    }

    /// Whether anybody waits for events.
    fn is_awaited(&self) -> bool {
        !self.waiters.is_empty() || !self.watchers.is_empty()
    }

    /// An item may be ready: it is put in the list, and those who wait hear of it.
    fn announce(&self, item: Arc<Item>) {
        self.enlist(item);
        self.waiters.notify(Events::IN);
        self.watchers.notify(Events::IN | Events::RDNORM);
    }

    fn look(&self, item: &Arc<Item>) {
        if self.ask(item).is_some() {
            self.announce(Arc::clone(item));
        }
    }

    /// Whether anything is ready. Goes through the list to the first item that is.
    fn is_ready(&self) -> bool {
        let _one = self.collecting.lock();
        let mut left = self.ready.lock().len();
        while left > 0 {
            left -= 1;
            let Some(item) = self.take() else { break };
            if self.ask(&item).is_some() {
                self.enlist(item);
                return true;
            }
        }
        false
    }
}

impl Items {
    fn insert(&mut self, key: Key, item: Arc<Item>) -> Result<(), Errno> {
        if self.by_key.len() >= self.sweep_at {
            self.by_key.retain(|_, item| !item.is_gone());
            self.sweep_at = self.by_key.len().saturating_mul(2).max(64);
        }
        if self.by_key.len() >= MOST_ITEMS {
            return Err(Errno::ENOSPC);
        }
        match self.by_key.entry(key) {
            Entry::Occupied(_) => Err(Errno::EEXIST),
            Entry::Vacant(place) => {
                place.insert(item);
                Ok(())
            }
        }
    }
}

impl Drop for Epoll {
    fn drop(&mut self) {
        for item in std::mem::take(&mut self.items.get_mut().by_key).into_values() {
            item.stop();
        }
    }
}
