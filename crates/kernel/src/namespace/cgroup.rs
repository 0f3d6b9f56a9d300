//! Cgroup namespaces: cgroup_namespaces(7).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use abi::Errno;
use vfs::user::{Charge, Counted};
use vfs::{Credentials, UserNamespace};

use crate::Task;
use crate::control_group::GroupId;

/// A cgroup namespace.
pub struct Cgroup {
    /// Unique among the namespaces, 1 for the first.
    pub id: u64,
    /// Whose it is.
    pub user: Arc<UserNamespace>,
    /// The group that its maker was in, which is the root of what is seen of the hierarchy. Nothing for the first: that of the container.
    pub root: Option<GroupId>,
    _charge: Option<Charge>,
}

impl Cgroup {
    pub(super) fn first() -> Arc<Self> {
        Arc::new(Self { id: 1, user: UserNamespace::initial(), root: None, _charge: None })
    }

    /// One of its maker's user namespace, around the group that the maker is in.
    ///
    /// # Errors
    /// `ENOSPC` if the maker has too many.
    pub(super) fn new(id: u64, maker: &Credentials, root: Option<GroupId>) -> Result<Arc<Self>, Errno> {
        let charge = Charge::take(&maker.user, maker.euid, Counted::Cgroup)?;
        Ok(Arc::new(Self { id, user: Arc::clone(&maker.user), root, _charge: Some(charge) }))
    }
}

impl Task {
    /// The control group that is the root of what it sees.
    #[must_use]
    pub fn control_root(&self) -> GroupId {
        let container = self.group.container.load(Ordering::Relaxed);
        let root = self.namespaces().cgroup.root;
        root.unwrap_or_else(|| self.kernel.control_groups.with(|tree| tree.root(container)))
    }
}
