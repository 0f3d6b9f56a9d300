//! sysinfo(2).

use std::sync::Arc;

use abi::Errno;
use abi::resource::Sysinfo;
use kernel::{Task, UserPtr};

/// Tells of memory, load and processes: the machine's memory and load, the sandbox's own processes and uptime.
///
/// # Errors
/// `EFAULT`.
pub fn sysinfo(task: &Arc<Task>, to: UserPtr<Sysinfo>) -> Result<(), Errno> {
    let machine = host::system::machine();
    let total = host::machine::memory();
    let told = Sysinfo {
        uptime: i64::try_from(task.kernel.started.elapsed().as_secs()).unwrap_or(i64::MAX),
        loads: machine.loads,
        total_ram: total,
        free_ram: machine.free_memory.min(total),
        shared_ram: machine.shared_memory,
        buffer_ram: machine.buffers,
        processes: u16::try_from(task.kernel.pids.task_count()).unwrap_or(u16::MAX),
        unit: 1,
        ..Sysinfo::default()
    };
    to.write(&*task.memory(), &told)
}
