//! What a network namespace is apart from its families: whose it is, and the state of its interface.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};

use abi::Errno;
use parking_lot::Mutex;
use vfs::user::{Charge, Counted};
use vfs::{Credentials, UserNamespace};

/// Ports below need a capability, unless a namespace says otherwise.
const UNPRIVILEGED_PORTS: u16 = 1024;
/// [`Net::ping_groups`] unless a namespace says otherwise.
pub const NO_GROUPS: (u32, u32) = (1, 0);
/// The first port that is chosen for a socket without one, which needs no capability.
const FIRST_CHOSEN: u16 = 32768;

/// The identity of a network namespace: network_namespaces(7).
pub struct Net {
    /// Unique among the namespaces, 1 for the first.
    pub id: u64,
    /// Whose it is: capabilities there are what privileged ports and changes of interfaces need.
    pub user: Arc<UserNamespace>,
    /// Whether `lo` is up. While it is down its addresses are nobody's.
    up: AtomicBool,
    unprivileged_ports: AtomicU16,
    ping_groups: Mutex<(u32, u32)>,
    _charge: Option<Charge>,
}

impl Net {
    /// That of the first namespace, whose interface is up.
    #[must_use]
    pub fn first() -> Arc<Self> {
        Arc::new(Self {
            id: 1,
            user: UserNamespace::initial(),
            up: AtomicBool::new(true),
            unprivileged_ports: AtomicU16::new(UNPRIVILEGED_PORTS),
            ping_groups: Mutex::new(NO_GROUPS),
            _charge: None,
        })
    }

    /// That of a new namespace, which belongs to its maker's user namespace and whose interface is down.
    ///
    /// # Errors
    /// `ENOSPC` if the maker has too many.
    pub fn new(maker: &Credentials) -> Result<Arc<Self>, Errno> {
        static NEXT: AtomicU64 = AtomicU64::new(2);
        let charge = Charge::take(&maker.user, maker.euid, Counted::Network)?;
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Ok(Arc::new(Self {
            id,
            user: Arc::clone(&maker.user),
            up: AtomicBool::new(false),
            unprivileged_ports: AtomicU16::new(UNPRIVILEGED_PORTS),
            ping_groups: Mutex::new(NO_GROUPS),
            _charge: Some(charge),
        }))
    }

    /// Whether `lo` is up.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.up.load(Ordering::Acquire)
    }

    /// The first port that anybody may bind: `net.ipv4.ip_unprivileged_port_start`.
    #[must_use]
    pub fn unprivileged_ports(&self) -> u16 {
        self.unprivileged_ports.load(Ordering::Relaxed)
    }

    /// Changes it.
    ///
    /// # Errors
    /// `EINVAL` beyond the first port that is chosen for those who name none.
    pub fn set_unprivileged_ports(&self, first: u16) -> Result<(), Errno> {
        if first > FIRST_CHOSEN {
            return Err(Errno::EINVAL);
        }
        self.unprivileged_ports.store(first, Ordering::Relaxed);
        Ok(())
    }

    /// The groups, first and last, that may make sockets for echo requests: `net.ipv4.ping_group_range`.
    #[must_use]
    pub fn ping_groups(&self) -> (u32, u32) {
        *self.ping_groups.lock()
    }

    /// Changes them.
    pub fn set_ping_groups(&self, groups: (u32, u32)) {
        *self.ping_groups.lock() = groups;
    }

    /// Whether somebody is in one of them.
    #[must_use]
    pub fn may_ping(&self, credentials: &Credentials) -> bool {
        let (first, last) = self.ping_groups();
        let mut groups = credentials.groups.iter().chain([&credentials.egid]);
        groups.any(|group| (first..=last).contains(group))
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
