//! /proc/PID/status: proc_pid_status(5).

use std::sync::Arc;

use abi::Errno;
use kernel::limits::Resource;
use kernel::waiting::Wait;
use kernel::{Task, ThreadGroup};
use vfs::UserNamespace;

use super::Subject;
use super::memory::host_status;

/// What a task is doing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Running,
    Sleeping,
    DiskSleeping,
    Stopped,
    Zombie,
}

impl State {
    pub(super) const fn letter(self) -> char {
        match self {
            Self::Running => 'R',
            Self::Sleeping => 'S',
            Self::DiskSleeping => 'D',
            Self::Stopped => 'T',
            Self::Zombie => 'Z',
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Sleeping => "sleeping",
            Self::DiskSleeping => "disk sleep",
            Self::Stopped => "stopped",
            Self::Zombie => "zombie",
        }
    }
}

/// A task that waits in the sentry sleeps (if for a server inside, as it does in Linux: first interruptibly), and so does one in a futex wait, which is the host's. One whose call is under way runs, although
/// its host thread waits for the answer.
pub(super) fn state(subject: &Subject) -> State {
    let Ok(task) = subject.task() else { return State::Zombie };
    if task.signals.is_stopped() {
        return State::Stopped;
    }
    if task.is_waiting() {
        return State::Sleeping;
    }
    if let Some(wait) = task.wait_within() {
        return match wait {
            Wait::Interruptible => State::Sleeping,
            Wait::Uninterruptible => State::DiskSleeping,
        };
    }
    if kernel::current::task().is_some_and(|caller| caller.tid() == task.tid()) {
        return State::Running;
    }
    if task.thread().is_some_and(|thread| thread.rests()) { State::Sleeping } else { State::Running }
}

pub(super) fn status(subject: &Subject) -> Result<Vec<u8>, Errno> {
    let group = subject.group()?;
    let relation = subject.system.kernel.pids.relation(subject.pid).ok_or(Errno::ESRCH)?;
    let state = state(subject);
    let task = subject.task().ok();
    let mut text = b"Name:\t".to_vec();
    text.extend(match &task {
        Some(task) => task.attributes().comm.as_bytes().to_vec(),
        None => group.last().comm.as_bytes().to_vec(),
    });
    text.push(b'\n');
    let mut add = |line: String| text.extend(line.bytes());
    if let Some(task) = &task {
        add(format!("Umask:\t{:04o}\n", task.fs_now().umask));
    }
    let shown = |id: i32| subject.system.pids.shown(id);
    let (id, pid, parent) = (shown(subject.id()), shown(subject.pid), shown(relation.parent));
    add(format!(
        "State:\t{} ({})\nTgid:\t{pid}\nNgid:\t0\nPid:\t{id}\nPPid:\t{parent}\nTracerPid:\t0\n",
        state.letter(),
        state.name()
    ));
    if let Some(task) = &task {
        let c = task.credentials();
        let viewer = viewer();
        add(ids("Uid", [c.uid, c.euid, c.suid, c.fsuid].map(|id| viewer.shown_uid(id))));
        add(ids("Gid", [c.gid, c.egid, c.sgid, c.fsgid].map(|id| viewer.shown_gid(id))));
        let descriptors = task.files().list().last().map_or(0, |(fd, _)| fd.0.unsigned_abs() + 1);
        let shown_groups: String =
            c.groups.iter().map(|gid| format!("{} ", viewer.shown_gid(*gid))).collect();
        add(format!("FDSize:\t{}\n", descriptors.max(1).next_multiple_of(64)));
        add(format!("Groups:\t{}\n", shown_groups));
    }
    let (process_group, session) = (relation.process_group, relation.session);
    for (name, id) in
        [("NStgid", subject.pid), ("NSpid", subject.id()), ("NSpgid", process_group), ("NSsid", session)]
    {
        add(format!("{name}:{}\n", numbers(subject, &group, id)));
    }
    if let Some(task) = task.as_ref().filter(|_| state != State::Zombie) {
        add(host_status(task));
    }
    add(format!("Threads:\t{}\n", group.tasks().len()));
    let limit = group.limits.lock().get(Resource::Sigpending).soft;
    add(format!("SigQ:\t{}/{limit}\n", group.signals.queued()));
    let (caught, ignored) = group.signals.caught_and_ignored();
    let (pending, blocked) = task.as_ref().map_or((0, 0), |t| (t.signals.pending().0, t.signals.blocked().0));
    let shared = group.signals.pending().0;
    for (name, set) in [
        ("SigPnd", pending),
        ("ShdPnd", shared),
        ("SigBlk", blocked),
        ("SigIgn", ignored.0),
        ("SigCgt", caught.0),
    ] {
        add(format!("{name}:\t{set:016x}\n"));
    }
    if let Some(task) = &task {
        let c = task.credentials();
        for (name, set) in [
            ("CapInh", c.inheritable),
            ("CapPrm", c.permitted),
            ("CapEff", c.effective),
            ("CapBnd", c.bounding),
            ("CapAmb", c.ambient),
        ] {
            add(format!("{name}:\t{:016x}\n", set.0));
        }
        let seccomp = task.attributes().seccomp.clone();
        let filters = seccomp.filters().map_or(0, |filters| filters.count());
        let no_new_privileges = u32::from(c.no_new_privileges);
        add(format!(
            "NoNewPrivs:\t{no_new_privileges}\nSeccomp:\t{}\nSeccomp_filters:\t{filters}\n",
            seccomp.mode()
        ));
        let (mask, list) = cpus(&task.attributes().affinity);
        add(format!(
            "Cpus_allowed:\t{mask}\nCpus_allowed_list:\t{list}\nMems_allowed:\t1\nMems_allowed_list:\t0\n"
        ));
    }
    add(task.as_deref().map(context_switches).unwrap_or_default());
    Ok(text)
}

/// What a process has as the number of an id, from the pid namespace that is shown inwards to its own.
fn numbers(subject: &Subject, group: &ThreadGroup, id: i32) -> String {
    let outermost = subject.system.pids.level;
    let mut inward: Vec<_> = group.pids.upward().filter(|at| at.level > outermost).collect();
    inward.reverse();
    let all = std::iter::once(&subject.system.pids).chain(inward);
    all.map(|pids| format!("\t{}", pids.shown(id))).collect()
}

/// The user namespace of whoever reads.
fn viewer() -> Arc<UserNamespace> {
    kernel::current::task().map_or_else(UserNamespace::initial, |task| Arc::clone(&task.credentials().user))
}

fn ids(name: &str, [real, effective, saved, filesystem]: [u32; 4]) -> String {
    format!("{name}:\t{real}\t{effective}\t{saved}\t{filesystem}\n")
}

/// How often its host thread has given up a processor, by itself and not: waiting for the sentry is among the former. Nothing if nobody has
/// counted, or the thread has ended.
fn context_switches(task: &Task) -> String {
    let host = task.thread().and_then(|thread| thread.host_status().ok()).unwrap_or_default();
    let counters = host.lines().filter(|line| line.contains("voluntary_ctxt_switches:"));
    counters.map(|line| format!("{line}\n")).collect()
}

/// The processors it may run on, as a mask and as a list.
fn cpus(affinity: &[u64]) -> (String, String) {
    let all = crate::system::cpu::count().min(64);
    let every = u64::MAX.checked_shr(u32::try_from(64 - all).unwrap_or(0)).unwrap_or(0);
    let mask = affinity.first().copied().unwrap_or(every) & every;
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for cpu in (0..64).filter(|cpu| mask & (1 << cpu) != 0) {
        match ranges.last_mut() {
            Some((_, last)) if last.saturating_add(1) == cpu => *last = cpu,
            _ => ranges.push((cpu, cpu)),
        }
    }
    let show = |(first, last): &(u64, u64)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    (format!("{mask:x}"), ranges.iter().map(show).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    #[test]
    fn lists_of_processors_are_ranges() {
        assert_eq!(super::cpus(&[0b1]).1, "0");
    }
}
