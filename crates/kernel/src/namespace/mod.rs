//! Namespaces: namespaces(7). Mounts are the VFS's ([`MountNamespace`]) and stand in the task's [`crate::FsContext`].

mod enter;
mod file;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use abi::Errno;
use abi::clone::CloneFlags;
use parking_lot::Mutex;
use vfs::{Capability, Credentials, MountNamespace};

use crate::ipc::{Ipc, IpcNamespaces};
use crate::kernel::Names;

pub use enter::{enter, enter_of};
pub use file::NamespaceFile;

/// The kinds that a kernel has, by their names in /proc/PID/ns, with the inode numbers of the first of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the kinds of namespaces(7)")]
pub enum Kind {
    Cgroup,
    Ipc,
    Mount,
    Network,
    Pid,
    Time,
    User,
    Uts,
}

impl Kind {
    /// All, with names, flags and the inode numbers that Linux gives the initial ones.
    const TABLE: &'static [(Self, &'static str, CloneFlags, u32)] = &[
        (Self::Cgroup, "cgroup", CloneFlags::NEWCGROUP, 0xefff_fffb),
        (Self::Ipc, "ipc", CloneFlags::NEWIPC, 0xefff_ffff),
        (Self::Mount, "mnt", CloneFlags::NEWNS, 0xeffe_ffff),
        (Self::Network, "net", CloneFlags::NEWNET, 0xeffe_fffe),
        (Self::Pid, "pid", CloneFlags::NEWPID, 0xefff_fffc),
        (Self::Time, "time", CloneFlags::NEWTIME, 0xefff_fffa),
        (Self::User, "user", CloneFlags::NEWUSER, 0xefff_fffd),
        (Self::Uts, "uts", CloneFlags::NEWUTS, 0xefff_fffe),
    ];

    /// All of them, in the order of their names.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::TABLE.iter().map(|row| row.0)
    }

    fn row(self) -> (&'static str, CloneFlags, u32) {
        let row = Self::TABLE.iter().find(|row| row.0 == self);
        row.map_or(("", CloneFlags::empty(), 0), |row| (row.1, row.2, row.3))
    }

    /// Its name in /proc/PID/ns.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// Its `CLONE_NEW*` flag.
    #[must_use]
    pub fn flag(self) -> CloneFlags {
        self.row().1
    }

    /// The inode number of a namespace of this kind with an id: 1 is the first one.
    fn number(self, id: u64) -> u32 {
        const LATER: u32 = 0xf000_0000;
        match u32::try_from(id) {
            Ok(1) => self.row().2,
            Ok(id) => LATER | (id << 3 | self as u32) & !LATER,
            Err(_) => LATER,
        }
    }
}

/// Host and domain name: uts_namespaces(7).
pub struct Uts {
    id: u64,
    /// The names.
    pub names: Mutex<Names>,
}

/// The namespaces that a task is in, but for its mounts.
#[derive(Clone)]
pub struct Namespaces {
    /// Host and domain name.
    pub uts: Arc<Uts>,
    /// System V IPC and message queues.
    pub ipc: Arc<Ipc>,
}

fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(2);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Namespaces {
    /// The first ones.
    #[must_use]
    pub fn first(ipcs: &IpcNamespaces) -> Self {
        Self { uts: Arc::new(Uts { id: 1, names: Mutex::default() }), ipc: ipcs.first() }
    }

    /// The namespaces of a child or of a task that unshares: new ones where `flags` say so.
    ///
    /// # Errors
    /// `ENOSPC` with too many of a kind.
    pub fn copied(&self, ipcs: &IpcNamespaces, flags: CloneFlags) -> Result<Self, Errno> {
        let mut copy = self.clone();
        if flags.contains(CloneFlags::NEWIPC) {
            copy.ipc = ipcs.make(next_id())?;
        }
        if flags.contains(CloneFlags::NEWUTS) {
            let names = self.uts.names.lock().clone();
            copy.uts = Arc::new(Uts { id: next_id(), names: Mutex::new(names) });
        }
        Ok(copy)
    }
}

/// Whether a task may have the namespaces that `flags` ask for.
///
/// # Errors
/// `EPERM` without CAP_SYS_ADMIN, `EINVAL` for the kinds of which there is only one, as for a kernel built without them.
pub fn check(credentials: &Credentials, flags: CloneFlags) -> Result<(), Errno> {
    let made = CloneFlags::NEWNS | CloneFlags::NEWUTS | CloneFlags::NEWIPC;
    let wanted = flags.intersection(CloneFlags::NAMESPACES);
    if wanted.is_empty() {
        return Ok(());
    }
    if !wanted.contains(CloneFlags::NEWUSER) {
        credentials.need(Capability::SysAdmin)?;
    }
    if made.contains(wanted) { Ok(()) } else { Err(Errno::EINVAL) }
}

/// One namespace, as /proc/PID/ns has it.
#[derive(Clone)]
pub enum Namespace {
    /// Mounts.
    Mount(Arc<MountNamespace>),
    /// Host and domain name.
    Uts(Arc<Uts>),
    /// System V IPC and message queues.
    Ipc(Arc<Ipc>),
    /// The only one of its kind.
    Only(Kind),
}

impl Namespace {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Mount(_) => Kind::Mount,
            Self::Uts(_) => Kind::Uts,
            Self::Ipc(_) => Kind::Ipc,
            Self::Only(kind) => *kind,
        }
    }

    /// Its inode number.
    #[must_use]
    pub fn number(&self) -> u32 {
        let id = match self {
            Self::Mount(mounts) => mounts.id,
            Self::Uts(uts) => uts.id,
            Self::Ipc(ipc) => ipc.id,
            Self::Only(_) => 1,
        };
        self.kind().number(id)
    }
}

impl crate::Task {
    /// Its IPC namespace.
    #[must_use]
    pub fn ipc(&self) -> Arc<Ipc> {
        Arc::clone(&self.namespaces().ipc)
    }

    /// The namespace of a kind that it is in.
    #[must_use]
    pub fn namespace(&self, kind: Kind) -> Namespace {
        match kind {
            Kind::Mount => Namespace::Mount(Arc::clone(&self.fs_now().namespace)),
            Kind::Uts => Namespace::Uts(Arc::clone(&self.namespaces().uts)),
            Kind::Ipc => Namespace::Ipc(self.ipc()),
            only => Namespace::Only(only),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_names_of_its_own() {
        let ipcs = IpcNamespaces::default();
        let first = Namespaces::first(&ipcs);
        let second = first.copied(&ipcs, CloneFlags::NEWUTS).unwrap();
        assert!(Arc::ptr_eq(&first.ipc, &second.ipc));
        second.uts.names.lock().host = b"other".to_vec();
        assert_eq!(first.uts.names.lock().host, b"localhost");
        assert_ne!(Namespace::Uts(first.uts).number(), Namespace::Uts(second.uts).number());
    }

    #[test]
    fn kinds_without_a_second_namespace_are_refused() {
        let root = Credentials::root(vfs::CapabilitySet::FULL);
        assert_eq!(check(&root, CloneFlags::NEWNS | CloneFlags::NEWUTS), Ok(()));
        assert_eq!(check(&root, CloneFlags::NEWNS | CloneFlags::NEWPID), Err(Errno::EINVAL));
        let user = Credentials::new(1, 1, vfs::CapabilitySet::EMPTY);
        assert_eq!(check(&user, CloneFlags::NEWNS), Err(Errno::EPERM));
        assert_eq!(check(&user, CloneFlags::NEWUSER), Err(Errno::EINVAL));
    }
}
