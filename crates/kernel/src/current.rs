//! Which task this thread of the sentry works for right now: for `/proc/self`, whose meaning depends on who looks.

use std::cell::RefCell;
use std::sync::Arc;

use crate::Task;

thread_local! {
    static CURRENT: RefCell<Option<Arc<Task>>> = const { RefCell::new(None) };
}

/// Runs `f` on behalf of a task.
pub fn with<R>(task: &Arc<Task>, f: impl FnOnce() -> R) -> R {
    let outer = CURRENT.replace(Some(Arc::clone(task)));
    let result = f();
    CURRENT.set(outer);
    result
}

/// The task, if there is one.
#[must_use]
pub fn task() -> Option<Arc<Task>> {
    CURRENT.with_borrow(Clone::clone)
}
