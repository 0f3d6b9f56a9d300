//! Reading ahead: who reads a file from its beginning to its end finds the next pages there.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use abi::Errno;
use vfs::Events;
use vfs::waiting::{self, Patience};
use zerocopy::IntoBytes;

use super::PAGE;
use super::handle::Handle;
use super::told::Told;
use crate::connection::{Answered, Question, Shape};
use crate::wire::{InitFlags, Opcode, ReadIn};

/// Content that was asked for ahead of time.
struct Coming {
    through: Arc<Told>,
    first: u64,
    voided: u64,
}

impl Answered for Coming {
    fn answered(self: Box<Self>, answer: Result<Vec<u8>, Errno>) {
        let node = &self.through.node;
        // What it failed with is found out by who needs it.
        if let Ok(data) = answer {
            node.content.fill(self.first.saturating_mul(PAGE), &data, self.voided);
        }
        node.content.arrived(self.first);
        node.landed.notify(Events::all());
    }
}

impl Handle {
    /// Whether a read at an offset goes on where the last one ended.
    pub(super) fn in_sequence(&self, offset: u64) -> bool {
        offset == 0 || self.read_to.load(Ordering::Relaxed) == offset
    }

    /// Notes where a read has ended. If reads follow each other, the pages behind are asked for before somebody needs them; not if too much is
    /// asked for already.
    pub(super) fn was_read_to(&self, start: u64, end: u64) {
        let in_sequence = self.in_sequence(start);
        self.read_to.store(end, Ordering::Relaxed);
        let node = &self.node;
        let connection = &node.shared.connection;
        let settings = connection.settings();
        let window = u64::from(settings.readahead.min(settings.max_read)) / PAGE * PAGE;
        let ahead = self.ahead.load(Ordering::Relaxed);
        if !in_sequence || start == 0 || window == 0 || !connection.has(InitFlags::ASYNC_READ) {
            return;
        }
        let from = ahead.max(end.next_multiple_of(PAGE));
        let size = node.size().min(from.saturating_add(window)).saturating_sub(from);
        if from.saturating_sub(end) > window / 2 || size == 0 || connection.is_congested() {
            return;
        }
        let (first, count) = (from / PAGE, size.div_ceil(PAGE));
        self.ahead.store(from.saturating_add(count.saturating_mul(PAGE)), Ordering::Relaxed);
        let voided = node.content.voided();
        if node.content.expect(first, first.saturating_add(count)) {
            self.ask_ahead(first, count, voided);
        }
    }

    fn ask_ahead(&self, first: u64, count: u64, voided: u64) {
        let size = u32::try_from(count.saturating_mul(PAGE)).unwrap_or(0);
        let what = ReadIn {
            fh: self.number(),
            offset: first.saturating_mul(PAGE),
            size,
            flags: self.open_flags(),
            ..ReadIn::default()
        };
        let question = Question {
            opcode: Opcode::Read,
            node: self.node.id,
            asker: self.node.shared.connection.asker().unwrap_or_default(),
            body: what.as_bytes().to_vec(),
            shape: Shape::UpTo(usize::try_from(size).unwrap_or(0)),
            extension: 0,
        };
        let listener = Coming { through: Arc::clone(&self.told), first, voided };
        self.node.shared.connection.post(question, Some(Box::new(listener)));
    }

    /// Waits for the page of an offset if it was asked for ahead of time. False if it was not.
    ///
    /// # Errors
    /// `EINTR` for a caller that is killed.
    pub(super) fn await_ahead(&self, offset: u64) -> Result<bool, Errno> {
        let content = &self.node.content;
        if !content.is_coming(offset / PAGE) {
            return Ok(false);
        }
        let come = || !content.is_coming(offset / PAGE);
        match waiting::until(&self.node.landed, Patience::Killable, come) {
            Ok(()) => Ok(true),
            Err(Errno::ERESTARTSYS) => Err(Errno::EINTR),
            Err(error) => Err(error),
        }
    }
}
