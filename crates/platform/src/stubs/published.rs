//! What the gate answers calls from: [`Published`] in the thread's page, reached as all of a stub's memory.

use core::mem::offset_of;

use abi::Errno;

use super::interface::{Published, ThreadPage, local};
use super::mechanisms::Mechanisms;
use super::phase::{Phase, Via};
use super::thread::StubThread;
use crate::Facts;

impl StubThread {
    /// As [`crate::Thread::is_fast`].
    pub(super) fn calls_fast(&self) -> bool {
        matches!(self.state.lock().phase, Phase::Call { via: Via::Rung(_) | Via::Polled, .. })
    }

    fn place(&self, field: usize) -> u64 {
        let page = self.process.space.slots.page(self.slot);
        page + (offset_of!(ThreadPage, published) + field) as u64
    }

    fn put(&self, field: usize, words: &[u64]) -> Result<(), Errno> {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.process.write_exactly(&[(self.place(field), bytes.len())], &bytes)
    }

    fn get<const N: usize>(&self, field: usize) -> Result<[u64; N], Errno> {
        let mut bytes = vec![0; N * 8];
        self.process.read_exactly(&[(self.place(field), bytes.len())], &mut bytes)?;
        let mut words = [0; N];
        for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = u64::from_le_bytes(bytes.try_into().unwrap_or_default());
        }
        Ok(words)
    }

    /// As [`crate::Thread::publish`].
    pub(super) fn publish_facts(&self, facts: &Facts) -> Result<(), Errno> {
        let (head, length) = facts.robust_list;
        if !self.process.shared.mechanisms.contains(Mechanisms::SEGMENT_INSTRUCTIONS) {
            return Err(Errno::ENOSYS);
        }
        let without = if facts.alternate_stack.is_none() { local::SIGRETURN } else { 0 };
        let local = if facts.answered { local::ALL & !without } else { 0 };
        let attention = 0;
        let [base, flags, size] = facts.alternate_stack.unwrap_or_default();
        self.put(
            0,
            &[
                local,
                attention,
                facts.signal_mask,
                head,
                length,
                facts.process,
                facts.thread,
                facts.user,
                facts.effective_user,
                facts.group,
                facts.effective_group,
                base,
                flags,
                size,
            ],
        )
    }

    /// As [`crate::Thread::withdraw_answers`].
    pub(super) fn unpublish(&self) -> Result<(), Errno> {
        self.put(offset_of!(Published, local), &[0])
    }

    /// As [`crate::Thread::signal_mask`].
    pub(super) fn published_mask(&self) -> Result<u64, Errno> {
        let told = match (&self.state.lock().phase, self.window.get()) {
            (Phase::Call { via: Via::Rung(_) | Via::Polled, .. }, Some(window)) => Some(window.mask()),
            _ => None,
        };
        match told {
            Some(mask) => Ok(mask),
            None => self.get(offset_of!(Published, signal_mask)).map(|[mask]| mask),
        }
    }

    /// As [`crate::Thread::set_signal_mask`].
    pub(super) fn publish_mask(&self, mask: u64) -> Result<(), Errno> {
        self.put(offset_of!(Published, signal_mask), &[mask])?;
        // Whoever asks before the thread goes on must not hear what it was when the call began.
        if let Some(window) = self.window.get() {
            window.set_mask(mask);
        }
        Ok(())
    }

    /// As [`crate::Thread::set_attention`].
    pub(super) fn publish_attention(&self, waits: bool) -> Result<(), Errno> {
        self.put(offset_of!(Published, attention), &[waits.into()])
    }

    /// As [`crate::Thread::set_robust_list`].
    pub(super) fn publish_robust_list(&self, head: u64, length: u64) -> Result<(), Errno> {
        self.put(offset_of!(Published, robust_list), &[head, length])
    }

    /// As [`crate::Thread::robust_list`].
    pub(super) fn published_robust_list(&self) -> Result<(u64, u64), Errno> {
        self.get(offset_of!(Published, robust_list)).map(|[head, length]| (head, length))
    }
}
