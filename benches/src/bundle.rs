//! OCI bundles for the benchmarks.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::json;

/// A program in a root.
pub(crate) struct Bundle {
    pub(crate) directory: PathBuf,
    pub(crate) root: PathBuf,
    pub(crate) arguments: Vec<String>,
}

impl Bundle {
    /// Writes a bundle below `scratch`.
    ///
    /// # Errors
    /// Those of the file system.
    pub(crate) fn new(scratch: &Path, name: &str, root: &Path, arguments: &[String]) -> Result<Self> {
        let directory = scratch.join(name);
        std::fs::create_dir_all(&directory)?;
        let namespaces: Vec<_> =
            ["pid", "network", "ipc", "uts", "mount"].iter().map(|kind| json!({"type": kind})).collect();
        let capabilities: Vec<String> =
            ["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID", "SYS_ADMIN"]
                .iter()
                .map(|name| format!("CAP_{name}"))
                .collect();
        let tmpfs = |at: &str, mode: &str| json!({"destination": at, "type": "tmpfs", "source": "tmpfs", "options": [mode]});
        let config = json!({
            "ociVersion": "1.0.2",
            "process": {
                "user": {"uid": 0, "gid": 0},
                "args": arguments,
                "cwd": "/",
                "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C"],
                "capabilities": {"bounding": capabilities, "effective": capabilities, "permitted": capabilities},
                "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 16384, "hard": 16384}],
            },
            "root": {"path": root, "readonly": false},
            "hostname": "bench",
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc"},
                tmpfs("/dev", "mode=755"),
                tmpfs("/tmp", "mode=1777"),
            ],
            "linux": {
                "namespaces": namespaces,
                "devices": [{"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 0o666}],
            },
        });
        std::fs::write(directory.join("config.json"), serde_json::to_vec_pretty(&config)?)?;
        Ok(Self { directory, root: root.to_owned(), arguments: arguments.to_vec() })
    }
}
