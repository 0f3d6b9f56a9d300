//! Job control of terminals: who may read, write and change one, and ioctl_tty(2) for sessions.

use std::sync::Arc;

use abi::signal::{Siginfo, Signal};
use abi::{Errno, ioctl};
use kernel::{Task, UserPtr};
use vfs::{Capability, OpenFile, Terminal};

/// The caller's process group, if this is its controlling terminal and the group is in the background.
fn background(task: &Task, terminal: &dyn Terminal) -> Option<i32> {
    let own = task.kernel.pids.controlling(task.pid()).filter(|own| own.id() == terminal.id())?;
    drop(own);
    let (session, group) = task.kernel.pids.ask(task.pid(), |r| (r.session, r.process_group))?;
    let foreground = task.kernel.pids.foreground(session);
    (foreground != 0 && foreground != group).then_some(group)
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

/// Whether the caller may read from a terminal, if that is its controlling one.
///
/// # Errors
/// `EIO` in the background when SIGTTIN has no effect, else `ERESTARTSYS` with SIGTTIN sent.
pub(crate) fn may_read(task: &Arc<Task>, terminal: &dyn Terminal) -> Result<(), Errno> {
    let Some(group) = background(task, terminal) else { return Ok(()) };
    let Ignored = stop(task, group, Signal::SIGTTIN)?;
    Err(Errno::EIO)
}

/// Whether the caller may write to a file, if that is its controlling terminal with `TOSTOP`.
///
/// # Errors
/// As [`may_change`].
pub(crate) fn may_write(task: &Arc<Task>, file: &OpenFile) -> Result<(), Errno> {
    match file.file.terminal() {
        Some(terminal) if terminal.stops_background_output() => may_change(task, &*terminal),
        _ => Ok(()),
    }
}

/// Whether the caller may change the settings of its controlling terminal.
///
/// # Errors
/// `EIO` if the caller's group is orphaned, else `ERESTARTSYS` with SIGTTOU sent.
pub(crate) fn may_change(task: &Arc<Task>, terminal: &dyn Terminal) -> Result<(), Errno> {
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
            | ioctl::TCSETA
            | ioctl::TCSETAW
            | ioctl::TCSETAF
            | ioctl::TIOCSETD
            | ioctl::TIOCSBRK
            | ioctl::TIOCCBRK
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
    request: u32,
    argument: u64,
) -> Result<Option<u64>, Errno> {
    let (terminal, master) = match (file.file.terminal(), file.file.master_of()) {
        (Some(terminal), _) => (terminal, false),
        (None, Some(terminal)) => (terminal, true),
        (None, None) => return Ok(None),
    };
    // On a master these concern the master, which is nobody's controlling terminal.
    if !master && changes(request) {
        may_change(task, &*terminal)?;
    }
    let memory = task.memory();
    let pids = &task.kernel.pids;
    let number = UserPtr::<i32>::new(argument);
    let own = || {
        let controlling = pids.controlling(task.pid()).filter(|own| own.id() == terminal.id());
        controlling.map(|_| task.group.session()).ok_or(Errno::ENOTTY)
    };
    // Who holds a master may see whose terminal it serves.
    let session = || if master { pids.session_of(terminal.id()).ok_or(Errno::ENOTTY) } else { own() };
    match request {
        ioctl::TIOCGPGRP => {
            let foreground =
                if master { session().map_or(0, |s| pids.foreground(s)) } else { pids.foreground(own()?) };
            number.write(&*memory, &task.pids().shown(foreground))?;
        }
        ioctl::TIOCGSID => number.write(&*memory, &task.pids().shown(session()?))?,
        ioctl::TIOCSPGRP => {
            let session = own()?;
            let group = number.read(&*memory)?;
            if group < 0 {
                return Err(Errno::EINVAL);
            }
            pids.set_foreground(session, task.known_id(group)?)?;
        }
        ioctl::TIOCSCTTY => acquire(task, file, terminal, argument == 1)?,
        ioctl::TIOCNOTTY if !master => {
            own()?;
            kernel::terminal::give_up(task)?;
        }
        _ => return Ok(None),
    }
    Ok(Some(0))
}

fn acquire(task: &Arc<Task>, file: &OpenFile, terminal: Arc<dyn Terminal>, steal: bool) -> Result<(), Errno> {
    let credentials = task.credentials();
    let privileged = credentials.has(Capability::SysAdmin);
    if !file.flags().reads() && !privileged {
        return Err(Errno::EPERM);
    }
    task.kernel.pids.set_terminal(task, terminal, steal && privileged)
}

/// open(2) of a terminal without `O_NOCTTY` by a session's leader without one makes it the controlling terminal.
pub(crate) fn opened(task: &Arc<Task>, file: &OpenFile) {
    let Some(terminal) = file.file.terminal().filter(|_| file.flags().reads()) else { return };
    let session = task.group.session();
    if session == task.pid() && task.kernel.pids.controlling(session).is_none() {
        // Another session's terminal is opened all the same.
        let _ = task.kernel.pids.set_terminal(task, terminal, false);
    }
}
