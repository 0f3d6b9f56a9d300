//! `casemate features`.

use serde_json::json;

use super::output;
use crate::config::{capabilities, initial, mounts};
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
            "seccomp": {"enabled": false},
            "apparmor": {"enabled": false},
            "selinux": {"enabled": false},
            "intelRdt": {"enabled": false},
        },
    }))
}
