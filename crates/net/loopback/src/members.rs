//! The multicast groups that the loopback interface is in.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use parking_lot::Mutex;

/// All systems of the network: every interface is in this group.
const ALL_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(224, 0, 0, 1));
const ALL_V6: [IpAddr; 2] = [
    IpAddr::V6(Ipv6Addr::new(0xff01, 0, 0, 0, 0, 0, 0, 1)),
    IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1)),
];

/// How many sockets are in each group.
#[derive(Debug, Default)]
pub(crate) struct Members {
    counts: Mutex<HashMap<IpAddr, usize>>,
}

impl Members {
    pub(crate) fn join(&self, group: IpAddr) {
        *self.counts.lock().entry(group).or_default() += 1;
    }

    pub(crate) fn leave(&self, group: IpAddr) {
        let mut counts = self.counts.lock();
        let left = counts.get_mut(&group).map(|count| {
            *count = count.saturating_sub(1);
            *count
        });
        if left == Some(0) {
            counts.remove(&group);
        }
    }

    /// Whether the interface takes what is sent to a group.
    pub(crate) fn has(&self, group: IpAddr) -> bool {
        group == ALL_V4 || ALL_V6.contains(&group) || self.counts.lock().contains_key(&group)
    }
}
