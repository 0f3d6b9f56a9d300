//! Which dentries stay although nobody uses them.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use crate::dentry::{Dentry, NO_SLOT};

/// Missing names remembered for one filesystem.
const MISSING: usize = 4_096;

/// Keeps the dentries that were used of late: a clock over a bounded number of slots, and a bounded queue of missing names.
/// However many files a guest walks over, the cache stays that small.
pub(crate) struct DentryCache {
    state: Mutex<State>,
    /// Dentries kept at most.
    most: usize,
}

struct State {
    slots: Vec<Option<Arc<Dentry>>>,
    free: Vec<usize>,
    hand: usize,
    missing: VecDeque<(Weak<Dentry>, Arc<[u8]>)>,
}

impl DentryCache {
    /// Keeps so many dentries at most, and one at least.
    pub(crate) fn new(most: usize) -> Self {
        let state = State { slots: Vec::new(), free: Vec::new(), hand: 0, missing: VecDeque::new() };
        Self { state: Mutex::new(state), most: most.max(1) }
    }

    /// Keeps a dentry; another one may have to go.
    pub(crate) fn keep(&self, dentry: &Arc<Dentry>) {
        let evicted = {
            let mut state = self.state.lock();
            if dentry.slot.load(Ordering::Relaxed) != NO_SLOT {
                return;
            }
            let (slot, evicted) = state.vacate(self.most);
            if let Some(place) = state.slots.get_mut(slot) {
                *place = Some(Arc::clone(dentry));
                dentry.slot.store(slot, Ordering::Relaxed);
            }
            evicted
        };
        drop(evicted);
    }

    /// Keeps a dentry no longer: its name is gone, and what it names must go with its last user.
    pub(crate) fn release(&self, dentry: &Dentry) {
        let released = {
            let mut state = self.state.lock();
            let slot = dentry.slot.swap(NO_SLOT, Ordering::Relaxed);
            let released = state.slots.get_mut(slot).and_then(Option::take);
            if released.is_some() {
                state.free.push(slot);
            }
            released
        };
        drop(released);
    }

    /// Remembers a missing name that was noted in `directory`.
    pub(crate) fn keep_missing(&self, directory: &Arc<Dentry>, name: Arc<[u8]>) {
        let evicted = {
            let mut state = self.state.lock();
            state.missing.push_back((Arc::downgrade(directory), name));
            if state.missing.len() > MISSING { state.missing.pop_front() } else { None }
        };
        if let Some((directory, name)) = evicted
            && let Some(directory) = directory.upgrade()
        {
            directory.forget_missing(&name);
        }
    }

    /// Lets everything go, before the filesystem is unmounted.
    pub(crate) fn clear(&self) {
        let old = {
            let mut state = self.state.lock();
            state.free.clear();
            state.missing.clear();
            state.hand = 0;
            let old = std::mem::take(&mut state.slots);
            for dentry in old.iter().flatten() {
                dentry.slot.store(NO_SLOT, Ordering::Relaxed);
            }
            old
        };
        drop(old);
    }

    /// How many dentries are kept.
    pub(crate) fn len(&self) -> usize {
        self.state.lock().slots.iter().flatten().count()
    }
}

impl State {
    /// An empty slot, and the dentry that had to leave it.
    fn vacate(&mut self, most: usize) -> (usize, Option<Arc<Dentry>>) {
        if let Some(slot) = self.free.pop() {
            return (slot, None);
        }
        if self.slots.len() < most {
            self.slots.push(None);
            return (self.slots.len().saturating_sub(1), None);
        }
        // Twice around at most: the first round takes the marks away.
        loop {
            let slot = self.hand;
            self.hand = slot.saturating_add(1).checked_rem(most).unwrap_or(0);
            let Some(entry) = self.slots.get_mut(slot) else { return (slot, None) };
            let spare = entry.as_ref().is_none_or(|d| !d.recent.swap(false, Ordering::Relaxed));
            if spare {
                let old = entry.take();
                if let Some(old) = &old {
                    old.slot.store(NO_SLOT, Ordering::Relaxed);
                }
                return (slot, old);
            }
        }
    }
}
