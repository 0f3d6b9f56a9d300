//! `casemate features`.

use serde_json::json;

use super::output;
use crate::config::{capabilities, initial, mounts, seccomp};
use crate::error::Error;

/// Writes what this runtime can do, as the OCI runtime specification's features document has it.
pub(crate) fn execute() -> Result<(), Error> {
    output::pretty(&json!({
        "ociVersionMin": "1.0.0",
        "ociVersionMax": initial::OCI_VERSION,
        "hooks": ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"],
        "mountOptions": mounts::option_words(),
        "linux": {
            "namespaces": ["cgroup", "ipc", "mount", "network", "pid", "user", "uts"],
            "capabilities": capabilities::names(),
            "cgroup": {"v1": true, "v2": true, "systemd": true, "systemdUser": true, "rdma": false},
            "seccomp": {
                "enabled": true,
                "actions": seccomp::ACTIONS,
                "operators": seccomp::OPERATORS,
                "archs": seccomp::ARCHITECTURES,
                "knownFlags": seccomp::FLAGS,
                "supportedFlags": seccomp::FLAGS,
            },
            "apparmor": {"enabled": false},
            "selinux": {"enabled": false},
            "intelRdt": {"enabled": false},
            "memoryPolicy": {"modes": [], "flags": []},
            "mountExtensions": {"idmap": {"enabled": true}},
            "netDevices": {"enabled": false},
        },
        "annotations": {
            "dev.casemate.version": env!("CARGO_PKG_VERSION"),
            "dev.casemate.checkpoint.enabled": "false",
        },
        "potentiallyUnsafeConfigAnnotations": [],
    }))
}
