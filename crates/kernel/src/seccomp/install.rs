//! Adding a filter, and strict mode.

use std::sync::Arc;

use abi::Errno;
use platform::{Order, Watch};

use super::{Filters, Program, Seccomp};
use crate::Task;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Install {
    /// The new filter.
    pub program: Program,
    /// `SECCOMP_FILTER_FLAG_LOG`.
    pub logs: bool,
    /// `SECCOMP_FILTER_FLAG_TSYNC`: all threads of the process get the caller's filters.
    pub all_threads: bool,
}

/// Adds a filter to the task's, in a call that came with registers. With all threads, the id of one whose filters are not among the caller's if
/// there is one; nothing has happened then.
///
/// # Errors
/// `EINVAL` in strict mode, `ENOMEM` if the filters become too long or the host takes no more.
pub async fn install(task: &Arc<Task>, what: Install) -> Result<Option<i32>, Errno> {
    loop {
        let old = task.attributes().seccomp.clone();
        if matches!(old, Seccomp::Strict) {
            return Err(Errno::EINVAL);
        }
        let new = Arc::new(Filters::with(old.filters().map(Arc::as_ref), what.program.clone(), what.logs)?);
        watch(task, &old, &Seccomp::Filtered(Arc::clone(&new))).await?;
        match enter(task, &old, new, what.all_threads) {
            Entered::Yes => break,
            Entered::Refused(tid) => return Ok(Some(tid)),
            // Another thread has meanwhile given this one its filters.
            Entered::Again => {}
        }
    }
    let threads = if what.all_threads { task.group.tasks() } else { vec![Arc::clone(task)] };
    let privileged = !task.credentials().no_new_privileges;
    for thread in threads {
        if !privileged {
            thread.forbid_new_privileges();
        }
        thread.withdraw_answers();
    }
    Ok(None)
}

/// Enters strict mode, in a call that came with registers.
///
/// # Errors
/// `EINVAL` if there are filters, `ENOMEM` as [`install`].
pub async fn set_strict(task: &Arc<Task>) -> Result<(), Errno> {
    let old = task.attributes().seccomp.clone();
    if matches!(old, Seccomp::Filtered(_)) {
        return Err(Errno::EINVAL);
    }
    watch(task, &old, &Seccomp::Strict).await?;
    task.set_seccomp(Seccomp::Strict);
    task.withdraw_answers();
    Ok(())
}

enum Entered {
    Yes,
    Refused(i32),
    Again,
}

/// Sets the filters, under the lock that new threads are entered under.
fn enter(task: &Arc<Task>, old: &Seccomp, new: Arc<Filters>, all_threads: bool) -> Entered {
    let state = task.group.state.lock();
    let same = match (&task.attributes().seccomp, old) {
        (Seccomp::Off, Seccomp::Off) => true,
        (Seccomp::Filtered(now), Seccomp::Filtered(old)) => Arc::ptr_eq(now, old),
        _ => false,
    };
    if !same {
        return Entered::Again;
    }
    if !all_threads {
        task.set_seccomp(Seccomp::Filtered(new));
        return Entered::Yes;
    }
    let others = || state.tasks.iter().filter(|other| !Arc::ptr_eq(other, task) && !other.is_leaving());
    for other in others() {
        let fits = match (&other.attributes().seccomp, old) {
            (Seccomp::Off, _) => true,
            (Seccomp::Filtered(theirs), Seccomp::Filtered(own)) => own.descend_from(theirs),
            _ => false,
        };
        if !fits {
            return Entered::Refused(other.tid());
        }
    }
    others().for_each(|other| other.set_seccomp(Seccomp::Filtered(Arc::clone(&new))));
    task.set_seccomp(Seccomp::Filtered(new));
    Entered::Yes
}

/// A thread that has just been entered has the filters that its parent has now.
pub(crate) fn follow(parent: &Task, child: &Task) {
    let state = child.group.state.lock();
    let current = parent.attributes().seccomp.clone();
    child.set_seccomp(current);
    drop(state);
}

/// What the platform has to watch for a task.
fn needed(task: &Task, seccomp: &Seccomp) -> Watch {
    let native = task.kernel.platform.native_calls();
    match seccomp {
        Seccomp::Off => Watch::default(),
        Seccomp::Strict => Watch { calls: native, free_futex: Vec::new() },
        Seccomp::Filtered(filters) => filters.watch(&native),
    }
}

/// What the platform has to watch of a new program because of the task's filters, which a new host process knows nothing of.
pub(crate) fn watch_new_program(task: &Task) -> Option<Watch> {
    let seccomp = task.attributes().seccomp.clone();
    let watch = needed(task, &seccomp);
    (!watch.calls.is_empty()).then_some(watch)
}

/// Has the platform watch what the new state needs and the old one did not.
async fn watch(task: &Arc<Task>, old: &Seccomp, new: &Seccomp) -> Result<(), Errno> {
    let watch = needed(task, new);
    if watch.calls.is_empty() || watch == needed(task, old) {
        return Ok(());
    }
    match task.perform(vec![Order::Watch(watch)]).await?.as_slice() {
        [Ok(0)] => Ok(()),
        _ => Err(Errno::ENOMEM),
    }
}
