//! Who the first process is, and its limits.

use kernel::limits::{Limit, Limits, Resource};
use vfs::{CapabilitySet, Credentials};

use crate::spec::ProcessSpec;

pub(super) fn credentials(process: &ProcessSpec) -> Credentials {
    let sets = process.capabilities;
    Credentials {
        groups: process.groups.clone().into(),
        permitted: CapabilitySet(sets.permitted),
        effective: CapabilitySet(sets.effective),
        inheritable: CapabilitySet(sets.inheritable),
        bounding: CapabilitySet(sets.bounding),
        ambient: CapabilitySet(sets.ambient),
        no_new_privileges: process.no_new_privileges,
        ..Credentials::new(process.uid, process.gid, CapabilitySet::EMPTY)
    }
}

pub(super) fn limits(process: &ProcessSpec) -> Limits {
    let mut limits = Limits::default();
    for limit in &process.rlimits {
        if let Some(resource) = Resource::from_number(limit.resource) {
            limits.set(resource, Limit::new(limit.soft, limit.hard));
        }
    }
    limits
}
