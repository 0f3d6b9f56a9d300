//! execve(2) and execveat(2).

use std::sync::Arc;

use abi::Errno;
use kernel::exec::{Program, Strings, execute};
use kernel::{Outcome, Task, UserAddr};
use vfs::Fd;
use vfs::caller::At;
use vfs::resolve::{AtFlags, Lookup};

use crate::argument::PathPtr;

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
    let lookup = AtFlags::parse(flags, AtFlags::SYMLINK_NOFOLLOW | AtFlags::EMPTY_PATH)?.lookup();
    let path = path.read(task)?;
    let strings = strings(task, argv, envp)?;
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
