//! What processes have used: getrusage(2), times(2).

use std::time::Duration;

/// CPU time and the like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consumption {
    /// In user mode.
    pub user: Duration,
    /// In the host's kernel for the guest.
    pub system: Duration,
    /// Largest resident set, in KiB.
    pub max_resident: u64,
}

impl Consumption {
    /// Both together: times add up, the resident set is the larger one.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            user: self.user.saturating_add(other.user),
            system: self.system.saturating_add(other.system),
            max_resident: self.max_resident.max(other.max_resident),
        }
    }
}

/// The accounts of a process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// By host processes of earlier program images.
    pub past: Consumption,
    /// By children that were waited for, and their waited-for children.
    pub children: Consumption,
}
