//! Clocks, sleeping and timers.

use abi::time::{Itimerspec, Itimerval, Sigevent, Timespec, Timeval, Timezone};
use kernel::{UserAddr, UserPtr};
use vfs::Fd;

use crate::Support::{Full, Partial};
use crate::time::{clock, interval, posix, sleep, timer_fd, wall};
use crate::{Row, rows};

const FIXED: crate::Support = Partial("the sandbox shows the host's clocks and cannot change them");

pub(super) static ROWS: &[Row] = rows! {
    later nanosleep(sleep::nanosleep, request: UserPtr<Timespec>, remaining: UserPtr<Timespec>) Full;
    now getitimer(interval::getitimer, which: i32, value: UserPtr<Itimerval>) Full;
    now alarm(interval::alarm, seconds: u32) Full;
    now setitimer(interval::setitimer, which: i32, new: UserPtr<Itimerval>, old: UserPtr<Itimerval>) Full;
    now gettimeofday(wall::gettimeofday, time: UserPtr<Timeval>, zone: UserPtr<Timezone>) Full;
    now settimeofday(wall::settimeofday, time: UserPtr<Timeval>, zone: UserAddr) FIXED;
    now adjtimex(clock::adjtimex, timex: UserAddr) FIXED;
    now time(wall::time, at: UserPtr<i64>) Full;
    now timer_create(posix::timer_create, clock: i32, event: UserPtr<Sigevent>, id: UserPtr<i32>) Full;
    now timer_settime(posix::timer_settime, id: i32, flags: u32, new: UserPtr<Itimerspec>, old: UserPtr<Itimerspec>) Full;
    now timer_gettime(posix::timer_gettime, id: i32, value: UserPtr<Itimerspec>) Full;
    now timer_getoverrun(posix::timer_getoverrun, id: i32) Full;
    now timer_delete(posix::timer_delete, id: i32) Full;
    now clock_settime(clock::clock_settime, clock: i32, time: UserPtr<Timespec>) FIXED;
    now clock_gettime(clock::clock_gettime, clock: i32, time: UserPtr<Timespec>) Full;
    now clock_getres(clock::clock_getres, clock: i32, resolution: UserPtr<Timespec>) Full;
    later clock_nanosleep(sleep::clock_nanosleep, clock: i32, flags: u32, request: UserPtr<Timespec>, remaining: UserPtr<Timespec>) Full;
    now timerfd_create(timer_fd::timerfd_create, clock: i32, flags: u32) Full;
    now timerfd_settime(timer_fd::timerfd_settime, fd: Fd, flags: u32, new: UserPtr<Itimerspec>, old: UserPtr<Itimerspec>)
        Partial("TFD_TIMER_CANCEL_ON_SET does not notice changes of the host's clock");
    now timerfd_gettime(timer_fd::timerfd_gettime, fd: Fd, value: UserPtr<Itimerspec>) Full;
    now clock_adjtime(clock::clock_adjtime, clock: i32, timex: UserAddr) FIXED;
};
