//! OCI bundles on the test root.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::{Value, json};

use crate::enclosure;
use crate::place::Place;

/// The environment of every program, natively and in a container.
pub const ENVIRONMENT: [&str; 4] = [
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/root",
    "LANG=C.UTF-8",
    "TERM=dumb",
];

/// Open files, as a limit: few enough that programs which close them all are quick.
pub const OPEN_FILES: u64 = 1024;

/// What is mounted, natively and in a container: destination, type, options.
pub const MOUNTS: [(&str, &str, &[&str]); 7] = [
    ("/proc", "proc", &["nosuid", "nodev", "noexec"]),
    ("/dev", "tmpfs", &["nosuid", "mode=755"]),
    ("/dev/pts", "devpts", &["newinstance", "ptmxmode=0666", "mode=0620"]),
    ("/dev/shm", "tmpfs", &["mode=1777"]),
    ("/tmp", "tmpfs", &["mode=1777"]),
    ("/run", "tmpfs", &["mode=755"]),
    ("/work", "tmpfs", &["mode=755"]),
];

/// The configuration of a container.
#[must_use]
pub fn config(root: &Path, place: &Place, args: &[&str], read_only: bool) -> Value {
    let capabilities = capabilities();
    let mut mounts: Vec<Value> = MOUNTS
        .iter()
        .map(|(at, kind, options)| json!({"destination": at, "type": kind, "source": kind, "options": options}))
        .collect();
    mounts.push(json!({
        "destination": "/cases", "type": "bind", "source": place.cases, "options": ["rbind", "ro"],
    }));
    let namespaces: Vec<Value> =
        ["pid", "network", "ipc", "uts", "mount"].iter().map(|kind| json!({"type": kind})).collect();
    json!({
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": 0, "gid": 0},
            "args": args,
            "cwd": "/work",
            "env": ENVIRONMENT,
            "capabilities": {"bounding": capabilities, "effective": capabilities, "permitted": capabilities},
            "rlimits": [
                {"type": "RLIMIT_NOFILE", "soft": OPEN_FILES, "hard": OPEN_FILES},
                {"type": "RLIMIT_CORE", "soft": 0, "hard": 0},
            ],
        },
        "root": {"path": root, "readonly": read_only},
        "hostname": "casemate",
        "mounts": mounts,
        "linux": {"namespaces": namespaces},
    })
}

/// The configuration with control groups of its own, named after the test's directory: tests give their containers the same names, and so do
/// other runs of them.
#[must_use]
pub fn apart(config: &Value, directory: &Path) -> Value {
    let mut config = config.clone();
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    if let Some(linux) = config.get_mut("linux").and_then(Value::as_object_mut) {
        linux
            .entry("cgroupsPath")
            .or_insert_with(|| json!(format!("/casemate-e2e-{}-{name}", enclosure::run())));
    }
    config
}

/// Writes a bundle.
///
/// # Errors
/// Those of the file system.
pub fn write(directory: &Path, config: &Value) -> Result<PathBuf> {
    fs::create_dir_all(directory)?;
    fs::write(directory.join("config.json"), serde_json::to_vec_pretty(config)?)?;
    Ok(directory.to_owned())
}

/// Those of the tests themselves: root in a container has what root has natively.
fn capabilities() -> Vec<String> {
    let own = rustix::thread::capabilities(None).map_or(u64::MAX, |sets| sets.effective.bits());
    let names = CAPABILITIES.split_whitespace().enumerate().filter(|(number, _)| own & (1 << number) != 0);
    names.map(|(_, name)| format!("CAP_{name}")).collect()
}

/// All names, by number.
const CAPABILITIES: &str = "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
    NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE
    SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL
    SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE";
