//! getgroups(2), setgroups(2).

use std::sync::Arc;

use abi::Errno;
use kernel::{Task, UserPtr};
use vfs::Capability;

/// The most supplementary groups (`NGROUPS_MAX`).
const GROUPS_MAX: usize = 65_536;

/// Copies out the supplementary groups. With room for none, returns how many there are.
///
/// # Errors
/// `EINVAL` if there is too little room, `EFAULT`.
pub fn getgroups(task: &Arc<Task>, room: i32, list: UserPtr<u32>) -> Result<usize, Errno> {
    let groups = Arc::clone(&task.credentials().groups);
    let room = usize::try_from(room).map_err(|_| Errno::EINVAL)?;
    if room == 0 {
        return Ok(groups.len());
    }
    if room < groups.len() {
        return Err(Errno::EINVAL);
    }
    list.write_many(&*task.memory(), &groups)?;
    Ok(groups.len())
}

/// Replaces the supplementary groups.
///
/// # Errors
/// `EPERM`, `EINVAL` for too many, `EFAULT`.
pub fn setgroups(task: &Arc<Task>, count: u32, list: UserPtr<u32>) -> Result<(), Errno> {
    let old = task.credentials();
    old.need(Capability::Setgid)?;
    let count = usize::try_from(count).ok().filter(|c| *c <= GROUPS_MAX).ok_or(Errno::EINVAL)?;
    let mut groups = list.read_many(&*task.memory(), count)?;
    groups.sort_unstable();
    let mut new = (*old).clone();
    new.groups = groups.into();
    task.set_credentials(new);
    Ok(())
}
