//! Writes to one file past the cache, and look-ups and listings of one directory: one after the other, unless the server takes several at once.

use std::sync::Arc;

use abi::Errno;
use parking_lot::Mutex;
use vfs::waiting::{self, Patience};
use vfs::{Events, WaitQueue};

/// Whose turn it is.
pub(crate) struct Turns {
    state: Mutex<State>,
    free: Arc<WaitQueue>,
}

#[derive(Default)]
struct State {
    alone: bool,
    together: usize,
}

/// A turn, until it is dropped.
pub(crate) struct Turn<'a>(&'a Turns);

impl Default for Turns {
    fn default() -> Self {
        Self { state: Mutex::default(), free: WaitQueue::new() }
    }
}

impl Turns {
    fn try_take(&self, alone: bool) -> bool {
        let mut state = self.state.lock();
        if state.alone || alone && state.together > 0 {
            return false;
        }
        if alone {
            state.alone = true;
        } else {
            state.together = state.together.saturating_add(1);
        }
        true
    }

    /// Waits for a turn, alone or together with others of that kind.
    ///
    /// # Errors
    /// `EINTR` for a caller that is killed.
    pub(crate) fn take(&self, alone: bool) -> Result<Turn<'_>, Errno> {
        match waiting::until(&self.free, Patience::Killable, || self.try_take(alone)) {
            Ok(()) => Ok(Turn(self)),
            Err(Errno::ERESTARTSYS) => Err(Errno::EINTR),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        {
            let mut state = self.0.state.lock();
            if state.alone {
                state.alone = false;
            } else {
                state.together = state.together.saturating_sub(1);
            }
        }
        self.0.free.notify(Events::all());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_go_together_and_one_goes_alone() {
        let turns = Turns::default();
        let (first, second) = (turns.take(false).unwrap(), turns.take(false).unwrap());
        assert!(!turns.try_take(true));
        drop((first, second));
        let alone = turns.take(true).unwrap();
        assert!(!turns.try_take(false) && !turns.try_take(true));
        drop(alone);
        assert!(turns.try_take(true));
    }
}
