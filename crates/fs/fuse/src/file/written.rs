//! What guests have changed in shared mappings: found by comparing, because nobody tells the sentry.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;

use abi::Errno;
use zerocopy::IntoBytes;

use super::handle::Handle;
use super::{PAGE, PAGE_BYTES};
use crate::connection::{Asker, Question, Shape};
use crate::node::Node;
use crate::wire::{Opcode, WriteIn, WriteOut};

/// `FUSE_WRITE_CACHE`: from the cache, on nobody's behalf.
const FROM_CACHE: u32 = 1;

/// Sums of the pages of a file that guests may change, as the server has them.
#[derive(Default)]
pub(super) struct Sums(BTreeMap<u64, u64>);

fn sum(page: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(page);
    hasher.finish()
}

impl Sums {
    /// The server has this page so.
    pub(super) fn note(&mut self, number: u64, page: &[u8]) {
        self.0.insert(number, sum(page));
    }

    /// Whether a page is not as the server has it.
    pub(super) fn differs(&self, number: u64, page: &[u8]) -> bool {
        self.0.get(&number).is_some_and(|known| *known != sum(page))
    }

    /// A page is not in the cache any more.
    pub(super) fn remove(&mut self, number: u64) {
        self.0.remove(&number);
    }

    /// The number of the first page from one on.
    pub(super) fn next(&self, from: u64) -> Option<u64> {
        self.0.range(from..).next().map(|(number, _)| *number)
    }
}

impl Node {
    /// Has the server write what guests have changed in shared mappings.
    ///
    /// # Errors
    /// The server's.
    pub(crate) fn write_back(&self) -> Result<(), Errno> {
        if !self.content.is_watched() {
            return Ok(());
        }
        let Some(handle) = self.any_handle(true) else { return Ok(()) };
        let mut from = 0;
        let mut result = Ok(());
        while let Some((offset, data)) = self.content.next_changed(from, self.size()) {
            from = offset / PAGE + (data.len().div_ceil(PAGE_BYTES) as u64).max(1);
            let written =
                self.shared.connection.write(self.id, &handle.cached_write(offset, data.len()), &data);
            match written {
                Ok(count) if count == data.len() => self.written(offset.saturating_add(count as u64)),
                Ok(_) => result = Err(Errno::EIO),
                Err(error) => result = Err(error),
            }
        }
        result
    }

    /// The same without waiting, for a handle that is about to go.
    pub(super) fn post_changes(&self, handle: &Handle) {
        if !self.content.is_watched() {
            return;
        }
        let mut from = 0;
        while let Some((offset, data)) = self.content.next_changed(from, self.size()) {
            from = offset / PAGE + (data.len().div_ceil(PAGE_BYTES) as u64).max(1);
            let what = handle.cached_write(offset, data.len());
            let question = Question {
                opcode: Opcode::Write,
                node: self.id,
                asker: Asker::current(),
                body: [what.as_bytes(), &data].concat(),
                shape: Shape::of::<WriteOut>(),
            };
            self.shared.connection.post(question, None);
            self.attributes_outdated();
        }
    }
}

impl Handle {
    /// A write from the cache.
    fn cached_write(&self, offset: u64, length: usize) -> WriteIn {
        WriteIn {
            fh: self.number(),
            offset,
            size: u32::try_from(length).unwrap_or(u32::MAX),
            write_flags: FROM_CACHE,
            lock_owner: 0,
            flags: self.open_flags(),
            padding: 0,
        }
    }

    /// Whether it is the last through which its file can be written.
    pub(super) fn is_last_writer(&self) -> bool {
        let others = self.node.handles.lock();
        let others = others.iter().filter_map(std::sync::Weak::upgrade).collect::<Vec<Arc<Self>>>();
        self.writes() && !others.iter().any(|other| other.writes())
    }
}
