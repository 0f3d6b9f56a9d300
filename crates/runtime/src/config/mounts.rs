//! The `mounts` section: which file system, and what its options mean.

use std::path::{Component, Path, PathBuf};

use oci_spec::runtime::Mount;
use sentry::spec::{DevptsOptions, FileAccess, MountFlags, MountKind, MountSpec, TmpfsOptions};

use super::Export;
use super::id_mappings::{self, Ids};
use crate::command_line::Keeping;

/// Translates the mounts in their order. Bind mounts become exports of the gofer, after those that are there already.
pub(crate) fn translate(
    mounts: &[Mount],
    bundle: &Path,
    ids: &Ids,
    exports: &mut Vec<Export>,
) -> Result<Vec<MountSpec>, String> {
    let mut specs = Vec::with_capacity(mounts.len());
    for (index, mount) in mounts.iter().enumerate() {
        let spec = one(mount, bundle, ids, exports).map_err(|problem| format!("mounts[{index}]{problem}"))?;
        specs.push(spec);
    }
    Ok(specs)
}

/// Like a `Result` of a field's translation; the message starts with the field's name after a dot.
fn one(mount: &Mount, bundle: &Path, ids: &Ids, exports: &mut Vec<Export>) -> Result<MountSpec, String> {
    let destination = mount.destination().to_str().ok_or(".destination: is not UTF-8")?;
    if destination.is_empty() {
        return Err(".destination: is empty".to_owned());
    }
    // Relative destinations are an error by the specification, but older ones had them, and runc still takes them.
    let destination = format!("/{}", destination.trim_start_matches('/'));
    let options = Options::parse(mount.options().as_deref().unwrap_or_default())?;
    let kind = match mount.typ().as_deref() {
        _ if options.bind => bind(mount, &options, bundle, ids, exports)?,
        Some("bind") => bind(mount, &options, bundle, ids, exports)?,
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
    Ok(MountSpec { destination, kind, flags: options.flags })
}

fn bind(
    mount: &Mount,
    options: &Options<'_>,
    bundle: &Path,
    container: &Ids,
    exports: &mut Vec<Export>,
) -> Result<MountKind, String> {
    let ids = id_mappings::of_mount(mount, options.idmapped, container)?;
    let source = mount.source().as_ref().ok_or(".source: is missing")?;
    let source: PathBuf =
        bundle.join(source).components().filter(|part| *part != Component::CurDir).collect();
    let source = source.canonicalize().map_err(|error| {
        format!(".source: cannot open {}: {}", source.display(), crate::error::errno(&error))
    })?;
    let connection = exports.len();
    exports.push(Export {
        path: source,
        read_only: options.flags.read_only,
        recursive: options.recursive,
        ids,
    });
    Ok(MountKind::Gofer { connection, overlay: None, access: options.access()? })
}

/// The options of one mount, sorted.
#[derive(Default)]
struct Options<'a> {
    flags: MountFlags,
    bind: bool,
    recursive: bool,
    /// Whether the container's own mapping, or the mount's, applies to its files.
    idmapped: bool,
    /// What is not a flag, for the file system: `name=value` or `name`.
    data: Vec<(&'a str, &'a str)>,
}

/// Flags that make no difference here: the kernel behaves that way anyway, or nothing can tell.
const WITHOUT_EFFECT: &[&str] = &[
    "async",
    "defaults",
    "diratime",
    "dirsync",
    "loud",
    "nodiratime",
    "norelatime",
    "nostrictatime",
    "private",
    "relatime",
    "rprivate",
    "rslave",
    "rshared",
    "runbindable",
    "shared",
    "silent",
    "slave",
    "strictatime",
    "sync",
    "unbindable",
    "newinstance",
    "lazytime",
    "nolazytime",
];

/// Sets or clears a flag.
type SetFlag = fn(&mut MountFlags);

/// What the words for flags mean: mount(8). The words with an `r` before them apply to what is mounted below too, which a bind mount here
/// is one with.
const FLAGS: &[(&str, SetFlag)] = &[
    ("ro", |flags| flags.read_only = true),
    ("rw", |flags| flags.read_only = false),
    ("nosuid", |flags| flags.no_suid = true),
    ("suid", |flags| flags.no_suid = false),
    ("nodev", |flags| flags.no_dev = true),
    ("dev", |flags| flags.no_dev = false),
    ("noexec", |flags| flags.no_exec = true),
    ("exec", |flags| flags.no_exec = false),
    ("noatime", |flags| flags.no_atime = true),
    ("atime", |flags| flags.no_atime = false),
];

/// All words that are taken, but for those of single file systems.
pub(crate) fn option_words() -> Vec<String> {
    let flags = FLAGS.iter().flat_map(|(word, _)| [(*word).to_owned(), format!("r{word}")]);
    let mut words: Vec<String> = flags.collect();
    words.extend(
        WITHOUT_EFFECT.iter().chain(&["bind", "rbind", "idmap", "ridmap"]).map(|word| (*word).to_owned()),
    );
    words.push("tmpcopyup".to_owned());
    words.sort();
    words
}

fn flag(word: &str) -> Option<SetFlag> {
    let find = |word: &str| FLAGS.iter().find(|(known, _)| *known == word).map(|(_, set)| *set);
    find(word).or_else(|| word.strip_prefix('r').and_then(find))
}

impl<'a> Options<'a> {
    fn parse(texts: &'a [String]) -> Result<Self, String> {
        let mut options = Self::default();
        for text in texts {
            match text.as_str() {
                "bind" => options.bind = true,
                "rbind" => (options.bind, options.recursive) = (true, true),
                "idmap" | "ridmap" => options.idmapped = true,
                other if WITHOUT_EFFECT.contains(&other) => {}
                other => match flag(other) {
                    Some(set) => set(&mut options.flags),
                    None => options.data.push(other.split_once('=').unwrap_or((other, ""))),
                },
            }
        }
        Ok(options)
    }

    /// `cache=POLICY` of a bind mount.
    fn access(&self) -> Result<Option<FileAccess>, String> {
        let given = self.data.iter().rev().find(|(name, _)| *name == "cache");
        let Some((_, value)) = given else { return Ok(None) };
        let policy = <Keeping as clap::ValueEnum>::from_str(value, false);
        policy.map(|policy| Some(policy.access())).map_err(|_| {
            format!(".options: cache={value} is none of all, writethrough, revalidating and none")
        })
    }

    fn tmpfs(&self) -> Result<TmpfsOptions, String> {
        let mut tmpfs = TmpfsOptions::default();
        for (name, value) in &self.data {
            match *name {
                "size" => tmpfs.size = Some(size(name, value)?),
                "nr_blocks" => tmpfs.size = Some(size(name, value)?.saturating_mul(4096)),
                "nr_inodes" => tmpfs.inodes = Some(size(name, value)?),
                "mode" => tmpfs.mode = Some(number(name, value, 8)?),
                "uid" => tmpfs.uid = Some(number(name, value, 10)?),
                "gid" => tmpfs.gid = Some(number(name, value, 10)?),
                "tmpcopyup" => tmpfs.copy_up = true,
                // Where memory comes from.
                "mpol" | "huge" | "noswap" | "inode32" | "inode64" => {}
                _ => return Err(unknown(name)),
            }
        }
        Ok(tmpfs)
    }

    fn devpts(&self) -> Result<DevptsOptions, String> {
        let mut devpts = DevptsOptions::default();
        for (name, value) in &self.data {
            match *name {
                "mode" => devpts.mode = Some(number(name, value, 8)?),
                "ptmxmode" => devpts.ptmx_mode = Some(number(name, value, 8)?),
                "uid" => devpts.uid = Some(number(name, value, 10)?),
                "gid" => devpts.gid = Some(number(name, value, 10)?),
                "max" => devpts.max = Some(number(name, value, 10)?),
                _ => return Err(unknown(name)),
            }
        }
        Ok(devpts)
    }
}

fn unknown(name: &str) -> String {
    format!(".options: {name:?} is not an option of this file system")
}

fn number(name: &str, value: &str, radix: u32) -> Result<u32, String> {
    u32::from_str_radix(value, radix).map_err(|_| format!(".options: {name}={value} is not a number"))
}

/// A number with one of the suffixes of tmpfs(5); percent of the host's memory makes no sense in a sandbox.
fn size(name: &str, value: &str) -> Result<u64, String> {
    let (digits, shift) = match value.char_indices().last() {
        Some((at, 'k' | 'K')) => (value.get(..at), 10),
        Some((at, 'm' | 'M')) => (value.get(..at), 20),
        Some((at, 'g' | 'G')) => (value.get(..at), 30),
        _ => (Some(value), 0),
    };
    digits
        .and_then(|digits| digits.parse::<u64>().ok())
        .and_then(|number| number.checked_mul(1 << shift))
        .ok_or_else(|| format!(".options: {name}={value} is not a size"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(json: &str) -> Result<(MountSpec, Vec<Export>), String> {
        let mut exports = Vec::new();
        let mount: Mount = serde_json::from_str(json).unwrap();
        let mut specs = translate(&[mount], Path::new("/"), &Ids::default(), &mut exports)?;
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
            [Export { path: "/etc".into(), read_only: true, recursive: true, ids: Ids::default() }]
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
}
