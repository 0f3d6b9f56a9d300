//! What the host's kernel tells every program about the processor: getauxval(3).

use rustix::param;

/// The entries that a guest needs too, since it runs on the same processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Auxiliary {
    /// `AT_HWCAP`.
    pub capabilities: u64,
    /// `AT_HWCAP2`.
    pub capabilities2: u64,
    /// `AT_MINSIGSTKSZ`, bytes.
    pub minimum_signal_stack: u64,
}

/// Reads them.
#[must_use]
pub fn get() -> Auxiliary {
    let (capabilities, capabilities2) = param::linux_hwcap();
    Auxiliary {
        capabilities: capabilities as u64,
        capabilities2: capabilities2 as u64,
        minimum_signal_stack: param::linux_minsigstksz() as u64,
    }
}
