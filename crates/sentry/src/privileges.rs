//! What a process of the sandbox may still do once it runs.

use rustix::thread::{CapabilitySet, CapabilitySets, clear_ambient_capability_set, set_capabilities};

use crate::failure::{Failure, Trying};

/// The sentry's capabilities, which count in its own user namespace only:
/// stubs run as another user, and their memory is read and written (`SYS_PTRACE`), they are killed (`KILL`), their processors are chosen (`SYS_NICE`),
/// and their address space is bounded (`SYS_RESOURCE`, with which no limit of the host's can be raised from here).
pub(crate) const SENTRY: CapabilitySet = CapabilitySet::SYS_PTRACE
    .union(CapabilitySet::KILL)
    .union(CapabilitySet::SYS_RESOURCE)
    .union(CapabilitySet::SYS_NICE);

/// What the sentry keeps besides if it works on files of the host itself, which belong to all users: as the gofer does.
pub(crate) const FILES: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::DAC_READ_SEARCH)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID);

/// Init's capabilities.
pub(crate) const INIT: CapabilitySet = CapabilitySet::empty();

/// Gives up every capability but these, for this process and all that it will start, and any way to gain one.
pub(crate) fn keep_only(kept: CapabilitySet) -> Result<(), Failure> {
    for capability in CapabilitySet::all().difference(kept).iter() {
        // Capabilities that this kernel does not know are EINVAL: there is nothing to give up then.
        match rustix::thread::remove_capability_from_bounding_set(capability) {
            Ok(()) | Err(rustix::io::Errno::INVAL) => {}
            error @ Err(_) => error.trying("give up capabilities")?,
        }
    }
    clear_ambient_capability_set().trying("give up ambient capabilities")?;
    let sets = CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() };
    set_capabilities(None, sets).trying("give up capabilities")?;
    rustix::thread::set_no_new_privs(true).trying("forbid new privileges")
}
