//! One control group.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use vfs::{Owner, Timestamp, WaitQueue};

use super::{Bandwidth, Controllers, MemoryLimit};
use crate::accounting::Consumption;

/// What a group is called. Never used for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub u64);

/// Mode, owner and times of a group's directory or file, once they were changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Permission bits.
    pub mode: u32,
    /// Whose it is.
    pub owner: Owner,
    /// Access, modification, change.
    pub times: [Timestamp; 3],
}

/// How many threads a group may have: the pids controller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TaskLimit {
    /// The most; nothing for any number.
    pub most: Option<u64>,
    /// The most that there were.
    pub peak: u64,
    /// How often the limit was met, here or below.
    pub met: u64,
    /// How often it was met here.
    pub met_here: u64,
}

/// Whether a group is frozen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Freezing {
    /// What was written to `cgroup.freeze`.
    pub wanted: bool,
    /// Whether it, or a group above it, is to be frozen.
    pub effective: bool,
    /// Whether nothing in it runs any more: what `cgroup.events` tells.
    pub complete: bool,
    /// Since when it is to be frozen.
    pub since: Option<Instant>,
    /// How long it was before.
    pub before: Duration,
}

/// A group.
pub struct Group {
    /// What it is called.
    pub id: GroupId,
    /// The group that it lies in; nothing for a root.
    pub parent: Option<GroupId>,
    /// Its name there.
    pub name: Vec<u8>,
    /// How many groups are above it.
    pub depth: u32,
    /// The container that the hierarchy is of.
    pub container: u32,
    /// The groups in it.
    pub children: BTreeMap<Vec<u8>, GroupId>,
    /// Living threads in it, without those below.
    pub living: u64,
    /// Groups in it that have living threads, or have them below.
    pub populated_children: u64,
    /// Threads in it and below, first threads that have ended and were not waited for among them.
    pub tasks: u64,
    /// The same without those below.
    pub own_tasks: u64,
    /// Groups below it.
    pub descendants: u64,
    /// Removed groups below it that zombies were in.
    pub dying: u64,
    /// Whether it was removed: it is remembered as long as zombies were in it.
    pub removed: bool,
    /// How deep there may be groups below it.
    pub max_depth: Option<u32>,
    /// How many there may be.
    pub max_descendants: Option<u32>,
    /// The controllers that its children have.
    pub subtree: Controllers,
    /// Whose its files are.
    pub owner: Owner,
    /// When it was made.
    pub born: Timestamp,
    /// What of its files was changed, by name; that of the directory is empty.
    pub attributes: BTreeMap<&'static str, Kept>,
    /// Whether it is frozen.
    pub freezing: Freezing,
    /// Processor time that was used in it by processes that have ended or gone elsewhere, and by groups that were removed from it.
    pub used: Consumption,
    /// How much processor time it may have.
    pub cpu: Bandwidth,
    /// How much memory it may have.
    pub memory: MemoryLimit,
    /// How many threads it may have.
    pub pids: TaskLimit,
    /// Counts the events of its files, by name.
    pub(super) happened: BTreeMap<&'static str, u64>,
    /// Notified at each of them.
    pub changed: Arc<WaitQueue>,
}

impl Group {
    pub(super) fn new(id: GroupId, above: Option<&Self>, container: u32, name: &[u8], owner: Owner) -> Self {
        let frozen = above.is_some_and(|above| above.freezing.effective);
        Self {
            id,
            parent: above.map(|above| above.id),
            name: name.to_vec(),
            depth: above.map_or(0, |above| above.depth.saturating_add(1)),
            container,
            children: BTreeMap::new(),
            living: 0,
            populated_children: 0,
            tasks: 0,
            own_tasks: 0,
            descendants: 0,
            dying: 0,
            removed: false,
            max_depth: None,
            max_descendants: None,
            subtree: Controllers::default(),
            owner,
            born: Timestamp::now(),
            attributes: BTreeMap::new(),
            // As in Linux: what is made empty below a frozen group is frozen.
            freezing: Freezing {
                effective: frozen,
                complete: frozen,
                since: frozen.then(Instant::now),
                ..Freezing::default()
            },
            used: Consumption::default(),
            cpu: Bandwidth::default(),
            memory: MemoryLimit::default(),
            pids: TaskLimit::default(),
            happened: BTreeMap::new(),
            changed: WaitQueue::new(),
        }
    }

    /// Whether there are living threads in it or below it.
    #[must_use]
    pub const fn is_populated(&self) -> bool {
        self.living > 0 || self.populated_children > 0
    }

    /// How often something has happened to one of its files that is worth telling.
    #[must_use]
    pub fn happened(&self, file: &str) -> u64 {
        self.happened.get(file).copied().unwrap_or_default()
    }

    /// Whether it has limits that the kernel holds by looking after it.
    pub(super) const fn is_supervised(&self) -> bool {
        self.cpu.quota.is_some() || self.memory.most.is_some()
    }

    /// It has lost controllers, and with them what these were set to.
    pub(super) fn forget(&mut self, lost: Controllers) {
        if lost.contains(Controllers::PIDS) {
            self.pids = TaskLimit { peak: self.tasks, ..TaskLimit::default() };
        }
        if lost.contains(Controllers::CPU) {
            self.cpu = self.cpu.forgotten();
        }
        if lost.contains(Controllers::MEMORY) {
            self.memory = MemoryLimit::default();
        }
    }
}
