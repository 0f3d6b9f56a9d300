//! What ioctl_iflags(2) asks of inodes, and the newer way to ask the same, `FS_IOC_FSGETXATTR`.

use abi::{Errno, ioctl};
use kernel::memory::{read_exact, write_all};
use kernel::{Task, UserAddr, UserPtr};

use vfs::{FileKind, Found, InodeFlags};

/// Bytes of `struct fsxattr`: its flags, the size of extents, their number, a project, and another size; the rest is zero.
const EXTENDED: usize = 28;
/// The same flags as `FS_XFLAG_*`.
const PAIRS: [(InodeFlags, u32); 4] = [
    (InodeFlags::IMMUTABLE, 0x8),
    (InodeFlags::APPEND, 0x10),
    (InodeFlags::NODUMP, 0x80),
    (InodeFlags::NOATIME, 0x40),
];

/// Answers these requests for a file whose filesystem keeps flags.
///
/// # Errors
/// `EFAULT`, `EOPNOTSUPP`, and those of [`vfs::Caller::set_inode_flags`].
pub(super) fn control(
    task: &Task,
    target: &Found,
    request: u32,
    argument: u64,
) -> Result<Option<u64>, Errno> {
    let ours =
        [ioctl::FS_IOC_GETFLAGS, ioctl::FS_IOC_SETFLAGS, ioctl::FS_IOC_FSGETXATTR, ioctl::FS_IOC_FSSETXATTR];
    if !ours.contains(&request) {
        return Ok(None);
    }
    let attributes = target.attributes()?;
    let Some(kept) =
        attributes.flags.filter(|_| matches!(attributes.kind, FileKind::Regular | FileKind::Directory))
    else {
        return Ok(None);
    };
    let memory = task.memory();
    match request {
        ioctl::FS_IOC_GETFLAGS => UserPtr::<u32>::new(argument).write(&*memory, &kept.bits())?,
        ioctl::FS_IOC_FSGETXATTR => {
            let all =
                PAIRS.iter().filter(|(flag, _)| kept.contains(*flag)).fold(0, |all, (_, bit)| all | bit);
            let mut bytes = [0; EXTENDED];
            bytes.iter_mut().zip(u32::to_ne_bytes(all)).for_each(|(to, byte)| *to = byte);
            write_all(&*memory, UserAddr(argument), &bytes)?;
        }
        ioctl::FS_IOC_SETFLAGS => {
            let flags = UserPtr::<u32>::new(argument).read(&*memory)?;
            task.with_caller(|caller| caller.set_inode_flags(target, flags))?;
        }
        _ => {
            let mut bytes = [0; EXTENDED];
            read_exact(&*memory, UserAddr(argument), &mut bytes)?;
            let flags = of_extended(&bytes)?.bits();
            task.with_caller(|caller| caller.set_inode_flags(target, flags))?;
        }
    }
    Ok(Some(0))
}

/// The flags in a `struct fsxattr` that asks for nothing else.
fn of_extended(bytes: &[u8; EXTENDED]) -> Result<InodeFlags, Errno> {
    let word = |at: usize| bytes.get(at..)?.first_chunk().copied().map(u32::from_ne_bytes);
    let [Some(wanted), Some(0), Some(_), Some(0), Some(0)] = [0, 4, 8, 12, 16].map(word) else {
        return Err(Errno::EOPNOTSUPP);
    };
    let mut flags = InodeFlags::empty();
    let mut left = wanted;
    for (flag, bit) in PAIRS.iter().filter(|(_, bit)| wanted & bit != 0) {
        flags |= *flag;
        left &= !bit;
    }
    if left == 0 { Ok(flags) } else { Err(Errno::EOPNOTSUPP) }
}
