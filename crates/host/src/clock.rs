//! The host's clocks: clock_gettime(2).

use core::time::Duration;

use rustix::time::{ClockId, DynamicClockId, clock_getres, clock_gettime, clock_gettime_dynamic};

/// A clock of the host that the sandbox shows as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the clocks of clock_gettime(2) by their names")]
pub enum HostClock {
    Realtime,
    RealtimeCoarse,
    Monotonic,
    MonotonicCoarse,
    MonotonicRaw,
    Boottime,
    Tai,
}

impl HostClock {
    const fn id(self) -> ClockId {
        match self {
            Self::Realtime => ClockId::Realtime,
            Self::RealtimeCoarse => ClockId::RealtimeCoarse,
            Self::Monotonic => ClockId::Monotonic,
            Self::MonotonicCoarse => ClockId::MonotonicCoarse,
            Self::MonotonicRaw => ClockId::MonotonicRaw,
            Self::Boottime => ClockId::Boottime,
            // Only its resolution is asked so, and that is the same.
            Self::Tai => ClockId::Realtime,
        }
    }

    /// The time since the clock's own beginning.
    #[must_use]
    pub fn now(self) -> Duration {
        if self == Self::Tai
            && let Ok(time) = clock_gettime_dynamic(DynamicClockId::Tai)
        {
            return to_duration(time);
        }
        to_duration(clock_gettime(self.id()))
    }

    /// Its resolution.
    #[must_use]
    pub fn resolution(self) -> Duration {
        to_duration(clock_getres(self.id()))
    }
}

/// Times before a clock's beginning, which no machine should show, become its beginning.
fn to_duration(time: rustix::time::Timespec) -> Duration {
    let nanos = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), nanos)
}
