//! Control groups, version 2: cgroups(7).
//!
//! There is one group, the container's own, which is the root of its namespace. Its limits are the runtime's to set, and the host's groups
//! and the sentry enforce them; its counters are taken when they are read. Programs can read all of it and make no groups of their
//! own: no controller is offered to any.
#![forbid(unsafe_code)]

mod counters;

use std::sync::Arc;

use abi::Errno;
use kernel::Kernel;
use synthetic::{Content, Entry, Make, Meta, Node, Synthetic, Table};
use vfs::{Device, FileKind, FileSystem, Owner};

/// `CGROUP2_SUPER_MAGIC`.
const MAGIC: u64 = 0x6367_7270;
/// The root's inode number.
const ROOT: u64 = 1;

/// A container's group.
#[derive(Clone)]
struct Group {
    kernel: Arc<Kernel>,
    /// Its number; nothing for the first one, whose group holds all others.
    container: Option<u32>,
}

/// The hierarchy of one container of a sandbox.
#[must_use]
pub fn filesystem(kernel: Arc<Kernel>, container: u32, device: Device) -> Arc<dyn FileSystem> {
    let meta = Meta { inode: ROOT, mode: 0o555, owner: Owner::default() };
    let table = Table::new(
        Group { kernel, container: (container != 0).then_some(container) },
        FILES,
        Owner::default(),
        ROOT + 1,
    );
    Synthetic::new("cgroup2", MAGIC, device, Node::Directory(meta, Arc::new(table)))
}

const fn file(name: &'static str, text: fn(&Group) -> Result<Vec<u8>, Errno>) -> Entry<Group> {
    Entry { name, mode: 0o444, make: Make::Text(text) }
}

macro_rules! fixed {
    ($name:literal, $text:literal) => {
        file($name, |_| Ok($text.to_vec()))
    };
}

static FILES: &[Entry<Group>] = &[
    fixed!("cgroup.controllers", b"memory pids\n"),
    file("cgroup.events", counters::events),
    fixed!("cgroup.max.depth", b"0\n"),
    fixed!("cgroup.max.descendants", b"0\n"),
    Entry { name: "cgroup.procs", mode: 0o644, make: Make::Node(processes, FileKind::Regular) },
    fixed!("cgroup.stat", b"nr_descendants 0\nnr_dying_descendants 0\n"),
    fixed!("cgroup.subtree_control", b"\n"),
    file("cgroup.threads", counters::threads),
    fixed!("cgroup.type", b"domain\n"),
    file("cpu.stat", counters::processor_time),
    file("memory.current", counters::memory),
    file("memory.max", counters::memory_limit),
    file("memory.stat", counters::memory_kinds),
    file("pids.current", counters::thread_count),
    file("pids.max", counters::thread_limit),
];

fn processes(group: &Group, meta: Meta) -> Node {
    Node::File(meta, Arc::new(Processes(group.clone())))
}

/// `cgroup.procs`: who is in the group. All are, so that moving one there changes nothing.
struct Processes(Group);

impl Content for Processes {
    fn generate(&self) -> Result<Vec<u8>, Errno> {
        counters::processes(&self.0)
    }

    fn store(&self, _: u64, text: &[u8]) -> Result<(), Errno> {
        let text = str::from_utf8(text).map_err(|_| Errno::EINVAL)?;
        let pid: i32 = text.trim().parse().map_err(|_| Errno::EINVAL)?;
        match pid {
            0 => Ok(()),
            pid => {
                let viewer = kernel::current::task().ok_or(Errno::ESRCH)?;
                viewer.group_of(pid).map(drop).ok_or(Errno::ESRCH)
            }
        }
    }
}
