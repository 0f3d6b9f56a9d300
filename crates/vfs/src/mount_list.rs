//! What /proc/PID/mounts, mountinfo and mountstats show.

use crate::Device;
use crate::mount::Mount;
use crate::mount_flags::MountFlags;
use crate::mount_namespace::MountNamespace;
use crate::path::Path;
use crate::path_name::{climb, within_filesystem};

/// One mount, as proc_pid_mountinfo(5) has its fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountRecord {
    /// Its id.
    pub id: u64,
    /// The id of the mount that it is mounted upon, or its own at the top.
    pub parent: u64,
    /// `st_dev` of its files.
    pub device: Device,
    /// Which part of the filesystem it shows.
    pub root: Vec<u8>,
    /// Where, as seen from the root that was asked for.
    pub mountpoint: Vec<u8>,
    /// What it restricts.
    pub flags: MountFlags,
    /// The type of the filesystem.
    pub kind: String,
    /// The source.
    pub source: Vec<u8>,
    /// Whether the filesystem as a whole is read-only.
    pub read_only: bool,
    /// Options of the filesystem, each with a comma before it.
    pub options: String,
}

impl MountNamespace {
    /// The mounts that can be seen from a root directory, in the order of the tree.
    #[must_use]
    pub fn list(&self, root: &Path) -> Vec<MountRecord> {
        self.mounts().iter().filter_map(|mount| record(mount, root)).collect()
    }
}

fn record(mount: &std::sync::Arc<Mount>, root: &Path) -> Option<MountRecord> {
    let (mountpoint, reachable) = climb(&mount.root_path(), Some(root));
    // The mount that the root lies in shows as `/` even if the root is not the mount's.
    let holds_root = std::sync::Arc::ptr_eq(mount, &root.mount);
    if !reachable && !holds_root {
        return None;
    }
    let filesystem = mount.superblock().filesystem();
    Some(MountRecord {
        id: mount.id,
        parent: mount.mountpoint().map_or(mount.id, |p| p.mount.id),
        device: filesystem.device(),
        root: within_filesystem(mount.root()),
        mountpoint: if reachable { mountpoint } else { b"/".to_vec() },
        flags: mount.flags(),
        kind: String::from(filesystem.kind()),
        source: mount.source.clone(),
        read_only: mount.superblock().is_read_only(),
        options: filesystem.options(),
    })
}

impl MountRecord {
    /// Its line in /proc/PID/mounts (fstab(5)), with the newline.
    #[must_use]
    pub fn mounts_line(&self) -> Vec<u8> {
        let mut flags = self.flags;
        flags.set(MountFlags::RDONLY, self.read_only || flags.contains(MountFlags::RDONLY));
        let mut line = escape(&self.source);
        line.push(b' ');
        line.extend(escape(&self.mountpoint));
        line.extend(format!(" {} {}{} 0 0\n", self.kind, flags.options(), self.options).bytes());
        line
    }

    /// Its line in /proc/PID/mountinfo (proc_pid_mountinfo(5)), with the newline.
    #[must_use]
    pub fn mountinfo_line(&self) -> Vec<u8> {
        let device = self.device;
        let mut line = format!("{} {} {}:{} ", self.id, self.parent, device.major, device.minor).into_bytes();
        line.extend(escape(&self.root));
        line.push(b' ');
        line.extend(escape(&self.mountpoint));
        line.extend(format!(" {} - {} ", self.flags.options(), self.kind).bytes());
        line.extend(escape(&self.source));
        let access = if self.read_only { "ro" } else { "rw" };
        line.extend(format!(" {access}{}\n", self.options).bytes());
        line
    }
}

/// Blanks, newlines, backslashes and `#` as octal numbers.
fn escape(text: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(text.len());
    for byte in text {
        if matches!(byte, b' ' | b'\t' | b'\n' | b'\\' | b'#') {
            escaped.extend(format!("\\{byte:03o}").bytes());
        } else {
            escaped.push(*byte);
        }
    }
    if escaped.is_empty() { b"none".to_vec() } else { escaped }
}
