//! io_submit(2), io_cancel(2).

use std::sync::Arc;

use abi::Errno;
use abi::aio::*;
use kernel::aio::{Context, Notice};
use kernel::{IoVecs, Task, UserAddr, UserPtr};
use vfs::{Events, Fd, OpenFile};

use crate::file::descriptor;
use crate::file::io::{Manner, Place, one, read_file, several, write_file};

/// What the kernel writes into a control block that it has taken.
const KEY: u32 = 0;
/// `RWF_HIPRI`, `DSYNC`, `SYNC`, `NOWAIT`: what a request may ask for.
const RWF_KNOWN: u32 = 0xf;
const RWF_DSYNC: u32 = 2;
const RWF_SYNC: u32 = 4;
const RWF_NOWAIT: u32 = 8;

/// Carries requests out, or has them wait. Returns how many, up to the first that is not taken.
///
/// # Errors
/// Why the first is not taken: `EINVAL`, `EFAULT`, `EBADF`, `EAGAIN`, `EOPNOTSUPP`.
pub async fn io_submit(task: &Arc<Task>, id: u64, count: i64, list: UserPtr<u64>) -> Result<u64, Errno> {
    let count = u64::try_from(count).map_err(|_| Errno::EINVAL)?;
    let context = task.space().asynchronous.find(id)?;
    let mut done = 0;
    while done < count {
        let taken = match list.at(done).read(&*task.memory()) {
            Ok(block) => submit(task, &context, block).await,
            Err(errno) => Err(errno),
        };
        match taken {
            Ok(()) => done += 1,
            Err(errno) if done == 0 => return Err(errno),
            Err(_) => break,
        }
    }
    Ok(done)
}

async fn submit(task: &Arc<Task>, context: &Arc<Context>, at: u64) -> Result<(), Errno> {
    let block = UserPtr::<Iocb>::new(at).read(&*task.memory())?;
    if block.reserved != 0 || i64::try_from(block.count).is_err() {
        return Err(Errno::EINVAL);
    }
    context.has_room()?;
    let file = descriptor::get(task, Fd(block.fd))?;
    let notice = if block.flags & IOCB_FLAG_RESFD == 0 {
        Notice::default()
    } else {
        Notice::to(descriptor::get(task, Fd(block.event_fd))?)?
    };
    UserPtr::<u32>::new(at.wrapping_add(IOCB_KEY)).write(&*task.memory(), &KEY)?;
    let event = IoEvent { data: block.data, object: at, ..IoEvent::default() };
    let result = match block.opcode {
        IOCB_CMD_PREAD | IOCB_CMD_PWRITE | IOCB_CMD_PREADV | IOCB_CMD_PWRITEV => {
            transfer(task, &file, &block).await?
        }
        IOCB_CMD_FSYNC | IOCB_CMD_FDSYNC => sync(&file, &block)?,
        IOCB_CMD_POLL => return poll(context, file, &block, event, notice),
        _ => return Err(Errno::EINVAL),
    };
    let result = match result {
        Ok(count) => i64::try_from(count).unwrap_or(i64::MAX),
        Err(Errno::ERESTARTSYS) => -i64::from(Errno::EINTR.raw()),
        Err(errno) => -i64::from(errno.raw()),
    };
    context.complete(IoEvent { result, ..event }, &notice);
    Ok(())
}

/// Reads or writes. What is wrong with the request is the outer error, what becomes of it the inner one.
async fn transfer(
    task: &Arc<Task>,
    file: &Arc<OpenFile>,
    block: &Iocb,
) -> Result<Result<usize, Errno>, Errno> {
    if block.rw_flags & !RWF_KNOWN != 0 {
        return Err(Errno::EOPNOTSUPP);
    }
    let writes = matches!(block.opcode, IOCB_CMD_PWRITE | IOCB_CMD_PWRITEV);
    let flags = file.flags();
    if !(if writes { flags.writes() } else { flags.reads() }) {
        return Err(Errno::EBADF);
    }
    let pieces = pieces(task, block)?;
    let place = if file.file.seekable() { Place::at(block.offset)? } else { Place::Here };
    let nonblocking = block.rw_flags & RWF_NOWAIT != 0;
    if !writes {
        return Ok(read_file(task, file, pieces, place, nonblocking).await);
    }
    let written = write_file(task, file, pieces, place, Manner::waiting_unless(nonblocking)).await;
    let synced = match block.rw_flags & (RWF_DSYNC | RWF_SYNC) {
        0 => Ok(()),
        how => file.file.sync(how & RWF_SYNC == 0),
    };
    Ok(written.and_then(|count| synced.map(|()| count)))
}

fn pieces(task: &Task, block: &Iocb) -> Result<IoVecs, Errno> {
    let count = usize::try_from(block.count).map_err(|_| Errno::EINVAL)?;
    match block.opcode {
        IOCB_CMD_PREADV | IOCB_CMD_PWRITEV => several(task, UserPtr::new(block.buffer), count),
        _ => one(UserAddr(block.buffer), count),
    }
}

fn sync(file: &OpenFile, block: &Iocb) -> Result<Result<usize, Errno>, Errno> {
    if block.buffer != 0 || block.offset != 0 || block.count != 0 || block.rw_flags != 0 {
        return Err(Errno::EINVAL);
    }
    match file.file.sync(block.opcode == IOCB_CMD_FDSYNC) {
        // There is nothing to sync.
        Err(Errno::EINVAL) => Err(Errno::EINVAL),
        done => Ok(done.map(|()| 0)),
    }
}

fn poll(
    context: &Arc<Context>,
    file: Arc<OpenFile>,
    block: &Iocb,
    event: IoEvent,
    notice: Notice,
) -> Result<(), Errno> {
    let wanted = u16::try_from(block.buffer).map_err(|_| Errno::EINVAL)?;
    let unused = block.offset != 0 || block.count != 0 || block.rw_flags != 0;
    if unused || file.file.readiness().is_none() {
        return Err(Errno::EINVAL);
    }
    context.poll(file, Events::from_bits_truncate(wanted.into()), event, notice);
    Ok(())
}

/// Ends a request that waits; its event follows.
///
/// # Errors
/// `EINPROGRESS` if it ends, `EINVAL` if it does not wait, `EFAULT`.
pub fn io_cancel(task: &Arc<Task>, id: u64, block: u64, _: UserAddr) -> Result<(), Errno> {
    let key = UserPtr::<u32>::new(block.wrapping_add(IOCB_KEY)).read(&*task.memory())?;
    if key != KEY {
        return Err(Errno::EINVAL);
    }
    task.space().asynchronous.find(id)?.cancel(block)?;
    Err(Errno::EINPROGRESS)
}
