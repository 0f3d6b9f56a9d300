//! Signals that were sent and not yet taken.

use std::collections::VecDeque;

use abi::signal::{SI_USER, Siginfo, Signal, SignalSet};

use super::Charge;

/// One instance of a pending signal.
pub(crate) struct Queued {
    pub(crate) info: Siginfo,
    /// The POSIX timer that sent it: the overrun count is that of the moment when the signal is taken.
    pub(crate) timer: Option<i32>,
    /// Its place in the user's quota, given back when it goes.
    pub(crate) _charge: Option<Charge>,
}

/// The pending signals of a task or a process.
///
/// A standard signal is in the queue at most once, a real-time signal once for each time it was sent. A signal may be in the set
/// without an entry in the queue: it was sent when the user's quota was used up, and lost its particulars.
#[derive(Default)]
pub(crate) struct Pending {
    set: SignalSet,
    queue: VecDeque<Queued>,
}

impl Pending {
    /// Which are pending.
    pub(crate) const fn set(&self) -> SignalSet {
        self.set
    }

    /// How many instances are queued.
    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Adds an instance. A standard signal that is pending already stays as it is, but a timer's has a place of its own.
    pub(crate) fn push(&mut self, signal: Signal, queued: Queued) {
        if !signal.is_realtime() && self.set.has(signal) && queued.timer.is_none() {
            return;
        }
        self.set.insert(signal);
        self.queue.push_back(queued);
    }

    /// Marks a signal as pending without particulars.
    pub(crate) const fn mark(&mut self, signal: Signal) {
        self.set.insert(signal);
    }

    /// Takes the first instance of a signal. One without particulars looks as if process 0 had sent it.
    pub(crate) fn take(&mut self, signal: Signal) -> Option<Queued> {
        if !self.set.has(signal) {
            return None;
        }
        let number = signal.number();
        let found = match self.queue.iter().position(|q| q.info.signo == number) {
            Some(at) => self.queue.remove(at),
            None => Some(Queued { info: Siginfo::user(signal, SI_USER, 0, 0), timer: None, _charge: None }),
        };
        if !self.queue.iter().any(|q| q.info.signo == number) {
            self.set.remove(signal);
        }
        found
    }

    /// Drops all instances of these signals.
    pub(crate) fn discard(&mut self, signals: SignalSet) {
        if (self.set & signals).is_empty() {
            return;
        }
        self.set = self.set.without(signals);
        self.queue.retain(|q| q.info.signal().is_some_and(|s| !signals.has(s)));
    }

    /// Drops what a timer has sent.
    pub(crate) fn discard_timer(&mut self, timer: i32) {
        let Some(at) = self.queue.iter().position(|q| q.timer == Some(timer)) else { return };
        let number = self.queue.remove(at).map(|q| q.info.signo);
        if !self.queue.iter().any(|q| Some(q.info.signo) == number)
            && let Some(Ok(signal)) = number.map(Signal::new)
        {
            self.set.remove(signal);
        }
    }

    /// Drops everything.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// The order in which Linux takes pending signals: those that instructions raise first, then by number.
pub(crate) fn next(set: SignalSet) -> Option<Signal> {
    (set & SignalSet::SYNCHRONOUS).first().or_else(|| set.first())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queued(signal: Signal, value: u64) -> Queued {
        Queued { info: Siginfo::queue(signal, -1, 1, 0, value), timer: None, _charge: None }
    }

    fn values(pending: &mut Pending, signal: Signal) -> Vec<u64> {
        std::iter::from_fn(|| pending.take(signal).map(|q| q.info.value())).collect()
    }

    #[test]
    fn standard_signals_coalesce_and_keep_the_first() {
        let mut pending = Pending::default();
        for value in 0..3 {
            pending.push(Signal::SIGUSR1, queued(Signal::SIGUSR1, value));
        }
        assert_eq!(values(&mut pending, Signal::SIGUSR1), [0]);
        assert!(pending.set().is_empty());
    }

    #[test]
    fn realtime_signals_keep_their_order() {
        let mut pending = Pending::default();
        let rt = Signal::new(40).unwrap();
        for value in 0..4 {
            pending.push(rt, queued(rt, value));
            pending.push(Signal::MAX, queued(Signal::MAX, value));
        }
        assert_eq!(next(pending.set()), Some(rt));
        assert_eq!(values(&mut pending, rt), [0, 1, 2, 3]);
        assert_eq!(next(pending.set()), Some(Signal::MAX));
    }

    #[test]
    fn a_mark_comes_back_as_a_signal_from_nobody() {
        let mut pending = Pending::default();
        pending.mark(Signal::SIGTERM);
        let taken = pending.take(Signal::SIGTERM).unwrap();
        assert_eq!((taken.info.code, taken.info.pid()), (SI_USER, 0));
        assert!(pending.take(Signal::SIGTERM).is_none());
    }

    #[test]
    fn faults_come_before_lower_numbers() {
        let set = SignalSet::of(&[Signal::SIGHUP, Signal::SIGSEGV, Signal::SIGKILL]);
        assert_eq!(next(set), Some(Signal::SIGSEGV));
        assert_eq!(next(set.without(SignalSet::SYNCHRONOUS)), Some(Signal::SIGHUP));
    }
}
