//! The root directory: the system's files and one directory for each process.

use std::sync::Arc;

use abi::Errno;
use kernel::current;
use synthetic::{Directory, Entry, Link, Make, Meta, Node, Table};
use vfs::inode::LinkTarget;
use vfs::{Credentials, FileKind, Owner};

use crate::{System, sysctl, system, task};

pub(crate) const INODE: u64 = 1;
const FIRST: u64 = 16;
/// The first inode number below /proc/sysvipc.
const SYSVIPC: u64 = 128;

pub(crate) struct Root {
    system: System,
    table: Table<System>,
}

impl Root {
    pub(crate) fn new(system: System) -> Self {
        Self { table: Table::new(system.clone(), FILES, Owner::default(), FIRST), system }
    }
}

impl Directory for Root {
    fn lookup(&self, name: &[u8]) -> Option<Node> {
        if let Some(node) = self.table.lookup(name) {
            return Some(node);
        }
        let id = self.system.pids.known(task::parse_id(name)?)?;
        if self.system.kernel.group(id).is_some() {
            return Some(task::process(&self.system, id));
        }
        // As in Linux, a thread's directory can be reached here though it is not listed.
        let thread = self.system.kernel.task(id)?;
        Some(task::process(&self.system, thread.pid()))
    }

    fn list(&self) -> Vec<(Vec<u8>, u64, FileKind)> {
        let mut names = self.table.list();
        for group in self.system.kernel.pids.groups() {
            if let Some(number) = self.system.pids.number(group.pid) {
                names.push((number.to_string().into_bytes(), task::inode(group.pid), FileKind::Directory));
            }
        }
        names
    }

    fn subdirectories(&self) -> u64 {
        self.table.subdirectories().saturating_add(self.system.kernel.pids.groups().len() as u64)
    }
}

/// A link whose target depends on who asks.
struct OfCaller(System, fn(i32, i32) -> String);

impl Link for OfCaller {
    fn target(&self, _: &Credentials) -> Result<LinkTarget, Errno> {
        let caller = current::task().ok_or(Errno::ENOENT)?;
        let number = |id| self.0.pids.number(id).ok_or(Errno::ENOENT);
        let (process, thread) = (number(caller.pid())?, number(caller.tid())?);
        Ok(LinkTarget::Path((self.1)(process, thread).into_bytes()))
    }
}

/// A link that always leads to the same place.
struct Fixed(&'static str);

impl Link for Fixed {
    fn target(&self, _: &Credentials) -> Result<LinkTarget, Errno> {
        Ok(LinkTarget::Path(self.0.as_bytes().to_vec()))
    }
}

const fn text(name: &'static str, generate: fn(&System) -> Result<Vec<u8>, Errno>) -> Entry<System> {
    Entry { name, mode: 0o444, make: Make::Text(generate) }
}

const fn link(name: &'static str, make: fn(&System, Meta) -> Node) -> Entry<System> {
    Entry { name, mode: 0o777, make: Make::Node(make, FileKind::Symlink) }
}

/// /proc/sysvipc.
static IPC: &[Entry<System>] =
    &[text("msg", system::ipc::queues), text("sem", system::ipc::sets), text("shm", system::ipc::segments)];

fn sysvipc(system: &System, meta: Meta) -> Node {
    let table = Table::new(system.clone(), IPC, Owner::default(), SYSVIPC);
    Node::Directory(meta, Arc::new(table))
}

static FILES: &[Entry<System>] = &[
    text("cgroups", system::control_groups::controllers),
    text("cmdline", system::text::cmdline),
    text("cpuinfo", system::cpu::cpuinfo),
    text("devices", system::text::devices),
    text("filesystems", system::text::filesystems),
    text("loadavg", system::load::loadavg),
    text("meminfo", system::memory::meminfo),
    link("mounts", |_, meta| Node::Link(meta, Arc::new(Fixed("self/mounts")))),
    link("net", |_, meta| Node::Link(meta, Arc::new(Fixed("self/net")))),
    link("self", |system, meta| {
        Node::Link(meta, Arc::new(OfCaller(system.clone(), |process, _| process.to_string())))
    }),
    text("stat", system::cpu::stat),
    text("swaps", system::memory::swaps),
    Entry { name: "sys", mode: 0o555, make: Make::Node(sysctl::directory, FileKind::Directory) },
    Entry { name: "sysvipc", mode: 0o555, make: Make::Node(sysvipc, FileKind::Directory) },
    link("thread-self", |system, meta| {
        let shown = |process, thread| format!("{process}/task/{thread}");
        Node::Link(meta, Arc::new(OfCaller(system.clone(), shown)))
    }),
    text("uptime", system::load::uptime),
    text("version", system::text::version),
    text("vmstat", system::memory::vmstat),
];
