//! The `mounts` section: which file system, and what its options mean.

mod files;
mod options;

use std::path::{Path, PathBuf};

use gofer::Ids;
use oci_spec::runtime::Mount;
use sentry::spec::{MountKind, MountSpec};

use super::Export;
use options::Options;
pub(crate) use options::option_words;

/// Where a configuration stands, and whose the files of its container are.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) bundle: &'a Path,
    pub(crate) ids: &'a Ids,
}

/// Where files come from: what a translation adds to.
struct Sources<'a> {
    exports: &'a mut Vec<Export>,
    /// Sockets of file servers, with the mount that each is for.
    servers: Vec<(usize, PathBuf)>,
}

/// Translates the mounts in their order. Those of the host's files become exports of the gofer, after those that are there already. With them
/// comes what else is to be connected to, which is numbered behind all exports.
pub(crate) fn translate(
    mounts: &[Mount],
    place: Place<'_>,
    exports: &mut Vec<Export>,
) -> Result<(Vec<MountSpec>, Vec<PathBuf>), String> {
    let mut specs = Vec::with_capacity(mounts.len());
    let mut sources = Sources { exports, servers: Vec::new() };
    for (index, mount) in mounts.iter().enumerate() {
        let spec =
            one(mount, index, place, &mut sources).map_err(|problem| format!("mounts[{index}]{problem}"))?;
        specs.push(spec);
    }
    let Sources { exports, servers } = sources;
    for (number, (index, _)) in servers.iter().enumerate() {
        if let Some(MountKind::Ninep { connection, .. }) = specs.get_mut(*index).map(|spec| &mut spec.kind) {
            *connection = exports.len() + number;
        }
    }
    Ok((specs, servers.into_iter().map(|(_, socket)| socket).collect()))
}

/// Like a `Result` of a field's translation; the message starts with the field's name after a dot.
fn one(
    mount: &Mount,
    index: usize,
    place: Place<'_>,
    sources: &mut Sources<'_>,
) -> Result<MountSpec, String> {
    let destination = mount.destination().to_str().ok_or(".destination: is not UTF-8")?;
    if destination.is_empty() {
        return Err(".destination: is empty".to_owned());
    }
    // Relative destinations are an error by the specification, but older ones had them, and runc still takes them.
    let destination = format!("/{}", destination.trim_start_matches('/'));
    let options = Options::parse(mount.options().as_deref().unwrap_or_default())?;
    let kind = match mount.typ().as_deref() {
        _ if options.remount => MountKind::Remount,
        _ if options.bind => files::bind(mount, &options, place, sources)?,
        Some("bind") => files::bind(mount, &options, place, sources)?,
        Some("overlay") => files::overlay(&destination, &options, place, sources)?,
        Some("9p") => files::server(mount, index, &options, place, sources)?,
        Some("tmpfs") if destination == "/dev" => MountKind::Devtmpfs,
        Some("tmpfs") => MountKind::Tmpfs(options.tmpfs()?),
        Some("devtmpfs") => MountKind::Devtmpfs,
        Some("proc") => MountKind::Proc,
        Some("sysfs") => MountKind::Sysfs,
        Some("devpts") => MountKind::Devpts(options.devpts()?),
        Some("mqueue") => MountKind::Mqueue,
        Some("cgroup" | "cgroup2") => MountKind::Cgroup,
        Some(other) => return Err(format!(".type: {other:?} is not a file system that can be mounted")),
        None => return Err(".type: is missing, and the options do not say bind".to_owned()),
    };
    let source = match &kind {
        // The paths of the host are the host's.
        MountKind::Gofer { .. } => String::new(),
        _ => mount.source().as_ref().map(|source| source.display().to_string()).unwrap_or_default(),
    };
    Ok(MountSpec { destination, kind, source, flags: options.flags, propagation: options.propagation })
}

#[cfg(test)]
mod tests {
    use sentry::spec::{MountFlags, PropagationKind, PropagationSpec, TmpfsOptions};

    use super::*;

    fn translated(json: &str) -> Result<(MountSpec, Vec<Export>), String> {
        let mut exports = Vec::new();
        let mount: Mount = serde_json::from_str(json).unwrap();
        let place = Place { bundle: Path::new("/"), ids: &Ids::default() };
        let (mut specs, _) = translate(&[mount], place, &mut exports)?;
        Ok((specs.remove(0), exports))
    }

    #[test]
    fn a_tmpfs_takes_its_options() {
        let json = r#"{"destination": "/t", "type": "tmpfs", "options": ["nosuid", "ro", "rw", "mode=1777", "size=64m"]}"#;
        let (spec, exports) = translated(json).unwrap();
        let options = TmpfsOptions { size: Some(64 << 20), mode: Some(0o1777), ..TmpfsOptions::default() };
        assert_eq!(spec.kind, MountKind::Tmpfs(options));
        assert_eq!(spec.flags, MountFlags { no_suid: true, ..MountFlags::default() });
        assert!(exports.is_empty());
    }

    #[test]
    fn a_bind_mount_is_an_export() {
        let (spec, exports) =
            translated(r#"{"destination": "/e", "source": "etc", "options": ["rbind", "ro"]}"#).unwrap();
        assert_eq!(spec.kind, MountKind::Gofer { connection: 0, overlay: None, access: None });
        assert_eq!(
            exports,
            [Export {
                path: "/etc".into(),
                overlay: None,
                read_only: true,
                recursive: true,
                ids: Ids::default()
            }]
        );
    }

    #[test]
    fn devices_are_not_an_empty_directory() {
        let (spec, _) =
            translated(r#"{"destination": "/dev", "type": "tmpfs", "options": ["mode=755"]}"#).unwrap();
        assert_eq!(spec.kind, MountKind::Devtmpfs);
    }

    #[test]
    fn nonsense_is_refused_by_field() {
        let error = |json| translated(json).unwrap_err();
        assert_eq!(
            error(r#"{"destination": "/x", "type": "floppy"}"#),
            "mounts[0].type: \"floppy\" is not a file system that can be mounted"
        );
        assert!(error(r#"{"destination": "/x"}"#).starts_with("mounts[0].type: is missing"));
        assert!(
            error(r#"{"destination": "/x", "type": "tmpfs", "options": ["size=1x"]}"#)
                .ends_with("size=1x is not a size")
        );
        assert!(
            error(r#"{"destination": "/x", "type": "tmpfs", "options": ["frob"]}"#)
                .starts_with("mounts[0].options: \"frob\"")
        );
        assert_eq!(
            error(r#"{"destination": "/x", "type": "bind", "source": "/does/not/exist"}"#),
            "mounts[0].source: cannot open /does/not/exist: ENOENT: no such file or directory"
        );
    }

    #[test]
    fn words_of_propagation_are_kept_in_their_order() {
        let json = r#"{"destination": "/t", "type": "tmpfs", "source": "shm", "options": ["slave", "rshared", "nosymfollow", "strictatime", "sync"]}"#;
        let (spec, _) = translated(json).unwrap();
        let changes = [(PropagationKind::Slave, false), (PropagationKind::Shared, true)];
        let changes = changes.map(|(kind, recursive)| PropagationSpec { kind, recursive });
        assert_eq!((spec.propagation.as_slice(), spec.source.as_str()), (changes.as_slice(), "shm"));
        let flags = MountFlags { no_sym_follow: true, strict_atime: true, ..MountFlags::default() };
        assert_eq!(spec.flags, flags);
    }

    #[test]
    fn an_overlay_is_the_hosts() {
        let json = r#"{"destination": "/o", "type": "overlay", "options": ["lowerdir=usr:/etc", "upperdir=tmp", "workdir=/run", "ro"]}"#;
        let (spec, exports) = translated(json).unwrap();
        assert!(matches!(spec.kind, MountKind::Gofer { connection: 0, .. }) && exports[0].read_only);
        assert_eq!(exports[0].overlay.as_deref(), Some("lowerdir=/usr:/etc,upperdir=/tmp,workdir=/run"));
        let message = translated(r#"{"destination": "/o", "type": "overlay"}"#).unwrap_err();
        assert!(message.contains("lowerdir"), "{message}");
    }

    #[test]
    fn file_servers_come_behind_the_gofers_exports() {
        let all = r#"[{"destination": "/s", "type": "9p", "source": "run/x", "options": ["trans=unix", "version=9p2000.L"]},
            {"destination": "/e", "type": "bind", "source": "etc"}]"#;
        let mounts: Vec<Mount> = serde_json::from_str(all).unwrap();
        let place = Place { bundle: Path::new("/"), ids: &Ids::default() };
        let mut exports = Vec::new();
        let (specs, servers) = translate(&mounts, place, &mut exports).unwrap();
        assert_eq!((exports.len(), servers), (1, vec![PathBuf::from("/run/x")]));
        let connections: Vec<usize> = specs
            .iter()
            .map(|spec| match spec.kind {
                MountKind::Gofer { connection, .. } | MountKind::Ninep { connection, .. } => connection,
                _ => panic!("not of files"),
            })
            .collect();
        assert_eq!(connections, [1, 0]);
        let error = |options: &str| {
            let json =
                format!(r#"{{"destination": "/s", "type": "9p", "source": "x", "options": [{options}]}}"#);
            translated(&json).unwrap_err()
        };
        assert!(error("").contains("trans=tcp") && error(r#""trans=fd""#).contains("trans=fd"));
    }
}
