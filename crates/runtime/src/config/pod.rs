//! Whether a container belongs into the sandbox of another, as engines of Kubernetes say it, and what it has of its own there.

use std::path::{Path, PathBuf};

use oci_spec::runtime::{LinuxNamespace, LinuxNamespaceType, Spec};
use sentry::spec::OwnSpec;

/// A container's place in the sandbox of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pod {
    /// The container whose sandbox it is.
    pub(crate) sandbox: String,
    pub(crate) pids: Pids,
    /// The others that are joined by path: their kinds, as /proc names them, and the paths. Only the sandbox's can be.
    pub(crate) shared: Vec<(&'static str, PathBuf)>,
    /// Which others are its own: those that are asked for without a path. Others it shares, as engines mean them to be.
    pub(crate) own: OwnSpec,
}

/// Which pid namespace it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pids {
    /// One of its own.
    Own,
    /// The sandbox's: no other is asked for.
    Sandbox,
    /// That of a process of the host.
    Of(i32),
}

/// What a container is in a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// It is in none, as far as is said.
    Alone,
    /// The one whose sandbox it is.
    Sandbox,
    /// One in another's sandbox.
    Further,
}

/// What engines say that a container is.
pub(super) fn part(spec: &Spec) -> Part {
    let annotations = spec.annotations().as_ref();
    let said = ANNOTATIONS.iter().find_map(|(kind, _)| annotations?.get(*kind)).map(String::as_str);
    match said {
        None => Part::Alone,
        Some("sandbox") => Part::Sandbox,
        Some(_) => Part::Further,
    }
}

/// Where a container belongs that does not get a sandbox of its own.
pub(super) fn place(spec: &Spec) -> Result<Option<Pod>, String> {
    let Some(sandbox) = sandbox_of(spec)? else { return Ok(None) };
    let pids = match namespace(spec, "pid") {
        None => Pids::Sandbox,
        Some(namespace) => match joined(namespace) {
            None => Pids::Own,
            // A path that an engine has pinned a namespace to can only be the sandbox's.
            Some(path) => process_of(path, "pid").map_or(Pids::Sandbox, Pids::Of),
        },
    };
    let path = |kind| Some((kind, path_of(spec, kind)?.clone()));
    let shared = ["net", "ipc", "uts"].into_iter().filter_map(path).collect();
    let own = OwnSpec { names: is_own(spec, "uts"), ipc: is_own(spec, "ipc"), network: is_own(spec, "net") };
    let settings = spec.linux().as_ref().and_then(|linux| linux.sysctl().as_ref());
    if (own.ipc || own.network) && settings.is_some_and(|settings| !settings.is_empty()) {
        return Err("linux.sysctl: a container of a pod can change settings of its sandbox, and none of its own namespaces".to_owned());
    }
    Ok(Some(Pod { sandbox, pids, shared, own }))
}

fn joined(namespace: &LinuxNamespace) -> Option<&PathBuf> {
    namespace.path().as_ref().filter(|path| !path.as_os_str().is_empty())
}

/// The process that a path in /proc names to say which namespace of a kind is meant.
pub(crate) fn process_of(path: &Path, kind: &str) -> Option<i32> {
    let rest = path.to_str()?.strip_prefix("/proc/")?;
    rest.strip_suffix(kind)?.strip_suffix("/ns/")?.parse().ok()
}

/// The path by which a configuration joins a namespace of a kind, by its name in /proc.
pub(crate) fn path_of<'a>(spec: &'a Spec, kind: &str) -> Option<&'a PathBuf> {
    namespace(spec, kind).and_then(joined)
}

/// Whether a configuration asks for a namespace of a kind without a path.
pub(crate) fn is_own(spec: &Spec, kind: &str) -> bool {
    namespace(spec, kind).is_some_and(|namespace| joined(namespace).is_none())
}

fn namespace<'a>(spec: &'a Spec, kind: &str) -> Option<&'a LinuxNamespace> {
    let typ = match kind {
        "net" => LinuxNamespaceType::Network,
        "ipc" => LinuxNamespaceType::Ipc,
        "uts" => LinuxNamespaceType::Uts,
        "pid" => LinuxNamespaceType::Pid,
        _ => return None,
    };
    let all = spec.linux().as_ref().and_then(|linux| linux.namespaces().as_ref());
    all.into_iter().flatten().find(|namespace| namespace.typ() == typ)
}

/// Who says it, with which annotations: the kind of the container, and the id of the sandbox.
const ANNOTATIONS: [(&str, &str); 2] = [
    ("io.kubernetes.cri.container-type", "io.kubernetes.cri.sandbox-id"),
    ("io.kubernetes.cri-o.ContainerType", "io.kubernetes.cri-o.SandboxID"),
];

/// The container whose sandbox it belongs into. Nothing for one that gets its own.
fn sandbox_of(spec: &Spec) -> Result<Option<String>, String> {
    let said = |name: &str| spec.annotations().as_ref().and_then(|all| all.get(name)).map(String::as_str);
    for (kind, id) in ANNOTATIONS {
        match said(kind) {
            None => {}
            Some("sandbox") => return Ok(None),
            Some("container") => {
                let found = said(id).filter(|id| !id.is_empty()).map(str::to_owned);
                return found.map(Some).ok_or_else(|| format!("annotations.{id}: is missing"));
            }
            Some(other) => {
                return Err(format!("annotations.{kind}: is {other:?}, and can be sandbox or container"));
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(annotations: &[(&str, &str)]) -> Result<Option<String>, String> {
        let mut spec = Spec::default();
        let all = annotations.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        spec.set_annotations(Some(all.collect()));
        sandbox_of(&spec)
    }

    #[test]
    fn both_engines_are_understood() {
        for (kind, id) in ANNOTATIONS {
            assert_eq!(of(&[(kind, "sandbox"), (id, "s")]), Ok(None));
            assert_eq!(of(&[(kind, "container"), (id, "s")]), Ok(Some("s".to_owned())));
            assert!(of(&[(kind, "container")]).unwrap_err().contains(id));
            assert!(of(&[(kind, "other")]).unwrap_err().contains("other"));
        }
        assert_eq!(of(&[("something", "else")]), Ok(None));
    }

    #[test]
    fn what_is_not_joined_by_path_is_its_own() {
        let of = |namespaces: &str| {
            let (kind, id) = ANNOTATIONS[0];
            let json = format!(
                r#"{{"ociVersion": "1.0.0", "annotations": {{"{kind}": "container", "{id}": "s"}}, "linux": {{"namespaces": {namespaces}}}}}"#
            );
            let pod = place(&serde_json::from_str(&json).unwrap()).unwrap().unwrap();
            (pod.pids, (pod.own.names, pod.own.ipc, pod.own.network))
        };
        assert_eq!(of("[]"), (Pids::Sandbox, (false, false, false)));
        assert_eq!(of(r#"[{"type": "pid"}, {"type": "uts"}]"#), (Pids::Own, (true, false, false)));
        assert_eq!(of(r#"[{"type": "ipc"}, {"type": "network"}]"#), (Pids::Sandbox, (false, true, true)));
        assert_eq!(
            of(r#"[{"type": "pid", "path": "/proc/17/ns/pid"}]"#),
            (Pids::Of(17), (false, false, false))
        );
        let pinned =
            r#"[{"type": "pid", "path": "/run/pins/pid"}, {"type": "uts", "path": "/run/pins/uts"}]"#;
        assert_eq!(of(pinned), (Pids::Sandbox, (false, false, false)));
        assert_eq!(of(r#"[{"type": "pid", "path": ""}]"#), (Pids::Own, (false, false, false)));
    }
}
