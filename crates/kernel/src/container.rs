//! What the containers of a sandbox use, each by itself or all together.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;

use crate::accounting::Consumption;
use crate::{Kernel, ThreadGroup};

/// Bytes of a page.
const PAGE: u64 = 4096;

/// What processes have used that nobody waited for, by container.
#[derive(Debug, Default)]
pub(crate) struct Unclaimed(Mutex<BTreeMap<u32, Consumption>>);

impl Unclaimed {
    pub(crate) fn add(&self, container: u32, used: Consumption) {
        let mut all = self.0.lock();
        let before = all.entry(container).or_default();
        *before = before.plus(used);
    }

    fn of(&self, container: Option<u32>) -> Consumption {
        let all = self.0.lock();
        let meant = all.iter().filter(|(of, _)| container.is_none_or(|container| container == **of));
        meant.fold(Consumption::default(), |sum, (_, used)| sum.plus(*used))
    }
}

/// Memory that processes have resident, in bytes. What several have is counted for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resident {
    /// Without a file behind it.
    pub anonymous: u64,
    /// Of mapped files, and what is shared.
    pub shared: u64,
}

impl Kernel {
    /// The processes of a container, or all, zombies too.
    #[must_use]
    pub fn members(&self, container: Option<u32>) -> Vec<Arc<ThreadGroup>> {
        let mut groups = self.pids.groups();
        groups.retain(|group| container.is_none_or(|of| group.container.load(Ordering::Relaxed) == of));
        groups
    }

    /// Processor time that a container has used, or the whole sandbox, by processes that have ended too.
    #[must_use]
    pub fn used(&self, container: Option<u32>) -> Consumption {
        let ended = self.unclaimed.of(container);
        self.members(container)
            .iter()
            .fold(ended, |sum, group| sum.plus(group.consumption()).plus(group.usage.lock().children))
    }

    /// Memory that a container has, or the whole sandbox.
    #[must_use]
    pub fn resident(&self, container: Option<u32>) -> Resident {
        let of = |group: &Arc<ThreadGroup>| {
            let text = group.representative()?.memory().host_text("statm").ok()?;
            let mut pages = text.split_whitespace().skip(1).map(|field| field.parse::<u64>().ok());
            let (all, shared) = (pages.next()??, pages.next()??);
            Some((all.saturating_sub(shared).saturating_mul(PAGE), shared.saturating_mul(PAGE)))
        };
        self.members(container).iter().filter_map(of).fold(Resident::default(), |sum, (anonymous, shared)| {
            Resident {
                anonymous: sum.anonymous.saturating_add(anonymous),
                shared: sum.shared.saturating_add(shared),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_nobody_waited_for_is_counted_where_it_belongs() {
        let unclaimed = Unclaimed::default();
        let used = |seconds| Consumption { user: Duration::from_secs(seconds), system: Duration::ZERO };
        unclaimed.add(1, used(2));
        unclaimed.add(3, used(5));
        unclaimed.add(1, used(1));
        assert_eq!([Some(1), Some(2), Some(3), None].map(|of| unclaimed.of(of)), [3, 0, 5, 8].map(used));
    }
}
