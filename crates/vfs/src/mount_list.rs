//! What /proc/PID/mounts, mountinfo and mountstats show.

use std::sync::Arc;

use crate::Device;
use crate::mount::Mount;
use crate::mount_flags::MountFlags;
use crate::mount_ids::MountIds;
use crate::mount_namespace::MountNamespace;
use crate::path::Path;
use crate::path_name::{climb, within_filesystem};
use crate::propagation::{Propagation, dominating};

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
    /// What it is to other mounts.
    pub propagation: Propagation,
    /// The closest group above its master that can be seen, if that is another one.
    pub from: Option<u64>,
    /// The type of the filesystem.
    pub kind: String,
    /// The source.
    pub source: Vec<u8>,
    /// Whether the filesystem as a whole is read-only.
    pub read_only: bool,
    /// What it makes of owners, if it is idmapped.
    pub ids: Option<Arc<MountIds>>,
    /// Options of the filesystem, each with a comma before it.
    pub options: String,
}

impl MountNamespace {
    /// The mounts that can be seen from a root directory, oldest first.
    #[must_use]
    pub fn list(&self, root: &Path) -> Vec<MountRecord> {
        let mut mounts = self.mounts();
        mounts.sort_by_key(|mount| mount.id);
        mounts.iter().filter_map(|mount| record(mount, root)).collect()
    }
}

fn record(mount: &Arc<Mount>, root: &Path) -> Option<MountRecord> {
    let (mountpoint, reachable) = climb(&mount.root_path(), Some(root));
    if !reachable {
        return None;
    }
    let propagation = mount.propagation();
    let visible = |other: &Arc<Mount>| climb(&other.root_path(), Some(root)).1;
    let from = propagation.master.and_then(|_| dominating(mount, visible));
    let filesystem = mount.superblock().filesystem();
    Some(MountRecord {
        id: mount.id,
        parent: mount.mountpoint().map_or(mount.id, |p| p.mount.id),
        device: filesystem.device(),
        root: filesystem.shown_root(within_filesystem(mount.root())),
        mountpoint,
        flags: mount.flags(),
        propagation,
        from: from.filter(|from| Some(*from) != propagation.master),
        kind: filesystem.full_kind(),
        source: mount.source.clone(),
        read_only: mount.superblock().is_read_only(),
        ids: mount.ids().cloned(),
        options: filesystem.options(),
    })
}

impl MountRecord {
    /// The id that is never used again, as statx(2), statmount(2) and listmount(2) have it.
    #[must_use]
    pub const fn unique(id: u64) -> u64 {
        /// They begin where the older ones end, so that the two are not mixed up.
        const FIRST: u64 = 1 << 31;
        FIRST.saturating_add(id)
    }

    /// Its own such id.
    #[must_use]
    pub const fn unique_id(&self) -> u64 {
        Self::unique(self.id)
    }

    /// Its line in /proc/PID/mounts (fstab(5)), with the newline.
    #[must_use]
    pub fn mounts_line(&self) -> Vec<u8> {
        let mut flags = self.flags;
        flags.set(MountFlags::RDONLY, self.read_only || flags.contains(MountFlags::RDONLY));
        let mut line = escape(&self.source, WORD);
        line.push(b' ');
        line.extend(escape(&self.mountpoint, PATH));
        line.extend(
            format!(" {} {}{}{} 0 0\n", self.kind, flags.options(), self.idmapped(), self.options).bytes(),
        );
        line
    }

    /// Its line in /proc/PID/mountinfo (proc_pid_mountinfo(5)), with the newline.
    #[must_use]
    pub fn mountinfo_line(&self) -> Vec<u8> {
        let device = self.device;
        let mut line = format!("{} {} {}:{} ", self.id, self.parent, device.major, device.minor).into_bytes();
        line.extend(escape(&self.root, PATH));
        line.push(b' ');
        line.extend(escape(&self.mountpoint, PATH));
        let restricts = self.flags.options();
        line.extend(format!(" {restricts}{}{} - {} ", self.idmapped(), self.fields(), self.kind).bytes());
        line.extend(escape(&self.source, WORD));
        let access = if self.read_only { "ro" } else { "rw" };
        line.extend(format!(" {access}{}\n", self.options).bytes());
        line
    }

    /// Its line in /proc/PID/mountstats, with the newline.
    #[must_use]
    pub fn mountstats_line(&self) -> Vec<u8> {
        let mut line = b"device ".to_vec();
        line.extend(escape(&self.source, WORD));
        line.extend(b" mounted on ");
        line.extend(escape(&self.mountpoint, PATH));
        line.extend(format!(" with fstype {} \n", self.kind).bytes());
        line
    }

    const fn idmapped(&self) -> &'static str {
        if self.ids.is_some() { ",idmapped" } else { "" }
    }

    /// The optional fields of mountinfo, each with a blank before it.
    fn fields(&self) -> String {
        let propagation = self.propagation;
        let numbered =
            [("shared", propagation.group), ("master", propagation.master), ("propagate_from", self.from)];
        let mut fields: String =
            numbered.iter().filter_map(|(name, id)| Some(format!(" {name}:{}", (*id)?))).collect();
        if propagation.unbindable {
            fields.push_str(" unbindable");
        }
        fields
    }
}

/// What is escaped in paths, and in the other fields.
const PATH: &[u8] = b" \t\n\\";
const WORD: &[u8] = b" \t\n\\#";

/// Writes some bytes as octal numbers.
fn escape(text: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(text.len());
    for byte in text {
        if bytes.contains(byte) {
            escaped.extend(format!("\\{byte:03o}").bytes());
        } else {
            escaped.push(*byte);
        }
    }
    escaped
}
