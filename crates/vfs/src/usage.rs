//! Who has a file's content in use: programs that run from it, descriptions that may write to it, and leases exclude each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use abi::Errno;
use parking_lot::Mutex;

use crate::lease::{self, Lease, LeaseKind};
use crate::{FileKind, InodeRef, Listener, OpenFlags};

/// The uses of one regular file. Part of the inode: [`crate::Inode::usage`].
#[derive(Default)]
pub struct Usage {
    state: Mutex<State>,
}

#[derive(Default)]
pub(crate) struct State {
    /// Descriptions open for writing; as a negative number, programs that run from it.
    pub(crate) writers: i32,
    /// Descriptions open for reading only.
    pub(crate) readers: u32,
    /// Leases. Most files never have any.
    #[expect(clippy::box_collection, reason = "a word in each inode instead of three")]
    pub(crate) leases: Option<Box<Vec<Lease>>>,
}

impl Usage {
    /// Nobody uses it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Acts on the state, and tells the holders of leases what is asked of them once it is unlocked.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut State, &mut Vec<Arc<dyn Listener>>) -> R) -> R {
        let mut told = Vec::new();
        let result = act(&mut self.state.lock(), &mut told);
        for holder in told {
            holder.notify(crate::Events::MSG);
        }
        result
    }

    fn open(&self, writes: bool) -> Result<(), Errno> {
        self.with(|state, told| {
            if writes && state.writers < 0 {
                return Err(Errno::ETXTBSY);
            }
            lease::break_for(state, writes, told)?;
            if writes {
                state.writers = state.writers.checked_add(1).ok_or(Errno::ENFILE)?;
            } else {
                state.readers = state.readers.checked_add(1).ok_or(Errno::ENFILE)?;
            }
            Ok(())
        })
    }

    fn close(&self, writes: bool) {
        let mut state = self.state.lock();
        if writes {
            state.writers = state.writers.saturating_sub(1);
        } else {
            state.readers = state.readers.saturating_sub(1);
        }
    }
}

/// Nothing if the content may be changed by its path now, as truncate(2) does.
///
/// # Errors
/// `ETXTBSY` while a program runs from it, `EAGAIN` while a lease is being broken.
pub(crate) fn may_change(inode: &InodeRef) -> Result<(), Errno> {
    let Some(usage) = inode.usage() else { return Ok(()) };
    usage.with(|state, told| {
        if state.writers < 0 {
            return Err(Errno::ETXTBSY);
        }
        lease::break_for(state, true, told)
    })
}

/// A description's use of a file, until it is dropped.
pub struct InUse {
    inode: InodeRef,
    writes: bool,
    leased: AtomicBool,
}

impl InUse {
    /// Notes that a file is opened. Nothing for files that are not counted.
    ///
    /// # Errors
    /// `ETXTBSY` for writing while a program runs from it, `EAGAIN` while a lease that stands against it is being broken: then
    /// [`lease::changes`] tells when to try again.
    pub(crate) fn start(inode: &InodeRef, flags: OpenFlags) -> Result<Option<Self>, Errno> {
        if inode.kind() != FileKind::Regular || flags.contains(OpenFlags::PATH) {
            return Ok(None);
        }
        let Some(usage) = inode.usage() else { return Ok(None) };
        let writes = flags.writes();
        usage.open(writes)?;
        Ok(Some(Self { inode: Arc::clone(inode), writes, leased: AtomicBool::new(false) }))
    }

    fn usage(&self) -> Option<&Usage> {
        self.inode.usage()
    }

    /// Gives the description `id` a lease, or changes the one that it has. `holder` hears when it is to be given up.
    ///
    /// # Errors
    /// `EAGAIN` if others have the file in use in a way that stands against it.
    pub fn set_lease(&self, id: u64, kind: LeaseKind, holder: Arc<dyn Listener>) -> Result<(), Errno> {
        self.leased.store(true, Ordering::Relaxed);
        let usage = self.usage().ok_or(Errno::EINVAL)?;
        let own = if self.writes { (1, 0) } else { (0, 1) };
        usage.with(|state, _| lease::set(state, id, kind, holder, own))?;
        lease::changed();
        Ok(())
    }

    /// Takes the description's lease away.
    ///
    /// # Errors
    /// `EAGAIN` if it has none.
    pub fn end_lease(&self, id: u64) -> Result<(), Errno> {
        let usage = self.usage().ok_or(Errno::EINVAL)?;
        usage.with(|state, _| lease::remove(state, id))?;
        lease::changed();
        Ok(())
    }

    /// The description's lease: what it is to become if it is being broken.
    #[must_use]
    pub fn lease(&self, id: u64) -> Option<LeaseKind> {
        self.usage()?.with(|state, _| lease::of(state, id))
    }

    /// The description `id` ends.
    pub(crate) fn end(&self, id: u64) {
        if self.leased.load(Ordering::Relaxed) {
            // It may have lost the lease before.
            let _ = self.end_lease(id);
        }
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        if let Some(usage) = self.usage() {
            usage.close(self.writes);
        }
    }
}

/// A program runs from a file, until all copies of this are dropped.
pub struct Executing(InodeRef);

impl Executing {
    /// Nothing for files that are not counted.
    ///
    /// # Errors
    /// `ETXTBSY` if it is open for writing.
    pub fn start(inode: &InodeRef) -> Result<Option<Self>, Errno> {
        let Some(usage) = inode.usage() else { return Ok(None) };
        let mut state = usage.state.lock();
        if state.writers > 0 {
            return Err(Errno::ETXTBSY);
        }
        state.writers = state.writers.checked_sub(1).ok_or(Errno::ENFILE)?;
        Ok(Some(Self(Arc::clone(inode))))
    }
}

impl Clone for Executing {
    fn clone(&self) -> Self {
        if let Some(usage) = self.0.usage() {
            let mut state = usage.state.lock();
            // No more than there are processes: this cannot overflow.
            state.writers = state.writers.saturating_sub(1);
        }
        Self(Arc::clone(&self.0))
    }
}

impl Drop for Executing {
    fn drop(&mut self) {
        if let Some(usage) = self.0.usage() {
            let mut state = usage.state.lock();
            state.writers = state.writers.saturating_add(1);
        }
    }
}
