//! Controlling terminals: which session a terminal belongs to, and which process group may read from it.

use std::sync::Arc;

use abi::Errno;
use vfs::{Device, TerminalId};

use crate::Task;
use crate::pids::PidNamespace;

/// A terminal, as sessions see it. The line discipline is its own business.
#[derive(Clone)]
pub struct Terminal {
    /// Which.
    pub id: TerminalId,
    /// Its device number, for `tty_nr` of /proc/PID/stat.
    pub device: Device,
    /// The file through which it was acquired: opening /dev/tty reopens it.
    pub file: Arc<dyn vfs::File>,
}

impl PidNamespace {
    /// The controlling terminal of a session.
    #[must_use]
    pub fn terminal(&self, session: i32) -> Option<Terminal> {
        self.with(|inner| inner.relations.session(session).and_then(|s| s.terminal.clone()))
    }

    /// The controlling terminal of a session as /proc/PID/stat shows it: device number and foreground process group, 0 and -1 without one.
    #[must_use]
    pub fn terminal_of(&self, session: i32) -> (u64, i32) {
        match self.terminal(session) {
            Some(terminal) => (terminal.device.encode(), self.foreground(session)),
            None => (0, -1),
        }
    }

    /// The session whose controlling terminal this is.
    #[must_use]
    pub fn session_of(&self, terminal: TerminalId) -> Option<i32> {
        self.with(|inner| {
            inner
                .relations
                .sessions()
                .find(|(_, s)| s.terminal.as_ref().is_some_and(|t| t.id == terminal))
                .map(|(id, _)| id)
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
    pub fn set_terminal(&self, task: &Task, terminal: Terminal, steal: bool) -> Result<(), Errno> {
        let pid = task.group.pid;
        let owner = self.session_of(terminal.id);
        self.with(|inner| {
            let relation = inner.relations.get(pid).ok_or(Errno::ESRCH)?;
            let (session, group) = (relation.session, relation.process_group);
            if owner == Some(session) {
                return Ok(());
            }
            let has_one = inner.relations.session(session).is_some_and(|s| s.terminal.is_some());
            if session != pid || has_one || (owner.is_some() && !steal) {
                return Err(Errno::EPERM);
            }
            if let Some(other) = owner.and_then(|id| inner.relations.session_mut(id)) {
                *other = crate::pids::Session::default();
            }
            if let Some(own) = inner.relations.session_mut(session) {
                own.terminal = Some(terminal);
                own.foreground = group;
            }
            Ok(())
        })
    }

    /// Takes the terminal from a session. Returns the process group that was in the foreground, for SIGHUP and SIGCONT.
    pub fn drop_terminal(&self, session: i32) -> Option<i32> {
        let dropped = self.with(|inner| inner.relations.session_mut(session).map(std::mem::take));
        dropped.filter(|s| s.terminal.is_some()).map(|s| s.foreground)
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
