//! Inodes that nobody uses and that stay known for a while, with what is cached of them.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use vfs::filesystem::NAMES_KEPT;

use super::Node;

/// The last that were looked up, in their order. Directories refer to what is in them only weakly, so nothing is dropped recursively
/// and no circle that a server makes of its tree stays.
#[derive(Default)]
pub(crate) struct Kept(Mutex<VecDeque<Arc<Node>>>);

impl Kept {
    /// Keeps one more, in the place of the one that was looked up longest ago.
    pub(super) fn keep(&self, node: &Arc<Node>) {
        let old = {
            let mut kept = self.0.lock();
            if kept.back().is_some_and(|last| Arc::ptr_eq(last, node)) {
                return;
            }
            kept.push_back(Arc::clone(node));
            if kept.len() > NAMES_KEPT { kept.pop_front() } else { None }
        };
        drop(old);
    }

    /// Keeps one no longer.
    pub(crate) fn let_go(&self, node: &Arc<Node>) {
        // The caller holds it, so that nothing ends here under the lock.
        self.0.lock().retain(|other| !Arc::ptr_eq(other, node));
    }

    /// Keeps none.
    pub(crate) fn clear(&self) {
        let kept = std::mem::take(&mut *self.0.lock());
        drop(kept);
    }
}
