//! msgget(2), msgsnd(2), msgrcv(2), msgctl(2).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use abi::Errno;
use abi::ipc::*;
use kernel::ipc::{Entry, Ipc, Message, Queue, Wanted};
use kernel::memory::{read_exact, write_all};
use kernel::{Task, UserAddr, UserPtr, wait};
use vfs::{Capability, Events};

/// Bytes that the privileged may let a queue hold.
const QUEUE_BYTES_MAX: u64 = 1 << 20;
/// Bytes of a message's type, before its text.
const TYPE: u64 = 8;

/// msgget(2).
///
/// # Errors
/// Those of msgget(2).
pub fn msgget(task: &Arc<Task>, key: i32, flags: i32) -> Result<i32, Errno> {
    let ipc = task.ipc();
    let bytes = ipc.limits.queue_bytes.get();
    let most = ipc.limits.queues.count();
    ipc.queues.get(&task.credentials(), (key, flags), most, |_| Ok(()), |_| Ok(Queue::new(bytes)))
}

/// msgsnd(2).
///
/// # Errors
/// Those of msgsnd(2).
pub async fn msgsnd(
    task: &Arc<Task>,
    id: i32,
    message: UserAddr,
    length: usize,
    flags: i32,
) -> Result<(), Errno> {
    let kind = UserPtr::<i64>::new(message.0).read(&*task.memory())?;
    if length > task.ipc().limits.message_bytes.count() || id < 0 || kind < 1 {
        return Err(Errno::EINVAL);
    }
    let mut text = vec![0; length];
    read_exact(&*task.memory(), message.offset(TYPE), &mut text)?;
    let message = Message { kind, text };
    let queue = task.ipc().queues.find(id)?;
    let attempt = || {
        queue.present()?;
        queue.may(&task.credentials(), 2)?;
        queue.object.send(task.pid(), &message)
    };
    patiently(task, &queue, flags, Errno::EAGAIN, attempt).await
}

/// Tries until it no longer fails with `EAGAIN`; at once with `now` if the call must not wait.
async fn patiently<T>(
    task: &Arc<Task>,
    queue: &Entry<Queue>,
    flags: i32,
    now: Errno,
    mut attempt: impl FnMut() -> Result<T, Errno>,
) -> Result<T, Errno> {
    if flags & IPC_NOWAIT != 0 {
        return attempt().map_err(|error| if error == Errno::EAGAIN { now } else { error });
    }
    let done = wait::until(task, &queue.object.changed, Events::IN, attempt).await;
    // A handler ends it whatever its flags are: signal(7).
    done.map_err(|error| if error == Errno::ERESTARTSYS { Errno::ERESTARTNOHAND } else { error })
}

/// msgrcv(2).
///
/// # Errors
/// Those of msgrcv(2).
pub async fn msgrcv(
    task: &Arc<Task>,
    id: i32,
    to: UserAddr,
    room: usize,
    kind: i64,
    flags: i32,
) -> Result<usize, Errno> {
    if id < 0 || isize::try_from(room).is_err() {
        return Err(Errno::EINVAL);
    }
    let wanted = wanted(kind, flags)?;
    let queue = task.ipc().queues.find(id)?;
    let cut = flags & MSG_NOERROR != 0;
    let attempt = || {
        queue.present()?;
        queue.may(&task.credentials(), 4)?;
        queue.object.receive(task.pid(), wanted, room, cut)
    };
    let message = patiently(task, &queue, flags, Errno::ENOMSG, attempt).await?;
    let text = message.text.get(..room).unwrap_or(&message.text);
    UserPtr::new(to.0).write(&*task.memory(), &message.kind)?;
    write_all(&*task.memory(), to.offset(TYPE), text)?;
    Ok(text.len())
}

fn wanted(kind: i64, flags: i32) -> Result<Wanted, Errno> {
    let except = flags & MSG_EXCEPT != 0;
    if flags & MSG_COPY != 0 {
        if except || flags & IPC_NOWAIT == 0 {
            return Err(Errno::EINVAL);
        }
        return Ok(Wanted::Copy(usize::try_from(kind).unwrap_or(usize::MAX)));
    }
    Ok(match kind {
        0 => Wanted::Any,
        1.. if except => Wanted::Except(kind),
        1.. => Wanted::Kind(kind),
        _ => Wanted::Lowest(kind.checked_neg().unwrap_or(i64::MAX)),
    })
}

/// msgctl(2).
///
/// # Errors
/// Those of msgctl(2).
pub fn msgctl(task: &Arc<Task>, id: i32, command: i32, buffer: UserAddr) -> Result<i32, Errno> {
    let ipc = task.ipc();
    let queues = &ipc.queues;
    let caller = task.credentials();
    match command {
        IPC_INFO | MSG_INFO => {
            let info = limits(&ipc, command == MSG_INFO);
            UserPtr::new(buffer.0).write(&*task.memory(), &info)?;
            Ok(queues.highest_place())
        }
        IPC_STAT | MSG_STAT | MSG_STAT_ANY => {
            let by_place = command != IPC_STAT;
            let queue = if by_place { queues.at(id)? } else { queues.find(id)? };
            if command != MSG_STAT_ANY {
                queue.may(&caller, 4)?;
            }
            UserPtr::new(buffer.0).write(&*task.memory(), &status(task, &queue))?;
            Ok(if by_place { queue.id } else { 0 })
        }
        IPC_SET => {
            let new: MsqidDs = UserPtr::new(buffer.0).read(&*task.memory())?;
            let queue = queues.find(id)?;
            queue.owned_by(&caller)?;
            if new.bytes_max > ipc.limits.queue_bytes.get() && !caller.has(Capability::SysResource) {
                return Err(Errno::EPERM);
            }
            queue.set_owner(&caller, &new.perm)?;
            queue.object.set_bytes_max(new.bytes_max.min(QUEUE_BYTES_MAX));
            Ok(0)
        }
        IPC_RMID => {
            let queue = queues.find(id)?;
            queue.owned_by(&caller)?;
            queues.remove(&queue);
            queue.object.changed.notify(Events::all());
            Ok(0)
        }
        _ => Err(Errno::EINVAL),
    }
}

fn status(task: &Task, queue: &Entry<Queue>) -> MsqidDs {
    let told = queue.object.status();
    MsqidDs {
        perm: queue.perm(&task.credentials()),
        sent: told.sent.0,
        received: told.received.0,
        changed: queue.changed.load(Ordering::Relaxed),
        bytes: told.bytes,
        count: told.count,
        bytes_max: told.bytes_max,
        last_sender: task.pids().shown(told.sent.1),
        last_receiver: task.pids().shown(told.received.1),
        ..MsqidDs::default()
    }
}

/// The limits, or with `used` how many queues, messages and bytes there are in three of the fields.
fn limits(ipc: &Ipc, used: bool) -> Msginfo {
    let number = |n: u64| i32::try_from(n).unwrap_or(i32::MAX);
    let all = ipc.queues.all();
    let sum = |of: fn(&Queue) -> u64| number(all.iter().map(|queue| of(&queue.object)).sum());
    let (queues, bytes) = (ipc.limits.queues.get(), ipc.limits.queue_bytes.get());
    Msginfo {
        pool: if used {
            i32::try_from(all.len()).unwrap_or(i32::MAX)
        } else {
            number(queues.saturating_mul(bytes) / 1024)
        },
        map: if used { sum(|queue| queue.status().count) } else { number(bytes) },
        message_max: number(ipc.limits.message_bytes.get()),
        queue_max: number(bytes),
        queues: number(queues),
        segment_size: 16,
        messages: if used { sum(|queue| queue.status().bytes) } else { number(bytes) },
        segments: u16::MAX,
        padding: 0,
    }
}
