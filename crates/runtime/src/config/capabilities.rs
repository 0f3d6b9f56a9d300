//! Capability names to bits.

use oci_spec::runtime::{Capabilities, Capability, LinuxCapabilities};
use sentry::spec::CapabilitySpec;

/// The names of capability(7), by number.
const NAMES: [Capability; 41] = [
    Capability::Chown,
    Capability::DacOverride,
    Capability::DacReadSearch,
    Capability::Fowner,
    Capability::Fsetid,
    Capability::Kill,
    Capability::Setgid,
    Capability::Setuid,
    Capability::Setpcap,
    Capability::LinuxImmutable,
    Capability::NetBindService,
    Capability::NetBroadcast,
    Capability::NetAdmin,
    Capability::NetRaw,
    Capability::IpcLock,
    Capability::IpcOwner,
    Capability::SysModule,
    Capability::SysRawio,
    Capability::SysChroot,
    Capability::SysPtrace,
    Capability::SysPacct,
    Capability::SysAdmin,
    Capability::SysBoot,
    Capability::SysNice,
    Capability::SysResource,
    Capability::SysTime,
    Capability::SysTtyConfig,
    Capability::Mknod,
    Capability::Lease,
    Capability::AuditWrite,
    Capability::AuditControl,
    Capability::Setfcap,
    Capability::MacOverride,
    Capability::MacAdmin,
    Capability::Syslog,
    Capability::WakeAlarm,
    Capability::BlockSuspend,
    Capability::AuditRead,
    Capability::Perfmon,
    Capability::Bpf,
    Capability::CheckpointRestore,
];

/// Sets with more capabilities in those that `exec --cap` adds to.
pub(crate) fn with(sets: Option<&LinuxCapabilities>, names: &[String]) -> Result<LinuxCapabilities, String> {
    let mut sets = sets.cloned().unwrap_or_default();
    for name in names {
        let name: Capability = serde_json::from_value(name.to_ascii_uppercase().into())
            .map_err(|_| format!("unknown capability {name:?}"))?;
        let and = |set: &Option<Capabilities>| {
            let mut set = set.clone().unwrap_or_default();
            set.insert(name);
            Some(set)
        };
        sets.set_bounding(and(sets.bounding()));
        sets.set_effective(and(sets.effective()));
        sets.set_permitted(and(sets.permitted()));
    }
    Ok(sets)
}

/// All names, as configurations write them.
pub(crate) fn names() -> Vec<serde_json::Value> {
    NAMES.iter().filter_map(|name| serde_json::to_value(name).ok()).collect()
}

/// All capabilities, as root has them.
pub(crate) const ALL: u64 = (1 << NAMES.len()) - 1;

/// Every set full but inheritable and ambient, as root's are.
pub(crate) const ROOT: CapabilitySpec =
    CapabilitySpec { bounding: ALL, effective: ALL, inheritable: 0, permitted: ALL, ambient: 0 };

/// The sets of a configuration. A set that is not given is empty.
pub(crate) fn translate(sets: Option<&LinuxCapabilities>) -> CapabilitySpec {
    let Some(sets) = sets else { return CapabilitySpec::default() };
    let (inheritable, permitted) = (bits(sets.inheritable().as_ref()), bits(sets.permitted().as_ref()));
    CapabilitySpec {
        bounding: bits(sets.bounding().as_ref()),
        effective: bits(sets.effective().as_ref()),
        inheritable,
        permitted,
        // Linux raises none that is not in both: capabilities(7).
        ambient: bits(sets.ambient().as_ref()) & inheritable & permitted,
    }
}

fn bits(set: Option<&Capabilities>) -> u64 {
    let Some(set) = set else { return 0 };
    NAMES
        .iter()
        .enumerate()
        .filter(|(_, name)| set.contains(name))
        .fold(0, |bits, (number, _)| bits | 1 << number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_linuxs() {
        let one = |name| bits(Some(&Capabilities::from([name])));
        // From capability.h: CAP_CHOWN 0, CAP_KILL 5, CAP_SYS_ADMIN 21, CAP_AUDIT_WRITE 29, CAP_CHECKPOINT_RESTORE 40.
        assert_eq!(one(Capability::Chown), 1);
        assert_eq!(one(Capability::Kill), 1 << 5);
        assert_eq!(one(Capability::SysAdmin), 1 << 21);
        assert_eq!(one(Capability::AuditWrite), 1 << 29);
        assert_eq!(one(Capability::CheckpointRestore), 1 << 40);
        assert_eq!(bits(Some(&NAMES.into_iter().collect())), ALL);
    }
}
