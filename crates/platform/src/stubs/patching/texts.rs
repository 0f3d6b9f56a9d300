//! Which files a memory has mapped to execute, and what of them is patched there.
//!
//! What stands here is what the sentry has ordered. A guest may have changed it since by calls of its own, so whoever acts on it looks
//! first ([`super::switch`], [`super::translate`]).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use parking_lot::RwLock;

use crate::patcher::AREA_SIZE;

use super::file::TextFile;

/// How many texts of one memory are known.
const MOST_TEXTS: usize = 512;

/// The texts of one memory.
#[derive(Default)]
pub(in crate::stubs) struct Texts {
    list: RwLock<Arc<Vec<Text>>>,
    /// Calls from sites that are patched, but not here, since somebody looked.
    missed: AtomicU32,
    /// Nothing may be patched here.
    forbidden: AtomicBool,
}

/// An executable mapping of a file.
#[derive(Clone)]
pub(super) struct Text {
    pub(super) start: u64,
    pub(super) end: u64,
    /// Where byte 0 of the file would be: addresses less this are positions.
    pub(super) bias: u64,
    pub(super) file: Arc<TextFile>,
    pub(super) mapped: Option<Arc<Mapped>>,
    /// How often patching it here has failed.
    pub(super) failures: u32,
}

/// What of a text is patched in a memory.
#[derive(Clone, Default)]
pub(super) struct Mapped {
    /// The position of the trampolines, which tells the variant.
    pub(super) area: i64,
    /// Position and version of the patched pages.
    pub(super) pages: BTreeMap<u64, u32>,
}

impl Text {
    pub(super) fn position(&self, address: u64) -> u64 {
        address.wrapping_sub(self.bias)
    }

    /// The position of an address in its trampolines.
    pub(super) fn trampoline_position(&self, address: u64) -> Option<i64> {
        let mapped = self.mapped.as_ref()?;
        let position = self.position(address).cast_signed();
        let inside = position.checked_sub(mapped.area)?;
        (0..AREA_SIZE.cast_signed()).contains(&inside).then_some(position)
    }

    pub(super) fn address(&self, position: i64) -> u64 {
        self.bias.wrapping_add(position.cast_unsigned())
    }
}

impl Texts {
    /// The texts of a copy of this memory.
    pub(in crate::stubs) fn copy(&self) -> Self {
        let forbidden = AtomicBool::new(self.are_forbidden());
        Self { list: RwLock::new(Arc::clone(&self.list.read())), missed: AtomicU32::new(0), forbidden }
    }

    pub(super) fn forbid(&self, forbidden: bool) {
        self.forbidden.store(forbidden, Ordering::Relaxed);
    }

    pub(super) fn are_forbidden(&self) -> bool {
        self.forbidden.load(Ordering::Relaxed)
    }

    pub(super) fn list(&self) -> Arc<Vec<Text>> {
        Arc::clone(&self.list.read())
    }

    /// Nothing is mapped any more.
    pub(in crate::stubs) fn clear(&self) {
        *self.list.write() = Arc::default();
    }

    /// A text has been mapped, over whatever was there.
    pub(super) fn enter(&self, text: Text) {
        let mut list = self.list.write();
        let list = Arc::make_mut(&mut list);
        list.retain(|other| other.end <= text.start || other.start >= text.end);
        if list.len() < MOST_TEXTS {
            let at = list.partition_point(|other| other.start < text.start);
            list.insert(at, text);
        }
    }

    /// Changes what is known of the text that starts there.
    pub(super) fn change(&self, start: u64, change: impl FnOnce(&mut Text)) {
        let mut list = self.list.write();
        if let Ok(at) = list.binary_search_by_key(&start, |text| text.start)
            && let Some(text) = Arc::make_mut(&mut list).get_mut(at)
        {
            change(text);
        }
    }

    /// Looks at the text that an address lies in, or in whose trampolines.
    pub(super) fn with<T>(&self, address: u64, look: impl FnOnce(&Text) -> Option<T>) -> Option<T> {
        let list = self.list.read();
        let at = list.partition_point(|text| text.end <= address);
        let text = match list.get(at).filter(|text| text.start <= address) {
            Some(text) => text,
            None => list.iter().find(|text| text.trampoline_position(address).is_some())?,
        };
        look(text)
    }

    /// Counts a call that could have been faster. Returns how many there were.
    pub(super) fn miss(&self) -> u32 {
        self.missed.fetch_add(1, Ordering::Relaxed).saturating_add(1)
    }

    pub(super) fn forget_misses(&self) {
        self.missed.store(0, Ordering::Relaxed);
    }
}
