//! arch_prctl(2).

use std::sync::Arc;

use abi::Errno;
use kernel::{Task, UserPtr};

const ARCH_SET_GS: u32 = 0x1001;
const ARCH_SET_FS: u32 = 0x1002;
const ARCH_GET_FS: u32 = 0x1003;
const ARCH_GET_GS: u32 = 0x1004;
/// One past the highest canonical user address.
const USER_END: u64 = 0x7fff_ffff_f000;

/// Sets or reads a segment base.
///
/// # Errors
/// `EPERM` for an address outside user space, `EINVAL` for what is not known, `EFAULT`.
pub fn arch_prctl(task: &Arc<Task>, operation: u32, address: u64) -> Result<(), Errno> {
    let thread = task.thread().ok_or(Errno::ESRCH)?;
    let out = UserPtr::<u64>::new(address);
    match operation {
        ARCH_SET_FS | ARCH_SET_GS if address >= USER_END => Err(Errno::EPERM),
        ARCH_SET_FS => thread.set_bases(Some(address), None),
        ARCH_SET_GS => thread.set_bases(None, Some(address)),
        ARCH_GET_FS => out.write(&*task.memory(), &thread.context()?.fs_base),
        ARCH_GET_GS => out.write(&*task.memory(), &thread.context()?.gs_base),
        _ => Err(Errno::EINVAL),
    }
}
