//! fcntl(2).

use std::sync::Arc;
use std::time::{Duration, Instant};

use abi::Errno;
use abi::fcntl::*;
use kernel::{Task, UserPtr, wait};
use pipe::PipeEnd;
use vfs::{Capability, Fd, OpenFile, OpenFlags};

use super::lease::{lease_of, set_lease};
use super::{descriptor, lock, owner};

/// Commands that work on a descriptor opened with `O_PATH`.
const fn is_for_paths(command: u32) -> bool {
    matches!(command, F_DUPFD | F_DUPFD_CLOEXEC | F_GETFD | F_SETFD | F_GETFL | F_DUPFD_QUERY)
}

/// fcntl(2).
///
/// # Errors
/// `EBADF`, `EINVAL` for an unknown command, and those of the commands.
pub async fn fcntl(task: &Arc<Task>, fd: Fd, command: u32, argument: u64) -> Result<u64, Errno> {
    let file = task.files().get(fd)?;
    if file.flags().contains(OpenFlags::PATH) && !is_for_paths(command) {
        return Err(Errno::EBADF);
    }
    let number = u32::try_from(argument & 0xffff_ffff).map_err(|_| Errno::EINVAL)?;
    let done = match command {
        F_DUPFD => duplicate(task, file, number, false)?,
        F_DUPFD_CLOEXEC => duplicate(task, file, number, true)?,
        F_DUPFD_QUERY => u64::from(is_same(task, &file, number)?),
        F_GETFD => u64::from(task.files().close_on_exec(fd)?),
        F_SETFD => {
            task.files().set_close_on_exec(fd, number & FD_CLOEXEC != 0)?;
            0
        }
        F_GETFL => u64::from(file.flags().bits()),
        F_SETFL => set_flags(task, &file, fd, number)?,
        F_GETLK | F_OFD_GETLK => lock::test(task, &file, command, UserPtr::new(argument))?,
        F_SETLK | F_SETLKW | F_OFD_SETLK | F_OFD_SETLKW => {
            lock::set(task, &file, command, UserPtr::new(argument)).await?
        }
        F_SETOWN => owner::set(task, &file, number.cast_signed())?,
        F_GETOWN => i64::from(owner::get(task, &file)).cast_unsigned(),
        F_SETOWN_EX => owner::set_exactly(task, &file, UserPtr::new(argument))?,
        F_GETOWN_EX => owner::get_exactly(task, &file, UserPtr::new(argument))?,
        F_SETSIG => owner::set_signal(&file, number)?,
        F_GETSIG => owner::signal(&file),
        F_SETPIPE_SZ | F_GETPIPE_SZ => pipe_size(task, &file, command, number)?,
        F_SETLEASE => set_lease(task, &file, fd, argument)?,
        F_GETLEASE => lease_of(&file),
        F_NOTIFY => {
            kernel::signal::directories::notify(task, &file, fd.0, number)?;
            0
        }
        F_CREATED_QUERY => u64::from(file.created()),
        F_ADD_SEALS => add_seals(task, &file, number).await?,
        F_GET_SEALS => u64::from(tmpfs::seals(&*file.file)?.bits()),
        _ => return Err(Errno::EINVAL),
    };
    Ok(done)
}

fn duplicate(task: &Task, file: Arc<OpenFile>, from: u32, close_on_exec: bool) -> Result<u64, Errno> {
    let limit = descriptor::limit(task);
    let from = usize::try_from(from).ok().filter(|from| *from < limit).ok_or(Errno::EINVAL)?;
    let fd = task.files().install(file, close_on_exec, from, limit)?;
    u64::try_from(fd.0).map_err(|_| Errno::EMFILE)
}

fn is_same(task: &Task, file: &Arc<OpenFile>, other: u32) -> Result<bool, Errno> {
    let other = task.files().get(Fd(i32::try_from(other).map_err(|_| Errno::EBADF)?))?;
    Ok(Arc::ptr_eq(file, &other))
}

fn set_flags(task: &Task, file: &Arc<OpenFile>, fd: Fd, bits: u32) -> Result<u64, Errno> {
    let mut flags = OpenFlags::from_bits_truncate(bits);
    let adds_noatime = flags.contains(OpenFlags::NOATIME) && !file.flags().contains(OpenFlags::NOATIME);
    if adds_noatime && !file.credentials.owns(&file.attributes()?) {
        return Err(Errno::EPERM);
    }
    if (flags ^ file.flags()).contains(OpenFlags::ASYNC)
        && !owner::set_asynchronous(task, file, fd, flags.contains(OpenFlags::ASYNC))
    {
        flags.toggle(OpenFlags::ASYNC);
    }
    file.set_flags(flags)?;
    Ok(0)
}

/// A process that has just ended may still have the file mapped, because the host takes its memory apart in its own time. So if one
/// has, busy is asked again, for a few milliseconds in all.
async fn add_seals(task: &Arc<Task>, file: &OpenFile, seals: u32) -> Result<u64, Errno> {
    const PAUSES: [u64; 5] = [1, 2, 4, 8, 16];
    if !file.flags().writes() {
        return Err(Errno::EPERM);
    }
    for pause in PAUSES.map(Duration::from_millis) {
        match tmpfs::add_seals(&*file.file, seals) {
            Err(Errno::EBUSY) if task.kernel.process_ended_lately() => {}
            done => return done.map(|()| 0),
        }
        let until = Instant::now().checked_add(pause).ok_or(Errno::EBUSY)?;
        wait::sleep_until(task, until).await?;
    }
    tmpfs::add_seals(&*file.file, seals).map(|()| 0)
}

fn pipe_size(task: &Task, file: &OpenFile, command: u32, bytes: u32) -> Result<u64, Errno> {
    let end = file.file.as_any().downcast_ref::<PipeEnd>().ok_or(Errno::EBADF)?;
    let size = match command {
        F_SETPIPE_SZ => end.pipe().set_capacity(bytes, task.credentials().has(Capability::SysResource))?,
        _ => end.pipe().capacity(),
    };
    Ok(size as u64)
}
