//! Mounting a container's root into its bundle: what the snapshotter says, as mount(8) would do it.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::mount::{
    MountFlags, UnmountFlags, mount, mount_bind, mount_bind_recursive, mount_remount, unmount,
};

use crate::failure::{Failure, Trying};
use crate::messages::Mount;

/// Option words that are flags, and whether they set or clear them.
const FLAGS: &[(&str, MountFlags, bool)] = &[
    ("ro", MountFlags::RDONLY, true),
    ("rw", MountFlags::RDONLY, false),
    ("nosuid", MountFlags::NOSUID, true),
    ("suid", MountFlags::NOSUID, false),
    ("nodev", MountFlags::NODEV, true),
    ("dev", MountFlags::NODEV, false),
    ("noexec", MountFlags::NOEXEC, true),
    ("exec", MountFlags::NOEXEC, false),
    ("sync", MountFlags::SYNCHRONOUS, true),
    ("async", MountFlags::SYNCHRONOUS, false),
    ("dirsync", MountFlags::DIRSYNC, true),
    ("noatime", MountFlags::NOATIME, true),
    ("atime", MountFlags::NOATIME, false),
    ("nodiratime", MountFlags::NODIRATIME, true),
    ("diratime", MountFlags::NODIRATIME, false),
    ("relatime", MountFlags::RELATIME, true),
    ("norelatime", MountFlags::RELATIME, false),
    ("strictatime", MountFlags::STRICTATIME, true),
];

/// The longest option text that mount(2) takes: a page, with the byte at its end.
const LONGEST_DATA: usize = 4095;

/// How a mount is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Plan {
    /// Of a bind mount: whether with what is mounted below.
    bind: Option<bool>,
    flags: MountFlags,
    data: String,
}

impl Plan {
    fn of(wanted: &Mount) -> Self {
        let mut plan = Self {
            bind: (wanted.kind == "bind").then_some(false),
            flags: MountFlags::empty(),
            data: String::new(),
        };
        for option in &wanted.options {
            match option.as_str() {
                "bind" => plan.bind = plan.bind.or(Some(false)),
                "rbind" => plan.bind = Some(true),
                "defaults" => {}
                word => match FLAGS.iter().find(|(name, ..)| *name == word) {
                    Some((_, flag, set)) => plan.flags.set(*flag, *set),
                    None => {
                        let comma = if plan.data.is_empty() { "" } else { "," };
                        plan.data = format!("{}{comma}{word}", plan.data);
                    }
                },
            }
        }
        plan
    }
}

/// Mounts all of a root, one over the other. If one fails nothing is left.
pub(crate) fn mount_all(mounts: &[Mount], root: &Path) -> Result<(), Failure> {
    for wanted in mounts {
        let target = if wanted.target.is_empty() { root.to_owned() } else { below(root, &wanted.target)? };
        if let Err(error) = mount_one(wanted, &target) {
            unmount_all(root);
            let what = format!("mount {:?} from {:?} on", wanted.kind, wanted.source);
            return Err(error).trying_on(&what, &target);
        }
    }
    Ok(())
}

fn below(root: &Path, target: &str) -> Result<PathBuf, Failure> {
    let relative = Path::new(target.trim_start_matches('/'));
    if relative.components().any(|part| part == std::path::Component::ParentDir) {
        return Err(Failure::unknown(format!("a mount's target leads upwards: {target:?}")));
    }
    Ok(root.join(relative))
}

fn mount_one(wanted: &Mount, target: &Path) -> Result<(), Errno> {
    let plan = Plan::of(wanted);
    match plan.bind {
        Some(recursive) => {
            if recursive {
                mount_bind_recursive(wanted.source.as_str(), target)?;
            } else {
                mount_bind(wanted.source.as_str(), target)?;
            }
            // A bind mount takes on flags only when it is mounted again.
            if plan.flags.is_empty() {
                Ok(())
            } else {
                mount_remount(target, plan.flags | MountFlags::BIND, "")
            }
        }
        None => {
            let (data, _directory) = shortened(plan.data)?;
            let data = std::ffi::CString::new(data).map_err(|_| Errno::INVAL)?;
            mount(wanted.source.as_str(), target, wanted.kind.as_str(), plan.flags, Some(data.as_c_str()))
        }
    }
}

/// An overlay of many layers is described in more than mount(2) takes: the directory that the layers have in common is then named by a
/// descriptor, which must stay open until the mount is made.
fn shortened(data: String) -> Result<(String, Option<File>), Errno> {
    if data.len() <= LONGEST_DATA {
        return Ok((data, None));
    }
    let Some(common) = common_directory(&data) else { return Err(Errno::TOOBIG) };
    let directory =
        File::open(&common).map_err(|e| e.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error))?;
    let short = format!("/proc/self/fd/{}/", directory.as_raw_fd());
    let data = data.replace(&common, &short);
    if data.len() > LONGEST_DATA { Err(Errno::TOOBIG) } else { Ok((data, Some(directory))) }
}

/// The longest directory, with a slash at its end, that all lower layers are below.
fn common_directory(data: &str) -> Option<String> {
    let lower = data.split(',').find_map(|option| option.strip_prefix("lowerdir="))?;
    let mut layers = lower.split(':');
    let mut common = layers.next()?;
    for layer in layers {
        let same = common.bytes().zip(layer.bytes()).take_while(|(a, b)| a == b).count();
        common = common.get(..same)?;
    }
    common.rfind('/').filter(|end| *end > 0).and_then(|end| common.get(..=end)).map(str::to_owned)
}

/// Takes down whatever is mounted there.
pub(crate) fn unmount_all(root: &Path) {
    // Several may lie over each other. Where there is none it is an error, which ends this.
    while unmount(root, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW).is_ok() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(kind: &str, options: &[&str]) -> Mount {
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        Mount { kind: kind.to_owned(), options, ..Default::default() }
    }

    #[test]
    fn option_words_are_flags_or_for_the_file_system() {
        let plan = Plan::of(&wanted("bind", &["rbind", "ro", "nosuid"]));
        let flags = MountFlags::RDONLY | MountFlags::NOSUID;
        assert_eq!(plan, Plan { bind: Some(true), flags, data: String::new() });
        let plan = Plan::of(&wanted("overlay", &["ro", "rw", "lowerdir=/a:/b", "index=off"]));
        let data = "lowerdir=/a:/b,index=off".to_owned();
        assert_eq!(plan, Plan { bind: None, flags: MountFlags::empty(), data });
    }

    #[test]
    fn many_layers_are_named_from_their_common_directory() {
        let base = tempfile::tempdir().unwrap();
        let base = base.path().display();
        let layers: Vec<String> =
            (0..120).map(|n| format!("{base}/snapshots-of-a-long-name/{n}/fs")).collect();
        let data = format!("index=off,lowerdir={}", layers.join(":"));
        assert_eq!(common_directory(&data), Some(format!("{base}/snapshots-of-a-long-name/")));
        assert_eq!(common_directory("lowerdir=/a:/b"), None);
        assert_eq!(shortened(data).unwrap_err(), Errno::NOENT);
        let real = data_in(&base.to_string());
        let (short, directory) = shortened(real).unwrap();
        assert!(short.len() <= LONGEST_DATA && directory.is_some());
        assert!(short.starts_with("lowerdir=/proc/self/fd/") && short.contains("/119/fs"));
    }

    fn data_in(base: &str) -> String {
        let layers: Vec<String> =
            (0..120).map(|n| format!("{base}/./././././././././././././{n}/fs")).collect();
        format!("lowerdir={}", layers.join(":"))
    }

    #[test]
    fn targets_stay_in_the_root() {
        assert_eq!(below(Path::new("/r"), "/a/b").unwrap(), Path::new("/r/a/b"));
        assert!(below(Path::new("/r"), "a/../../b").is_err());
    }
}
