//! What the words among a mount's options mean: mount(8).

use sentry::spec::{DevptsOptions, FileAccess, MountFlags, PropagationKind, PropagationSpec, TmpfsOptions};

use crate::command_line::Keeping;

/// The options of one mount, sorted.
#[derive(Default)]
pub(super) struct Options<'a> {
    pub(super) flags: MountFlags,
    pub(super) bind: bool,
    pub(super) recursive: bool,
    /// Whether nothing new is mounted, and what is there gets other flags.
    pub(super) remount: bool,
    /// Whether the container's own mapping, or the mount's, applies to its files.
    pub(super) idmapped: bool,
    pub(super) propagation: Vec<PropagationSpec>,
    /// What is not a flag, for the file system: `name=value` or `name`.
    pub(super) data: Vec<(&'a str, &'a str)>,
}

/// Flags that make no difference here: the kernel behaves that way anyway, or nothing can tell.
const WITHOUT_EFFECT: &[&str] = &[
    "acl",
    "async",
    "defaults",
    "dirsync",
    "iversion",
    "lazytime",
    "loud",
    "mand",
    "newinstance",
    "noacl",
    "noiversion",
    "nolazytime",
    "nomand",
    "silent",
    "sync",
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
    ("nodiratime", |flags| flags.no_dir_atime = true),
    ("diratime", |flags| flags.no_dir_atime = false),
    // What holds unless another is asked for.
    ("relatime", |flags| flags.strict_atime = false),
    ("norelatime", |_| ()),
    ("strictatime", |flags| flags.strict_atime = true),
    ("nostrictatime", |flags| flags.strict_atime = false),
    ("nosymfollow", |flags| flags.no_sym_follow = true),
    ("symfollow", |flags| flags.no_sym_follow = false),
];

/// Words for propagation, each also with an `r` before it.
const PROPAGATION: &[(&str, PropagationKind)] = &[
    ("private", PropagationKind::Private),
    ("shared", PropagationKind::Shared),
    ("slave", PropagationKind::Slave),
    ("unbindable", PropagationKind::Unbindable),
];

/// All words that are taken, but for those of single file systems.
pub(crate) fn option_words() -> Vec<String> {
    let twofold = FLAGS.iter().map(|(word, _)| *word).chain(PROPAGATION.iter().map(|(word, _)| *word));
    let mut words: Vec<String> = twofold.flat_map(|word| [word.to_owned(), format!("r{word}")]).collect();
    let others = ["bind", "rbind", "remount", "idmap", "ridmap", "tmpcopyup"];
    words.extend(WITHOUT_EFFECT.iter().chain(&others).map(|word| (*word).to_owned()));
    words.sort();
    words
}

fn flag(word: &str) -> Option<SetFlag> {
    let find = |word: &str| FLAGS.iter().find(|(known, _)| *known == word).map(|(_, set)| *set);
    find(word).or_else(|| word.strip_prefix('r').and_then(find))
}

fn propagation(word: &str) -> Option<PropagationSpec> {
    let find = |word: &str| PROPAGATION.iter().find(|(known, _)| *known == word).map(|(_, kind)| *kind);
    let of = |word, recursive| Some(PropagationSpec { kind: find(word)?, recursive });
    of(word, false).or_else(|| of(word.strip_prefix('r')?, true))
}

impl<'a> Options<'a> {
    pub(super) fn parse(texts: &'a [String]) -> Result<Self, String> {
        let mut options = Self::default();
        for text in texts {
            match text.as_str() {
                "bind" => options.bind = true,
                "rbind" => (options.bind, options.recursive) = (true, true),
                "remount" => options.remount = true,
                "idmap" | "ridmap" => options.idmapped = true,
                other if WITHOUT_EFFECT.contains(&other) => {}
                other => match (flag(other), propagation(other)) {
                    (Some(set), _) => set(&mut options.flags),
                    (_, Some(change)) => options.propagation.push(change),
                    _ => options.data.push(other.split_once('=').unwrap_or((other, ""))),
                },
            }
        }
        Ok(options)
    }

    /// `cache=POLICY` of a bind mount.
    pub(super) fn access(&self) -> Result<Option<FileAccess>, String> {
        let given = self.data.iter().rev().find(|(name, _)| *name == "cache");
        let Some((_, value)) = given else { return Ok(None) };
        let policy = <Keeping as clap::ValueEnum>::from_str(value, false);
        policy.map(|policy| Some(policy.access())).map_err(|_| {
            format!(".options: cache={value} is none of all (or writethrough), revalidating and none")
        })
    }

    pub(super) fn tmpfs(&self) -> Result<TmpfsOptions, String> {
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

    pub(super) fn devpts(&self) -> Result<DevptsOptions, String> {
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
