//! Controlling terminals: which session a terminal belongs to, and which process group may read from it.

use std::sync::Arc;

use abi::Errno;
use abi::signal::{Siginfo, Signal};
use vfs::TerminalId;
use vfs::terminal::{Sessions, Terminal};

use crate::pids::{PidNamespace, Session};
use crate::{Kernel, Task, ThreadGroup, signal};

impl PidNamespace {
    /// The controlling terminal of a process, unless it gave it up.
    #[must_use]
    pub fn controlling(&self, process: i32) -> Option<Arc<dyn Terminal>> {
        self.with(|inner| {
            let relation = inner.relations.get(process).filter(|r| !r.left_terminal)?;
            inner.relations.session(relation.session)?.terminal.clone()
        })
    }

    /// The controlling terminal of a process as /proc/PID/stat shows it: device number and foreground process group, 0 and -1 without one.
    #[must_use]
    pub fn terminal_of(&self, process: i32, session: i32) -> (u64, i32) {
        match self.controlling(process) {
            Some(terminal) => (terminal.device().encode(), self.foreground(session)),
            None => (0, -1),
        }
    }

    /// The session whose controlling terminal this is.
    #[must_use]
    pub fn session_of(&self, terminal: TerminalId) -> Option<i32> {
        self.with(|inner| {
            let has = |s: &Session| s.terminal.as_ref().is_some_and(|t| t.id() == terminal);
            inner.relations.sessions().find(|(_, s)| has(s)).map(|(id, _)| id)
        })
    }

    /// The foreground process group of a session's terminal; 0 for none.
    #[must_use]
    pub fn foreground(&self, session: i32) -> i32 {
        self.with(|inner| inner.relations.session(session).map_or(0, |s| s.foreground))
    }

    /// ioctl_tty(2) `TIOCSCTTY`: the terminal becomes that of the caller's session, with the caller's group in the foreground.
    ///
    /// # Errors
    /// `EPERM` if the caller leads no session, has a terminal already, or the terminal is another session's and not `steal`.
    pub fn set_terminal(&self, task: &Task, terminal: Arc<dyn Terminal>, steal: bool) -> Result<(), Errno> {
        let pid = task.group.pid;
        let owner = self.session_of(terminal.id());
        self.with(|inner| {
            let relation = inner.relations.get(pid).ok_or(Errno::ESRCH)?;
            let (session, group) = (relation.session, relation.process_group);
            if owner == Some(session) && session == pid {
                return Ok(());
            }
            let has_one = inner.relations.session(session).is_some_and(|s| s.terminal.is_some());
            if session != pid || has_one || (owner.is_some() && !steal) {
                return Err(Errno::EPERM);
            }
            if let Some(other) = owner.and_then(|id| inner.relations.session_mut(id)) {
                *other = Session::default();
            }
            if let Some(own) = inner.relations.session_mut(session) {
                *own = Session { terminal: Some(terminal), foreground: group, lost: 0 };
            }
            if let Some(leader) = inner.relations.get_mut(pid) {
                leader.left_terminal = false;
            }
            Ok(())
        })
    }

    /// Takes the terminal from a session: it, and the process group that was in the foreground.
    pub fn drop_terminal(&self, session: i32) -> Option<(Arc<dyn Terminal>, i32)> {
        let dropped = self.with(|inner| inner.relations.session_mut(session).map(std::mem::take))?;
        dropped.terminal.map(|terminal| (terminal, dropped.foreground))
    }

    /// ioctl_tty(2) `TIOCSPGRP`, after the caller's right to (SIGTTOU) was settled.
    ///
    /// # Errors
    /// `ENOTTY` if the session has no terminal, `EPERM` if the group is not in the session, `ESRCH` if there is no such group.
    pub fn set_foreground(&self, session: i32, group: i32) -> Result<(), Errno> {
        self.with(|inner| {
            let member = inner.relations.members(group).next().ok_or(Errno::ESRCH)?;
            let of = inner.relations.get(member).ok_or(Errno::ESRCH)?.session;
            if of != session {
                return Err(Errno::EPERM);
            }
            let own = inner.relations.session_mut(session).filter(|s| s.terminal.is_some());
            own.ok_or(Errno::ENOTTY)?.foreground = group;
            Ok(())
        })
    }
}

/// Sends signals to all of a process group.
fn send(pids: &PidNamespace, process_group: i32, signals: &[Signal]) {
    for member in pids.process_group(process_group) {
        tell(&member, signals);
    }
}

fn tell(process: &Arc<ThreadGroup>, signals: &[Signal]) {
    for signal in signals {
        signal::send_to_group(process, Siginfo::kernel(*signal));
    }
}

const HANG_UP: &[Signal] = &[Signal::SIGHUP, Signal::SIGCONT];

impl Sessions for Kernel {
    fn signal_foreground(&self, terminal: TerminalId, signal: Signal) {
        if let Some(session) = self.pids.session_of(terminal) {
            send(&self.pids, self.pids.foreground(session), &[signal]);
        }
    }

    fn hung_up(&self, terminal: TerminalId) {
        let Some(session) = self.pids.session_of(terminal) else { return };
        let Some((_, foreground)) = self.pids.drop_terminal(session) else { return };
        // The foreground hears of it when the leader ends.
        self.pids.with(|inner| {
            if let Some(session) = inner.relations.session_mut(session) {
                session.lost = foreground;
            }
        });
        if let Some(leader) = self.group(session) {
            tell(&leader, HANG_UP);
        }
    }
}

/// A process has ended. If it led a session, its terminal is free, and the foreground group hears of it: that it may go on, too, if the terminal
/// itself was gone before.
pub(crate) fn leader_ended(group: &ThreadGroup) {
    let pids = &group.kernel.pids;
    if group.session() != group.pid {
        return;
    }
    let lost = pids.with(|inner| inner.relations.session(group.pid).map_or(0, |session| session.lost));
    match pids.drop_terminal(group.pid) {
        Some((_, foreground)) => send(pids, foreground, &[Signal::SIGHUP]),
        None => send(pids, lost, HANG_UP),
    }
}

/// ioctl_tty(2) `TIOCNOTTY`: a session's leader takes the terminal from all its processes. Others only leave it themselves.
///
/// # Errors
/// `ENOTTY` if the caller has none.
pub fn give_up(task: &Task) -> Result<(), Errno> {
    let pids = &task.kernel.pids;
    let process = task.group.pid;
    pids.controlling(process).ok_or(Errno::ENOTTY)?;
    let session = task.group.session();
    if session != process {
        pids.with(|inner| {
            if let Some(relation) = inner.relations.get_mut(process) {
                relation.left_terminal = true;
            }
        });
    } else if let Some((_, foreground)) = pids.drop_terminal(session) {
        send(pids, foreground, HANG_UP);
    }
    Ok(())
}
