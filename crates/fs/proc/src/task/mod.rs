//! The directories of processes and threads.

mod descriptors;
mod links;
mod maps;
mod memory;
mod mounts;
mod namespaces;
mod net;
mod settings;
mod stat;
mod status;
mod threads;
pub(crate) mod times;
mod users;

use std::sync::Arc;

use abi::Errno;
use kernel::{Task, ThreadGroup};
use synthetic::{Content, Directory, Entry, Link, Make, Meta, Node, Table};
use vfs::inode::LinkTarget;
use vfs::user::IdKind;
use vfs::{Credentials, FileKind, Owner, UserNamespace};

use crate::System;
use users::{Users, Which};

/// Inode numbers of a process's or thread's directory leave room for its entries.
const ROOM: u64 = 1 << 16;

/// The inode number of a process's directory.
pub(crate) fn inode(id: i32) -> u64 {
    u64::from(id.unsigned_abs()) * ROOM * 2
}

/// A process or thread id as a name: digits without a leading zero.
pub(crate) fn parse_id(name: &[u8]) -> Option<i32> {
    if name.first().is_none_or(|b| !(b'1'..=b'9').contains(b)) {
        return None;
    }
    std::str::from_utf8(name).ok()?.parse().ok()
}

/// Whose directory it is. Looked up anew at each use: what has ended is `ESRCH`.
#[derive(Clone)]
pub(crate) struct Subject {
    pub(crate) system: System,
    pub(crate) pid: i32,
    /// For the directory of one thread.
    pub(crate) tid: Option<i32>,
}

impl Subject {
    /// The process, which may be a zombie.
    pub(crate) fn group(&self) -> Result<Arc<ThreadGroup>, Errno> {
        self.system.kernel.group(self.pid).ok_or(Errno::ESRCH)
    }

    /// The thread, or the one that stands for the process.
    pub(crate) fn task(&self) -> Result<Arc<Task>, Errno> {
        match self.tid {
            Some(tid) => self.system.kernel.task(tid).filter(|t| t.pid() == self.pid).ok_or(Errno::ESRCH),
            None => self.group()?.representative().ok_or(Errno::ESRCH),
        }
    }

    fn id(&self) -> i32 {
        self.tid.unwrap_or(self.pid)
    }

    /// Who owns the files: the task's effective user, or root if others may not look into it.
    fn owner_of_files(&self) -> Owner {
        let (Ok(task), owner) = (self.task(), self.owner()) else { return Owner::default() };
        let space = task.space();
        let image = space.image.lock();
        if image.dumpable {
            return owner;
        }
        let root = |of: fn(&UserNamespace) -> Option<u32>| image.user.as_deref().and_then(of).unwrap_or(0);
        Owner { uid: root(|user| user.uid(0)), gid: root(|user| user.gid(0)) }
    }

    /// Who owns the directory: the task's effective user.
    fn owner(&self) -> Owner {
        self.task().map_or_else(
            |_| Owner::default(),
            |task| {
                let credentials = task.credentials();
                Owner { uid: credentials.euid, gid: credentials.egid }
            },
        )
    }

    /// ptrace(2), "Ptrace access mode checking", for reading: the same user ids, or the capability.
    pub(crate) fn check_readable(&self, credentials: &Credentials) -> Result<(), Errno> {
        let task = self.task()?;
        let target = task.credentials();
        let (uid, gid) = (credentials.fsuid, credentials.fsgid);
        let same = [target.uid, target.euid, target.suid].iter().all(|id| *id == uid)
            && [target.gid, target.egid, target.sgid].iter().all(|id| *id == gid);
        let kept = target.permitted.is_subset(credentials.permitted);
        let kept = kept && target.user == credentials.user;
        let privileged = credentials.has_in(vfs::Capability::SysPtrace, &target.user);
        if same && kept || privileged { Ok(()) } else { Err(Errno::EACCES) }
    }
}

/// The directory of a process.
pub(crate) fn process(system: &System, pid: i32) -> Node {
    let subject = Subject { system: system.clone(), pid, tid: None };
    let owner = subject.owner();
    let files = subject.owner_of_files();
    let table = Table::new(subject, PROCESS, files, inode(pid) + 1);
    Node::Directory(Meta { inode: inode(pid), mode: 0o555, owner }, Arc::new(Process { pid, table }))
}

struct Process {
    pid: i32,
    table: Table<Subject>,
}

impl Directory for Process {
    fn lookup(&self, name: &[u8]) -> Option<Node> {
        self.table.lookup(name)
    }

    fn list(&self) -> Vec<(Vec<u8>, u64, FileKind)> {
        self.table.list()
    }

    fn process_id(&self) -> Option<i32> {
        Some(self.pid)
    }

    fn subdirectories(&self) -> u64 {
        self.table.subdirectories()
    }
}

/// The directory of one thread.
fn thread(system: &System, pid: i32, tid: i32) -> Node {
    let subject = Subject { system: system.clone(), pid, tid: Some(tid) };
    let (owner, files, inode) = (subject.owner(), subject.owner_of_files(), inode(tid) + ROOM);
    let meta = Meta { inode, mode: 0o555, owner };
    Node::Directory(meta, Arc::new(Table::new(subject, THREAD, files, inode + 1)))
}

/// A file that only those who could trace the task may open.
struct Private {
    subject: Subject,
    generate: fn(&Subject) -> Result<Vec<u8>, Errno>,
}

impl Content for Private {
    fn generate(&self) -> Result<Vec<u8>, Errno> {
        (self.generate)(&self.subject)
    }

    fn check_open(&self, credentials: &Credentials) -> Result<(), Errno> {
        self.subject.check_readable(credentials)
    }
}

/// A file that can be written.
struct Writable {
    subject: Subject,
    generate: fn(&Subject) -> Result<Vec<u8>, Errno>,
    store: fn(&Subject, &[u8]) -> Result<(), Errno>,
}

impl Content for Writable {
    fn generate(&self) -> Result<Vec<u8>, Errno> {
        (self.generate)(&self.subject)
    }

    fn store(&self, _: u64, text: &[u8]) -> Result<(), Errno> {
        (self.store)(&self.subject, text)
    }
}

/// A magic link.
struct Magic {
    subject: Subject,
    target: fn(&Task) -> Result<LinkTarget, Errno>,
}

impl Link for Magic {
    fn target(&self, credentials: &Credentials) -> Result<LinkTarget, Errno> {
        self.subject.check_readable(credentials)?;
        let task = self.subject.task().map_err(|_| Errno::ENOENT)?;
        (self.target)(&task)
    }
}

const fn text(name: &'static str, generate: fn(&Subject) -> Result<Vec<u8>, Errno>) -> Entry<Subject> {
    Entry { name, mode: 0o444, make: Make::Text(generate) }
}

macro_rules! private {
    ($name:literal, $generate:path) => {
        Entry {
            name: $name,
            mode: 0o400,
            make: Make::Node(
                |subject, meta| {
                    Node::File(meta, Arc::new(Private { subject: subject.clone(), generate: $generate }))
                },
                FileKind::Regular,
            ),
        }
    };
}

macro_rules! writable {
    ($name:literal, $generate:path, $store:path) => {
        Entry {
            name: $name,
            mode: 0o644,
            make: Make::Node(
                |subject, meta| {
                    Node::File(
                        meta,
                        Arc::new(Writable { subject: subject.clone(), generate: $generate, store: $store }),
                    )
                },
                FileKind::Regular,
            ),
        }
    };
}

macro_rules! magic {
    ($name:literal, $target:path) => {
        Entry {
            name: $name,
            mode: 0o777,
            make: Make::Node(
                |subject, meta| {
                    Node::Link(meta, Arc::new(Magic { subject: subject.clone(), target: $target }))
                },
                FileKind::Symlink,
            ),
        }
    };
}

macro_rules! users {
    ($name:literal, $which:expr) => {
        Entry {
            name: $name,
            mode: 0o644,
            make: Make::Node(
                |subject, meta| Node::File(meta, Arc::new(Users { subject: subject.clone(), which: $which })),
                FileKind::Regular,
            ),
        }
    };
}

macro_rules! below {
    ($name:literal, $mode:literal, $make:path) => {
        Entry { name: $name, mode: $mode, make: Make::Node($make, FileKind::Directory) }
    };
}

/// What processes and threads have both.
macro_rules! entries {
    ($($more:expr),* $(,)?) => {
        &[
            private!("auxv", memory::auxv),
            text("cgroup", settings::cgroup),
            text("cmdline", memory::cmdline),
            writable!("comm", settings::comm, settings::set_comm),
            magic!("cwd", links::cwd),
            private!("environ", memory::environ),
            magic!("exe", links::exe),
            below!("fd", 0o500, descriptors::directory),
            below!("fdinfo", 0o555, descriptors::information),
            users!("gid_map", Which::Map(IdKind::Group)),
            text("limits", settings::limits),
            writable!("loginuid", settings::loginuid, settings::refuse),
            text("maps", maps::maps),
            text("mountinfo", mounts::mountinfo),
            text("mounts", mounts::mounts),
            text("mountstats", mounts::mountstats),
            below!("net", 0o555, net::directory),
            below!("ns", 0o511, namespaces::directory),
            writable!("oom_score_adj", settings::oom_score_adj, settings::set_oom_score_adj),
            private!("personality", settings::personality),
            users!("projid_map", Which::Map(IdKind::Project)),
            magic!("root", links::root),
            text("sessionid", settings::loginuid),
            users!("setgroups", Which::SetGroups),
            text("smaps", maps::smaps),
            text("smaps_rollup", maps::smaps_rollup),
            text("stat", stat::stat),
            text("statm", memory::statm),
            text("status", status::status),
            users!("uid_map", Which::Map(IdKind::User)),
            text("wchan", settings::wchan),
            $($more),*
        ]
    };
}

static THREAD: &[Entry<Subject>] = entries![];
static PROCESS: &[Entry<Subject>] = entries![
    below!("task", 0o555, threads::directory),
    writable!("timerslack_ns", settings::timer_slack, settings::set_timer_slack),
];
