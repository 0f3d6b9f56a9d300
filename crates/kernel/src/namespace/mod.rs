//! Namespaces: namespaces(7). Mounts are the VFS's ([`MountNamespace`]) and stand in the task's [`crate::FsContext`].

mod cgroup;
mod change;
mod enter;
mod file;
mod kind;
mod pids;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use abi::Errno;
use abi::clone::CloneFlags;
use parking_lot::Mutex;
use vfs::user::{Charge, Counted};
use vfs::{Credentials, MountNamespace, UserNamespace};

use crate::ipc::{Ipc, IpcNamespaces};
use crate::kernel::Names;

pub use cgroup::Cgroup;
pub use change::{check, credentials_for, unshare};
pub(crate) use change::{copied, once};
pub use enter::{enter, enter_of};
pub use file::NamespaceFile;
pub use kind::Kind;
pub use pids::Pids;

/// Host and domain name: uts_namespaces(7).
pub struct Uts {
    id: u64,
    /// Whose it is.
    pub user: Arc<UserNamespace>,
    _charge: Option<Charge>,
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
    /// Control groups.
    pub cgroup: Arc<Cgroup>,
    /// Sockets and interfaces; nothing for the first.
    pub network: Option<Arc<socket::Namespace>>,
    /// The pid namespace of its children. Its own is that of its process.
    pub pids: Arc<Pids>,
}

impl Uts {
    fn copy(&self, maker: &Credentials) -> Result<Self, Errno> {
        let charge = Charge::take(&maker.user, maker.euid, Counted::Uts)?;
        let names = Mutex::new(self.names.lock().clone());
        Ok(Self { id: next_id(), user: Arc::clone(&maker.user), _charge: Some(charge), names })
    }
}

fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(2);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Namespaces {
    /// The first ones.
    #[must_use]
    pub fn first(ipcs: &IpcNamespaces) -> Self {
        let uts = Uts { id: 1, user: UserNamespace::initial(), _charge: None, names: Mutex::default() };
        Self {
            uts: Arc::new(uts),
            ipc: ipcs.first(),
            cgroup: Cgroup::first(),
            network: None,
            pids: Pids::first(),
        }
    }

    /// The namespaces of a child or of a task that unshares: new ones where `flags` say so, those of networks and control groups excepted. They belong to
    /// the maker's user namespace.
    ///
    /// # Errors
    /// `ENOSPC` with too many of a kind.
    pub fn copied(
        &self,
        ipcs: &IpcNamespaces,
        flags: CloneFlags,
        maker: &Credentials,
    ) -> Result<Self, Errno> {
        let mut copy = self.clone();
        if flags.contains(CloneFlags::NEWIPC) {
            copy.ipc = ipcs.make(next_id(), maker)?;
        }
        if flags.contains(CloneFlags::NEWPID) {
            copy.pids = self.pids.below(next_id(), maker)?;
        }
        if flags.contains(CloneFlags::NEWUTS) {
            copy.uts = Arc::new(self.uts.copy(maker)?);
        }
        Ok(copy)
    }
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
    /// Control groups.
    Cgroup(Arc<Cgroup>),
    /// Sockets and interfaces.
    Network(Arc<socket::Namespace>),
    /// Process and thread ids.
    Pid(Arc<Pids>),
    /// Users.
    User(Arc<UserNamespace>),
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
            Self::Cgroup(_) => Kind::Cgroup,
            Self::Network(_) => Kind::Network,
            Self::Pid(_) => Kind::Pid,
            Self::User(_) => Kind::User,
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
            Self::Cgroup(cgroup) => cgroup.id,
            Self::Network(network) => network.net.id,
            Self::Pid(pids) => pids.id,
            Self::User(user) => user.id,
            Self::Only(_) => 1,
        };
        self.kind().number(id)
    }

    /// The user namespace that it belongs to, or lies in. Nothing for the initial user namespace.
    #[must_use]
    pub fn user(&self) -> Option<Arc<UserNamespace>> {
        match self {
            Self::Mount(mounts) => Some(Arc::clone(&mounts.user)),
            Self::Uts(uts) => Some(Arc::clone(&uts.user)),
            Self::Ipc(ipc) => Some(Arc::clone(&ipc.user)),
            Self::Cgroup(cgroup) => Some(Arc::clone(&cgroup.user)),
            Self::Network(network) => Some(Arc::clone(&network.net.user)),
            Self::Pid(pids) => Some(Arc::clone(&pids.user)),
            Self::User(user) => user.parent.clone(),
            Self::Only(_) => Some(UserNamespace::initial()),
        }
    }
}

impl crate::Task {
    /// Its IPC namespace.
    #[must_use]
    pub fn ipc(&self) -> Arc<Ipc> {
        Arc::clone(&self.namespaces().ipc)
    }

    /// Its network namespace.
    #[must_use]
    pub fn network(&self) -> Arc<socket::Namespace> {
        self.namespaces().network.clone().unwrap_or_else(|| self.kernel.network())
    }

    /// The namespace of a kind that it is in.
    #[must_use]
    pub fn namespace(&self, kind: Kind) -> Namespace {
        match kind {
            Kind::Mount => Namespace::Mount(Arc::clone(&self.fs_now().namespace)),
            Kind::Uts => Namespace::Uts(Arc::clone(&self.namespaces().uts)),
            Kind::Ipc => Namespace::Ipc(self.ipc()),
            Kind::Cgroup => Namespace::Cgroup(Arc::clone(&self.namespaces().cgroup)),
            Kind::Network => Namespace::Network(self.network()),
            Kind::Pid => Namespace::Pid(Arc::clone(self.pids())),
            Kind::User => Namespace::User(Arc::clone(&self.credentials().user)),
            only => Namespace::Only(only),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_names_of_its_own() {
        let root = Credentials::root(vfs::CapabilitySet::FULL);
        let ipcs = IpcNamespaces::default();
        let first = Namespaces::first(&ipcs);
        let second = first.copied(&ipcs, CloneFlags::NEWUTS, &root).unwrap();
        assert!(Arc::ptr_eq(&first.ipc, &second.ipc));
        second.uts.names.lock().host = b"other".to_vec();
        assert_eq!(first.uts.names.lock().host, b"localhost");
        assert_ne!(Namespace::Uts(first.uts).number(), Namespace::Uts(second.uts).number());
    }

    #[test]
    fn kinds_without_a_second_namespace_are_refused() {
        let root = Credentials::root(vfs::CapabilitySet::FULL);
        assert_eq!(check(&root, CloneFlags::NEWNS | CloneFlags::NEWUTS), Ok(()));
        assert_eq!(check(&root, CloneFlags::NEWNS | CloneFlags::NEWTIME), Err(Errno::EINVAL));
        let user = Credentials::new(1, 1, vfs::CapabilitySet::EMPTY);
        assert_eq!(check(&user, CloneFlags::NEWNS), Err(Errno::EPERM));
        assert_eq!(check(&user, CloneFlags::NEWTIME), Err(Errno::EINVAL));
        assert_eq!(check(&user, CloneFlags::NEWUSER), Ok(()));
    }
}
