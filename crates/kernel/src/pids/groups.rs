//! Process groups and sessions: setpgid(2), setsid(2), credentials(7).

use std::sync::Arc;

use abi::Errno;

use super::PidNamespace;
use crate::ThreadGroup;

impl PidNamespace {
    /// The living processes of a process group.
    #[must_use]
    pub fn process_group(&self, id: i32) -> Vec<Arc<ThreadGroup>> {
        self.with(|inner| {
            let alive = |pid: &i32| inner.relations.get(*pid).is_some_and(|r| r.ended.is_none());
            inner.relations.members(id).filter(alive).filter_map(|pid| inner.group(pid)).collect()
        })
    }

    /// Whether there is such a process group; zombies count.
    #[must_use]
    pub fn has_process_group(&self, id: i32) -> bool {
        self.with(|inner| inner.relations.members(id).next().is_some())
    }

    /// The living processes of a session.
    #[must_use]
    pub fn session_members(&self, id: i32) -> Vec<Arc<ThreadGroup>> {
        self.with(|inner| {
            let belongs =
                |pid: &i32| inner.relations.get(*pid).is_some_and(|r| r.ended.is_none() && r.session == id);
            inner.relations.pids().filter(belongs).filter_map(|pid| inner.group(pid)).collect()
        })
    }

    /// Whether a process group is orphaned: stop signals of a terminal do not stop its members.
    #[must_use]
    pub fn is_orphaned(&self, process_group: i32) -> bool {
        self.with(|inner| inner.relations.orphaned(process_group))
    }

    /// setpgid(2), called by process `caller`: `pid` and `group` may be 0 as there.
    ///
    /// # Errors
    /// `ESRCH` if `pid` is neither the caller nor a child of its, `EACCES` for a child that has executed a program, `EPERM` for a session
    /// leader, another session or a group that is not in the session, `EINVAL` for a negative group.
    pub fn set_process_group(&self, caller: i32, pid: i32, group: i32) -> Result<(), Errno> {
        let pid = if pid == 0 { caller } else { pid };
        let group = if group == 0 { pid } else { group };
        if group < 0 {
            return Err(Errno::EINVAL);
        }
        self.with(|inner| {
            let own_session = inner.relations.get(caller).ok_or(Errno::ESRCH)?.session;
            let target = inner.relations.get(pid).filter(|r| r.ended.is_none()).ok_or(Errno::ESRCH)?;
            if pid != caller {
                if target.parent != caller {
                    return Err(Errno::ESRCH);
                }
                if target.session != own_session {
                    return Err(Errno::EPERM);
                }
                if inner.group(pid).is_some_and(|g| g.has_executed()) {
                    return Err(Errno::EACCES);
                }
            }
            if target.session == pid {
                return Err(Errno::EPERM);
            }
            let session = target.session;
            let in_session = inner
                .relations
                .members(group)
                .any(|m| inner.relations.get(m).is_some_and(|r| r.session == session));
            if group != pid && !in_session {
                return Err(Errno::EPERM);
            }
            let old = inner.relations.get(pid).map(|r| r.process_group);
            inner.relations.set_process_group(pid, group);
            old.into_iter().for_each(|id| inner.release(id));
            Ok(())
        })
    }

    /// setsid(2).
    ///
    /// # Errors
    /// `EPERM` if the process leads a process group, or one of that id exists.
    pub fn new_session(&self, pid: i32) -> Result<i32, Errno> {
        self.with(|inner| {
            let leads = inner.relations.members(pid).next().is_some();
            if leads || inner.relations.session(pid).is_some() {
                return Err(Errno::EPERM);
            }
            let old = inner.relations.get(pid).map(|r| [r.process_group, r.session]);
            inner.relations.new_session(pid);
            old.into_iter().flatten().for_each(|id| inner.release(id));
            Ok(pid)
        })
    }
}
