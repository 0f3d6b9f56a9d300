//! mount_setattr(2), open_tree_attr(2).

use std::sync::Arc;

use abi::Errno;
use abi::mount::MountAttr;
use kernel::namespace::{Namespace, NamespaceFile};
use kernel::{Task, UserAddr};
use vfs::mount_flags::MountFlags;
use vfs::ops::{IdChange, MountChange};
use vfs::path::Path;
use vfs::resolve::AtFlags;
use vfs::user::IdKind;
use vfs::{Capability, Fd, MountRecord, PropagationType, UserNamespace};

use super::tree::{TreeFlags, open, place_file};
use crate::argument::{PathPtr, read_extensible};
use crate::file::at::at;
use crate::file::descriptor;

bitflags::bitflags! {
    /// `MOUNT_ATTR_*`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) struct AttributeBits: u64 {
        const RDONLY = 1;
        const NOSUID = 2;
        const NODEV = 4;
        const NOEXEC = 8;
        const NOATIME = 0x10;
        const STRICTATIME = 0x20;
        /// No mode of access times, but part of their mask.
        const ATIME_REST = 0x40;
        const NODIRATIME = 0x80;
        const IDMAP = 0x10_0000;
        const NOSYMFOLLOW = 0x20_0000;
    }
}

impl AttributeBits {
    const ATIME: Self = Self::NOATIME.union(Self::STRICTATIME).union(Self::ATIME_REST);
    const PAIRS: [(Self, MountFlags); 6] = [
        (Self::RDONLY, MountFlags::RDONLY),
        (Self::NOSUID, MountFlags::NOSUID),
        (Self::NODEV, MountFlags::NODEV),
        (Self::NOEXEC, MountFlags::NOEXEC),
        (Self::NODIRATIME, MountFlags::NODIRATIME),
        (Self::NOSYMFOLLOW, MountFlags::NOSYMFOLLOW),
    ];

    /// The flags of a new mount.
    ///
    /// # Errors
    /// `EINVAL` for more than one mode of access times, or an idmapped one: mounts become that later.
    pub(super) fn mount_flags(self) -> Result<MountFlags, Errno> {
        if self.contains(Self::IDMAP) {
            return Err(Errno::EINVAL);
        }
        Ok(self.without_times() | self.times()?)
    }

    fn without_times(self) -> MountFlags {
        let pairs = Self::PAIRS.into_iter().filter(|(bit, _)| self.contains(*bit));
        pairs.fold(MountFlags::empty(), |all, (_, flag)| all | flag)
    }

    fn times(self) -> Result<MountFlags, Errno> {
        match self.intersection(Self::ATIME) {
            mode if mode.is_empty() => Ok(MountFlags::RELATIME),
            Self::NOATIME => Ok(MountFlags::NOATIME),
            Self::STRICTATIME => Ok(MountFlags::STRICTATIME),
            _ => Err(Errno::EINVAL),
        }
    }

    /// As statmount(2) tells them.
    pub(super) fn of(mount: &MountRecord) -> Self {
        let flags = mount.flags;
        let pairs = Self::PAIRS.into_iter().filter(|(_, flag)| flags.contains(*flag));
        let mut bits = pairs.fold(Self::empty(), |all, (bit, _)| all | bit);
        bits.set(Self::IDMAP, mount.ids.is_some());
        if flags.contains(MountFlags::NOATIME) {
            bits | Self::NOATIME
        } else if flags.contains(MountFlags::RELATIME) {
            bits
        } else {
            bits | Self::STRICTATIME
        }
    }
}

/// What a `struct mount_attr` asks for; nothing if it asks for nothing. Of a mount that was `just_copied` it may also ask to drop what the original
/// makes of owners.
fn parse(task: &Task, given: &MountAttr, just_copied: bool) -> Result<Option<MountChange>, Errno> {
    let bits = |raw| AttributeBits::from_bits(raw).ok_or(Errno::EINVAL);
    if given.set | given.clear | given.propagation == 0 {
        return Ok(None);
    }
    let (set, clear) = (bits(given.set)?, bits(given.clear)?);
    let propagation = match u32::try_from(given.propagation).map_err(|_| Errno::EINVAL)? {
        0 => None,
        0x2_0000 => Some(PropagationType::Unbindable),
        0x4_0000 => Some(PropagationType::Private),
        0x8_0000 => Some(PropagationType::Slave),
        0x10_0000 => Some(PropagationType::Shared),
        _ => return Err(Errno::EINVAL),
    };
    let (set_times, clear_times) =
        (set.intersection(AttributeBits::ATIME), clear.intersection(AttributeBits::ATIME));
    let (set_flags, clear_flags) = (set.without_times(), clear.without_times());
    let mut change = MountChange { set: set_flags, clear: clear_flags, propagation, ids: None };
    if clear_times == AttributeBits::ATIME {
        change.clear |= MountFlags::TIMES.difference(MountFlags::NODIRATIME);
        change.set |= set.times()?;
    } else if !clear_times.is_empty() || !set_times.is_empty() {
        return Err(Errno::EINVAL);
    }
    if clear.contains(AttributeBits::IDMAP) {
        if !just_copied {
            return Err(Errno::EINVAL);
        }
        change.ids = Some(IdChange::Dropped);
    }
    if set.contains(AttributeBits::IDMAP) {
        change.ids = Some(IdChange::To(user_namespace(task, given.userns_fd)?));
    }
    Ok(Some(change))
}

/// The user namespace that a mount is to be idmapped with.
///
/// # Errors
/// `EBADF`; `EINVAL` for anything else, and for a namespace without maps; `EPERM` for the initial one, and without CAP_SYS_ADMIN in it.
fn user_namespace(task: &Task, descriptor: u64) -> Result<Arc<UserNamespace>, Errno> {
    let fd = i32::try_from(descriptor).map_err(|_| Errno::EINVAL)?;
    let file = task.files().get(Fd(fd))?;
    let opened: Option<&NamespaceFile> = file.file.as_any().downcast_ref();
    let Some(NamespaceFile(Namespace::User(user))) = opened else { return Err(Errno::EINVAL) };
    if user.is_initial() {
        return Err(Errno::EPERM);
    }
    task.credentials().need_in(Capability::SysAdmin, user)?;
    let mapped = [IdKind::User, IdKind::Group].into_iter().all(|kind| user.map(kind).is_some());
    if mapped { Ok(Arc::clone(user)) } else { Err(Errno::EINVAL) }
}

fn read(
    task: &Arc<Task>,
    given: UserAddr,
    size: usize,
    just_copied: bool,
) -> Result<Option<MountChange>, Errno> {
    /// The longest structure that is looked at.
    const MOST: usize = 4096;
    if size > MOST {
        return Err(Errno::E2BIG);
    }
    if size < size_of::<MountAttr>() {
        return Err(Errno::EINVAL);
    }
    task.with_caller(|caller| caller.may_mount())?;
    parse(task, &read_extensible(task, given, size)?, just_copied)
}

/// mount_setattr(2).
///
/// # Errors
/// Those of the path; `EINVAL` for unknown attributes, a place that is no mount's root, or a mount that cannot be idmapped; `EBUSY` if something is open
/// for writing.
pub fn mount_setattr(
    task: &Arc<Task>,
    directory: Fd,
    path: PathPtr,
    flags: u32,
    given: UserAddr,
    size: usize,
) -> Result<(), Errno> {
    const RECURSIVE: u32 = 0x8000;
    let known = AtFlags::EMPTY_PATH | AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    let at_flags = AtFlags::parse(flags & !RECURSIVE, known)?;
    let Some(change) = read(task, given, size, false)? else { return Ok(()) };
    at(task, directory, path, |caller, at| {
        let place: Path = caller.find_path(at, at_flags.lookup())?;
        caller.change_mount(&place, &change, flags & RECURSIVE != 0)
    })
}

/// open_tree_attr(2): open_tree(2), and changes of what it opened.
///
/// # Errors
/// Those of both.
pub fn open_tree_attr(
    task: &Arc<Task>,
    directory: Fd,
    path: PathPtr,
    flags: u32,
    given: UserAddr,
    size: usize,
) -> Result<Fd, Errno> {
    let flags = TreeFlags::from_bits(flags).ok_or(Errno::EINVAL)?;
    if given.is_null() && size != 0 {
        return Err(Errno::EINVAL);
    }
    let mut file = open(task, directory, path, flags)?;
    let copies = flags.contains(TreeFlags::CLONE);
    if !given.is_null()
        && let (Some(change), Some(place)) = (read(task, given, size, copies)?, file.path.clone())
    {
        let recursive = flags.contains(TreeFlags::RECURSIVE);
        let place = task.with_caller(|caller| {
            // What the original makes of owners is replaced.
            let plain = copies && change.ids.is_some();
            let place =
                if plain { caller.clone_mounts(&place, recursive, false)?.root_path() } else { place };
            caller.change_mount(&place, &change, recursive).map(|()| place)
        })?;
        file = place_file(task, place);
    }
    descriptor::install(task, file, flags.contains(TreeFlags::CLOEXEC))
}
