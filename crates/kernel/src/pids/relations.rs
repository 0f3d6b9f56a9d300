//! Who is whose child, and which process groups and sessions there are: plain data by ids.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use vfs::Terminal;

use crate::ExitStatus;
use crate::accounting::Consumption;

/// A change that wait(2) reports of a child that goes on living.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobEvent {
    /// It was stopped by this signal.
    Stopped(i32),
    /// It was continued by SIGCONT.
    Continued,
}

/// What is left of a process that has ended and was not waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// How.
    pub status: ExitStatus,
    /// What it used itself.
    pub own: Consumption,
    /// What its children used.
    pub children: Consumption,
    /// The real user id it had.
    pub uid: u32,
}

/// A process among the others.
#[derive(Clone, Debug, Default)]
pub struct Relation {
    /// The parent's process id; 0 for none.
    pub parent: i32,
    /// The thread of the parent that made it.
    pub parent_tid: i32,
    /// Its children, zombies too.
    pub children: BTreeSet<i32>,
    /// Its process group.
    pub process_group: i32,
    /// Its session.
    pub session: i32,
    /// Whether it adopts orphans below it (prctl(2) `PR_SET_CHILD_SUBREAPER`).
    pub subreaper: bool,
    /// It gave up the terminal that its session has (ioctl_tty(2) `TIOCNOTTY`).
    pub left_terminal: bool,
    /// Set when it has ended.
    pub ended: Option<Ended>,
    /// What wait(2) has yet to report.
    pub job: Option<JobEvent>,
}

/// A session.
#[derive(Clone, Default)]
pub struct Session {
    /// The controlling terminal.
    pub terminal: Option<Arc<dyn Terminal>>,
    /// The process group that may read from it; 0 for none.
    pub foreground: i32,
    /// The process group that was in the foreground when the terminal hung up; 0 for none.
    pub lost: i32,
}

/// What follows from the end of a process.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Aftermath {
    /// Children that got another parent, with that parent and whether they are zombies.
    pub adopted: Vec<Adoption>,
    /// Process groups that became orphaned by it.
    pub orphaned: Vec<i32>,
}

/// A child that got another parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adoption {
    /// The child.
    pub child: i32,
    /// Its new parent; 0 for none.
    pub parent: i32,
    /// Whether it has ended already, so that the new parent must be told.
    pub zombie: bool,
}

/// The pid namespace of a process that ends.
pub struct Home<'a> {
    /// Its first process.
    pub init: i32,
    /// Whether another process is in it too.
    pub within: &'a dyn Fn(i32) -> bool,
}

/// All processes of a pid namespace.
#[derive(Default)]
pub struct Relations {
    processes: BTreeMap<i32, Relation>,
    groups: BTreeMap<i32, BTreeSet<i32>>,
    sessions: BTreeMap<i32, Session>,
}

impl Relations {
    /// A process.
    #[must_use]
    pub fn get(&self, pid: i32) -> Option<&Relation> {
        self.processes.get(&pid)
    }

    /// A process, to change what stands in no index.
    pub fn get_mut(&mut self, pid: i32) -> Option<&mut Relation> {
        self.processes.get_mut(&pid)
    }

    /// Whether an id names a process, a process group or a session.
    #[must_use]
    pub fn uses(&self, id: i32) -> bool {
        self.processes.contains_key(&id) || self.groups.contains_key(&id) || self.sessions.contains_key(&id)
    }

    /// All process ids, zombies too.
    pub fn pids(&self) -> impl Iterator<Item = i32> + '_ {
        self.processes.keys().copied()
    }

    /// The members of a process group, zombies too.
    pub fn members(&self, process_group: i32) -> impl Iterator<Item = i32> + '_ {
        self.groups.get(&process_group).into_iter().flatten().copied()
    }

    /// A session.
    #[must_use]
    pub fn session(&self, id: i32) -> Option<&Session> {
        self.sessions.get(&id)
    }

    /// A session, to change it.
    pub fn session_mut(&mut self, id: i32) -> Option<&mut Session> {
        self.sessions.get_mut(&id)
    }

    /// All sessions.
    pub fn sessions(&self) -> impl Iterator<Item = (i32, &Session)> {
        self.sessions.iter().map(|(id, session)| (*id, session))
    }

    /// Adds a process: a child in its parent's group and session, or, without parent, the leader of new ones.
    pub fn insert(&mut self, pid: i32, parent: i32, parent_tid: i32) {
        let mut new = Relation { process_group: pid, session: pid, ..Relation::default() };
        if let Some(above) = self.processes.get_mut(&parent) {
            above.children.insert(pid);
            new = Relation {
                parent,
                parent_tid,
                process_group: above.process_group,
                session: above.session,
                left_terminal: above.left_terminal,
                ..Relation::default()
            };
        }
        self.groups.entry(new.process_group).or_default().insert(pid);
        self.sessions.entry(new.session).or_default();
        self.processes.insert(pid, new);
    }

    /// The process ended: it becomes a zombie, and its children get another parent.
    pub fn end(&mut self, pid: i32, ended: Ended, home: &Home<'_>) -> Aftermath {
        let Some(relation) = self.processes.get_mut(&pid) else { return Aftermath::default() };
        relation.ended = Some(ended);
        relation.job = None;
        let own_group = relation.process_group;
        let children = std::mem::take(&mut relation.children);
        let reaper = self.reaper_of(pid, home);
        let mut aftermath = Aftermath::default();
        let mut suspects = vec![own_group];
        for child in children {
            let Some(relation) = self.processes.get_mut(&child) else { continue };
            relation.parent = reaper;
            relation.parent_tid = reaper;
            suspects.push(relation.process_group);
            aftermath.adopted.push(Adoption { child, parent: reaper, zombie: relation.ended.is_some() });
            if let Some(above) = self.processes.get_mut(&reaper) {
                above.children.insert(child);
            }
        }
        suspects.sort_unstable();
        suspects.dedup();
        suspects.retain(|g| self.orphaned(*g));
        aftermath.orphaned = suspects;
        aftermath
    }

    /// Who adopts the children of a process: its nearest living subreaper above, or init, in the same pid namespace; 0 if there is none.
    fn reaper_of(&self, pid: i32, home: &Home<'_>) -> i32 {
        let mut at = self.processes.get(&pid).map_or(0, |r| r.parent);
        let mut steps = self.processes.len();
        while let Some(relation) = self.processes.get(&at).filter(|_| steps > 0 && (home.within)(at)) {
            if relation.subreaper && relation.ended.is_none() {
                return at;
            }
            at = relation.parent;
            steps -= 1;
        }
        if pid != home.init && self.processes.get(&home.init).is_some_and(|r| r.ended.is_none()) {
            home.init
        } else {
            0
        }
    }

    /// Whether no living member of the group has a parent in the same session but in another group. Groups without living members are not
    /// called orphaned: there is nobody to tell.
    #[must_use]
    pub fn orphaned(&self, process_group: i32) -> bool {
        let mut alive = false;
        for relation in self.members(process_group).filter_map(|pid| self.processes.get(&pid)) {
            if relation.ended.is_some() {
                continue;
            }
            alive = true;
            let holds = |parent: &Relation| {
                parent.ended.is_none()
                    && parent.session == relation.session
                    && parent.process_group != process_group
            };
            // The init of a container counts: Linux excepts only that of the machine, and job control of a shell that is init works.
            if self.processes.get(&relation.parent).is_some_and(holds) {
                return false;
            }
        }
        alive
    }

    /// Forgets a zombie.
    pub fn reap(&mut self, pid: i32) {
        let Some(relation) = self.processes.remove(&pid) else { return };
        if let Some(parent) = self.processes.get_mut(&relation.parent) {
            parent.children.remove(&pid);
        }
        self.leave_group(pid, relation.process_group, relation.session);
    }

    fn leave_group(&mut self, pid: i32, group: i32, session: i32) {
        if let Some(members) = self.groups.get_mut(&group) {
            members.remove(&pid);
            if members.is_empty() {
                self.groups.remove(&group);
            }
        }
        if !self.processes.values().any(|r| r.session == session) {
            self.sessions.remove(&session);
        }
    }

    /// Moves a process to a process group of its session, which is made if it does not exist. Who may do that is the caller's to check.
    pub fn set_process_group(&mut self, pid: i32, group: i32) {
        let Some(relation) = self.processes.get_mut(&pid) else { return };
        let old = std::mem::replace(&mut relation.process_group, group);
        let session = relation.session;
        if old != group {
            self.groups.entry(group).or_default().insert(pid);
            self.leave_group(pid, old, session);
        }
    }

    /// Makes a process the leader of a new session and a new group.
    pub fn new_session(&mut self, pid: i32) {
        let Some(relation) = self.processes.get_mut(&pid) else { return };
        let (group, session) = (relation.process_group, relation.session);
        relation.process_group = pid;
        relation.session = pid;
        relation.left_terminal = false;
        self.groups.entry(pid).or_default().insert(pid);
        self.sessions.entry(pid).or_default();
        if group != pid {
            self.leave_group(pid, group, session);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GONE: Ended = Ended {
        status: ExitStatus::Exited(0),
        own: Consumption { user: std::time::Duration::ZERO, system: std::time::Duration::ZERO },
        children: Consumption { user: std::time::Duration::ZERO, system: std::time::Duration::ZERO },
        uid: 0,
    };

    const HOME: Home<'static> = Home { init: super::super::INIT, within: &|_| true };

    fn tree(edges: &[(i32, i32)]) -> Relations {
        let mut all = Relations::default();
        for (pid, parent) in edges {
            all.insert(*pid, *parent, *parent);
        }
        all
    }

    #[test]
    fn orphans_go_to_the_nearest_subreaper_or_init() {
        let mut all = tree(&[(1, 0), (2, 1), (3, 2), (4, 3)]);
        all.get_mut(2).unwrap().subreaper = true;
        assert_eq!(all.end(3, GONE, &HOME).adopted, [Adoption { child: 4, parent: 2, zombie: false }]);
        assert_eq!(all.end(2, GONE, &HOME).adopted.len(), 2, "the zombie 3 and 4");
        assert_eq!(all.get(4).unwrap().parent, 1);
        assert!(all.get(1).unwrap().children.contains(&3));
    }

    #[test]
    fn nobody_adopts_the_children_of_init() {
        let mut all = tree(&[(1, 0), (2, 1)]);
        assert_eq!(all.end(1, GONE, &HOME).adopted, [Adoption { child: 2, parent: 0, zombie: false }]);
        assert_eq!(all.get(2).unwrap().parent, 0);
    }

    #[test]
    fn a_group_is_orphaned_when_the_shell_ends() {
        let mut all = tree(&[(1, 0), (10, 1), (11, 10), (12, 11)]);
        all.new_session(10);
        for pid in [11, 12] {
            all.new_session(pid);
            all.get_mut(pid).unwrap().session = 10;
        }
        all.set_process_group(12, 11);
        assert!(!all.orphaned(11));
        assert_eq!(all.end(10, GONE, &HOME).orphaned, [11]);
    }

    #[test]
    fn an_id_is_in_use_until_its_group_and_session_are_empty() {
        let mut all = tree(&[(1, 0), (2, 1), (3, 2)]);
        all.new_session(2);
        all.get_mut(3).unwrap().session = 2;
        all.set_process_group(3, 2);
        all.end(2, GONE, &HOME);
        all.reap(2);
        assert!(all.uses(2), "3 is still in the group");
        all.end(3, GONE, &HOME);
        all.reap(3);
        assert!(!all.uses(2) && !all.uses(3));
    }
}
