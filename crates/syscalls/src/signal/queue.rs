//! rt_sigqueueinfo(2), rt_tgsigqueueinfo(2), pidfd_send_signal(2).

use std::sync::Arc;

use abi::Errno;
use abi::signal::{SI_TKILL, SI_USER, Siginfo, Signal};
use kernel::signal::{Target, send, sender};
use kernel::{Task, UserPtr, pidfd};
use vfs::Fd;

use super::{SignalNumber, kill};

/// Reads what shall be told about a signal. Only to itself may a process tell that the kernel, kill(2) or tkill(2) had sent it.
fn read_info(
    task: &Arc<Task>,
    info: UserPtr<Siginfo>,
    signal: SignalNumber,
    to: i32,
) -> Result<(Option<Signal>, Siginfo), Errno> {
    let mut info = info.read(&*task.memory())?;
    if (info.code >= 0 || info.code == SI_TKILL) && to != task.own_pid() {
        return Err(Errno::EPERM);
    }
    info.signo = signal.0;
    Ok((signal.optional()?, info))
}

/// Sends a signal with particulars to a process.
///
/// # Errors
/// `EAGAIN` if too many are queued, `EINVAL`, `EPERM`, `ESRCH`, `EFAULT`.
pub fn rt_sigqueueinfo(
    task: &Arc<Task>,
    pid: i32,
    signal: SignalNumber,
    info: UserPtr<Siginfo>,
) -> Result<(), Errno> {
    let (signal, info) = read_info(task, info, signal, pid)?;
    let group = kill::process(task, pid)?;
    kill::check(task, &group, signal)?;
    if signal.is_none() {
        return Ok(());
    }
    send(Target::Group(&group), sender::adapted(task, &group, info), sender::origin(task, &group))
}

/// Sends a signal with particulars to a thread.
///
/// # Errors
/// As [`rt_sigqueueinfo`].
pub fn rt_tgsigqueueinfo(
    task: &Arc<Task>,
    pid: i32,
    tid: i32,
    signal: SignalNumber,
    info: UserPtr<Siginfo>,
) -> Result<(), Errno> {
    if pid <= 0 || tid <= 0 {
        return Err(Errno::EINVAL);
    }
    let (signal, info) = read_info(task, info, signal, pid)?;
    let target = kill::thread(task, Some(pid), tid)?;
    kill::check(task, &target.group, signal)?;
    if signal.is_none() {
        return Ok(());
    }
    send(
        Target::Task(&target),
        sender::adapted(task, &target.group, info),
        sender::origin(task, &target.group),
    )
}

/// `PIDFD_SIGNAL_THREAD`: the thread of that id alone.
const THREAD: u32 = 1;
/// `PIDFD_SIGNAL_THREAD_GROUP`: what a pidfd of a process means anyway.
const THREAD_GROUP: u32 = 2;
/// `PIDFD_SIGNAL_PROCESS_GROUP`: the process group of that id.
const PROCESS_GROUP: u32 = 4;

/// Sends a signal to the process that a pidfd stands for, with particulars if there are any.
///
/// # Errors
/// `EBADF`, `EINVAL` for flags or a signal that differs from that of the particulars, `EPERM`, `ESRCH` if it has been waited for, `EFAULT`.
pub fn pidfd_send_signal(
    task: &Arc<Task>,
    fd: Fd,
    signal: SignalNumber,
    info: UserPtr<Siginfo>,
    flags: u32,
) -> Result<(), Errno> {
    if ![0, THREAD, THREAD_GROUP, PROCESS_GROUP].contains(&flags) {
        return Err(Errno::EINVAL);
    }
    let file = task.files().get(fd)?;
    let group = pidfd::signalled(&task.kernel, &file)?;
    let alive = task.kernel.group(group.pid).is_some_and(|g| Arc::ptr_eq(&g, &group));
    if !alive {
        return Err(Errno::ESRCH);
    }
    let (wanted, info) = match info.some() {
        Some(info) => {
            if info.read(&*task.memory())?.signo != signal.0 {
                return Err(Errno::EINVAL);
            }
            let (wanted, info) = read_info(task, info, signal, task.pids().shown(group.pid))?;
            (wanted, Some(info))
        }
        None => {
            let (own, wanted) = (task.credentials(), signal.optional()?);
            let uid = own.user.shown_uid(own.uid);
            (wanted, wanted.map(|s| Siginfo::user(s, SI_USER, task.own_pid(), uid)))
        }
    };
    let info = info.filter(|_| wanted.is_some());
    match flags {
        PROCESS_GROUP => to_process_group(task, group.pid, wanted, info),
        _ => {
            kill::check(task, &group, wanted)?;
            let leader = match flags {
                THREAD => Some(task.kernel.task(group.pid).ok_or(Errno::ESRCH)?),
                _ => None,
            };
            let target = leader.as_ref().map_or(Target::Group(&group), Target::Task);
            let origin = sender::origin(task, &group);
            info.map_or(Ok(()), |info| send(target, sender::adapted(task, &group, info), origin))
        }
    }
}

/// Succeeds if it reaches one member.
fn to_process_group(
    task: &Arc<Task>,
    id: i32,
    signal: Option<Signal>,
    info: Option<Siginfo>,
) -> Result<(), Errno> {
    let mut result = Err(Errno::ESRCH);
    for member in task.kernel.pids.process_group(id) {
        let tell = |info| {
            send(Target::Group(&member), sender::adapted(task, &member, info), sender::origin(task, &member))
        };
        let sent = kill::check(task, &member, signal).and_then(|()| info.map_or(Ok(()), tell));
        if result.is_err() {
            result = sent;
        }
    }
    result
}
