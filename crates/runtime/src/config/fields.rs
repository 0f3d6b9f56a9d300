//! What becomes of each field of a configuration. Fields that no row names are unknown to the specification that is followed, and are
//! passed over, as it demands.

use serde_json::Value;

/// What becomes of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Support {
    /// It does what the specification says; a note says where that ends.
    Full(&'static str),
    /// It changes nothing, and why nobody is misled by that.
    Ignored(&'static str),
    /// A container that asks for it is not created, and why.
    Refused(&'static str),
}

use Support::{Full, Ignored, Refused};

/// A field: names with dots between, `[]` for every element of a list and `{}` for every key of a map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub(crate) path: &'static str,
    pub(crate) support: Support,
}

const fn row(path: &'static str, support: Support) -> Field {
    Field { path, support }
}

/// All fields of the runtime specification that concern Linux containers.
pub(crate) const FIELDS: &[Field] = &[
    row("ociVersion", Full("")),
    row(
        "annotations",
        Full(
            "shown by `state`; `dev.casemate.patch` and `dev.casemate.overlay2` as the options of these names; with `dev.casemate.spec.rootfs.type` as `erofs` the file `dev.casemate.spec.rootfs.source` (in the bundle, or absolute) is an image that is the root, read-only or below a layer",
        ),
    ),
    row("hostname", Full("")),
    row("domainname", Full("")),
    row("root.path", Full("")),
    row("root.readonly", Full("")),
    row("process.terminal", Full("")),
    row("process.consoleSize", Ignored("a terminal's size is its owner's to set")),
    row("process.user.uid", Full("")),
    row("process.user.gid", Full("")),
    row("process.user.umask", Full("")),
    row("process.user.additionalGids", Full("")),
    row("process.user.username", Ignored("for Windows")),
    row("process.args", Full("")),
    row("process.commandLine", Ignored("for Windows")),
    row("process.env", Full("")),
    row("process.cwd", Full("made if it is missing")),
    row("process.capabilities", Full("")),
    row("process.rlimits", Full("")),
    row("process.noNewPrivileges", Full("")),
    row("process.oomScoreAdj", Full("shown in /proc; the host's choice of victim is its own")),
    row("process.apparmorProfile", Refused("the sandbox's kernel has no AppArmor")),
    row("process.selinuxLabel", Refused("the sandbox's kernel has no SELinux")),
    row(
        "process.scheduler",
        Full("kept and told; on the host only niceness counts, and all classes are alike"),
    ),
    row("process.ioPriority", Full("kept and told; the host's disks do not hear of it")),
    row("process.execCPUAffinity", Refused("processors cannot be chosen for one process")),
    row("mounts[].destination", Full("")),
    row(
        "mounts[].type",
        Full(
            "bind, overlay (laid by the host), 9p (trans=unix), tmpfs, proc, sysfs, devtmpfs, devpts, mqueue, cgroup",
        ),
    ),
    row("mounts[].source", Full("")),
    row(
        "mounts[].options",
        Full(
            "words for synchronous writes have no effect, and propagation is that of the container's own mounts; cache=all (writethrough is the same), revalidating or none says what is kept of a bind mount's files",
        ),
    ),
    row("mounts[].uidMappings", Full("of bind mounts")),
    row("mounts[].gidMappings", Full("of bind mounts")),
    row("hooks.prestart", Full("")),
    row("hooks.createRuntime", Full("")),
    row("hooks.createContainer", Full("run on the host: the container's mounts are not the host's")),
    row("hooks.startContainer", Full("run by the sandbox's kernel, as the first process would be")),
    row("hooks.poststart", Full("")),
    row("hooks.poststop", Full("")),
    row("linux.namespaces[].type", Full("every sandbox has namespaces of its own, whether asked for or not")),
    row(
        "linux.namespaces[].path",
        Full(
            "a network namespace is joined; in a pod a path means the sandbox's, or the pid namespace of another container of it; the rest is refused",
        ),
    ),
    row(
        "linux.uidMappings",
        Full(
            "for files: no process of a container has a user of the host; without root, ids besides the own are mapped by newuidmap",
        ),
    ),
    row(
        "linux.gidMappings",
        Full(
            "for files: no process of a container has a group of the host; without root as uidMappings, by newgidmap",
        ),
    ),
    row("linux.timeOffsets", Refused("there are no time namespaces")),
    row("linux.devices[].path", Full("")),
    row("linux.devices[].type", Full("")),
    row("linux.devices[].major", Full("a node can be opened if the sandbox's kernel has the device")),
    row("linux.devices[].minor", Full("")),
    row("linux.devices[].fileMode", Full("")),
    row("linux.devices[].uid", Full("")),
    row("linux.devices[].gid", Full("")),
    row(
        "linux.cgroupsPath",
        Full(
            "by file, or SLICE:PREFIX:NAME by systemd; without it and without limits a container is in the groups of its caller",
        ),
    ),
    row("linux.resources.devices", Ignored("no device of the host can be opened from a sandbox")),
    row(
        "linux.resources.memory.limit",
        Full(
            "binds the whole sandbox, and is shown to the container; that of a further container of a pod does not hold, as all of its limits but that of processes",
        ),
    ),
    row("linux.resources.memory.reservation", Full("")),
    row("linux.resources.memory.swap", Full("")),
    row("linux.resources.memory.kernel", Ignored("Linux no longer knows it")),
    row("linux.resources.memory.kernelTCP", Full("version 1 only")),
    row("linux.resources.memory.swappiness", Full("version 1 only")),
    row("linux.resources.memory.disableOOMKiller", Full("version 1 only")),
    row("linux.resources.memory.useHierarchy", Ignored("Linux always does")),
    row("linux.resources.memory.checkBeforeUpdate", Ignored("Linux refuses what cannot be by itself")),
    row("linux.resources.cpu.shares", Full("")),
    row(
        "linux.resources.cpu.quota",
        Full("and shown to the container in cpu.max and as a number of processors"),
    ),
    row("linux.resources.cpu.burst", Full("")),
    row("linux.resources.cpu.period", Full("")),
    row("linux.resources.cpu.realtimeRuntime", Full("version 1 only")),
    row("linux.resources.cpu.realtimePeriod", Full("version 1 only")),
    row("linux.resources.cpu.cpus", Full("and shown to the container")),
    row("linux.resources.cpu.mems", Full("")),
    row("linux.resources.cpu.idle", Full("")),
    row(
        "linux.resources.pids.limit",
        Full(
            "exactly, by the sandbox's kernel, also of one container of a pod; the host's group is wider by its own threads",
        ),
    ),
    row("linux.resources.blockIO.weight", Full("")),
    row("linux.resources.blockIO.leafWeight", Ignored("Linux no longer knows it")),
    row("linux.resources.blockIO.weightDevice", Full("version 1 only")),
    row("linux.resources.blockIO.throttleReadBpsDevice", Full("")),
    row("linux.resources.blockIO.throttleWriteBpsDevice", Full("")),
    row("linux.resources.blockIO.throttleReadIOPSDevice", Full("")),
    row("linux.resources.blockIO.throttleWriteIOPSDevice", Full("")),
    row("linux.resources.hugepageLimits", Full("")),
    row("linux.resources.network", Ignored("no packet leaves a sandbox")),
    row("linux.resources.rdma", Ignored("there are no such devices in a sandbox")),
    row("linux.resources.unified", Full("version 2 only: refused where the host has version 1")),
    row(
        "linux.sysctl",
        Full("those that the sandbox's kernel knows and lets be changed; others are refused"),
    ),
    row(
        "linux.seccomp",
        Full(
            "by the sandbox's kernel, in all processes; SCMP_ACT_NOTIFY is refused: an agent of the host could only listen to the host's kernel",
        ),
    ),
    row("linux.rootfsPropagation", Ignored("mounts of a container never reach the host")),
    row("linux.maskedPaths", Full("")),
    row("linux.readonlyPaths", Full("")),
    row("linux.mountLabel", Refused("the sandbox's kernel has no SELinux")),
    row("linux.intelRdt", Refused("caches are not divided")),
    row("linux.memoryPolicy", Refused("memory nodes are not chosen")),
    row("linux.personality", Full("LINUX32 names another machine; flags are left out, as by runc")),
    row("linux.netDevices", Refused("interfaces of the host cannot be moved into a sandbox")),
    row("solaris", Ignored("another system's")),
    row("windows", Ignored("another system's")),
    row("vm", Refused("it is no virtual machine")),
    row("zos", Ignored("another system's")),
];

/// Says which field of a configuration is refused, if one is. A value that asks for nothing is no request.
pub(crate) fn check(configuration: &Value) -> Result<(), String> {
    for field in FIELDS {
        if let Refused(why) = field.support
            && let Some(place) = find(configuration, field.path)
        {
            return Err(format!("{place}: is not supported: {why}"));
        }
    }
    Ok(())
}

/// Where a field stands with a value that asks for something.
fn find(value: &Value, path: &str) -> Option<String> {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let (name, list) = first.strip_suffix("[]").map_or((first, false), |name| (name, true));
    let inner = value.get(name)?;
    let below = |value: &Value, place: String| match rest {
        None => (!asks_for_nothing(value)).then(|| place.clone()),
        Some(rest) => find(value, rest).map(|deeper| format!("{place}.{deeper}")),
    };
    match inner {
        Value::Array(elements) if list => elements
            .iter()
            .enumerate()
            .find_map(|(index, element)| below(element, format!("{name}[{index}]"))),
        _ => below(inner, name.to_owned()),
    }
}

fn asks_for_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        Value::Object(fields) => fields.values().all(asks_for_nothing),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A configuration that asks for one field.
    fn asking(path: &str) -> Value {
        path.rsplit('.').fold(json!("something"), |value, part| match part.strip_suffix("[]") {
            Some(name) => json!({ name: [{}, value] }),
            None => json!({ part: value }),
        })
    }

    #[test]
    fn every_field_is_taken_or_refused_as_its_row_says() {
        for field in FIELDS {
            let outcome = check(&asking(field.path));
            match field.support {
                Refused(why) => {
                    let message = outcome.expect_err(field.path);
                    assert!(
                        message.contains(why) && message.contains(&field.path.replace("[]", "[1]")),
                        "{message}"
                    );
                }
                Full(_) | Ignored(_) => assert_eq!(outcome, Ok(()), "{}", field.path),
            }
        }
    }

    #[test]
    fn a_field_has_one_row_and_a_reason() {
        let mut paths: Vec<&str> = FIELDS.iter().map(|field| field.path).collect();
        paths.sort_unstable();
        paths.dedup();
        assert_eq!(paths.len(), FIELDS.len());
        for field in FIELDS {
            if let Ignored(why) | Refused(why) = field.support {
                assert!(!why.is_empty(), "{}", field.path);
            }
        }
    }

    #[test]
    fn values_that_ask_for_nothing_are_no_request() {
        for value in [json!(null), json!(""), json!([]), json!({}), json!({"flags": []})] {
            assert_eq!(check(&json!({"linux": {"memoryPolicy": value}})), Ok(()));
        }
        assert!(check(&json!({"linux": {"memoryPolicy": {"mode": "MPOL_BIND"}}})).is_err());
    }

    #[test]
    fn the_page_is_as_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/oci-fields.md");
        let page = page();
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(path, &page).unwrap();
        }
        assert!(
            std::fs::read_to_string(path).is_ok_and(|text| text == page),
            "UPDATE=1 cargo test -p casemate"
        );
    }

    fn page() -> String {
        let mut page = String::from(
            "# Fields of an OCI configuration\n\nMade from the table in `crates/runtime/src/config/fields.rs`: \
             `UPDATE=1 cargo test -p casemate the_page_is_as_the_table`.\nFields that are not listed are passed over.\n\n\
             | field | | |\n|---|---|---|\n",
        );
        for field in FIELDS {
            let (word, note) = match field.support {
                Full(note) => ("supported", note),
                Ignored(why) => ("ignored", why),
                Refused(why) => ("refused", why),
            };
            page.push_str(&format!("| `{}` | {word} | {note} |\n", field.path));
        }
        page
    }
}
