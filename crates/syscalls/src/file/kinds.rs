//! sysfs(2), ustat(2): what older programs ask about filesystems.

use std::sync::Arc;

use abi::Errno;
use kernel::memory::{read_string, write_all};
use kernel::{Task, UserAddr, UserPtr};
use vfs::Device;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `struct ustat`.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Ustat {
    free_blocks: i32,
    padding: i32,
    free_inodes: u64,
    names: [u8; 12],
    end: [u8; 4],
}

/// Numbers the kinds of filesystems of /proc/filesystems.
///
/// # Errors
/// `EINVAL` for what is not known, `EFAULT`.
pub fn sysfs(task: &Arc<Task>, option: u32, first: u64, second: u64) -> Result<usize, Errno> {
    const BY_NAME: u32 = 1;
    const BY_NUMBER: u32 = 2;
    const COUNT: u32 = 3;
    let kinds = task.kernel.filesystems();
    match option {
        BY_NAME => {
            let name = read_string(&*task.memory(), UserAddr(first), vfs::name::PATH_MAX)?;
            kinds.iter().position(|kind| kind.name().as_bytes() == name).ok_or(Errno::EINVAL)
        }
        BY_NUMBER => {
            let kind = usize::try_from(first).ok().and_then(|n| kinds.get(n)).ok_or(Errno::EINVAL)?;
            let name = [kind.name().as_bytes(), b"\0"].concat();
            write_all(&*task.memory(), UserAddr(second), &name)?;
            Ok(0)
        }
        COUNT => Ok(kinds.len()),
        _ => Err(Errno::EINVAL),
    }
}

/// Tells how much room the mounted filesystem of a device number has.
///
/// # Errors
/// `EINVAL` if none is mounted, `EFAULT`.
pub fn ustat(task: &Arc<Task>, device: u32, into: UserPtr<Ustat>) -> Result<(), Errno> {
    let wanted = Device::decode(device.into());
    let mounts = task.fs_now().namespace.mounts();
    let mut devices = mounts.iter().map(|mount| mount.superblock().filesystem());
    let found = devices.find(|filesystem| filesystem.device() == wanted).ok_or(Errno::EINVAL)?;
    let statistics = found.statistics()?;
    let told = Ustat {
        // As Linux: what does not fit is cut off.
        free_blocks: i32::try_from(statistics.blocks_free & 0x7fff_ffff).unwrap_or(i32::MAX),
        free_inodes: statistics.files_free,
        ..Ustat::default()
    };
    into.write(&*task.memory(), &told)
}
