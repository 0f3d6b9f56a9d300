//! statmount(2), listmount(2).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use abi::Errno;
use abi::mount::{MNT_ID_REQ_SIZE_VER0, MountIdRequest, StatMount};
use kernel::memory::write_all;
use kernel::{Task, UserAddr, UserPtr};
use vfs::user::{Extent, IdKind};
use vfs::{MountIds, MountRecord, UserNamespace};
use zerocopy::IntoBytes;

use super::attributes::AttributeBits;
use crate::argument::read_extensible;

/// `LSMT_ROOT`: the caller's root mount.
const ROOT: u64 = u64::MAX;
/// Ids asked for in one call.
const IDS_MAX: usize = 1_000_000;

bitflags::bitflags! {
    /// `STATMOUNT_*`: what is asked for, and what is told.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct Parts: u64 {
        const SB_BASIC = 1;
        const MNT_BASIC = 2;
        const PROPAGATE_FROM = 4;
        const MNT_ROOT = 8;
        const MNT_POINT = 0x10;
        const FS_TYPE = 0x20;
        const MNT_NS_ID = 0x40;
        const MNT_OPTS = 0x80;
        const SB_SOURCE = 0x200;
        const SUPPORTED_MASK = 0x1000;
        const MNT_UIDMAP = 0x2000;
        const MNT_GIDMAP = 0x4000;
    }
}

/// The mounts that a task sees, by their ids.
fn seen(task: &Task) -> (Vec<MountRecord>, u64, u64) {
    let fs = task.fs_now();
    (fs.namespace.list(&fs.root), fs.root.mount.id, fs.namespace.id)
}

/// The number of a mount's type of filesystem.
fn magic(task: &Task, id: u64) -> Result<u64, Errno> {
    let namespace = Arc::clone(&task.fs_now().namespace);
    let mount = namespace.mounts().into_iter().find(|mount| mount.id == id).ok_or(Errno::ENOENT)?;
    Ok(mount.superblock().filesystem().statistics()?.magic)
}

fn request(task: &Arc<Task>, at: UserAddr) -> Result<MountIdRequest, Errno> {
    let size = UserPtr::<u32>::new(at.0).read(&*task.memory())?;
    let size = usize::try_from(size).map_err(|_| Errno::E2BIG)?;
    if size > 4096 {
        return Err(Errno::E2BIG);
    }
    if size < MNT_ID_REQ_SIZE_VER0 {
        return Err(Errno::EINVAL);
    }
    let request: MountIdRequest = read_extensible(task, at, size)?;
    // Other namespaces than the caller's are not looked into.
    if request.spare != 0 || request.namespace != 0 { Err(Errno::EINVAL) } else { Ok(request) }
}

/// statmount(2).
///
/// # Errors
/// `ENOENT` for a mount that the caller does not see, `EOVERFLOW` if the texts do not fit, `EINVAL`, `EFAULT`.
pub fn statmount(
    task: &Arc<Task>,
    at: UserAddr,
    buffer: UserAddr,
    size: usize,
    flags: u32,
) -> Result<(), Errno> {
    if flags != 0 {
        return Err(Errno::EINVAL);
    }
    let request = request(task, at)?;
    let (mounts, _, namespace) = seen(task);
    let wanted = mounts.iter().find(|mount| mount.unique_id() == request.mount);
    let mount = wanted.ok_or(Errno::ENOENT)?;
    let asked = Parts::from_bits_truncate(request.parameter);
    let mut told = Told { answer: StatMount::default(), texts: Vec::new() };
    let magic = if asked.contains(Parts::SB_BASIC) { magic(task, mount.id)? } else { 0 };
    told.numbers(mount, asked, namespace, magic);
    told.texts(mount, asked);
    if let Some(ids) = &mount.ids {
        told.ids(ids, &task.credentials().user, asked);
    }
    let length = size_of::<StatMount>().checked_add(told.texts.len()).ok_or(Errno::EOVERFLOW)?;
    told.answer.size = u32::try_from(length).map_err(|_| Errno::EOVERFLOW)?;
    if told.texts.is_empty() {
        let answer = told.answer.as_bytes();
        return write_all(&*task.memory(), buffer, answer.get(..size.min(answer.len())).unwrap_or_default());
    }
    if length > size {
        return Err(Errno::EOVERFLOW);
    }
    write_all(&*task.memory(), buffer, told.answer.as_bytes())?;
    write_all(&*task.memory(), buffer.offset(size_of::<StatMount>() as u64), &told.texts)
}

struct Told {
    answer: StatMount,
    texts: Vec<u8>,
}

impl Told {
    fn numbers(&mut self, mount: &MountRecord, asked: Parts, namespace: u64, magic: u64) {
        let answer = &mut self.answer;
        let mut told = Parts::empty();
        if asked.contains(Parts::SB_BASIC) {
            (answer.sb_dev_major, answer.sb_dev_minor) = (mount.device.major, mount.device.minor);
            answer.sb_magic = magic;
            answer.sb_flags = u32::from(mount.read_only);
            told |= Parts::SB_BASIC;
        }
        if asked.contains(Parts::MNT_BASIC) {
            answer.mnt_id = mount.unique_id();
            answer.mnt_parent_id = MountRecord::unique(mount.parent);
            answer.mnt_id_old = u32::try_from(mount.id).unwrap_or(u32::MAX);
            answer.mnt_parent_id_old = u32::try_from(mount.parent).unwrap_or(u32::MAX);
            answer.mnt_attr = AttributeBits::of(mount).bits();
            answer.mnt_propagation = propagation_bits(mount);
            answer.mnt_peer_group = mount.propagation.group.unwrap_or_default();
            answer.mnt_master = mount.propagation.master.unwrap_or_default();
            told |= Parts::MNT_BASIC;
        }
        if asked.contains(Parts::PROPAGATE_FROM) && mount.propagation.master.is_some() {
            answer.propagate_from = mount.from.or(mount.propagation.master).unwrap_or_default();
            told |= Parts::PROPAGATE_FROM;
        }
        if asked.contains(Parts::MNT_NS_ID) {
            answer.mnt_ns_id = namespace;
            told |= Parts::MNT_NS_ID;
        }
        if asked.contains(Parts::SUPPORTED_MASK) {
            answer.supported_mask = Parts::all().bits();
            told |= Parts::SUPPORTED_MASK;
        }
        answer.mask |= told.bits();
    }

    fn texts(&mut self, mount: &MountRecord, asked: Parts) {
        let options = mount.options.trim_start_matches(',').as_bytes();
        if asked.contains(Parts::FS_TYPE) {
            self.answer.fs_type = self.text(mount.kind.as_bytes(), Parts::FS_TYPE);
        }
        if asked.contains(Parts::MNT_ROOT) {
            self.answer.mnt_root = self.text(&mount.root, Parts::MNT_ROOT);
        }
        if asked.contains(Parts::MNT_POINT) {
            self.answer.mnt_point = self.text(&mount.mountpoint, Parts::MNT_POINT);
        }
        if asked.contains(Parts::MNT_OPTS) && !options.is_empty() {
            self.answer.mnt_opts = self.text(options, Parts::MNT_OPTS);
        }
        if asked.contains(Parts::SB_SOURCE) {
            self.answer.sb_source = self.text(&mount.source, Parts::SB_SOURCE);
        }
    }

    /// The ranges of users and groups, as far as somebody in a user namespace has them all. That there are ranges is told even if none are shown.
    fn ids(&mut self, ids: &MountIds, reader: &UserNamespace, asked: Parts) {
        let ranges = |kind| -> Vec<String> {
            let Some(reader) = reader.map(kind) else { return Vec::new() };
            let text = |range: Extent| format!("{} {} {}\0", range.inside, range.outside, range.count);
            ids.map(kind).ranges(reader).map(text).collect()
        };
        if asked.contains(Parts::MNT_UIDMAP) {
            let ranges = ranges(IdKind::User);
            self.answer.mnt_uidmap_num = u32::try_from(ranges.len()).unwrap_or(u32::MAX);
            self.answer.mnt_uidmap = self.text(ranges.concat().as_bytes(), Parts::MNT_UIDMAP);
        }
        if asked.contains(Parts::MNT_GIDMAP) {
            let ranges = ranges(IdKind::Group);
            self.answer.mnt_gidmap_num = u32::try_from(ranges.len()).unwrap_or(u32::MAX);
            self.answer.mnt_gidmap = self.text(ranges.concat().as_bytes(), Parts::MNT_GIDMAP);
        }
    }

    /// Adds a text and returns where it starts.
    fn text(&mut self, text: &[u8], part: Parts) -> u32 {
        let start = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.texts.extend_from_slice(text);
        self.texts.push(0);
        self.answer.mask |= part.bits();
        start
    }
}

fn propagation_bits(mount: &MountRecord) -> u64 {
    let propagation = mount.propagation;
    let shared = if propagation.group.is_some() { 1 << 20 } else { 0 };
    let slave = if propagation.master.is_some() { 1 << 19 } else { 0 };
    let unbindable = if propagation.unbindable { 1 << 17 } else { 0 };
    match shared | slave | unbindable {
        0 => 1 << 18,
        bits => bits,
    }
}

/// listmount(2): the mounts below one, oldest first.
///
/// # Errors
/// `ENOENT` for a mount that the caller does not see, `EOVERFLOW` for too many, `EINVAL`, `EFAULT`.
pub fn listmount(
    task: &Arc<Task>,
    at: UserAddr,
    ids: UserPtr<u64>,
    count: usize,
    flags: u32,
) -> Result<usize, Errno> {
    const REVERSE: u32 = 1;
    if flags & !REVERSE != 0 {
        return Err(Errno::EINVAL);
    }
    if count > IDS_MAX {
        return Err(Errno::EOVERFLOW);
    }
    let request = request(task, at)?;
    let mixed_up = |id: u64| id < MountRecord::unique(1);
    if mixed_up(request.mount) || request.parameter != 0 && mixed_up(request.parameter) {
        return Err(Errno::EINVAL);
    }
    let (mounts, root, _) = seen(task);
    let top = if request.mount == ROOT { MountRecord::unique(root) } else { request.mount };
    let top = mounts.iter().find(|mount| mount.unique_id() == top).ok_or(Errno::ENOENT)?;
    let mut upon = below(top.id, &mounts);
    // The root is below itself, unless it is called by its number.
    if request.mount == ROOT {
        upon.insert(top.id);
    }
    let mut found: Vec<u64> =
        mounts.iter().filter(|mount| upon.contains(&mount.id)).map(MountRecord::unique_id).collect();
    let last = request.parameter;
    if flags & REVERSE != 0 {
        found.reverse();
        found.retain(|id| last == 0 || *id < last);
    } else {
        found.retain(|id| *id > last);
    }
    found.truncate(count);
    ids.write_many(&*task.memory(), &found)?;
    Ok(found.len())
}

/// The ids of the mounts that lie upon one, however deep.
fn below(top: u64, all: &[MountRecord]) -> HashSet<u64> {
    let mut children: HashMap<u64, Vec<u64>> = HashMap::new();
    for mount in all.iter().filter(|mount| mount.id != mount.parent) {
        children.entry(mount.parent).or_default().push(mount.id);
    }
    let mut found = HashSet::new();
    let mut pending = vec![top];
    while let Some(next) = pending.pop() {
        let upon = children.remove(&next).unwrap_or_default();
        found.extend(upon.iter().copied());
        pending.extend(upon);
    }
    found
}
