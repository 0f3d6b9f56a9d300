//! User namespaces: user_namespaces(7).
//!
//! Inside the kernel every user and group has one number, the one that it has in the initial user namespace: credentials, owners of files and
//! what filesystems store are such numbers. They are translated where they come from a guest or go to one, with the maps of the namespace
//! that the guest's credentials are in. What has no number there is shown as [`OVERFLOW_ID`].

mod counts;
pub mod file_capabilities;
mod id_map;
mod rules;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};

use abi::Errno;
use parking_lot::Mutex;

pub use counts::{Charge, Counted};
pub use id_map::{Extent, IdMap};
pub use rules::Opener;

use crate::Credentials;

/// What stands for ids that a user namespace has no number for: `/proc/sys/kernel/overflowuid` and `overflowgid`.
pub const OVERFLOW_ID: u32 = 65_534;
/// No user and no group: whom idmapped mounts show where nobody has an owner's number. (`INVALID_UID`)
pub const NO_ID: u32 = u32::MAX;
/// How deep namespaces may lie in each other.
const LEVELS: u32 = 32;

/// Kinds of ids that a user namespace maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdKind {
    /// `uid_map`.
    User,
    /// `gid_map`.
    Group,
    /// `projid_map`.
    Project,
}

/// A user namespace.
pub struct UserNamespace {
    /// Unique among the namespaces, 1 for the first.
    pub id: u64,
    /// The one that it was made in; nothing for the initial one.
    pub parent: Option<Arc<Self>>,
    /// How many are above it.
    pub level: u32,
    /// The effective user that made it.
    pub owner: u32,
    /// The effective group that made it.
    pub group: u32,
    /// Whether its maker might have given capabilities to files.
    maker_sets_file_capabilities: bool,
    users: OnceLock<IdMap>,
    groups: OnceLock<IdMap>,
    projects: OnceLock<IdMap>,
    /// Whether setgroups(2) may be called. Locked while `gid_map` is written, which ends that this changes.
    setgroups: Mutex<bool>,
    counts: counts::Counts,
    _charge: Option<Charge>,
}

impl PartialEq for UserNamespace {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for UserNamespace {}

impl std::fmt::Debug for UserNamespace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "user:{}", self.id)
    }
}

static INITIAL: LazyLock<Arc<UserNamespace>> = LazyLock::new(|| {
    Arc::new(UserNamespace {
        id: 1,
        parent: None,
        level: 0,
        owner: 0,
        group: 0,
        maker_sets_file_capabilities: true,
        users: OnceLock::from(IdMap::identity()),
        groups: OnceLock::from(IdMap::identity()),
        projects: OnceLock::from(IdMap::identity()),
        setgroups: Mutex::new(true),
        counts: counts::Counts::initial(),
        _charge: None,
    })
});

impl UserNamespace {
    /// The one that all others lie in.
    #[must_use]
    pub fn initial() -> Arc<Self> {
        Arc::clone(&INITIAL)
    }

    /// Whether it is the initial one.
    #[must_use]
    pub const fn is_initial(&self) -> bool {
        self.parent.is_none()
    }

    /// A namespace below the one that these credentials are in, owned by their effective user. It maps nothing yet.
    ///
    /// # Errors
    /// `ENOSPC` for too many, or too deep; `EPERM` if the user or the group has no number in the present one.
    pub fn below(maker: &Credentials) -> Result<Arc<Self>, Errno> {
        static NEXT: AtomicU64 = AtomicU64::new(2);
        let parent = &maker.user;
        if parent.level > LEVELS {
            return Err(Errno::ENOSPC);
        }
        let charge = Charge::take(parent, maker.euid, Counted::User)?;
        if parent.uid_within(maker.euid).is_none() || parent.gid_within(maker.egid).is_none() {
            return Err(Errno::EPERM);
        }
        let setgroups = *parent.setgroups.lock();
        Ok(Arc::new(Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            parent: Some(Arc::clone(parent)),
            level: parent.level.saturating_add(1),
            owner: maker.euid,
            group: maker.egid,
            maker_sets_file_capabilities: maker.has_here(crate::Capability::Setfcap),
            users: OnceLock::new(),
            groups: OnceLock::new(),
            projects: OnceLock::new(),
            setgroups: Mutex::new(setgroups),
            counts: counts::Counts::default(),
            _charge: Some(charge),
        }))
    }

    /// Whether it is `above` or lies below it.
    #[must_use]
    pub fn is_within(&self, above: &Self) -> bool {
        let mut at = self;
        while at.level > above.level {
            match &at.parent {
                Some(parent) => at = parent,
                None => return false,
            }
        }
        at == above
    }

    const fn slot(&self, kind: IdKind) -> &OnceLock<IdMap> {
        match kind {
            IdKind::User => &self.users,
            IdKind::Group => &self.groups,
            IdKind::Project => &self.projects,
        }
    }

    /// A map, once it is written.
    #[must_use]
    pub fn map(&self, kind: IdKind) -> Option<&IdMap> {
        self.slot(kind).get()
    }

    /// The user that has a number here.
    #[must_use]
    pub fn uid(&self, inside: u32) -> Option<u32> {
        self.map(IdKind::User)?.outward(inside)
    }

    /// The group that has a number here.
    #[must_use]
    pub fn gid(&self, inside: u32) -> Option<u32> {
        self.map(IdKind::Group)?.outward(inside)
    }

    /// The number that a user has here.
    #[must_use]
    pub fn uid_within(&self, user: u32) -> Option<u32> {
        self.map(IdKind::User)?.inward(user)
    }

    /// The number that a group has here.
    #[must_use]
    pub fn gid_within(&self, group: u32) -> Option<u32> {
        self.map(IdKind::Group)?.inward(group)
    }

    /// The number that a user is shown with here.
    #[must_use]
    pub fn shown_uid(&self, user: u32) -> u32 {
        if self.is_initial() && user != NO_ID { user } else { self.uid_within(user).unwrap_or(OVERFLOW_ID) }
    }

    /// The number that a group is shown with here.
    #[must_use]
    pub fn shown_gid(&self, group: u32) -> u32 {
        if self.is_initial() && group != NO_ID {
            group
        } else {
            self.gid_within(group).unwrap_or(OVERFLOW_ID)
        }
    }

    /// Whether setgroups(2) may be called: not before there are groups, and not if it was denied.
    #[must_use]
    pub fn may_set_groups(&self) -> bool {
        *self.setgroups.lock() && self.map(IdKind::Group).is_some()
    }
}

#[cfg(test)]
mod tests;
