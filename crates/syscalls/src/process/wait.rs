//! wait4(2) and waitid(2).

use std::sync::Arc;

use abi::Errno;
use abi::resource::Rusage;
use abi::signal::{CLD_CONTINUED, CLD_STOPPED, Siginfo, Signal};
use abi::wait::{P_ALL, P_PGID, P_PID, P_PIDFD, WaitOptions};
use kernel::children::{Change, Report, Which, wait};
use kernel::memory::write_all;
use kernel::{Task, UserPtr, pidfd};
use vfs::{Fd, OpenFlags};
use zerocopy::{FromZeros, IntoBytes};

use crate::resources::rusage::to_rusage;

/// The bit that WIFSTOPPED looks at.
const STOPPED: i32 = 0x7f;
/// What WIFCONTINUED compares with.
const CONTINUED: i32 = 0xffff;

/// wait4(2).
///
/// # Errors
/// `ECHILD`, `EINVAL`, `ESRCH` for the one number that cannot be negated, `ERESTARTSYS`.
pub async fn wait4(
    task: &Arc<Task>,
    pid: i32,
    status: UserPtr<i32>,
    options: u32,
    rusage: UserPtr<Rusage>,
) -> Result<i32, Errno> {
    let options = WaitOptions::from_bits(options)
        .filter(|o| !o.intersects(WaitOptions::EXITED | WaitOptions::NOWAIT))
        .ok_or(Errno::EINVAL)?;
    let known = |number: i32| task.pids().known(number).ok_or(Errno::ECHILD);
    let which = match pid {
        -1 => Which::Any,
        0 => Which::Group(task.group.process_group()),
        i32::MIN => return Err(Errno::ESRCH),
        group if group < 0 => Which::Group(known(-group)?),
        pid => Which::Process(known(pid)?),
    };
    let report = match wait(task, which, options | WaitOptions::EXITED).await {
        Err(Errno::EAGAIN) => return Ok(0),
        other => other?,
    };
    if let Some(at) = status.some() {
        at.write(&*task.memory(), &status_word(&report))?;
    }
    if let Some(at) = rusage.some() {
        let peak = report.peak.exact().await;
        at.write(&*task.memory(), &to_rusage(report.used, peak))?;
    }
    Ok(report.pid)
}

fn status_word(report: &Report) -> i32 {
    match report.change {
        Change::Ended(status) => status.to_wait_status(),
        Change::Stopped(signal) => (signal << 8) | STOPPED,
        Change::Continued => CONTINUED,
    }
}

/// waitid(2).
///
/// # Errors
/// `ECHILD`, `EINVAL`, `EBADF`, `EAGAIN` for a non-blocking pidfd, `ERESTARTSYS`.
pub async fn waitid(
    task: &Arc<Task>,
    kind: u32,
    id: i32,
    info: UserPtr<Siginfo>,
    options: u32,
    rusage: UserPtr<Rusage>,
) -> Result<i32, Errno> {
    let wanted = WaitOptions::EXITED | WaitOptions::STOPPED | WaitOptions::CONTINUED;
    let mut options =
        WaitOptions::from_bits(options).filter(|o| o.intersects(wanted)).ok_or(Errno::EINVAL)?;
    let mut busy = None;
    let which = match kind {
        P_ALL => Which::Any,
        P_PID if id > 0 => Which::Process(task.pids().known(id).ok_or(Errno::ECHILD)?),
        P_PGID if id == 0 => Which::Group(task.group.process_group()),
        P_PGID if id > 0 => Which::Group(task.pids().known(id).ok_or(Errno::ECHILD)?),
        P_PIDFD if id >= 0 => {
            let file = task.files().get(Fd(id))?;
            if file.flags().contains(OpenFlags::NONBLOCK) {
                options |= WaitOptions::NOHANG;
                busy = Some(Errno::EAGAIN);
            }
            Which::Process(pidfd::process(&file)?.pid)
        }
        _ => return Err(Errno::EINVAL),
    };
    let report = match (wait(task, which, options).await, busy) {
        (Err(Errno::EAGAIN), Some(errno)) => return Err(errno),
        (Err(Errno::EAGAIN), None) => None,
        (other, _) => Some(other?),
    };
    let memory = task.memory();
    if let Some(at) = rusage.some() {
        let (used, peak) = report.clone().map(|r| (r.used, r.peak)).unwrap_or_default();
        at.write(&*memory, &to_rusage(used, peak.exact().await))?;
    }
    if let Some(at) = info.some() {
        // Only the fields that waitid(2) lists are written; they lie at the structure's beginning.
        let told = report.map_or_else(Siginfo::new_zeroed, |r| siginfo(task, &r));
        write_all(&*memory, at.addr, told.as_bytes().get(..32).unwrap_or_default())?;
    }
    Ok(0)
}

fn siginfo(task: &Task, report: &Report) -> Siginfo {
    let uid = task.credentials().user.shown_uid(report.uid);
    let (code, status) = match report.change {
        Change::Ended(status) => (status.child_code(), status.child_status()),
        Change::Stopped(signal) => (CLD_STOPPED, signal),
        Change::Continued => (CLD_CONTINUED, Signal::SIGCONT.number()),
    };
    Siginfo::child(code, report.pid, uid, status, 0, 0)
}
