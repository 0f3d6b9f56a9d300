//! set_mempolicy(2), get_mempolicy(2), mbind(2), migrate_pages(2), set_mempolicy_home_node(2), as a Linux with one node answers.

use std::sync::Arc;

use abi::Errno;
use abi::memory::PAGE_SIZE;
use kernel::memory::write_all;
use kernel::task::memory_policy::{DEFAULT, MemoryPolicy};
use kernel::{Task, UserAddr, UserPtr, inspect};
use vfs::Capability;

/// Nodes that a mask may name (`MAX_NUMNODES`): one word.
const NODES_MAX: u64 = 64;
/// Bits of the longest mask that is looked at.
const MASK_MAX: u64 = PAGE_SIZE * 8;

const MPOL_F_NODE: u32 = 1;
const MPOL_F_ADDR: u32 = 2;
const MPOL_F_MEMS_ALLOWED: u32 = 4;

const MPOL_MF_STRICT: u32 = 1;
const MPOL_MF_MOVE: u32 = 2;
pub(super) const MPOL_MF_MOVE_ALL: u32 = 4;

/// The nodes of a mask: `count` is one more than its bits, as the calls have it.
fn nodes(task: &Task, mask: UserPtr<u64>, count: u64) -> Result<u64, Errno> {
    let bits = count.wrapping_sub(1);
    if bits == 0 || mask.is_null() {
        return Ok(0);
    }
    if bits > MASK_MAX {
        return Err(Errno::EINVAL);
    }
    let words = usize::try_from(bits.div_ceil(NODES_MAX)).map_err(|_| Errno::EINVAL)?;
    let mut read = mask.read_many(&*task.memory(), words)?;
    if let (Some(last), rest @ 1..) = (read.last_mut(), bits % NODES_MAX) {
        *last &= (1 << rest) - 1;
    }
    let (first, others) = read.split_first().ok_or(Errno::EINVAL)?;
    if others.iter().any(|word| *word != 0) { Err(Errno::EINVAL) } else { Ok(*first) }
}

/// set_mempolicy(2).
///
/// # Errors
/// `EINVAL`, `EFAULT`.
pub fn set_mempolicy(task: &Arc<Task>, mode: u32, mask: UserPtr<u64>, count: u64) -> Result<(), Errno> {
    let policy = MemoryPolicy::new(mode, nodes(task, mask, count)?)?;
    task.attributes().memory_policy = policy;
    Ok(())
}

/// get_mempolicy(2).
///
/// # Errors
/// `EINVAL`, `EFAULT` also for an address that nothing is mapped at.
pub fn get_mempolicy(
    task: &Arc<Task>,
    mode: UserPtr<u32>,
    mask: UserPtr<u64>,
    count: u64,
    address: u64,
    flags: u32,
) -> Result<(), Errno> {
    let has = |flag| flags & flag != 0;
    if (!mask.is_null() && count < MemoryPolicy::ALL_NODES.count_ones().into())
        || flags & !(MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_MEMS_ALLOWED) != 0
        || (has(MPOL_F_MEMS_ALLOWED) && has(MPOL_F_NODE | MPOL_F_ADDR))
        || (!has(MPOL_F_ADDR) && address != 0)
    {
        return Err(Errno::EINVAL);
    }
    let own = task.attributes().memory_policy;
    let policy = if has(MPOL_F_ADDR) {
        let mapped = task.memory().mappings()?.iter().any(|m| (m.start..m.end).contains(&address));
        if !mapped {
            return Err(Errno::EFAULT);
        }
        task.space().memory_policies.at(address).unwrap_or_default()
    } else {
        own
    };
    let (told, nodes) = match (has(MPOL_F_MEMS_ALLOWED), has(MPOL_F_NODE)) {
        (true, _) => (DEFAULT, MemoryPolicy::ALL_NODES),
        // The node of the page there, or that of the next page: there is only one.
        (_, true) if has(MPOL_F_ADDR) || policy.interleaves() => (0, policy.nodes),
        (_, true) => return Err(Errno::EINVAL),
        _ => (policy.mode, policy.nodes),
    };
    if let Some(at) = mode.some() {
        at.write(&*task.memory(), &told)?;
    }
    match mask.some() {
        Some(at) => tell(task, at.addr, count, nodes),
        None => Ok(()),
    }
}

/// Writes a mask of nodes over one that has room for `count` bits less one.
fn tell(task: &Task, at: UserAddr, count: u64, nodes: u64) -> Result<(), Errno> {
    let bytes = count.saturating_sub(1).div_ceil(NODES_MAX).saturating_mul(8);
    if bytes > PAGE_SIZE {
        return Err(Errno::EINVAL);
    }
    let mut mask = vec![0; usize::try_from(bytes).map_err(|_| Errno::EINVAL)?];
    mask.iter_mut().zip(nodes.to_le_bytes()).for_each(|(to, from)| *to = from);
    write_all(&*task.memory(), at, &mask)
}

/// The pages of a range, which must be mapped without a hole.
fn range(task: &Task, address: u64, length: u64) -> Result<core::ops::Range<u64>, Errno> {
    if !address.is_multiple_of(PAGE_SIZE) {
        return Err(Errno::EINVAL);
    }
    let length = length.checked_next_multiple_of(PAGE_SIZE).ok_or(Errno::EINVAL)?;
    let end = address.checked_add(length).ok_or(Errno::EINVAL)?;
    if length > 0 {
        super::lock::mapped(task, address, length).map_err(|_| Errno::EFAULT)?;
    }
    Ok(address..end)
}

/// mbind(2).
///
/// # Errors
/// `EINVAL`, `EPERM`, `EFAULT` for a range with holes, `ENOMEM` with too many ranges.
pub fn mbind(
    task: &Arc<Task>,
    address: u64,
    length: u64,
    mode: u32,
    mask: UserPtr<u64>,
    count: u64,
    flags: u32,
) -> Result<(), Errno> {
    let nodes = nodes(task, mask, count)?;
    if flags & !(MPOL_MF_STRICT | MPOL_MF_MOVE | MPOL_MF_MOVE_ALL) != 0 {
        return Err(Errno::EINVAL);
    }
    if flags & MPOL_MF_MOVE_ALL != 0 {
        task.credentials().need(Capability::SysNice)?;
    }
    if !address.is_multiple_of(PAGE_SIZE) {
        return Err(Errno::EINVAL);
    }
    if length == 0 {
        return Ok(());
    }
    let policy = MemoryPolicy::new(mode, nodes)?;
    let range = range(task, address, length)?;
    let policy = (policy != MemoryPolicy::default()).then_some(policy);
    task.space().memory_policies.set(range, policy)
}

/// set_mempolicy_home_node(2).
///
/// # Errors
/// `EINVAL` for flags and for a node that is not there; `EOPNOTSUPP` where no policy takes one.
pub fn set_mempolicy_home_node(
    task: &Arc<Task>,
    address: u64,
    length: u64,
    node: u64,
    flags: u64,
) -> Result<(), Errno> {
    if !address.is_multiple_of(PAGE_SIZE) || flags != 0 || node != 0 {
        return Err(Errno::EINVAL);
    }
    let length = length.checked_next_multiple_of(PAGE_SIZE).ok_or(Errno::EINVAL)?;
    let end = address.checked_add(length).ok_or(Errno::EINVAL)?;
    let policies = task.space().memory_policies.within(address..end);
    if policies.iter().any(|policy| !policy.takes_home_node()) { Err(Errno::EOPNOTSUPP) } else { Ok(()) }
}

/// migrate_pages(2). There is nowhere to go, so no page is left behind.
///
/// # Errors
/// `EINVAL`, `ESRCH`, `EPERM`, `EFAULT`.
pub fn migrate_pages(
    task: &Arc<Task>,
    pid: i32,
    count: u64,
    old: UserPtr<u64>,
    new: UserPtr<u64>,
) -> Result<u64, Errno> {
    nodes(task, old, count)?;
    let new = nodes(task, new, count)?;
    let other = if pid == 0 { Arc::clone(task) } else { task.task_of(pid).ok_or(Errno::ESRCH)? };
    inspect::may_read_real(task, &other)?;
    if new & !MemoryPolicy::ALL_NODES != 0 {
        task.credentials().need(Capability::SysNice)?;
    }
    if new & MemoryPolicy::ALL_NODES == 0 { Err(Errno::EINVAL) } else { Ok(0) }
}
