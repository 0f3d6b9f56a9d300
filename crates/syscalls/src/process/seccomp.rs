//! seccomp(2), and what prctl(2) has of it.

use std::sync::Arc;

use abi::Errno;
use kernel::memory::read_exact;
use kernel::seccomp::{self, ACTIONS, Install, Instruction, MOST_STEPS, Program};
use kernel::{Task, UserAddr, UserPtr};
use vfs::Capability;

const SET_MODE_STRICT: u32 = 0;
const SET_MODE_FILTER: u32 = 1;
const GET_ACTION_AVAIL: u32 = 2;

const FLAG_TSYNC: u64 = 1;
const FLAG_LOG: u64 = 2;
const FLAG_SPEC_ALLOW: u64 = 4;
const FLAG_TSYNC_ESRCH: u64 = 16;
/// `NEW_LISTENER` and what belongs to it is not offered.
const FLAGS: u64 = FLAG_TSYNC | FLAG_LOG | FLAG_SPEC_ALLOW | FLAG_TSYNC_ESRCH;

/// `PR_SET_SECCOMP` with this is strict mode.
const MODE_STRICT: u64 = 1;
/// And with this a filter.
const MODE_FILTER: u64 = 2;

/// Carries out one of its operations.
///
/// # Errors
/// Those of seccomp(2).
pub async fn seccomp(task: &Arc<Task>, operation: u32, flags: u64, args: UserAddr) -> Result<u64, Errno> {
    match operation {
        SET_MODE_STRICT if flags != 0 || args.0 != 0 => Err(Errno::EINVAL),
        SET_MODE_STRICT => seccomp::set_strict(task).await.map(|()| 0),
        SET_MODE_FILTER => set_filter(task, flags, args).await,
        GET_ACTION_AVAIL if flags != 0 => Err(Errno::EINVAL),
        GET_ACTION_AVAIL => {
            let action = UserPtr::<u32>::new(args.0).read(&*task.memory())?;
            let known = ACTIONS.iter().any(|(_, number)| *number == action);
            if known { Ok(0) } else { Err(Errno::EOPNOTSUPP) }
        }
        _ => Err(Errno::EINVAL),
    }
}

/// `PR_SET_SECCOMP`.
pub(super) async fn set_mode(task: &Arc<Task>, mode: u64, program: UserAddr) -> Result<u64, Errno> {
    match mode {
        MODE_STRICT => seccomp::set_strict(task).await.map(|()| 0),
        MODE_FILTER => set_filter(task, 0, program).await,
        _ => Err(Errno::EINVAL),
    }
}

async fn set_filter(task: &Arc<Task>, flags: u64, at: UserAddr) -> Result<u64, Errno> {
    if flags & !FLAGS != 0 {
        return Err(Errno::EINVAL);
    }
    let program = read_program(task, at)?;
    let what = Install { program, logs: flags & FLAG_LOG != 0, all_threads: flags & FLAG_TSYNC != 0 };
    match seccomp::install(task, what).await? {
        None => Ok(0),
        Some(_) if flags & FLAG_TSYNC_ESRCH != 0 => Err(Errno::ESRCH),
        Some(tid) => u64::try_from(tid).map_err(|_| Errno::ESRCH),
    }
}

/// Reads a `struct sock_fprog` and what it points to.
fn read_program(task: &Arc<Task>, at: UserAddr) -> Result<Program, Errno> {
    let memory = task.memory();
    let mut header = [0; 16];
    read_exact(&*memory, at, &mut header)?;
    let [low, high, _, _, _, _, _, _, address @ ..] = header;
    let count = usize::from(u16::from_le_bytes([low, high]));
    if count == 0 || count > MOST_STEPS {
        return Err(Errno::EINVAL);
    }
    let credentials = task.credentials();
    if !credentials.no_new_privileges && !credentials.has_here(Capability::SysAdmin) {
        return Err(Errno::EACCES);
    }
    let mut bytes = vec![0; count.saturating_mul(8)];
    read_exact(&*memory, UserAddr(u64::from_le_bytes(address)), &mut bytes)?;
    let instructions: Vec<Instruction> =
        bytes.as_chunks().0.iter().map(|bytes| Instruction::from_bytes(*bytes)).collect();
    Program::new(&instructions)
}
