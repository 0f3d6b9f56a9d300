//! prctl(2).

use std::sync::Arc;

use abi::Errno;
use kernel::memory::{read_exact, write_all};
use kernel::task::Comm;
use kernel::{Task, UserAddr, UserPtr};
use vfs::Capability;

use super::seccomp;
use crate::credentials::prctl as capabilities;

const PR_SET_PDEATHSIG: u32 = 1;
const PR_GET_PDEATHSIG: u32 = 2;
const PR_GET_DUMPABLE: u32 = 3;
const PR_SET_DUMPABLE: u32 = 4;
const PR_GET_KEEPCAPS: u32 = 7;
const PR_SET_KEEPCAPS: u32 = 8;
const PR_GET_TIMING: u32 = 13;
const PR_SET_TIMING: u32 = 14;
const PR_SET_NAME: u32 = 15;
const PR_GET_NAME: u32 = 16;
const PR_GET_SECCOMP: u32 = 21;
const PR_SET_SECCOMP: u32 = 22;
const PR_CAPBSET_READ: u32 = 23;
const PR_CAPBSET_DROP: u32 = 24;
const PR_GET_SECUREBITS: u32 = 27;
const PR_SET_SECUREBITS: u32 = 28;
const PR_SET_TIMERSLACK: u32 = 29;
const PR_GET_TIMERSLACK: u32 = 30;
const PR_GET_TSC: u32 = 25;
const PR_SET_TSC: u32 = 26;
const PR_MCE_KILL: u32 = 33;
const PR_MCE_KILL_GET: u32 = 34;
const PR_SET_CHILD_SUBREAPER: u32 = 36;
const PR_GET_CHILD_SUBREAPER: u32 = 37;
const PR_SET_NO_NEW_PRIVS: u32 = 38;
const PR_GET_NO_NEW_PRIVS: u32 = 39;
const PR_GET_TID_ADDRESS: u32 = 40;
const PR_CAP_AMBIENT: u32 = 47;
const PR_SET_IO_FLUSHER: u32 = 57;
const PR_GET_IO_FLUSHER: u32 = 58;
/// The time stamp counter can be read.
const PR_TSC_ENABLE: i32 = 1;

/// Carries out one of its operations.
///
/// # Errors
/// `EINVAL` for operations that are not known here (as a kernel without them says), `EPERM`, `EFAULT`.
pub async fn prctl(task: &Arc<Task>, operation: u32, a: u64, b: u64, c: u64, d: u64) -> Result<u64, Errno> {
    let memory = task.memory();
    let int_at = UserPtr::<i32>::new(a);
    let unused = |all: &[u64]| if all.iter().all(|v| *v == 0) { Ok(()) } else { Err(Errno::EINVAL) };
    match operation {
        PR_SET_PDEATHSIG => {
            let signal = i32::try_from(a).ok().filter(|s| (0..=64).contains(s)).ok_or(Errno::EINVAL)?;
            task.attributes().parent_death_signal = signal;
        }
        PR_GET_PDEATHSIG => int_at.write(&*memory, &task.attributes().parent_death_signal)?,
        PR_GET_DUMPABLE => return Ok(u64::from(task.space().image.lock().dumpable)),
        PR_SET_DUMPABLE => task.space().image.lock().dumpable = flag(a)?,
        PR_GET_KEEPCAPS => return Ok(u64::from(capabilities::keeps(task))),
        PR_SET_KEEPCAPS => capabilities::keep(task, flag(a)?)?,
        PR_GET_TIMING => {}
        PR_SET_TIMING => unused(&[a])?,
        PR_SET_NAME => {
            let mut name = [0; 15];
            let got = read_name(task, UserAddr(a), &mut name)?;
            task.attributes().comm = Comm::new(name.get(..got).unwrap_or_default());
        }
        PR_GET_NAME => {
            let name = task.attributes().comm;
            write_all(&*memory, UserAddr(a), name.padded())?;
        }
        PR_GET_SECCOMP => return Ok(u64::from(task.attributes().seccomp.mode())),
        PR_SET_SECCOMP => return seccomp::set_mode(task, a, UserAddr(b)).await,
        PR_CAPBSET_READ => return Ok(u64::from(capabilities::bounding(task, a)?)),
        PR_CAPBSET_DROP => capabilities::drop_bounding(task, a)?,
        PR_GET_SECUREBITS => return Ok(u64::from(task.credentials().securebits)),
        PR_SET_SECUREBITS => capabilities::set_securebits(task, a)?,
        PR_SET_TIMERSLACK => {
            let mut attributes = task.attributes();
            attributes.timer_slack = if a.cast_signed() <= 0 { attributes.default_timer_slack } else { a };
        }
        PR_GET_TSC => int_at.write(&*memory, &PR_TSC_ENABLE)?,
        PR_SET_TSC if a == u64::from(PR_TSC_ENABLE.unsigned_abs()) => {}
        PR_MCE_KILL => {
            unused(&[c, d])?;
            task.attributes().machine_check = match (a, b) {
                (0, 0) => 2,
                (1, 0..=2) => u32::try_from(b).map_err(|_| Errno::EINVAL)?,
                _ => return Err(Errno::EINVAL),
            };
        }
        PR_MCE_KILL_GET => {
            unused(&[a, b, c, d])?;
            return Ok(task.attributes().machine_check.into());
        }
        PR_SET_IO_FLUSHER => {
            task.credentials().need(Capability::SysResource)?;
            unused(&[b, c, d])?;
            task.attributes().io_flusher = flag(a)?;
        }
        PR_GET_IO_FLUSHER => {
            task.credentials().need(Capability::SysResource)?;
            unused(&[a, b, c, d])?;
            return Ok(task.attributes().io_flusher.into());
        }
        PR_GET_TIMERSLACK => return Ok(task.attributes().timer_slack),
        PR_SET_CHILD_SUBREAPER => task.kernel.pids.set_subreaper(task.pid(), a != 0),
        PR_GET_CHILD_SUBREAPER => {
            let is_one = task.kernel.pids.ask(task.pid(), |r| r.subreaper) == Some(true);
            int_at.write(&*memory, &i32::from(is_one))?;
        }
        PR_SET_NO_NEW_PRIVS => {
            unused(&[b, c, d])?;
            if a != 1 {
                return Err(Errno::EINVAL);
            }
            task.forbid_new_privileges();
        }
        PR_GET_NO_NEW_PRIVS => {
            unused(&[a, b, c, d])?;
            return Ok(u64::from(task.credentials().no_new_privileges));
        }
        PR_GET_TID_ADDRESS => {
            let address = task.attributes().clear_child_tid;
            UserPtr::<u64>::new(a).write(&*memory, &address)?;
        }
        PR_CAP_AMBIENT => {
            unused(&[c, d])?;
            return capabilities::ambient(task, a, b);
        }
        _ => return Err(Errno::EINVAL),
    }
    Ok(0)
}

fn flag(value: u64) -> Result<bool, Errno> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Errno::EINVAL),
    }
}

/// Reads up to 15 bytes of a name, which may end before.
fn read_name(task: &Task, at: UserAddr, name: &mut [u8; 15]) -> Result<usize, Errno> {
    let memory = task.memory();
    match read_exact(&*memory, at, name) {
        Ok(()) => Ok(name.len()),
        Err(_) => {
            let short = kernel::memory::read_string(&*memory, at, name.len())?;
            name.iter_mut().zip(&short).for_each(|(to, from)| *to = *from);
            Ok(short.len().min(name.len()))
        }
    }
}
