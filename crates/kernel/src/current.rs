//! Which task this thread of the sentry works for right now: for `/proc/self`, whose meaning depends on who looks.

use std::cell::RefCell;
use std::sync::{Arc, Weak};

use crate::Task;

/// The last task that was worked for stays noted, because it is most often the next one too.
struct Current {
    task: Weak<Task>,
    active: bool,
}

thread_local! {
    static CURRENT: RefCell<Current> = const { RefCell::new(Current { task: Weak::new(), active: false }) };
}

/// Runs `f` on behalf of a task.
pub fn with<R>(task: &Arc<Task>, f: impl FnOnce() -> R) -> R {
    let (outer, was_active) = CURRENT.with_borrow_mut(|current| {
        let same = std::ptr::eq(current.task.as_ptr(), Arc::as_ptr(task));
        let outer = (!same).then(|| std::mem::replace(&mut current.task, Arc::downgrade(task)));
        (outer, std::mem::replace(&mut current.active, true))
    });
    let result = f();
    CURRENT.with_borrow_mut(|current| {
        current.active = was_active;
        if let Some(outer) = outer.filter(|_| was_active) {
            current.task = outer;
        }
    });
    result
}

/// The task, if there is one.
#[must_use]
pub fn task() -> Option<Arc<Task>> {
    CURRENT.with_borrow(|current| if current.active { current.task.upgrade() } else { None })
}
