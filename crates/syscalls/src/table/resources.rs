//! Limits, accounts and scheduling.

use abi::resource::{Rlimit, Rusage, Tms};
use abi::time::Timespec;
use kernel::{UserAddr, UserPtr};

use crate::Support::{Full, Partial};
use crate::resources::{affinity, attributes, io_priority, limits, policy, priority, rusage};
use crate::{Row, rows};

const POLICIES: &str = "kept and told; the host schedules all guests by niceness";

pub(super) static ROWS: &[Row] = rows! {
    now getrlimit(limits::getrlimit, resource: u32, old: UserPtr<Rlimit>) Full;
    now setrlimit(limits::setrlimit, resource: u32, new: UserPtr<Rlimit>) Partial("enforced: AS, CPU, DATA (for brk), FSIZE, MEMLOCK, NICE, NOFILE, NPROC, SIGPENDING, STACK; the others are kept and told");
    now prlimit64(limits::prlimit64, pid: i32, resource: u32, new: UserPtr<Rlimit>, old: UserPtr<Rlimit>) Partial("as setrlimit");
    later getrusage(rusage::getrusage, who: i32, usage: UserPtr<Rusage>) Partial("CPU times and resident sets; faults, switches and blocks are 0");
    now times(rusage::times, buffer: UserPtr<Tms>) Full;
    now getpriority(priority::getpriority, which: u32, who: i32) Full;
    now setpriority(priority::setpriority, which: u32, who: i32, nice: i32) Full;
    now ioprio_get(io_priority::ioprio_get, which: u32, who: i32) Partial("kept and told, without effect");
    now ioprio_set(io_priority::ioprio_set, which: u32, who: i32, value: i32) Partial("kept and told, without effect");
    now sched_yield(policy::sched_yield) Full;
    now sched_setscheduler(policy::sched_setscheduler, pid: i32, policy: i32, param: UserPtr<i32>) Partial(POLICIES);
    now sched_getscheduler(policy::sched_getscheduler, pid: i32) Full;
    now sched_setparam(policy::sched_setparam, pid: i32, param: UserPtr<i32>) Partial(POLICIES);
    now sched_getparam(policy::sched_getparam, pid: i32, param: UserPtr<i32>) Full;
    now sched_setattr(attributes::sched_setattr, pid: i32, attributes: UserAddr, flags: u32) Partial(POLICIES);
    now sched_getattr(attributes::sched_getattr, pid: i32, attributes: UserAddr, size: u32, flags: u32) Full;
    now sched_get_priority_max(policy::sched_get_priority_max, policy: i32) Full;
    now sched_get_priority_min(policy::sched_get_priority_min, policy: i32) Full;
    now sched_rr_get_interval(policy::sched_rr_get_interval, pid: i32, interval: UserPtr<Timespec>) Full;
    now sched_setaffinity(affinity::sched_setaffinity, pid: i32, length: usize, mask: UserAddr) Partial("kept and told; the host places threads");
    now sched_getaffinity(affinity::sched_getaffinity, pid: i32, length: usize, mask: UserAddr) Full;
    now getcpu(affinity::getcpu, cpu: UserPtr<u32>, node: UserPtr<u32>) Partial("a CPU of the mask; the vDSO knows the true one");
};
