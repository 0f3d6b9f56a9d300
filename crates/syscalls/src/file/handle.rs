//! name_to_handle_at(2), open_by_handle_at(2).

use std::sync::Arc;

use abi::Errno;
use kernel::memory::{read_exact, write_all};
use kernel::{Task, UserAddr, UserPtr};
use vfs::caller::Base;
use vfs::file_handle::FileHandle;
use vfs::ops::open_how::OpenHow;
use vfs::resolve::Lookup;
use vfs::{At, Fd};

use super::at::at;
use super::open::finish;
use crate::argument::PathPtr;

/// The largest handle of any filesystem: `MAX_HANDLE_SZ`.
const SIZE_MAX: u32 = 128;
/// The header of `struct file_handle`: bytes and type.
const HEADER: u64 = 8;

const SYMLINK_FOLLOW: u32 = 0x400;
const EMPTY_PATH: u32 = 0x1000;
/// `AT_HANDLE_FID`: it only has to tell files apart.
const FID: u32 = 0x200;
/// `AT_HANDLE_MNT_ID_UNIQUE`: the mount's id as statmount(2) has it.
const UNIQUE: u32 = 1;

/// name_to_handle_at(2).
///
/// # Errors
/// `EINVAL`, `EOVERFLOW` if there is no room, `EOPNOTSUPP` for filesystems without handles, `EFAULT`, and those of the path.
pub fn name_to_handle_at(
    task: &Arc<Task>,
    directory: Fd,
    path: PathPtr,
    handle: UserAddr,
    mount: UserAddr,
    flags: u32,
) -> Result<(), Errno> {
    if flags & !(SYMLINK_FOLLOW | EMPTY_PATH | FID | UNIQUE) != 0 {
        return Err(Errno::EINVAL);
    }
    let mut lookup = Lookup::empty();
    lookup.set(Lookup::FOLLOW, flags & SYMLINK_FOLLOW != 0);
    lookup.set(Lookup::EMPTY, flags & EMPTY_PATH != 0);
    let (given, place) = at(task, directory, path, |caller, at| caller.handle_of(at, lookup))?;
    let memory = task.memory();
    let header = UserPtr::<u32>::new(handle.0);
    let room = header.read(&*memory)?;
    if room > SIZE_MAX {
        return Err(Errno::EINVAL);
    }
    let id = place.mount.id;
    if flags & UNIQUE != 0 {
        write_all(&*memory, mount, &id.to_le_bytes())?;
    } else {
        let id = i32::try_from(id).map_err(|_| Errno::EOVERFLOW)?;
        write_all(&*memory, mount, &id.to_le_bytes())?;
    }
    let size = u32::try_from(given.bytes.len()).map_err(|_| Errno::EOVERFLOW)?;
    header.write(&*memory, &size)?;
    if room < size {
        return Err(Errno::EOVERFLOW);
    }
    header.at(1).write(&*memory, &given.kind.cast_unsigned())?;
    write_all(&*memory, handle.offset(HEADER), &given.bytes)
}

/// open_by_handle_at(2).
///
/// # Errors
/// `EINVAL`, `EBADF`, `EPERM` without CAP_DAC_READ_SEARCH, `ESTALE`, and those of open(2).
pub async fn open_by_handle_at(
    task: &Arc<Task>,
    mount: Fd,
    handle: UserAddr,
    flags: u32,
) -> Result<Fd, Errno> {
    let how = OpenHow::lenient(flags, 0)?;
    let (size, kind) = {
        let memory = task.memory();
        let header = UserPtr::<u32>::new(handle.0);
        (header.read(&*memory)?, header.at(1).read(&*memory)?.cast_signed())
    };
    if size == 0 || size > SIZE_MAX {
        return Err(Errno::EINVAL);
    }
    let mut bytes = vec![0; usize::try_from(size).map_err(|_| Errno::EINVAL)?];
    read_exact(&*task.memory(), handle.offset(HEADER), &mut bytes)?;
    let wanted = FileHandle { kind, bytes };
    let base = if mount.0 == At::FDCWD { Base::WorkingDirectory } else { Base::Descriptor(mount) };
    let open =
        || task.with_caller(|caller| caller.open_found(caller.find_by_handle(base, &wanted)?, how.flags));
    finish(task, &how, open).await
}
