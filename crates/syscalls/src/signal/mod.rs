//! Signals: signal(7).

pub mod action;
pub mod kill;
pub mod mask;
pub mod queue;
pub mod signal_fd;
pub mod stack;
pub mod wait;

use abi::Errno;
use abi::signal::{Signal, SignalSet};
use kernel::Task;

use crate::argument::Argument;

/// A signal as an argument: any number until a handler needs it valid.
#[derive(Clone, Copy, Debug)]
pub struct SignalNumber(pub i32);

impl SignalNumber {
    /// The signal, or none for 0.
    ///
    /// # Errors
    /// `EINVAL`.
    pub const fn optional(self) -> Result<Option<Signal>, Errno> {
        Signal::optional(self.0)
    }
}

impl Argument for SignalNumber {
    fn decode(raw: u64) -> Result<Self, Errno> {
        i32::decode(raw).map(Self)
    }

    fn show(raw: u64, task: &Task) -> String {
        let number = i32::decode(raw).and_then(Signal::new);
        number.map_or_else(|_| i32::show(raw, task), |signal| signal.to_string())
    }
}

/// The size of a signal set, which all calls of this family are told.
#[derive(Clone, Copy, Debug)]
pub struct SetSize(usize);

impl SetSize {
    /// `EINVAL` unless it is the kernel's own.
    ///
    /// # Errors
    /// `EINVAL`.
    pub const fn check(self) -> Result<(), Errno> {
        if self.0 == size_of::<SignalSet>() { Ok(()) } else { Err(Errno::EINVAL) }
    }
}

impl Argument for SetSize {
    fn decode(raw: u64) -> Result<Self, Errno> {
        usize::decode(raw).map(Self)
    }

    fn show(raw: u64, _: &Task) -> String {
        raw.to_string()
    }
}
