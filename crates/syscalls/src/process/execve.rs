//! execve(2) and execveat(2).

use std::sync::Arc;

use abi::Errno;
use kernel::exec::{Program, Strings, execute};
use kernel::{Outcome, Task, UserAddr};
use vfs::Fd;
use vfs::caller::At;
use vfs::resolve::Lookup;

use crate::argument::PathPtr;

const AT_SYMLINK_NOFOLLOW: u32 = 0x100;
const AT_EMPTY_PATH: u32 = 0x1000;

/// execve(2).
///
/// # Errors
/// Those of execve(2).
pub async fn execve(
    task: &Arc<Task>,
    path: PathPtr,
    argv: UserAddr,
    envp: UserAddr,
) -> Result<Outcome, Errno> {
    let path = path.read(task)?;
    let strings = strings(task, argv, envp)?;
    let program =
        Program { at: At::here(&path), lookup: Lookup::FOLLOW, name: path.clone(), vanishes: false, strings };
    execute(task, program).await
}

/// execveat(2).
///
/// # Errors
/// Those of execveat(2).
pub async fn execveat(
    task: &Arc<Task>,
    directory: Fd,
    path: PathPtr,
    argv: UserAddr,
    envp: UserAddr,
    flags: u32,
) -> Result<Outcome, Errno> {
    if flags & !(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL);
    }
    let path = path.read(task)?;
    let strings = strings(task, argv, envp)?;
    let mut lookup = Lookup::empty();
    lookup.set(Lookup::FOLLOW, flags & AT_SYMLINK_NOFOLLOW == 0);
    lookup.set(Lookup::EMPTY, flags & AT_EMPTY_PATH != 0);
    let by_descriptor = directory.0 != At::FDCWD && !path.starts_with(b"/");
    let name = match (by_descriptor, path.is_empty()) {
        (false, _) => path.clone(),
        (true, true) => format!("/dev/fd/{}", directory.0).into_bytes(),
        (true, false) => [format!("/dev/fd/{}/", directory.0).as_bytes(), &path].concat(),
    };
    let vanishes = by_descriptor && task.files().close_on_exec(directory)?;
    execute(task, Program { at: At::new(directory, &path), lookup, name, vanishes, strings }).await
}

fn strings(task: &Task, argv: UserAddr, envp: UserAddr) -> Result<Strings, Errno> {
    let limits = task.group.limits.lock().clone();
    Strings::read(&*task.memory(), argv.0, envp.0, &limits)
}
