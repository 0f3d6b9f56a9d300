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
        "mountOptions": mounts::option_words(),
        "linux": {
            "namespaces": ["ipc", "mount", "network", "pid", "user", "uts"],
            "capabilities": capabilities::names(),
            "seccomp": {
                "enabled": true,
                "actions": seccomp::ACTIONS,
                "operators": seccomp::OPERATORS,
                "archs": ["SCMP_ARCH_X86_64"],
                "knownFlags": seccomp::FLAGS,
                "supportedFlags": seccomp::FLAGS,
            },
            "apparmor": {"enabled": false},
            "selinux": {"enabled": false},
            "intelRdt": {"enabled": false},
        },
    }))
}
