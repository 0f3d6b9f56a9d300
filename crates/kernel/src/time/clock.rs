//! The clocks of clock_gettime(2).

use std::sync::Arc;
use std::time::{Duration, Instant};

use abi::{Errno, time as abi_time};
use host::clock::HostClock;

use super::cpu::Watch;
use crate::{Task, ThreadGroup};

/// What CPU time of a process or thread a clock shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CpuTime {
    /// In user mode only.
    User,
    /// User and system.
    All,
}

/// A clock.
#[derive(Clone)]
pub enum Clock {
    /// One of the host's.
    Host(HostClock),
    /// `CLOCK_REALTIME_ALARM` and `CLOCK_BOOTTIME_ALARM`: as the clocks without alarm, but timers need a capability.
    Alarm(HostClock),
    /// CPU time of a process.
    Process(Arc<ThreadGroup>, CpuTime),
    /// CPU time of a thread.
    Thread(Arc<Task>, CpuTime),
}

impl Clock {
    /// The clock that a task means by a number.
    ///
    /// # Errors
    /// `EINVAL` if there is none, also for a process or thread that does not exist.
    pub fn from_id(task: &Arc<Task>, id: i32) -> Result<Self, Errno> {
        Ok(match id {
            abi_time::CLOCK_REALTIME => Self::Host(HostClock::Realtime),
            abi_time::CLOCK_MONOTONIC => Self::Host(HostClock::Monotonic),
            abi_time::CLOCK_PROCESS_CPUTIME_ID => Self::Process(Arc::clone(&task.group), CpuTime::All),
            abi_time::CLOCK_THREAD_CPUTIME_ID => Self::Thread(Arc::clone(task), CpuTime::All),
            abi_time::CLOCK_MONOTONIC_RAW => Self::Host(HostClock::MonotonicRaw),
            abi_time::CLOCK_REALTIME_COARSE => Self::Host(HostClock::RealtimeCoarse),
            abi_time::CLOCK_MONOTONIC_COARSE => Self::Host(HostClock::MonotonicCoarse),
            abi_time::CLOCK_BOOTTIME => Self::Host(HostClock::Boottime),
            abi_time::CLOCK_REALTIME_ALARM => Self::Alarm(HostClock::Realtime),
            abi_time::CLOCK_BOOTTIME_ALARM => Self::Alarm(HostClock::Boottime),
            abi_time::CLOCK_TAI => Self::Host(HostClock::Tai),
            negative if negative < 0 => return Self::from_cpu_id(task, negative),
            _ => return Err(Errno::EINVAL),
        })
    }

    /// Negative numbers: a process or thread id, inverted, above three bits that say which of its clocks.
    fn from_cpu_id(task: &Arc<Task>, id: i32) -> Result<Self, Errno> {
        const OF_THREAD: i32 = 4;
        let which = match id & 3 {
            0 | 2 => CpuTime::All,
            1 => CpuTime::User,
            // The clock of a device file, of which there are none.
            _ => return Err(Errno::EINVAL),
        };
        let number = !(id >> 3);
        if id & OF_THREAD != 0 {
            let found = match number {
                0 => Some(Arc::clone(task)),
                tid => task.task_of(tid).filter(|t| Arc::ptr_eq(&t.group, &task.group)),
            };
            return found.map(|t| Self::Thread(t, which)).ok_or(Errno::EINVAL);
        }
        let found = match number {
            0 => Some(Arc::clone(&task.group)),
            pid => task.group_of(pid),
        };
        found.map(|g| Self::Process(g, which)).ok_or(Errno::EINVAL)
    }

    /// What it shows.
    #[must_use]
    pub fn now(&self) -> Duration {
        match self {
            Self::Host(clock) | Self::Alarm(clock) => clock.now(),
            Self::Process(group, which) => {
                let used = group.consumption();
                which.of(used.user, used.system)
            }
            Self::Thread(task, which) => {
                let (user, system) = task.thread().map(|t| t.cpu_time()).unwrap_or_default();
                which.of(user, system)
            }
        }
    }

    /// Its resolution.
    #[must_use]
    pub fn resolution(&self) -> Duration {
        match self {
            Self::Host(clock) | Self::Alarm(clock) => clock.resolution(),
            Self::Process(..) | Self::Thread(..) => Duration::from_nanos(1),
        }
    }

    /// Whether timers and sleeps can be made on it.
    #[must_use]
    pub const fn has_timers(&self) -> bool {
        !matches!(
            self,
            Self::Host(HostClock::MonotonicRaw | HostClock::RealtimeCoarse | HostClock::MonotonicCoarse)
        )
    }

    /// When to look next for the time `at` of this clock. For a CPU clock that is the earliest moment at which it could be, or a
    /// little later if `watch` has seen it stand still.
    #[must_use]
    pub fn instant(&self, at: Duration, watch: &mut Watch) -> Option<Instant> {
        let now = self.now();
        let pause = match self {
            Self::Host(_) | Self::Alarm(_) => at.saturating_sub(now),
            Self::Process(group, _) => watch.pause(now, at, group.tasks().len()),
            Self::Thread(..) => watch.pause(now, at, 1),
        };
        Instant::now().checked_add(pause)
    }
}

impl CpuTime {
    const fn of(self, user: Duration, system: Duration) -> Duration {
        match self {
            Self::User => user,
            Self::All => user.saturating_add(system),
        }
    }
}
