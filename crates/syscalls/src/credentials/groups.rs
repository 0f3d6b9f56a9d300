//! getgroups(2), setgroups(2).

use std::sync::Arc;

use abi::Errno;
use kernel::{Task, UserPtr};
use vfs::{Capability, Credentials};

/// The most supplementary groups (`NGROUPS_MAX`).
const GROUPS_MAX: usize = 65_536;

/// Copies out the supplementary groups. With room for none, returns how many there are.
///
/// # Errors
/// `EINVAL` if there is too little room, `EFAULT`.
pub fn getgroups(task: &Arc<Task>, room: i32, list: UserPtr<u32>) -> Result<usize, Errno> {
    let own = task.credentials();
    let groups: Vec<u32> = own.groups.iter().map(|gid| own.user.shown_gid(*gid)).collect();
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
/// `EPERM`, also where `/proc/PID/setgroups` denies it; `EINVAL` for too many or groups that do not exist in the user namespace, `EFAULT`.
pub fn setgroups(task: &Arc<Task>, count: u32, list: UserPtr<u32>) -> Result<(), Errno> {
    let old = task.credentials();
    old.need_here(Capability::Setgid)?;
    if !old.user.may_set_groups() {
        return Err(Errno::EPERM);
    }
    let count = usize::try_from(count).ok().filter(|c| *c <= GROUPS_MAX).ok_or(Errno::EINVAL)?;
    let given = list.read_many(&*task.memory(), count)?;
    let known = given.iter().map(|gid| old.user.gid(*gid).ok_or(Errno::EINVAL));
    let mut groups = known.collect::<Result<Vec<_>, _>>()?;
    groups.sort_unstable();
    let mut new = Credentials::clone(&old);
    new.groups = groups.into();
    task.set_credentials(new);
    Ok(())
}
