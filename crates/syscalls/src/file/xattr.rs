//! Extended attributes: setxattr(2), getxattr(2), listxattr(2), removexattr(2), their l, f and at forms.

use std::sync::Arc;

use abi::Errno;
use abi::file::XattrArgs;
use kernel::memory::{read_exact, read_string, write_all};
use kernel::{Task, UserAddr, UserPtr};
use vfs::Fd;
use vfs::caller::{Caller, Found};
use vfs::ops::XattrMode;
use vfs::resolve::{AtFlags, Lookup};

use super::at::{FDCWD, at, at_or_empty};
use super::descriptor;
use crate::argument::PathPtr;

/// The longest name, with its NUL.
const NAME_ROOM: usize = 256;
/// The longest value.
const SIZE_MAX: usize = 65_536;

/// Which file a call is about.
#[derive(Clone, Copy)]
enum Target {
    Path(PathPtr, Lookup),
    Descriptor(Fd),
    At(Fd, PathPtr, AtFlags),
}

impl Target {
    fn with<R>(
        self,
        task: &Task,
        act: impl FnOnce(&Caller<'_>, &Found) -> Result<R, Errno>,
    ) -> Result<R, Errno> {
        match self {
            Self::Path(path, lookup) => {
                at(task, FDCWD, path, |caller, at| act(caller, &caller.find(at, lookup)?))
            }
            Self::Descriptor(fd) => {
                let file = descriptor::get(task, fd)?;
                task.with_caller(|caller| act(caller, &Found::of(file)))
            }
            Self::At(directory, path, flags) => at_or_empty(task, directory, path, flags, |caller, at| {
                act(caller, &caller.find(at, flags.lookup())?)
            }),
        }
    }

    fn at(directory: Fd, path: PathPtr, flags: u32) -> Result<Self, Errno> {
        let flags = AtFlags::parse(flags, AtFlags::SYMLINK_NOFOLLOW | AtFlags::EMPTY_PATH)?;
        Ok(Self::At(directory, path, flags))
    }
}

fn name(task: &Task, at: UserAddr) -> Result<Vec<u8>, Errno> {
    read_string(&*task.memory(), at, NAME_ROOM)
        .map_err(|e| if e == Errno::ENAMETOOLONG { Errno::ERANGE } else { e })
}

/// Hands out a value or list, or only its size if there is no room at all.
fn give(task: &Task, bytes: &[u8], into: UserAddr, size: usize) -> Result<usize, Errno> {
    if size == 0 {
        return Ok(bytes.len());
    }
    if bytes.len() > size {
        return Err(Errno::ERANGE);
    }
    write_all(&*task.memory(), into, bytes)?;
    Ok(bytes.len())
}

fn set(
    task: &Task,
    target: Target,
    at: UserAddr,
    value: UserAddr,
    size: usize,
    flags: u32,
) -> Result<(), Errno> {
    let mode = XattrMode::parse(flags)?;
    let name = name(task, at)?;
    if size > SIZE_MAX {
        return Err(Errno::E2BIG);
    }
    let mut bytes = vec![0; size];
    read_exact(&*task.memory(), value, &mut bytes)?;
    target.with(task, |caller, found| caller.set_xattr(found, &name, &bytes, mode))
}

fn get(task: &Task, target: Target, at: UserAddr, value: UserAddr, size: usize) -> Result<usize, Errno> {
    let name = name(task, at)?;
    let bytes = target.with(task, |caller, found| caller.xattr(found, &name))?;
    give(task, &bytes, value, size)
}

fn list(task: &Task, target: Target, into: UserAddr, size: usize) -> Result<usize, Errno> {
    let bytes = target.with(task, |caller, found| caller.list_xattrs(found))?;
    give(task, &bytes, into, size)
}

fn remove(task: &Task, target: Target, at: UserAddr) -> Result<(), Errno> {
    let name = name(task, at)?;
    target.with(task, |caller, found| caller.remove_xattr(found, &name))
}

/// setxattr(2).
///
/// # Errors
/// Those of setxattr(2).
pub fn setxattr(
    task: &Arc<Task>,
    path: PathPtr,
    name: UserAddr,
    value: UserAddr,
    size: usize,
    flags: u32,
) -> Result<(), Errno> {
    set(task, Target::Path(path, Lookup::FOLLOW), name, value, size, flags)
}

/// lsetxattr(2).
///
/// # Errors
/// Those of setxattr(2).
pub fn lsetxattr(
    task: &Arc<Task>,
    path: PathPtr,
    name: UserAddr,
    value: UserAddr,
    size: usize,
    flags: u32,
) -> Result<(), Errno> {
    set(task, Target::Path(path, Lookup::empty()), name, value, size, flags)
}

/// fsetxattr(2).
///
/// # Errors
/// Those of setxattr(2).
pub fn fsetxattr(
    task: &Arc<Task>,
    fd: Fd,
    name: UserAddr,
    value: UserAddr,
    size: usize,
    flags: u32,
) -> Result<(), Errno> {
    set(task, Target::Descriptor(fd), name, value, size, flags)
}

/// getxattr(2).
///
/// # Errors
/// Those of getxattr(2).
pub fn getxattr(
    task: &Arc<Task>,
    path: PathPtr,
    name: UserAddr,
    value: UserAddr,
    size: usize,
) -> Result<usize, Errno> {
    get(task, Target::Path(path, Lookup::FOLLOW), name, value, size)
}

/// lgetxattr(2).
///
/// # Errors
/// Those of getxattr(2).
pub fn lgetxattr(
    task: &Arc<Task>,
    path: PathPtr,
    name: UserAddr,
    value: UserAddr,
    size: usize,
) -> Result<usize, Errno> {
    get(task, Target::Path(path, Lookup::empty()), name, value, size)
}

/// fgetxattr(2).
///
/// # Errors
/// Those of getxattr(2).
pub fn fgetxattr(
    task: &Arc<Task>,
    fd: Fd,
    name: UserAddr,
    value: UserAddr,
    size: usize,
) -> Result<usize, Errno> {
    get(task, Target::Descriptor(fd), name, value, size)
}

/// listxattr(2).
///
/// # Errors
/// Those of listxattr(2).
pub fn listxattr(task: &Arc<Task>, path: PathPtr, into: UserAddr, size: usize) -> Result<usize, Errno> {
    list(task, Target::Path(path, Lookup::FOLLOW), into, size)
}

/// llistxattr(2).
///
/// # Errors
/// Those of listxattr(2).
pub fn llistxattr(task: &Arc<Task>, path: PathPtr, into: UserAddr, size: usize) -> Result<usize, Errno> {
    list(task, Target::Path(path, Lookup::empty()), into, size)
}

/// flistxattr(2).
///
/// # Errors
/// Those of listxattr(2).
pub fn flistxattr(task: &Arc<Task>, fd: Fd, into: UserAddr, size: usize) -> Result<usize, Errno> {
    list(task, Target::Descriptor(fd), into, size)
}

/// removexattr(2).
///
/// # Errors
/// Those of removexattr(2).
pub fn removexattr(task: &Arc<Task>, path: PathPtr, name: UserAddr) -> Result<(), Errno> {
    remove(task, Target::Path(path, Lookup::FOLLOW), name)
}

/// lremovexattr(2).
///
/// # Errors
/// Those of removexattr(2).
pub fn lremovexattr(task: &Arc<Task>, path: PathPtr, name: UserAddr) -> Result<(), Errno> {
    remove(task, Target::Path(path, Lookup::empty()), name)
}

/// fremovexattr(2).
///
/// # Errors
/// Those of removexattr(2).
pub fn fremovexattr(task: &Arc<Task>, fd: Fd, name: UserAddr) -> Result<(), Errno> {
    remove(task, Target::Descriptor(fd), name)
}

/// The structure that setxattrat(2) and getxattrat(2) take.
fn arguments(task: &Task, at: UserPtr<XattrArgs>, size: usize) -> Result<XattrArgs, Errno> {
    if size < size_of::<XattrArgs>() {
        return Err(Errno::EINVAL);
    }
    if size > size_of::<XattrArgs>() {
        return Err(Errno::E2BIG);
    }
    at.read(&*task.memory())
}

/// setxattrat(2).
///
/// # Errors
/// Those of setxattr(2), `EINVAL` and `E2BIG` for a structure of another size.
pub fn setxattrat(
    task: &Arc<Task>,
    directory: Fd,
    path: PathPtr,
    flags: u32,
    name: UserAddr,
    args: UserPtr<XattrArgs>,
    size: usize,
) -> Result<(), Errno> {
    let args = arguments(task, args, size)?;
    let length = usize::try_from(args.size).map_err(|_| Errno::E2BIG)?;
    set(task, Target::at(directory, path, flags)?, name, UserAddr(args.value), length, args.flags)
}

/// getxattrat(2).
///
/// # Errors
/// Those of getxattr(2), `EINVAL` and `E2BIG` for a structure of another size.
pub fn getxattrat(
    task: &Arc<Task>,
    directory: Fd,
    path: PathPtr,
    flags: u32,
    name: UserAddr,
    args: UserPtr<XattrArgs>,
    size: usize,
) -> Result<usize, Errno> {
    let args = arguments(task, args, size)?;
    if args.flags != 0 {
        return Err(Errno::EINVAL);
    }
    let length = usize::try_from(args.size).map_err(|_| Errno::E2BIG)?;
    get(task, Target::at(directory, path, flags)?, name, UserAddr(args.value), length)
}

/// listxattrat(2).
///
/// # Errors
/// Those of listxattr(2).
pub fn listxattrat(
    task: &Arc<Task>,
    directory: Fd,
    path: PathPtr,
    flags: u32,
    into: UserAddr,
    size: usize,
) -> Result<usize, Errno> {
    list(task, Target::at(directory, path, flags)?, into, size)
}

/// removexattrat(2).
///
/// # Errors
/// Those of removexattr(2).
pub fn removexattrat(
    task: &Arc<Task>,
    directory: Fd,
    path: PathPtr,
    flags: u32,
    name: UserAddr,
) -> Result<(), Errno> {
    remove(task, Target::at(directory, path, flags)?, name)
}
