//! Whose semaphore operations are undone together (`SEM_UNDO` of semop(2)): those of a task, and of the tasks that it has made with
//! `CLONE_SYSVSEM`, when the last of them ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Task;

/// A list of adjustments. What stands in it is kept by the sets.
pub struct UndoList {
    /// Unique.
    pub id: u64,
}

impl UndoList {
    fn new() -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Arc::new(Self { id: NEXT.fetch_add(1, Ordering::Relaxed) })
    }
}

impl Task {
    /// The list of this task, which it has from its first use on.
    #[must_use]
    pub fn undo_list(&self) -> Arc<UndoList> {
        Arc::clone(self.undo.lock().get_or_insert_with(UndoList::new))
    }

    /// Which list it has; 0 if it has none yet.
    #[must_use]
    pub fn undo_list_id(&self) -> u64 {
        self.undo.lock().as_ref().map_or(0, |list| list.id)
    }

    /// Gives a new task the list of the one that made it.
    pub(crate) fn share_undo_list(&self, list: Arc<UndoList>) {
        *self.undo.lock() = Some(list);
    }

    /// The task leaves its list. If nobody else has it, what stands in it is done.
    pub fn leave_undo_list(&self) {
        let list = self.undo.lock().take();
        if let Some(last) = list.and_then(Arc::into_inner) {
            self.kernel.ipcs.undo(last.id, self.pid());
        }
    }
}
