//! Hot call sites of programs, patched while they run: when, in which file, and how it reaches a process. What is patched and how
//! is `crate::patcher`'s business.
//!
//! Every notified call is counted for the instruction that made it, by file and offset. At the [`HOT`]th the page of the file
//! that it lies in is made anew in memory ([`file::TextFile`]): one for all processes of the sandbox, never changed once it is mapped. A running process
//! gets it by one mmap(2) over the old page: atomic for its other threads, which find either page, and none half changed. That is
//! done when the very thread that made the call is back in guest code, so nobody can be unmapping that text. Programs that map the file later
//! ([`crate::Order::Map`]) get the page at once.
//!
//! A page replaces only what is byte for byte the file's. What a guest does to its own text afterwards it does to a private copy.
//!
//! To the kernel none of this shows: addresses in trampolines are those of the sites ([`translate`]), mappings are the file's ([`maps`]),
//! and what is read of a patched page is what the file has there.

mod file;
mod maps;
mod switch;
mod texts;
mod translate;

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use abi::Errno;
use parking_lot::Mutex;

pub(super) use file::{PAGE_BYTES, TextFile};
pub(super) use switch::Switch;
pub(super) use texts::Texts;

/// How many calls make a site hot.
pub(super) const HOT: u32 = 8;
/// How many calls a process makes from sites that are patched, but not in its memory, before it is given the pages: about as many as could
/// have been made faster in the time that it takes. So a process that ends soon pays nothing, and one that goes on pays twice at most.
pub(super) const MISSED: u32 = 32;
/// How many files are kept patched while no process has them mapped.
const MOST_KEPT: usize = 64;
/// How many files may be known at a time.
const MOST_FILES: usize = 4096;

/// What a sandbox has patched.
#[derive(Default)]
pub(super) struct Patching {
    files: Mutex<Files>,
    pub(super) counters: Counters,
}

#[derive(Default)]
struct Files {
    /// Those that some memory has mapped, by the host's device and inode number.
    known: HashMap<(u64, u64), Weak<TextFile>>,
    /// Those that have patched pages, the oldest first.
    patched: Vec<Arc<TextFile>>,
}

/// What was done, for whoever measures.
#[derive(Default, Debug)]
pub(super) struct Counters {
    /// Sites patched.
    pub(super) sites: AtomicU64,
    /// Hot sites that were left alone.
    pub(super) refused: AtomicU64,
    /// Running processes that were given patched pages.
    pub(super) switches: AtomicU64,
    /// Those that could not be.
    pub(super) failed: AtomicU64,
    /// Files that were mapped patched.
    pub(super) mapped: AtomicU64,
    /// Threads that were found between the bytes of a jump.
    pub(super) repairs: AtomicU64,
}

impl Counters {
    /// Names and values.
    pub(super) fn list(&self) -> Vec<(&'static str, u64)> {
        [
            ("patched-sites", &self.sites),
            ("patch-refused-sites", &self.refused),
            ("patch-switches", &self.switches),
            ("patch-failed-switches", &self.failed),
            ("patch-mapped-files", &self.mapped),
            ("patch-repairs", &self.repairs),
        ]
        .map(|(name, value)| (name, value.load(Ordering::Relaxed)))
        .to_vec()
    }
}

/// By what the host names a file: device and inode number.
///
/// # Errors
/// As fstat(2).
pub(super) fn file_key(file: impl AsFd) -> Result<(u64, u64), Errno> {
    let stat = rustix::fs::fstat(file).map_err(|error| Errno::from_raw(error.raw_os_error()))?;
    Ok((stat.st_dev, stat.st_ino))
}

pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Patching {
    /// The file that a descriptor refers to. Nothing if it cannot be told, or too many are known.
    pub(super) fn file(&self, descriptor: &Arc<OwnedFd>) -> Option<Arc<TextFile>> {
        let stat = rustix::fs::fstat(&**descriptor).ok()?;
        let key = (stat.st_dev, stat.st_ino);
        let mut files = self.files.lock();
        if let Some(file) = files.known.get(&key).and_then(Weak::upgrade) {
            return Some(file);
        }
        if files.known.len() >= MOST_FILES {
            files.known.retain(|_, file| file.strong_count() > 0);
            if files.known.len() >= MOST_FILES {
                return None;
            }
        }
        let size = u64::try_from(stat.st_size).ok()?;
        let file = Arc::new(TextFile::new(key, Arc::clone(descriptor), size));
        files.known.insert(key, Arc::downgrade(&file));
        Some(file)
    }

    /// Keeps a file that has patched pages, for programs to come.
    fn keep(&self, file: &Arc<TextFile>) {
        let mut files = self.files.lock();
        if files.patched.iter().any(|kept| Arc::ptr_eq(kept, file)) {
            return;
        }
        if files.patched.len() >= MOST_KEPT {
            drop(files.patched.remove(0));
        }
        files.patched.push(Arc::clone(file));
    }

    /// Forgets a file that is no longer what its pages were made from.
    fn forget(&self, file: &Arc<TextFile>) {
        let mut files = self.files.lock();
        files.patched.retain(|kept| !Arc::ptr_eq(kept, file));
        let known =
            files.known.get(&file.key).is_some_and(|known| core::ptr::eq(known.as_ptr(), Arc::as_ptr(file)));
        if known {
            files.known.remove(&file.key);
        }
    }
}

impl Drop for Patching {
    fn drop(&mut self) {
        tracing::debug!(counters = ?self.counters, "patched call sites");
    }
}
