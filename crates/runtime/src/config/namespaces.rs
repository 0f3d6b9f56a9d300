//! Namespaces: which of the host's are joined, and what of a configuration makes sense only in one of the container's own.

use std::path::PathBuf;

use oci_spec::runtime::{Linux, LinuxNamespace, LinuxNamespaceType, Spec};

use super::pod::Part;

/// Settings of System V IPC, which each IPC namespace has its own of: ipc_namespaces(7).
const OF_IPC: &[&str] = &[
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.sem",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.shm_rmid_forced",
];

/// Refuses what would mean the host's own names and settings if there were no sandbox: whoever asks for that expects to change them.
pub(super) fn check(spec: &Spec) -> Result<(), String> {
    let linux = spec.linux().as_ref();
    let mut own: Vec<LinuxNamespaceType> = Vec::new();
    for (index, namespace) in namespaces(linux).enumerate() {
        if own.contains(&namespace.typ()) {
            return Err(format!("linux.namespaces[{index}].type: {} stands there twice", name(namespace)));
        }
        own.push(namespace.typ());
    }
    let has = |kind| own.contains(&kind);
    for (field, value) in [("hostname", spec.hostname()), ("domainname", spec.domainname())] {
        if value.as_ref().is_some_and(|value| !value.is_empty()) && !has(LinuxNamespaceType::Uts) {
            return Err(format!("{field}: cannot be set without a UTS namespace in linux.namespaces"));
        }
    }
    for setting in linux.and_then(|linux| linux.sysctl().as_ref()).into_iter().flatten().map(|(name, _)| name)
    {
        match kind_of(setting) {
            Some(kind) if has(kind) => {}
            Some(kind) => {
                let kind = format!("{kind:?}").to_lowercase();
                return Err(format!("linux.sysctl: {setting} needs a namespace of the kind {kind}"));
            }
            None => {
                return Err(format!(
                    "linux.sysctl: {setting} is a setting of a whole machine, not of a namespace"
                ));
            }
        }
    }
    Ok(())
}

/// The kind of namespace that a setting of /proc/sys belongs to.
fn kind_of(setting: &str) -> Option<LinuxNamespaceType> {
    match setting {
        "kernel.domainname" => Some(LinuxNamespaceType::Uts),
        _ if OF_IPC.contains(&setting) || setting.starts_with("fs.mqueue.") => Some(LinuxNamespaceType::Ipc),
        _ if setting.starts_with("net.") => Some(LinuxNamespaceType::Network),
        _ => None,
    }
}

/// The network namespace to join. No other namespace of the host can be joined: whoever asks for that expects to see processes,
/// mounts or names of somebody else. What a container of a pod joins is its sandbox's, and that it does anyway. CRI-O makes namespaces for
/// names and IPC of each pod, which nobody else is in: the sandbox has its own instead.
pub(super) fn network(linux: Option<&Linux>, part: Part) -> Result<Option<PathBuf>, String> {
    let mut network = None;
    for (index, namespace) in namespaces(linux).enumerate() {
        let Some(path) = namespace.path().clone().filter(|path| !path.as_os_str().is_empty()) else {
            continue;
        };
        match namespace.typ() {
            LinuxNamespaceType::Network
            | LinuxNamespaceType::Pid
            | LinuxNamespaceType::Ipc
            | LinuxNamespaceType::Uts
                if part == Part::Further => {}
            LinuxNamespaceType::Ipc | LinuxNamespaceType::Uts if part == Part::Sandbox => {}
            LinuxNamespaceType::Network => network = Some(path),
            _ => {
                return Err(format!(
                    "linux.namespaces[{index}].path: a sandbox cannot join the {} namespace {}",
                    name(namespace),
                    path.display()
                ));
            }
        }
    }
    Ok(network)
}

fn namespaces(linux: Option<&Linux>) -> impl Iterator<Item = &LinuxNamespace> {
    linux.and_then(|linux| linux.namespaces().as_ref()).into_iter().flatten()
}

fn name(namespace: &LinuxNamespace) -> String {
    format!("{:?}", namespace.typ()).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linux(json: &str) -> Linux {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn only_a_network_is_joined() {
        let found =
            linux(r#"{"namespaces": [{"type": "pid"}, {"type": "network", "path": "/run/netns/x"}]}"#);
        assert_eq!(network(Some(&found), Part::Alone), Ok(Some("/run/netns/x".into())));
        let refused = linux(r#"{"namespaces": [{"type": "pid", "path": "/proc/1/ns/pid"}]}"#);
        let message = network(Some(&refused), Part::Alone).unwrap_err();
        assert!(message.starts_with("linux.namespaces[0].path: ") && message.contains("/proc/1/ns/pid"));
        assert_eq!(network(None, Part::Alone), Ok(None));
        assert_eq!(network(Some(&refused), Part::Further), Ok(None));
        assert!(network(Some(&refused), Part::Sandbox).is_err());
        let pinned = linux(
            r#"{"namespaces": [{"type": "uts", "path": "/run/utsns/x"}, {"type": "network", "path": "/run/netns/x"}]}"#,
        );
        assert_eq!(network(Some(&pinned), Part::Sandbox), Ok(Some("/run/netns/x".into())));
        assert!(network(Some(&pinned), Part::Alone).is_err());
    }

    #[test]
    fn what_would_be_the_hosts_is_refused() {
        let checked = |json: &str| check(&serde_json::from_str(json).unwrap());
        let good = r#"{"ociVersion": "1.0.0", "hostname": "x", "linux": {"namespaces": [{"type": "uts"}, {"type": "ipc"}],
            "sysctl": {"kernel.msgmax": "1", "kernel.domainname": "x", "fs.mqueue.msg_max": "2"}}}"#;
        assert_eq!(checked(good), Ok(()));
        for (json, field) in [
            (r#"{"ociVersion": "1.0.0", "hostname": "x"}"#, "hostname: "),
            (
                r#"{"ociVersion": "1.0.0", "linux": {"namespaces": [{"type": "pid"}, {"type": "pid"}]}}"#,
                "linux.namespaces[1].type: pid",
            ),
            (
                r#"{"ociVersion": "1.0.0", "linux": {"sysctl": {"kernel.msgmax": "1"}}}"#,
                "linux.sysctl: kernel.msgmax needs",
            ),
            (
                r#"{"ociVersion": "1.0.0", "linux": {"sysctl": {"kernel.panic": "1"}}}"#,
                "linux.sysctl: kernel.panic is",
            ),
        ] {
            let message = checked(json).unwrap_err();
            assert!(message.starts_with(field), "{message}");
        }
    }
}
