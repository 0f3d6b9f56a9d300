//! Epoll instances that watch others: no cycles, and not too deep.

use std::sync::Arc;

use abi::Errno;
use parking_lot::{Mutex, MutexGuard};

use super::Epoll;

/// The most instances above the lowest (`EP_MAX_NESTS`).
const DEEPEST: usize = 4;

/// Serialises changes of who watches whom.
static CHANGES: Mutex<()> = Mutex::new(());

/// Whether `outer` may watch `inner`. The guard keeps that true until it is dropped.
pub(super) fn check(outer: &Epoll, inner: &Epoll) -> Result<MutexGuard<'static, ()>, Errno> {
    let guard = CHANGES.lock();
    let below = below(inner, outer, 0)?;
    let above = above(outer, 0);
    if below + 1 + above > DEEPEST { Err(Errno::ELOOP) } else { Ok(guard) }
}

/// `outer` no longer watches `inner` through one of its descriptors.
pub(super) fn forget(outer: &Epoll, inner: &Epoll) {
    let mut parents = inner.parents.lock();
    if let Some(at) = parents.iter().position(|parent| std::ptr::eq(parent.as_ptr(), outer)) {
        parents.swap_remove(at);
    }
    parents.retain(|parent| parent.strong_count() > 0);
}

/// The longest chain of instances that `of` watches; `ELOOP` if `target` is among them.
fn below(of: &Epoll, target: &Epoll, depth: usize) -> Result<usize, Errno> {
    if depth > DEEPEST {
        return Err(Errno::ELOOP);
    }
    let files: Vec<_> = of.items.lock().by_key.values().filter_map(|item| item.file()).collect();
    let mut longest = 0;
    for file in files {
        let Some(inner) = file.file.as_any().downcast_ref::<Epoll>() else { continue };
        if std::ptr::eq(inner, target) {
            return Err(Errno::ELOOP);
        }
        longest = longest.max(below(inner, target, depth + 1)? + 1);
    }
    Ok(longest)
}

/// The longest chain of instances that watch `of`, as far as it matters.
fn above(of: &Epoll, depth: usize) -> usize {
    if depth > DEEPEST {
        return depth;
    }
    let parents: Vec<Arc<Epoll>> = of.parents.lock().iter().filter_map(std::sync::Weak::upgrade).collect();
    parents.iter().map(|parent| above(parent, depth + 1) + 1).max().unwrap_or(0)
}
