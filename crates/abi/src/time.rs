//! Time: structures and clock numbers of `linux/time.h` and `linux/timerfd.h`.

use core::time::Duration;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::Errno;

const NANOS: i64 = 1_000_000_000;

/// `struct timespec`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Timespec {
    /// Seconds.
    pub sec: i64,
    /// Nanoseconds.
    pub nsec: i64,
}

impl Timespec {
    /// As a span of time.
    ///
    /// # Errors
    /// `EINVAL` if it is negative or the nanoseconds are no fraction of a second.
    pub fn duration(self) -> Result<Duration, Errno> {
        let sec = u64::try_from(self.sec).map_err(|_| Errno::EINVAL)?;
        let nsec = u32::try_from(self.nsec).ok().filter(|n| *n < 1_000_000_000).ok_or(Errno::EINVAL)?;
        Ok(Duration::new(sec, nsec))
    }
}

impl From<Duration> for Timespec {
    fn from(d: Duration) -> Self {
        Self { sec: i64::try_from(d.as_secs()).unwrap_or(i64::MAX), nsec: i64::from(d.subsec_nanos()) }
    }
}

/// `struct timeval`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Timeval {
    /// Seconds.
    pub sec: i64,
    /// Microseconds.
    pub usec: i64,
}

impl Timeval {
    /// As a span of time.
    ///
    /// # Errors
    /// `EINVAL` if it is negative or the microseconds are no fraction of a second.
    pub fn duration(self) -> Result<Duration, Errno> {
        if !(0..NANOS / 1000).contains(&self.usec) {
            return Err(Errno::EINVAL);
        }
        Timespec { sec: self.sec, nsec: self.usec.saturating_mul(1000) }.duration()
    }
}

impl From<Duration> for Timeval {
    fn from(d: Duration) -> Self {
        Self { sec: i64::try_from(d.as_secs()).unwrap_or(i64::MAX), usec: i64::from(d.subsec_micros()) }
    }
}

/// `struct itimerspec`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Itimerspec {
    /// Period; zero for a single shot.
    pub interval: Timespec,
    /// Time to the next expiry; zero for none.
    pub value: Timespec,
}

/// `struct itimerval`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Itimerval {
    /// Period; zero for a single shot.
    pub interval: Timeval,
    /// Time to the next expiry; zero for none.
    pub value: Timeval,
}

/// `struct timezone`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Timezone {
    /// Minutes west of Greenwich.
    pub minuteswest: i32,
    /// Unused.
    pub dsttime: i32,
}

/// `clock_gettime`: wall clock.
pub const CLOCK_REALTIME: i32 = 0;
/// Since an arbitrary point, not set, but slewed.
pub const CLOCK_MONOTONIC: i32 = 1;
/// CPU time of the process.
pub const CLOCK_PROCESS_CPUTIME_ID: i32 = 2;
/// CPU time of the thread.
pub const CLOCK_THREAD_CPUTIME_ID: i32 = 3;
/// Monotonic, not slewed.
pub const CLOCK_MONOTONIC_RAW: i32 = 4;
/// Wall clock of the last tick.
pub const CLOCK_REALTIME_COARSE: i32 = 5;
/// Monotonic of the last tick.
pub const CLOCK_MONOTONIC_COARSE: i32 = 6;
/// Monotonic with time suspended.
pub const CLOCK_BOOTTIME: i32 = 7;
/// Wall clock that wakes the machine.
pub const CLOCK_REALTIME_ALARM: i32 = 8;
/// Boot time that wakes the machine.
pub const CLOCK_BOOTTIME_ALARM: i32 = 9;
/// International atomic time.
pub const CLOCK_TAI: i32 = 11;

/// `timer_settime`, `clock_nanosleep`: the time is absolute.
pub const TIMER_ABSTIME: u32 = 1;
/// `timerfd_settime`: the time is absolute.
pub const TFD_TIMER_ABSTIME: u32 = 1;
/// `timerfd_settime`: reads fail with `ECANCELED` after the clock was set.
pub const TFD_TIMER_CANCEL_ON_SET: u32 = 2;

/// `sigev_notify`: a signal for the process.
pub const SIGEV_SIGNAL: i32 = 0;
/// Nothing happens.
pub const SIGEV_NONE: i32 = 1;
/// libc's own; to the kernel the same as a signal.
pub const SIGEV_THREAD: i32 = 2;
/// A signal for one thread.
pub const SIGEV_THREAD_ID: i32 = 4;

/// `struct sigevent`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Sigevent {
    /// `sigev_value`.
    pub value: u64,
    /// `sigev_signo`.
    pub signo: i32,
    /// `sigev_notify`.
    pub notify: i32,
    /// `sigev_notify_thread_id`.
    pub thread: i32,
    /// The rest of the union.
    pub padding: [i32; 11],
}

/// `setitimer`: real time, SIGALRM.
pub const ITIMER_REAL: i32 = 0;
/// User CPU time, SIGVTALRM.
pub const ITIMER_VIRTUAL: i32 = 1;
/// User and system CPU time, SIGPROF.
pub const ITIMER_PROF: i32 = 2;
