//! What a new guest thread or process is to be like.

use std::sync::Arc;

use crate::Observer;

/// What memory the child gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloneMemory {
    /// The parent's, in the parent's process: a thread.
    Thread,
    /// A copy (copy on write), in a process of its own: fork(2).
    Copy,
    /// The parent's, in a process of its own: vfork(2). Both may run at the same time.
    Shared,
}

/// A request to [`crate::Thread::clone_with`].
pub struct CloneRequest {
    /// Receives the child's stops, once the kernel has been given the child. If the parent dies before that, nobody hears of the child, which
    /// dies too; but see [`Self::parent_returns`].
    pub observer: Arc<dyn Observer>,
    /// What memory the child gets.
    pub memory: CloneMemory,
    /// The child's FS base, if it differs from its parent's.
    pub tls: Option<u64>,
    /// The child's stack pointer, if it differs from its parent's.
    pub stack: Option<u64>,
    /// Where four zero bytes are written and a futex is woken, by the host itself, when the child ends.
    pub clear_child_tid: Option<u64>,
    /// With a value the parent goes on at once when the child exists, with this value in `rax`: its observer hears nothing, and
    /// the child's observer gets [`crate::Stop::Started`]. It saves the parent a round trip. A failure comes to the parent
    /// as [`crate::Stop::Cloned`] all the same. A child that dies before it has started gives its observer [`crate::Stop::Gone`] alone, unless the
    /// parent had died before the request. Without a value, [`crate::Stop::Cloned`] gives the child to the parent's observer.
    pub parent_returns: Option<u64>,
    /// With the child's process and thread id, its calls are answered as its parent's are since [`crate::Thread::publish`]; with its parent's
    /// signal mask, and no robust list.
    pub published: Option<(u64, u64)>,
    /// Whether those calls are answered at all: [`crate::Facts::answered`].
    pub answered: bool,
}

impl CloneRequest {
    /// A request for a child that differs from its parent in nothing but the memory.
    #[must_use]
    pub fn new(observer: Arc<dyn Observer>, memory: CloneMemory) -> Self {
        Self {
            observer,
            memory,
            tls: None,
            stack: None,
            clear_child_tid: None,
            parent_returns: None,
            published: None,
            answered: true,
        }
    }
}

impl core::fmt::Debug for CloneRequest {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("CloneRequest")
            .field("memory", &self.memory)
            .field("tls", &self.tls)
            .field("stack", &self.stack)
            .field("clear_child_tid", &self.clear_child_tid)
            .field("parent_returns", &self.parent_returns)
            .finish_non_exhaustive()
    }
}
