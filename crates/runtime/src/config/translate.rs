//! A whole configuration to a [`Plan`].

use std::path::{Path, PathBuf};

use gofer::Ids;
use oci_spec::runtime::{Hook, Spec};
use sentry::spec::{
    ContainerSpec, FileAccess, HookSpec, MountFlags, MountKind, MountSpec, RootSpec, SeccompSpec,
};
use serde::{Deserialize, Serialize};

use super::id_mappings;
use super::layers::{self, Handed, Layers};
use super::load::Config;
use super::pod::Pod;
use super::{linux, mounts, namespaces, pod, process, scheduling, seccomp};
use crate::error::{Error, Trying};

/// A tree of the host that the gofer serves. Its index in [`Plan::exports`] is its connection's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Export {
    /// Resolved, absolute; of an overlay its destination, for messages.
    pub(crate) path: PathBuf,
    /// The options of an overlay that the host lays for it, instead of a tree that is there.
    #[serde(default)]
    pub(crate) overlay: Option<String>,
    /// Whether the gofer refuses writes.
    pub(crate) read_only: bool,
    /// Whether what is mounted below `path` is served too.
    pub(crate) recursive: bool,
    /// Whose files are whose.
    #[serde(default)]
    pub(crate) ids: Ids,
}

/// What is run, and which files it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// For the sentry.
    pub(crate) container: ContainerSpec,
    /// For the gofer; the first is the root.
    pub(crate) exports: Vec<Export>,
    /// Sockets of other file servers, whose connections come behind the gofer's.
    pub(crate) servers: Vec<PathBuf>,
    /// Where its configuration says that what it writes is kept.
    pub(crate) layers: Option<Layers>,
    /// Files that the sentry gets, behind all connections.
    pub(crate) files: Vec<Handed>,
    /// Whether hot call sites of programs may be patched.
    pub(crate) patching: bool,
    /// The network namespace of the host that the sandbox is in, if not one of its own.
    pub(crate) network: Option<PathBuf>,
    /// Its place in another's sandbox, if it gets none of its own.
    pub(crate) pod: Option<Pod>,
}

impl Plan {
    /// Says what is kept of files where the configuration does not.
    #[must_use]
    pub(crate) fn keeping(mut self, root: FileAccess, mounts: FileAccess) -> Self {
        self.container.root.access.get_or_insert(root);
        for mount in &mut self.container.mounts {
            if let MountKind::Gofer { access, .. } = &mut mount.kind {
                access.get_or_insert(mounts);
            }
        }
        self
    }
}

/// The annotation that keeps the text of a container's programs as it is, with `off`.
const PATCH: &str = "dev.casemate.patch";

/// The annotations that make an image a container's root: what it is, and which file.
const ROOT_TYPE: &str = "dev.casemate.spec.rootfs.type";
const ROOT_SOURCE: &str = "dev.casemate.spec.rootfs.source";

/// Translates a configuration; every error names the file and the field.
pub(crate) fn translate(config: &Config, id: &str) -> Result<Plan, Error> {
    let path = &config.path;
    let wrong = |problem: String| Error::Config { path: path.clone(), problem };
    let spec = &config.spec;
    let process = spec.process().as_ref().ok_or_else(|| wrong("process: is missing".to_owned()))?;
    let process = process::translate(process).map_err(wrong)?;
    namespaces::check(spec).map_err(wrong)?;
    let (root, mut exports) = root(config)?;
    let mounts = spec.mounts().as_deref().unwrap_or_default();
    let ids = id_mappings::of_container(spec.linux().as_ref());
    let place = mounts::Place { bundle: &config.bundle, ids: &ids };
    let (mut mounts, servers) = mounts::translate(mounts, place, &mut exports).map_err(wrong)?;
    add_devices(&mut mounts);
    let mut root = root;
    let image = image(config).map_err(wrong)?;
    root.image = image.as_ref().map(|_| exports.len().saturating_add(servers.len()));
    let linux = spec.linux().as_ref();
    linux::check_propagation(linux).map_err(wrong)?;
    let paths = |list: Option<&Vec<String>>| list.cloned().unwrap_or_default();
    let container = ContainerSpec {
        id: id.to_owned(),
        hostname: name("hostname", spec.hostname(), "localhost").map_err(wrong)?,
        domainname: name("domainname", spec.domainname(), "(none)").map_err(wrong)?,
        process,
        root,
        mounts,
        masked_paths: paths(linux.and_then(|linux| linux.masked_paths().as_ref())),
        readonly_paths: paths(linux.and_then(|linux| linux.readonly_paths().as_ref())),
        sysctl: linux::sysctl(linux),
        devices: linux::devices(linux).map_err(wrong)?,
        limits: linux::limits(linux),
        seccomp: seccomp(spec).map_err(wrong)?,
        start_hooks: start_hooks(config, id).map_err(wrong)?,
        personality: scheduling::personality(linux),
        // Alone it sees all processes that there are in any case.
        pids_apart: pod::part(spec) == pod::Part::Sandbox && pod::is_own(spec, "pid"),
    };
    let patching = patching(spec).map_err(wrong)?;
    let layers = layers(spec).map_err(wrong)?;
    let pod = pod::place(spec).map_err(wrong)?;
    let network = namespaces::network(linux, pod::part(spec)).map_err(wrong)?;
    let files = image.into_iter().collect();
    Ok(Plan { container, exports, servers, layers, files, patching, network, pod })
}

/// The `startContainer` hooks. To them the container's process is the one that they see.
fn start_hooks(config: &Config, id: &str) -> Result<Vec<HookSpec>, String> {
    let spec = &config.spec;
    let hooks = spec.hooks().as_ref().and_then(|hooks| hooks.start_container().as_ref());
    let state = serde_json::json!({
        "ociVersion": spec.version(), "id": id, "status": "created", "pid": 1, "bundle": config.bundle,
        "annotations": spec.annotations().clone().unwrap_or_default(),
    });
    let translate = |(index, hook): (usize, &Hook)| {
        let place = format!("hooks.startContainer[{index}]");
        let path = hook.path().to_str().filter(|path| path.starts_with('/'));
        let path = path.ok_or_else(|| format!("{place}.path: is not an absolute path"))?.to_owned();
        let args = hook.args().clone().filter(|args| !args.is_empty()).unwrap_or_else(|| vec![path.clone()]);
        let timeout = hook.timeout().and_then(|seconds| u64::try_from(seconds).ok());
        Ok(HookSpec {
            place,
            path,
            args,
            env: hook.env().clone().unwrap_or_default(),
            timeout: timeout.filter(|seconds| *seconds > 0),
            state: state.to_string(),
        })
    };
    hooks.into_iter().flatten().enumerate().map(translate).collect()
}

fn seccomp(spec: &Spec) -> Result<Option<SeccompSpec>, String> {
    let section = spec.linux().as_ref().and_then(|linux| linux.seccomp().as_ref());
    section.map(seccomp::translate).transpose()
}

fn patching(spec: &Spec) -> Result<bool, String> {
    match spec.annotations().as_ref().and_then(|all| all.get(PATCH)).map(String::as_str) {
        None | Some("on") => Ok(true),
        Some("off") => Ok(false),
        Some(other) => Err(format!("annotations.{PATCH}: is {other:?}, and can be on or off")),
    }
}

/// The image that is the root, if the annotations say so. The directory that the configuration names has to be there and is not seen.
fn image(config: &Config) -> Result<Option<Handed>, String> {
    let of = |key: &str| config.spec.annotations().as_ref().and_then(|all| all.get(key)).map(String::as_str);
    match (of(ROOT_TYPE), of(ROOT_SOURCE)) {
        (None, None) => Ok(None),
        (Some("erofs"), Some(source)) => Ok(Some(Handed::Image(config.bundle.join(source)))),
        (Some("erofs"), None) => Err(format!("annotations.{ROOT_SOURCE}: is missing")),
        (kind, _) => {
            Err(format!("annotations.{ROOT_TYPE}: is {:?}, and can be erofs", kind.unwrap_or_default()))
        }
    }
}

fn layers(spec: &Spec) -> Result<Option<Layers>, String> {
    let chosen = spec.annotations().as_ref().and_then(|all| all.get(layers::ANNOTATION));
    let parse = |text: &String| text.parse().map_err(|e| format!("annotations.{}: {e}", layers::ANNOTATION));
    chosen.map(parse).transpose()
}

fn root(config: &Config) -> Result<(RootSpec, Vec<Export>), Error> {
    let wrong = |problem: String| Error::Config { path: config.path.clone(), problem };
    let root = config.spec.root().as_ref().ok_or_else(|| wrong("root: is missing".to_owned()))?;
    let path = resolve(&config.bundle.join(root.path()))?;
    let read_only = root.readonly().unwrap_or(false);
    let ids = id_mappings::of_container(config.spec.linux().as_ref());
    let export = Export { path, overlay: None, read_only, recursive: true, ids };
    Ok((
        RootSpec { connection: 0, read_only, overlay: None, archive: None, access: None, image: None },
        vec![export],
    ))
}

fn resolve(path: &Path) -> Result<PathBuf, Error> {
    let resolved = path.canonicalize().trying_on("open the root directory", path)?;
    if !resolved.is_dir() {
        return Err(abi::Errno::ENOTDIR).trying_on("open the root directory", path);
    }
    Ok(resolved)
}

/// A name of the container's UTS namespace. Without one of its own it sees what uname(1) says of a machine that has none.
fn name(field: &str, given: &Option<String>, otherwise: &str) -> Result<String, String> {
    /// `__NEW_UTS_LEN`, in bytes.
    const LONGEST: usize = 64;
    match given.as_deref() {
        Some(name) if name.len() > LONGEST => {
            Err(format!("{field}: is longer than {LONGEST} bytes: {}", abi::Errno::EINVAL))
        }
        Some(name) if !name.is_empty() => Ok(name.to_owned()),
        _ => Ok(otherwise.to_owned()),
    }
}

/// The specification wants the standard devices in every container, also where no mount of `/dev` is asked for.
fn add_devices(mounts: &mut Vec<MountSpec>) {
    if mounts.iter().all(|mount| mount.destination.trim_end_matches('/') != "/dev") {
        let flags = MountFlags { no_suid: true, no_exec: true, ..MountFlags::default() };
        let destination = "/dev".to_owned();
        let (source, propagation) = (String::new(), Vec::new());
        mounts.insert(0, MountSpec { destination, kind: MountKind::Devtmpfs, source, flags, propagation });
    }
}

#[cfg(test)]
mod tests {
    use sentry::spec::LayerSpec;

    use super::*;

    fn config(root: &Path) -> Config {
        let json = r#"{"process": {"user": {}, "args": ["sh"], "cwd": "/"}, "root": {"path": "rootfs"}}"#;
        let spec = serde_json::from_str(json).unwrap();
        Config { bundle: root.to_owned(), path: root.join("config.json"), spec }
    }

    #[test]
    fn a_bare_configuration_gets_devices_and_a_name() {
        let bundle = tempfile::tempdir().unwrap();
        std::fs::create_dir(bundle.path().join("rootfs")).unwrap();
        let plan = translate(&config(bundle.path()), "x").unwrap();
        assert_eq!(plan.container.mounts[0].kind, MountKind::Devtmpfs);
        assert_eq!(plan.container.hostname, "localhost");
        assert_eq!(
            plan.container.root,
            RootSpec {
                connection: 0,
                read_only: false,
                overlay: None,
                archive: None,
                access: None,
                image: None
            }
        );
        assert!(!plan.exports[0].read_only);
    }

    #[test]
    fn under_an_overlay_the_gofer_refuses_writes() {
        let bundle = tempfile::tempdir().unwrap();
        std::fs::create_dir(bundle.path().join("rootfs")).unwrap();
        let plan = translate(&config(bundle.path()), "x").unwrap();
        let plan = plan.layered(&"root:self,size=1m".parse().unwrap(), None).unwrap();
        assert_eq!(plan.container.root.overlay, Some(LayerSpec { file: Some(1), size: Some(1 << 20) }));
        assert!(plan.exports[0].read_only && !plan.container.root.read_only);
        assert_eq!(plan.files, [Handed::Store(plan.exports[0].path.clone())]);
    }

    #[test]
    fn an_annotation_keeps_programs_as_they_are() {
        let bundle = tempfile::tempdir().unwrap();
        std::fs::create_dir(bundle.path().join("rootfs")).unwrap();
        let mut config = config(bundle.path());
        let mut plan = |value: Option<&str>| {
            let annotations = value.map(|value| [(PATCH.to_owned(), value.to_owned())].into());
            config.spec.set_annotations(annotations);
            translate(&config, "x").map(|plan| plan.patching)
        };
        assert_eq!(
            (plan(None).unwrap(), plan(Some("on")).unwrap(), plan(Some("off")).unwrap()),
            (true, true, false)
        );
        let message = plan(Some("maybe")).unwrap_err().to_string();
        assert!(message.contains("annotations.dev.casemate.patch") && message.contains("maybe"), "{message}");
    }

    #[test]
    fn a_root_must_be_a_directory_that_is_there() {
        let bundle = tempfile::tempdir().unwrap();
        let message = |config: &Config| translate(config, "x").unwrap_err().to_string();
        let expected = format!("cannot open the root directory {}", bundle.path().join("rootfs").display());
        assert_eq!(message(&config(bundle.path())), format!("{expected}: ENOENT: no such file or directory"));
        std::fs::write(bundle.path().join("rootfs"), "").unwrap();
        assert_eq!(message(&config(bundle.path())), format!("{expected}: ENOTDIR: not a directory"));
    }
}
