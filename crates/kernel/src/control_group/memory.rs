//! How much memory a group may have: `memory.max`.
//!
//! Pages are the host's, which tells who has how many when it is asked. A group with a limit is asked the oftener the less is left of it;
//! one that is over it loses a process, as on a Linux that has nothing to reclaim. What can be taken between two looks is what the limit may
//! be exceeded by.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Controllers, GroupId, Notices, Tree};
use crate::{ExitStatus, Kernel, ThreadGroup};

/// The most memory that guests take in a second, bytes: what the time to the next look is reckoned from.
const FASTEST: u64 = 4 << 30;
/// Bounds of that time.
const SOONEST: Duration = Duration::from_millis(2);
const LATEST: Duration = Duration::from_millis(250);
/// How long a killed process may take until its memory is back.
const DYING: Duration = Duration::from_millis(10);
/// Looking takes at most this part of the time.
const SHARE: u32 = 20;

/// A group's memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemoryLimit {
    /// The most, bytes; nothing for any amount.
    pub most: Option<u64>,
    /// Whether all of the group go if one has to: `memory.oom.group`.
    pub together: bool,
    /// What has happened, here and below.
    pub events: MemoryEvents,
    /// What has happened here.
    pub events_here: MemoryEvents,
}

/// What `memory.events` counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryEvents {
    /// Times that the limit was exceeded.
    pub max: u64,
    /// Times that nothing was left but to kill.
    pub oom: u64,
    /// Processes that were killed.
    pub oom_kill: u64,
    /// Times that all of a group were killed.
    pub oom_group_kill: u64,
}

/// Memory that processes have of their own or share without a file of the container, bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Charged {
    /// Anonymous.
    pub anonymous: u64,
    /// Shared: tmpfs, System V, memfds.
    pub shared: u64,
}

impl Charged {
    /// Both.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.anonymous.saturating_add(self.shared)
    }

    fn plus(self, other: Self) -> Self {
        Self {
            anonymous: self.anonymous.saturating_add(other.anonymous),
            shared: self.shared.saturating_add(other.shared),
        }
    }

    /// Takes it from a text of the host with these labels.
    fn read(text: &str, anonymous: &str, shared: &str) -> Self {
        let kibibytes = |label: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(label));
            line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0)
        };
        let bytes = |label| kibibytes(label).saturating_mul(1024);
        Self { anonymous: bytes(anonymous), shared: bytes(shared) }
    }
}

/// What a process has, pages that others have too counted whole.
fn whole(process: &ThreadGroup) -> Charged {
    let text = process.representative().and_then(|task| task.memory().host_text("status").ok());
    text.map_or_else(Charged::default, |text| Charged::read(&text, "RssAnon:", "RssShmem:"))
}

/// What a process has, pages that others have too counted in part: dearer to find out.
fn part(process: &ThreadGroup) -> Charged {
    let text = process.representative().and_then(|task| task.memory().host_text("smaps_rollup").ok());
    text.map_or_else(Charged::default, |text| Charged::read(&text, "Pss_Anon:", "Pss_Shmem:"))
}

impl Kernel {
    fn processes_in(&self, groups: &[GroupId]) -> HashMap<i32, Arc<ThreadGroup>> {
        let tasks = self.tasks_in(groups).into_iter();
        tasks.map(|(_, task)| (task.pid(), Arc::clone(&task.group))).collect()
    }

    /// The memory of a group and those below it. Pages that processes share count once.
    #[must_use]
    pub fn charged(&self, id: GroupId) -> Charged {
        let groups = self.control_groups.with(|tree| tree.downward(id));
        self.processes_in(&groups)
            .values()
            .map(|process| part(process))
            .fold(Charged::default(), Charged::plus)
    }
}

/// A round of the supervisor.
pub(super) fn look(kernel: &Kernel, id: GroupId) -> Option<Duration> {
    let begun = Instant::now();
    let (most, groups) = kernel.control_groups.with(|tree| {
        let limited = tree.controllers(id).contains(Controllers::MEMORY);
        let most = tree.living(id).ok().filter(|_| limited)?.memory.most?;
        Some((most, tree.downward(id)))
    })?;
    let processes = kernel.processes_in(&groups);
    // Who comes into an empty group has it looked at again.
    let mut held: Vec<(u64, Arc<ThreadGroup>)> =
        processes.into_values().map(|process| (whole(&process).total(), process)).collect();
    if held.is_empty() {
        return None;
    }
    let sum =
        |held: &[(u64, Arc<ThreadGroup>)]| held.iter().fold(0_u64, |sum, (has, _)| sum.saturating_add(*has));
    let mut all = sum(&held);
    if all > most {
        held.iter_mut().for_each(|(has, process)| *has = part(process).total());
        all = sum(&held);
    }
    if all > most {
        kill_one(kernel, id, most, &held);
        return Some(DYING);
    }
    let until_full = Duration::from_nanos(
        u64::try_from(u128::from(most - all) * 1_000_000_000 / u128::from(FASTEST)).unwrap_or(u64::MAX),
    );
    let cost = begun.elapsed().saturating_mul(SHARE);
    Some(until_full.clamp(SOONEST, LATEST).max(cost))
}

/// Kills the process of a group that has the most, as far as its score lets, unless one is dying already.
fn kill_one(kernel: &Kernel, id: GroupId, most: u64, held: &[(u64, Arc<ThreadGroup>)]) {
    if held.iter().any(|(_, process)| process.exiting().is_some()) {
        return;
    }
    let victim = held.iter().filter_map(|(has, process)| Some((score(*has, process, most)?, process)));
    let Some((_, victim)) = victim.max_by_key(|(score, process)| (*score, process.pid)) else {
        kernel.control_groups.change(|tree, notices| {
            tree.note(id, notices, |events| {
                events.max = events.max.saturating_add(1);
                events.oom = events.oom.saturating_add(1);
            })
        });
        return;
    };
    let victims = kernel.control_groups.change(|tree, notices| {
        tree.note(id, notices, |events| {
            events.max = events.max.saturating_add(1);
            events.oom = events.oom.saturating_add(1);
        });
        let of = tree.of_same_hierarchy(&victim.control_groups(), id);
        let together = tree.together(of, id);
        let victims = match together {
            None => vec![Arc::clone(victim)],
            Some(top) => {
                let all = kernel.processes_in(&tree.downward(top)).into_values();
                all.filter(|process| score(0, process, most).is_some()).collect()
            }
        };
        if let Some(top) = together {
            tree.note(top, notices, |events| events.oom_group_kill = events.oom_group_kill.saturating_add(1));
        }
        for victim in &victims {
            let of = tree.of_same_hierarchy(&victim.control_groups(), id);
            tree.note(of, notices, |events| events.oom_kill = events.oom_kill.saturating_add(1));
        }
        victims
    });
    for victim in victims {
        tracing::info!(pid = victim.pid, "out of memory in a control group: the process is killed");
        crate::exit::exit_group(&victim, ExitStatus::KILLED);
    }
}

/// How much a process is to be blamed; nothing if it must stay.
fn score(has: u64, process: &ThreadGroup, most: u64) -> Option<i128> {
    let adjustment = process.oom_score_adjustment.load(std::sync::atomic::Ordering::Relaxed);
    (adjustment > -1000).then(|| i128::from(has) + i128::from(adjustment) * i128::from(most / 1000))
}

impl Tree {
    /// The topmost group, from that of a victim up to the one that is over its limit, whose processes go together.
    fn together(&self, of: GroupId, over: GroupId) -> Option<GroupId> {
        let upward = self.upward(of).into_iter();
        let end = self.above(over).next().map(|group| group.id);
        let concerned: Vec<GroupId> = upward.take_while(|id| Some(*id) != end).collect();
        concerned.into_iter().rev().find(|id| self.group(*id).is_some_and(|group| group.memory.together))
    }

    /// Counts something that has happened in a group.
    fn note(&mut self, id: GroupId, notices: &mut Notices, count: impl Fn(&mut MemoryEvents)) {
        if let Some(group) = self.group_mut(id) {
            count(&mut group.memory.events_here);
        }
        notices.add(self, id, "memory.events.local");
        for at in self.upward(id) {
            if let Some(group) = self.group_mut(at) {
                count(&mut group.memory.events);
            }
            notices.add(self, at, "memory.events");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vfs::Owner;

    #[test]
    fn the_hosts_texts_are_read() {
        let text = "Name:\tx\nRssAnon:\t     12 kB\nRssFile:\t 9 kB\nRssShmem:\t 3 kB\n";
        let read = Charged::read(text, "RssAnon:", "RssShmem:");
        assert_eq!((read.anonymous, read.shared, read.total()), (12 << 10, 3 << 10, 15 << 10));
        assert_eq!(Charged::read("", "RssAnon:", "RssShmem:"), Charged::default());
    }

    #[test]
    fn events_are_counted_upwards_and_groups_die_together() {
        let mut tree = Tree::default();
        let root = tree.root(0);
        let a = tree.make(root, b"a", Owner::default()).unwrap();
        let b = tree.make(a, b"b", Owner::default()).unwrap();
        tree.note(b, &mut Notices::default(), |events| events.oom += 1);
        let seen = [root, a, b].map(|id| tree.group(id).unwrap().memory);
        assert_eq!(seen.map(|memory| memory.events.oom), [1, 1, 1]);
        assert_eq!(seen.map(|memory| memory.events_here.oom), [0, 0, 1]);
        assert_eq!(tree.together(b, a), None);
        tree.group_mut(root).unwrap().memory.together = true;
        assert_eq!(tree.together(b, a), None);
        tree.group_mut(b).unwrap().memory.together = true;
        assert_eq!(tree.together(b, a), Some(b));
        tree.group_mut(a).unwrap().memory.together = true;
        assert_eq!(tree.together(b, a), Some(a));
    }
}
