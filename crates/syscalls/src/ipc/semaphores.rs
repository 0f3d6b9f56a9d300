//! semget(2), semop(2), semctl(2).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use abi::Errno;
use abi::ipc::*;
use abi::time::Timespec;
use kernel::ipc::semaphores::VALUE_MAX;
use kernel::ipc::{Entry, Ipc, Limit, Operation, Set};
use kernel::{Task, UserPtr, wait};
use vfs::Events;

/// semget(2).
///
/// # Errors
/// Those of semget(2).
pub fn semget(task: &Arc<Task>, key: i32, count: i32, flags: i32) -> Result<i32, Errno> {
    let ipc = task.ipc();
    let limits = &ipc.limits;
    let most = limits.set_semaphores.count();
    let count = usize::try_from(count).ok().filter(|n| *n <= most).ok_or(Errno::EINVAL)?;
    let fits = |set: &Set| if set.count() < count { Err(Errno::EINVAL) } else { Ok(()) };
    let make = |all: &[Arc<Entry<Set>>]| {
        if count == 0 {
            return Err(Errno::EINVAL);
        }
        let used: usize = all.iter().map(|entry| entry.object.count()).sum();
        if used.saturating_add(count) > limits.semaphores.count() {
            Err(Errno::ENOSPC)
        } else {
            Ok(Set::new(count))
        }
    };
    ipc.sets.get(&task.credentials(), (key, flags), limits.sets.count(), fits, make)
}

/// semop(2).
///
/// # Errors
/// Those of semop(2).
pub async fn semop(
    task: &Arc<Task>,
    id: i32,
    operations: UserPtr<Sembuf>,
    count: usize,
) -> Result<(), Errno> {
    semtimedop(task, id, operations, count, UserPtr::new(0)).await
}

/// semtimedop(2).
///
/// # Errors
/// Those of semtimedop(2).
pub async fn semtimedop(
    task: &Arc<Task>,
    id: i32,
    operations: UserPtr<Sembuf>,
    count: usize,
    timeout: UserPtr<Timespec>,
) -> Result<(), Errno> {
    if count == 0 || id < 0 {
        return Err(Errno::EINVAL);
    }
    if count > task.ipc().limits.operations.count() {
        return Err(Errno::E2BIG);
    }
    let operations = read_operations(task, operations, count)?;
    let deadline = match timeout.some() {
        Some(timeout) => task.deadline(timeout.read(&*task.memory())?.duration()?),
        None => None,
    };
    let set = task.ipc().sets.find(id)?;
    let alters = operations.iter().any(|o| o.by != 0);
    if operations.iter().any(|o| o.number >= set.object.count()) {
        return Err(Errno::EFBIG);
    }
    set.may(&task.credentials(), if alters { 2 } else { 4 })?;
    let list = if operations.iter().any(|o| o.undo) { task.undo_list().id } else { 0 };
    let mut waiting = None;
    let attempt = || {
        set.present()?;
        match set.object.operate(task.pid(), list, &operations)? {
            Ok(()) => Ok(Ok(())),
            Err(blocked) if blocked.nonblocking => Ok(Err(Errno::EAGAIN)),
            Err(blocked) => {
                waiting = None;
                waiting = Some(set.object.wait(blocked));
                Err(Errno::EAGAIN)
            }
        }
    };
    let done = wait::until_deadline(task, &set.object.changed, Events::IN, deadline, attempt).await;
    match done {
        Ok(done) => done,
        // It is never restarted: signal(7).
        Err(Errno::ERESTARTSYS) => Err(Errno::EINTR),
        Err(Errno::ETIMEDOUT) => Err(Errno::EAGAIN),
        Err(error) => Err(error),
    }
}

fn read_operations(task: &Task, at: UserPtr<Sembuf>, count: usize) -> Result<Vec<Operation>, Errno> {
    let given = at.read_many(&*task.memory(), count)?;
    let operation = |s: &Sembuf| Operation {
        number: usize::from(s.number),
        by: s.operation,
        nonblocking: i32::from(s.flags) & IPC_NOWAIT != 0,
        undo: s.flags & SEM_UNDO != 0,
    };
    Ok(given.iter().map(operation).collect())
}

/// semctl(2). The argument is a number or a pointer.
///
/// # Errors
/// Those of semctl(2).
pub fn semctl(task: &Arc<Task>, id: i32, number: i32, command: i32, argument: u64) -> Result<i32, Errno> {
    let ipc = task.ipc();
    let sets = &ipc.sets;
    let caller = task.credentials();
    match command {
        IPC_INFO | SEM_INFO => {
            let info = limits(&ipc, command == SEM_INFO);
            UserPtr::new(argument).write(&*task.memory(), &info)?;
            Ok(sets.highest_place())
        }
        IPC_STAT | SEM_STAT | SEM_STAT_ANY => {
            let by_place = command != IPC_STAT;
            let set = if by_place { sets.at(id)? } else { sets.find(id)? };
            if command != SEM_STAT_ANY {
                set.may(&caller, 4)?;
            }
            UserPtr::new(argument).write(&*task.memory(), &status(task, &set))?;
            Ok(if by_place { set.id } else { 0 })
        }
        IPC_SET => {
            let new: SemidDs = UserPtr::new(argument).read(&*task.memory())?;
            sets.find(id)?.set_owner(&caller, &new.perm).map(|()| 0)
        }
        IPC_RMID => {
            let set = sets.find(id)?;
            set.owned_by(&caller)?;
            sets.remove(&set);
            set.object.changed.notify(Events::all());
            Ok(0)
        }
        SETVAL | SETALL => change(task, &*sets.find(id)?, number, command, argument),
        GETALL | GETVAL | GETPID | GETNCNT | GETZCNT => {
            let set = sets.find(id)?;
            set.may(&caller, 4)?;
            ask(task, &set, number, command, argument)
        }
        _ => Err(Errno::EINVAL),
    }
}

fn ask(task: &Task, set: &Entry<Set>, number: i32, command: i32, argument: u64) -> Result<i32, Errno> {
    if command == GETALL {
        UserPtr::new(argument).write_many(&*task.memory(), &set.object.values())?;
        return Ok(0);
    }
    let (value, pid, growing, zero) = set.object.get(usize::try_from(number).map_err(|_| Errno::EINVAL)?)?;
    let count = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    Ok(match command {
        GETVAL => i32::from(value),
        GETPID => task.pids().shown(pid),
        GETNCNT => count(growing),
        _ => count(zero),
    })
}

fn change(task: &Task, set: &Entry<Set>, number: i32, command: i32, argument: u64) -> Result<i32, Errno> {
    let caller = task.credentials();
    if command == SETALL {
        set.may(&caller, 2)?;
        let values = UserPtr::<u16>::new(argument).read_many(&*task.memory(), set.object.count())?;
        set.object.set_all(task.pid(), &values)?;
    } else {
        // As Linux has it: the value first, then the number, then the right.
        let [a, b, c, d, ..] = argument.to_le_bytes();
        let value = u16::try_from(i32::from_le_bytes([a, b, c, d])).ok().filter(|v| *v <= VALUE_MAX);
        let value = value.ok_or(Errno::ERANGE)?;
        let number = usize::try_from(number).ok().filter(|n| *n < set.object.count());
        let number = number.ok_or(Errno::EINVAL)?;
        set.may(&caller, 2)?;
        set.object.set(task.pid(), number, value)?;
    }
    set.changed.store(kernel::ipc::now(), Ordering::Relaxed);
    Ok(0)
}

fn status(task: &Task, set: &Entry<Set>) -> SemidDs {
    SemidDs {
        perm: set.perm(&task.credentials()),
        operated: set.object.operated.load(Ordering::Relaxed),
        changed: set.changed.load(Ordering::Relaxed),
        count: u64::try_from(set.object.count()).unwrap_or(0),
        ..SemidDs::default()
    }
}

/// The limits, or with `used` how many sets and semaphores there are in two of the fields.
fn limits(ipc: &Ipc, used: bool) -> Seminfo {
    let number = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let told = |limit: &Limit| number(limit.count());
    let all = ipc.sets.all();
    let semaphores: usize = all.iter().map(|set| set.object.count()).sum();
    Seminfo {
        map: told(&ipc.limits.semaphores),
        sets: told(&ipc.limits.sets),
        all: told(&ipc.limits.semaphores),
        undo_structures: told(&ipc.limits.semaphores),
        per_set: told(&ipc.limits.set_semaphores),
        per_call: told(&ipc.limits.operations),
        undo_per_process: told(&ipc.limits.operations),
        undo_size: if used { number(all.len()) } else { 20 },
        value_max: i32::from(VALUE_MAX),
        adjustment_max: if used { number(semaphores) } else { i32::from(VALUE_MAX) },
    }
}
