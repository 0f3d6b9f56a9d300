//! What a network namespace is apart from its families: whose it is, and the state of its interface.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use abi::Errno;
use vfs::user::{Charge, Counted};
use vfs::{Credentials, UserNamespace};

/// The identity of a network namespace: network_namespaces(7).
pub struct Net {
    /// Unique among the namespaces, 1 for the first.
    pub id: u64,
    /// Whose it is: capabilities there are what privileged ports and changes of interfaces need.
    pub user: Arc<UserNamespace>,
    /// Whether `lo` is up. While it is down its addresses are nobody's.
    up: AtomicBool,
    _charge: Option<Charge>,
}

impl Net {
    /// That of the first namespace, whose interface is up.
    #[must_use]
    pub fn first() -> Arc<Self> {
        Arc::new(Self { id: 1, user: UserNamespace::initial(), up: AtomicBool::new(true), _charge: None })
    }

    /// That of a new namespace, which belongs to its maker's user namespace and whose interface is down.
    ///
    /// # Errors
    /// `ENOSPC` if the maker has too many.
    pub fn new(maker: &Credentials) -> Result<Arc<Self>, Errno> {
        static NEXT: AtomicU64 = AtomicU64::new(2);
        let charge = Charge::take(&maker.user, maker.euid, Counted::Network)?;
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let user = Arc::clone(&maker.user);
        Ok(Arc::new(Self { id, user, up: AtomicBool::new(false), _charge: Some(charge) }))
    }

    /// Whether `lo` is up.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.up.load(Ordering::Acquire)
    }

    /// Takes `lo` up or down.
    pub fn set_up(&self, up: bool) {
        self.up.store(up, Ordering::Release);
    }
}

impl std::fmt::Debug for Net {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "net:{}", self.id)
    }
}

/// Makes network namespaces.
pub trait Maker: Send + Sync {
    /// One with this identity.
    fn make(&self, net: Arc<Net>) -> Arc<crate::Namespace>;
}
