//! How many signals a user may have queued: `RLIMIT_SIGPENDING`.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

/// Counts queued real-time signals and POSIX timers of each real user.
#[derive(Default)]
pub struct Quota(Mutex<HashMap<u32, u64>>);

impl Quota {
    /// Takes a place for one more, unless the user has `limit` already.
    #[must_use]
    pub fn charge(self: &Arc<Self>, uid: u32, limit: u64) -> Option<Charge> {
        let mut users = self.0.lock();
        let count = users.get(&uid).copied().unwrap_or_default();
        if count >= limit {
            return None;
        }
        users.insert(uid, count.saturating_add(1));
        Some(Charge { quota: Arc::clone(self), uid })
    }

    /// How many a user has.
    #[must_use]
    pub fn used(&self, uid: u32) -> u64 {
        self.0.lock().get(&uid).copied().unwrap_or_default()
    }
}

/// One place in the quota; dropping it gives it back.
pub struct Charge {
    quota: Arc<Quota>,
    uid: u32,
}

impl Drop for Charge {
    fn drop(&mut self) {
        let mut users = self.quota.0.lock();
        match users.get_mut(&self.uid) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                users.remove(&self.uid);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charge_is_given_back() {
        let quota = Arc::new(Quota::default());
        let first = quota.charge(7, 2);
        let second = quota.charge(7, 2);
        assert!(first.is_some() && second.is_some() && quota.charge(7, 2).is_none());
        assert!(quota.charge(8, 2).is_some(), "another user has a quota of his own");
        drop(first);
        assert_eq!(quota.used(7), 1);
        drop(second);
        assert_eq!(quota.used(7), 0);
    }
}
