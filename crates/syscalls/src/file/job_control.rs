//! Job control of terminals: who may read, write and change one, and ioctl_tty(2) for sessions.

use std::sync::Arc;

use abi::signal::{Siginfo, Signal};
use abi::{Errno, ioctl};
use kernel::terminal::Terminal;
use kernel::{Task, UserPtr};
use vfs::{Capability, OpenFile, TerminalId};

/// `TOSTOP` of the local flags, which are the fourth word of `struct termios`.
const TOSTOP: u32 = 0o400;

/// The session that the caller is in, if this is its controlling terminal and the caller's group is in the background.
fn background(task: &Task, terminal: TerminalId) -> Option<i32> {
    let relation = task.kernel.pids.relation(task.pid())?;
    let own = task.kernel.pids.terminal(relation.session)?;
    let foreground = task.kernel.pids.foreground(relation.session);
    (own.id == terminal && foreground != relation.process_group).then_some(relation.process_group)
}

/// Stops a background group that uses its terminal. As Linux, a caller that blocks or ignores the signal goes on.
///
/// # Errors
/// `ERESTARTSYS` after the signal was sent, `EIO` if nobody could ever continue the group.
fn stop(task: &Arc<Task>, group: i32, signal: Signal) -> Result<Ignored, Errno> {
    let (_, ignored) = task.group.signals.caught_and_ignored();
    if ignored.has(signal) || task.signals.blocked().has(signal) {
        return Ok(Ignored);
    }
    if task.kernel.pids.is_orphaned(group) {
        return Err(Errno::EIO);
    }
    for member in task.kernel.pids.process_group(group) {
        kernel::signal::send_to_group(&member, Siginfo::kernel(signal));
    }
    Err(Errno::ERESTARTSYS)
}

/// The caller blocks or ignores the signal that should have stopped it.
struct Ignored;

/// Whether the caller may read from a file, if that is its controlling terminal.
///
/// # Errors
/// `EIO` in the background when SIGTTIN has no effect, else `ERESTARTSYS` with SIGTTIN sent.
pub(crate) fn may_read(task: &Arc<Task>, file: &OpenFile) -> Result<(), Errno> {
    let Some(group) = file.file.terminal().and_then(|terminal| background(task, terminal)) else {
        return Ok(());
    };
    let Ignored = stop(task, group, Signal::SIGTTIN)?;
    Err(Errno::EIO)
}

/// Whether the caller may write to a file, if that is its controlling terminal with `TOSTOP`.
///
/// # Errors
/// As [`may_change`].
pub(crate) fn may_write(task: &Arc<Task>, file: &OpenFile) -> Result<(), Errno> {
    let Some(group) = file.file.terminal().and_then(|terminal| background(task, terminal)) else {
        return Ok(());
    };
    if file.file.local_modes().unwrap_or_default() & TOSTOP != 0 {
        stop(task, group, Signal::SIGTTOU)?;
    }
    Ok(())
}

/// Whether the caller may change the settings of its controlling terminal.
///
/// # Errors
/// `EIO` if the caller's group is orphaned, else `ERESTARTSYS` with SIGTTOU sent.
pub(crate) fn may_change(task: &Arc<Task>, terminal: TerminalId) -> Result<(), Errno> {
    if let Some(group) = background(task, terminal) {
        stop(task, group, Signal::SIGTTOU)?;
    }
    Ok(())
}

/// Whether a request changes the terminal, so that a background group is stopped first.
pub(crate) const fn changes(request: u32) -> bool {
    matches!(
        request,
        ioctl::TCSETS
            | ioctl::TCSETSW
            | ioctl::TCSETSF
            | ioctl::TCSETS2
            | ioctl::TCSETSW2
            | ioctl::TCSETSF2
            | ioctl::TCSBRK
            | ioctl::TCSBRKP
            | ioctl::TCXONC
            | ioctl::TCFLSH
            | ioctl::TIOCSPGRP
    )
}

/// The requests that concern sessions: answered here, whatever is behind the terminal. Nothing for other requests.
///
/// # Errors
/// Those of ioctl_tty(2).
pub(crate) fn control(
    task: &Arc<Task>,
    file: &OpenFile,
    terminal: TerminalId,
    request: u32,
    argument: u64,
) -> Result<Option<u64>, Errno> {
    let memory = task.memory();
    let pids = &task.kernel.pids;
    let number = UserPtr::<i32>::new(argument);
    let own = || {
        let session = task.group.session();
        pids.terminal(session).filter(|t| t.id == terminal).map(|_| session).ok_or(Errno::ENOTTY)
    };
    match request {
        ioctl::TIOCGPGRP => number.write(&*memory, &pids.foreground(own()?))?,
        ioctl::TIOCGSID => number.write(&*memory, &own()?)?,
        ioctl::TIOCSPGRP => {
            let session = own()?;
            let group = number.read(&*memory)?;
            if group < 0 {
                return Err(Errno::EINVAL);
            }
            pids.set_foreground(session, group)?;
        }
        ioctl::TIOCSCTTY => acquire(task, file, terminal, argument == 1)?,
        ioctl::TIOCNOTTY => give_up(task, own()?)?,
        _ => return Ok(None),
    }
    Ok(Some(0))
}

fn acquire(task: &Arc<Task>, file: &OpenFile, terminal: TerminalId, steal: bool) -> Result<(), Errno> {
    if steal {
        task.credentials().need(Capability::SysAdmin)?;
    }
    let device = file.attributes()?.device;
    let terminal = Terminal { id: terminal, device, file: Arc::clone(&file.file) };
    task.kernel.pids.set_terminal(task, terminal, steal)
}

/// A session's leader takes the terminal from all its processes: SIGHUP and SIGCONT to the foreground. Others only leave it themselves,
/// which sessions do not record: for them it has no effect.
fn give_up(task: &Arc<Task>, session: i32) -> Result<(), Errno> {
    if task.pid() != session {
        return Err(Errno::ENOTTY);
    }
    let foreground = task.kernel.pids.drop_terminal(session);
    for member in foreground.map(|group| task.kernel.pids.process_group(group)).unwrap_or_default() {
        kernel::signal::send_to_group(&member, Siginfo::kernel(Signal::SIGHUP));
        kernel::signal::send_to_group(&member, Siginfo::kernel(Signal::SIGCONT));
    }
    Ok(())
}

/// open(2) of a terminal without `O_NOCTTY` by a session's leader without one makes it the controlling terminal.
pub(crate) fn opened(task: &Arc<Task>, file: &OpenFile) {
    let Some(terminal) = file.file.terminal() else { return };
    let session = task.group.session();
    if session == task.pid() && task.kernel.pids.terminal(session).is_none() {
        // Another session's terminal is opened all the same.
        let _ = acquire(task, file, terminal, false);
    }
}
