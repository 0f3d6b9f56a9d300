//! Cgroup namespaces: cgroup_namespaces(7).

use std::sync::Arc;

use abi::Errno;
use vfs::user::{Charge, Counted};
use vfs::{Credentials, UserNamespace};

/// A cgroup namespace. All tasks are in one group, the root of what is seen of the hierarchy: every namespace shows the same.
pub struct Cgroup {
    /// Unique among the namespaces, 1 for the first.
    pub id: u64,
    /// Whose it is.
    pub user: Arc<UserNamespace>,
    _charge: Option<Charge>,
}

impl Cgroup {
    pub(super) fn first() -> Arc<Self> {
        Arc::new(Self { id: 1, user: UserNamespace::initial(), _charge: None })
    }

    /// One of its maker's user namespace.
    ///
    /// # Errors
    /// `ENOSPC` if the maker has too many.
    pub(super) fn new(id: u64, maker: &Credentials) -> Result<Arc<Self>, Errno> {
        let charge = Charge::take(&maker.user, maker.euid, Counted::Cgroup)?;
        Ok(Arc::new(Self { id, user: Arc::clone(&maker.user), _charge: Some(charge) }))
    }
}
