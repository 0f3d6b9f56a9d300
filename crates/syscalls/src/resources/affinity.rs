//! sched_setaffinity(2), sched_getaffinity(2), getcpu(2).
//!
//! The mask is kept and told. The host places guest threads: moving one costs more than it brings.

use std::sync::Arc;

use abi::Errno;
use kernel::memory::{read_exact, write_all};
use kernel::{Task, UserAddr, UserPtr};
use zerocopy::IntoBytes;

use super::priority::may_change;

/// CPUs that a mask may name: more are ignored.
const CPUS_MAX: usize = 1024;

/// One bit for each CPU of the sandbox.
fn all_cpus() -> Vec<u64> {
    let count = host::machine::processors().min(CPUS_MAX);
    let mut mask = vec![0; count.div_ceil(64)];
    for cpu in 0..count {
        if let Some(word) = mask.get_mut(cpu / 64) {
            *word |= 1_u64 << (cpu % 64);
        }
    }
    mask
}

fn target(task: &Arc<Task>, pid: i32) -> Result<Arc<Task>, Errno> {
    if pid == 0 { Ok(Arc::clone(task)) } else { task.task_of(pid).ok_or(Errno::ESRCH) }
}

/// Notes on which CPUs a task may run.
///
/// # Errors
/// `EINVAL` if none of them exists, `EPERM`, `ESRCH`, `EFAULT`.
pub fn sched_setaffinity(task: &Arc<Task>, pid: i32, length: usize, mask: UserAddr) -> Result<(), Errno> {
    let target = target(task, pid)?;
    may_change(task, &target)?;
    let mut bytes = vec![0_u8; length.min(CPUS_MAX / 8)];
    read_exact(&*task.memory(), mask, &mut bytes)?;
    bytes.resize(CPUS_MAX / 8, 0);
    let wanted = bytes.chunks_exact(8).filter_map(|c| c.first_chunk()).map(|c| u64::from_le_bytes(*c));
    let allowed: Vec<u64> = all_cpus().iter().zip(wanted).map(|(exists, wanted)| exists & wanted).collect();
    if allowed.iter().all(|word| *word == 0) {
        return Err(Errno::EINVAL);
    }
    target.attributes().affinity = allowed;
    Ok(())
}

/// Tells on which CPUs a task may run. Returns the bytes written.
///
/// # Errors
/// `EINVAL` if the mask does not fit, `ESRCH`, `EFAULT`.
pub fn sched_getaffinity(task: &Arc<Task>, pid: i32, length: usize, mask: UserAddr) -> Result<usize, Errno> {
    let target = target(task, pid)?;
    let set = target.attributes().affinity.clone();
    let set = if set.is_empty() { all_cpus() } else { set };
    let bytes = set.as_bytes();
    if length < bytes.len() || !length.is_multiple_of(8) {
        return Err(Errno::EINVAL);
    }
    write_all(&*task.memory(), mask, bytes)?;
    Ok(bytes.len())
}

/// Tells a CPU that the caller may run on. The vDSO, which guests ask, and the stub, which answers this call of hot threads, know the one that
/// it does run on; this answers those that reach neither.
///
/// # Errors
/// `EFAULT`.
pub fn getcpu(task: &Arc<Task>, cpu: UserPtr<u32>, node: UserPtr<u32>) -> Result<(), Errno> {
    let set = task.attributes().affinity.clone();
    let first = set.iter().position(|word| *word != 0).map_or(0, |index| {
        let bit = set.get(index).map_or(0, |word| word.trailing_zeros());
        u32::try_from(index * 64).unwrap_or(0).saturating_add(bit)
    });
    if let Some(at) = cpu.some() {
        at.write(&*task.memory(), &first)?;
    }
    match node.some() {
        Some(at) => at.write(&*task.memory(), &0),
        None => Ok(()),
    }
}
