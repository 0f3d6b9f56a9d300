//! The shim's log: standard error, which is a pipe to containerd's own log once the shim serves.

use std::io::Write;

/// Writes one line, in the form that containerd writes its own. If nobody listens it is lost.
pub(crate) fn warn(message: &str) {
    let line = format!("level=warning msg={message:?} runtime=io.containerd.casemate.v1\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
}
