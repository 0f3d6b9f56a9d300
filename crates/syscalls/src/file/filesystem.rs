//! statfs(2), fstatfs(2).

use std::sync::Arc;

use abi::Errno;
use abi::file::Statfs;
use kernel::{Task, UserPtr};
use vfs::mount_flags::MountFlags;
use vfs::resolve::Lookup;
use vfs::{At, Device, Fd, FileSystemStatistics};

use super::at::{FDCWD, at};
use crate::argument::PathPtr;

/// `ST_VALID`: the flags mean something.
const ST_VALID: u64 = 0x20;
/// `PIPEFS_MAGIC`, `SOCKFS_MAGIC`, `ANON_INODE_FS_MAGIC`.
const PIPES: u64 = 0x5049_5045;
const SOCKETS: u64 = 0x534f_434b;
const ANONYMOUS: u64 = 0x0904_1934;

fn statfs_of(statistics: &FileSystemStatistics, flags: MountFlags, device: Device) -> Statfs {
    // Some of the `ST_*` numbers are those of mount(2).
    let low = u64::from(flags.bits()) & 0xf;
    let times = [
        (MountFlags::NOATIME, 0x400),
        (MountFlags::NODIRATIME, 0x800),
        (MountFlags::RELATIME, 0x1000),
        (MountFlags::NOSYMFOLLOW, 0x2000),
    ];
    let times =
        times.into_iter().filter(|(flag, _)| flags.contains(*flag)).fold(0, |all, (_, bit)| all | bit);
    Statfs {
        kind: statistics.magic,
        bsize: statistics.block_size,
        blocks: statistics.blocks,
        bfree: statistics.blocks_free,
        bavail: statistics.blocks_available,
        files: statistics.files,
        ffree: statistics.files_free,
        fsid: [device.minor, device.major],
        namelen: statistics.name_length,
        frsize: statistics.block_size,
        flags: ST_VALID | low | times,
        spare: [0; 4],
    }
}

/// statfs(2).
///
/// # Errors
/// Those of the path, `EFAULT`.
pub fn statfs(task: &Arc<Task>, path: PathPtr, into: UserPtr<Statfs>) -> Result<(), Errno> {
    let (statistics, flags, device) =
        at(task, FDCWD, path, |caller, at| caller.filesystem_status(at, Lookup::FOLLOW))?;
    into.write(&*task.memory(), &statfs_of(&statistics, flags, device))
}

/// fstatfs(2).
///
/// # Errors
/// `EBADF`, `EFAULT`.
pub fn fstatfs(task: &Arc<Task>, fd: Fd, into: UserPtr<Statfs>) -> Result<(), Errno> {
    let file = task.files().get(fd)?;
    let (statistics, flags, device) = if file.inode().is_some() {
        task.with_caller(|caller| caller.filesystem_status(&At::new(fd, b""), Lookup::EMPTY))?
    } else {
        let device = file.file.device();
        let magic = match device {
            Device::PIPES => PIPES,
            Device::SOCKETS => SOCKETS,
            _ => ANONYMOUS,
        };
        let nameless =
            FileSystemStatistics { magic, block_size: 4096, name_length: 255, ..Default::default() };
        (nameless, MountFlags::empty(), device)
    };
    into.write(&*task.memory(), &statfs_of(&statistics, flags, device))
}
