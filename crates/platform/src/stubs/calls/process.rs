//! Processes: making the first, signals, ends.

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::LazyLock;
use std::time::Duration;

use abi::Errno;
use rustix::thread::{CpuSet, Pid, sched_getaffinity, sched_setaffinity};

use super::{check, last_error};

/// How a process ended.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::stubs) struct Death {
    /// The signal that killed it.
    pub(in crate::stubs) signal: Option<i32>,
    /// CPU time in all: user, system.
    pub(in crate::stubs) cpu_time: (Duration, Duration),
    /// The largest resident set, in KiB.
    pub(in crate::stubs) peak_resident: u64,
}

/// Whether the host knows user notifications.
pub(in crate::stubs) fn probe_notifications() -> bool {
    const GET_ACTION_AVAIL: libc::c_uint = 2;
    let action: u32 = 0x7fc0_0000;
    // SAFETY: reads one word.
    unsafe { libc::syscall(libc::SYS_seccomp, GET_ACTION_AVAIL, 0, &raw const action) == 0 }
}

/// Whether the host knows these `SECCOMP_FILTER_FLAG_*`. Installs nothing.
pub(in crate::stubs) fn probe_filter_flags(flags: libc::c_ulong) -> bool {
    const SET_MODE_FILTER: libc::c_uint = 1;
    // SAFETY: without a program the call fails in every case.
    let result = unsafe { libc::syscall(libc::SYS_seccomp, SET_MODE_FILTER, flags, 0usize) };
    result == -1 && last_error() == Errno::EFAULT
}

/// Forks, and has the child execute `program` with these two as its first descriptors. Returns its pid.
///
/// # Errors
/// As fork(2). A failure to execute shows as the end of the child.
pub(in crate::stubs) fn execute(program: BorrowedFd<'_>, first: [BorrowedFd<'_>; 2]) -> Result<i32, Errno> {
    let arguments = [c"casemate-stub".as_ptr(), core::ptr::null()];
    let environment = [core::ptr::null::<libc::c_char>()];
    // SAFETY: the child makes nothing but system calls, on memory that was prepared before.
    unsafe {
        let pid = libc::fork();
        if pid != 0 {
            return check(pid).map(|_| pid);
        }
        // Out of each other's way first.
        let above = |fd: BorrowedFd<'_>| libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, 3);
        let ([zero, one], program) = (first.map(above), above(program));
        if libc::dup2(zero, 0) == 0 && libc::dup2(one, 1) == 1 {
            libc::syscall(
                libc::SYS_execveat,
                program,
                c"".as_ptr(),
                arguments.as_ptr(),
                environment.as_ptr(),
                libc::AT_EMPTY_PATH,
            );
        }
        libc::_exit(127)
    }
}

/// Takes hold of the process `pid`, which must be an unreaped child: pidfd_open(2).
///
/// # Errors
/// `EMFILE`, `ESRCH`.
pub(in crate::stubs) fn hold_of(pid: i32) -> Result<OwnedFd, Errno> {
    // SAFETY: numbers only.
    to_descriptor(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })
}

/// A copy of the descriptor `number` of a process: pidfd_getfd(2).
///
/// # Errors
/// `EBADF` if it has none of that number, `ESRCH`, `EPERM`.
pub(in crate::stubs) fn descriptor_of(process: BorrowedFd<'_>, number: i32) -> Result<OwnedFd, Errno> {
    // SAFETY: numbers only.
    to_descriptor(unsafe { libc::syscall(libc::SYS_pidfd_getfd, process.as_raw_fd(), number, 0) })
}

/// What a call returned that makes a descriptor.
fn to_descriptor(result: libc::c_long) -> Result<OwnedFd, Errno> {
    let fd = i32::try_from(check(result)?).map_err(|_| Errno::EIO)?;
    // SAFETY: the host has just made it for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// tgkill(2). With signal 0 it tells whether the process has this thread.
///
/// # Errors
/// `ESRCH`.
pub(in crate::stubs) fn signal_thread(process: i32, thread: i32, signal: i32) -> Result<(), Errno> {
    if process <= 0 || thread <= 0 {
        return Err(Errno::ESRCH);
    }
    // SAFETY: numbers only.
    check(unsafe { libc::syscall(libc::SYS_tgkill, process, thread, signal) }).map(|_| ())
}

/// Kills the whole process that `pid` (a process or one of its threads) belongs to.
pub(in crate::stubs) fn kill_group(pid: i32) {
    // Zero and negative numbers mean process groups, the sentry's own among them.
    if pid > 0 {
        // SAFETY: numbers only.
        unsafe { libc::kill(pid, libc::SIGKILL) };
    }
}

/// The number of the processor that this thread is on.
pub(in crate::stubs) fn processor() -> u64 {
    // SAFETY: no arguments.
    u64::try_from(unsafe { libc::sched_getcpu() }).unwrap_or(0)
}

/// Keeps a thread off a processor until [`may_run_anywhere`], if there is another. Best done while it sleeps:
/// then nothing has to move.
pub(in crate::stubs) fn keep_off(thread: Pid, number: u64) {
    if let Some(all) = processors() {
        leave(thread, number, all);
    }
}

/// Acts while a thread is kept off a processor. Afterwards it may run wherever this process may, which is asked once for both.
pub(in crate::stubs) fn kept_off(thread: Pid, number: u64, act: impl FnOnce()) {
    let Some(all) = processors() else { return act() };
    leave(thread, number, all);
    act();
    // As below.
    let _ = sched_setaffinity(Some(thread), &all);
}

fn leave(thread: Pid, number: u64, mut others: CpuSet) {
    if let (Ok(number), true) = (usize::try_from(number), others.count() > 1) {
        others.unset(number);
        // Where the thread runs decides about its speed only.
        let _ = sched_setaffinity(Some(thread), &others);
    }
}

/// Keeps a thread on a processor until [`may_run_anywhere`]. Best done while it sleeps, and is about to be woken there.
pub(in crate::stubs) fn keep_on(thread: Pid, number: u64) {
    let Ok(number) = usize::try_from(number) else { return };
    let mut only = CpuSet::new();
    only.set(number);
    // As above.
    let _ = sched_setaffinity(Some(thread), &only);
}

/// Lets threads run wherever this process may.
pub(in crate::stubs) fn may_run_anywhere(threads: impl IntoIterator<Item = Pid>) {
    if let Some(all) = processors() {
        for thread in threads {
            // As above.
            let _ = sched_setaffinity(Some(thread), &all);
        }
    }
}

/// Where the process may run: its first thread is never kept off anything.
fn processors() -> Option<CpuSet> {
    static MAIN: LazyLock<Pid> = LazyLock::new(rustix::process::getpid);
    sched_getaffinity(Some(*MAIN)).ok()
}

/// CPU time of a process so far.
///
/// # Errors
/// `EINVAL` if there is none.
pub(in crate::stubs) fn cpu_clock(pid: i32) -> Result<Duration, Errno> {
    // How the kernel encodes the clock of another process (clock_getcpuclockid(3)).
    const SCHEDULER: i32 = 2;
    let clock = !pid << 3 | SCHEDULER;
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes the structure.
    check(unsafe { libc::clock_gettime(clock, &raw mut time) })?;
    let (seconds, nanos) = (u64::try_from(time.tv_sec), u64::try_from(time.tv_nsec));
    Ok(Duration::from_secs(seconds.unwrap_or(0)) + Duration::from_nanos(nanos.unwrap_or(0)))
}

/// Undoes an ignored SIGCHLD, which a parent may have left to us: children would vanish without being waited for.
pub(in crate::stubs) fn keep_dead_children() {
    // SAFETY: all-zero is the default action.
    let mut old: libc::sigaction = unsafe { core::mem::zeroed() };
    // SAFETY: the structures live until the calls return; only an ignored signal is changed.
    unsafe {
        libc::sigaction(libc::SIGCHLD, core::ptr::null(), &raw mut old);
        if old.sa_sigaction == libc::SIG_IGN {
            libc::signal(libc::SIGCHLD, libc::SIG_DFL);
        }
    }
}

/// Kills all of a process group.
pub(in crate::stubs) fn kill_process_group(group: i32) {
    // -1 is everybody.
    if group > 1 {
        // SAFETY: numbers only.
        unsafe { libc::kill(-group, libc::SIGKILL) };
    }
}

/// Whether the kernel is older than this version.
pub(in crate::stubs) fn kernel_before(major: u32, minor: u32) -> bool {
    let name = rustix::system::uname();
    let release = name.release().to_string_lossy();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|n| n.parse().unwrap_or(0));
    let version: (u32, u32) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    version < (major, minor)
}

/// Whether a process of this number is there, dead or alive.
pub(in crate::stubs) fn is_alive(pid: i32) -> bool {
    // SAFETY: numbers only.
    pid > 0 && unsafe { libc::kill(pid, 0) } == 0
}

/// Waits until a child in this process group has ended, and leaves it unreaped: its number cannot be another's yet.
///
/// # Errors
/// `ECHILD` if there is none.
pub(in crate::stubs) fn peek_dead(group: i32) -> Result<i32, Errno> {
    let group = libc::id_t::try_from(group).map_err(|_| Errno::ECHILD)?;
    // SAFETY: all-zero is a siginfo.
    let mut info: libc::siginfo_t = unsafe { core::mem::zeroed() };
    loop {
        // SAFETY: the call writes the structure.
        match check(unsafe {
            libc::waitid(libc::P_PGID, group, &raw mut info, libc::WEXITED | libc::WNOWAIT)
        }) {
            // SAFETY: the call has filled in the part for children.
            Ok(_) => return Ok(unsafe { info.si_pid() }),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// Reaps a child that has ended.
///
/// # Errors
/// `ECHILD`.
pub(in crate::stubs) fn reap(pid: i32) -> Result<Death, Errno> {
    let mut status = 0;
    // SAFETY: all-zero is a rusage.
    let mut usage: libc::rusage = unsafe { core::mem::zeroed() };
    // SAFETY: the call writes both.
    check(unsafe { libc::wait4(pid, &raw mut status, 0, &raw mut usage) })?;
    let time = |t: libc::timeval| {
        let (seconds, micros) = (u64::try_from(t.tv_sec), u64::try_from(t.tv_usec));
        Duration::from_secs(seconds.unwrap_or(0)) + Duration::from_micros(micros.unwrap_or(0))
    };
    Ok(Death {
        signal: libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status)),
        cpu_time: (time(usage.ru_utime), time(usage.ru_stime)),
        peak_resident: u64::try_from(usage.ru_maxrss).unwrap_or(0),
    })
}
