//! File descriptors of a process.

use std::sync::Arc;

use abi::Errno;
use parking_lot::RwLock;

use crate::OpenFile;

/// A file descriptor as a guest passed it: any number, often one that is not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fd(pub i32);

#[derive(Clone)]
struct Slot {
    file: Arc<OpenFile>,
    close_on_exec: bool,
}

/// A table of descriptors: shared by threads (`CLONE_FILES`), copied by fork.
#[derive(Default)]
pub struct FdTable {
    slots: RwLock<Vec<Option<Slot>>>,
}

impl FdTable {
    /// An empty table.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// What a descriptor refers to.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn get(&self, fd: Fd) -> Result<Arc<OpenFile>, Errno> {
        let at = usize::try_from(fd.0).map_err(|_| Errno::EBADF)?;
        let slots = self.slots.read();
        slots.get(at).and_then(Option::as_ref).map(|s| Arc::clone(&s.file)).ok_or(Errno::EBADF)
    }

    /// Puts a file at the lowest free descriptor that is at least `from`, below `limit` (`RLIMIT_NOFILE`).
    ///
    /// # Errors
    /// `EMFILE`; the file comes back by being dropped by the caller's own clone.
    pub fn install(
        &self,
        file: Arc<OpenFile>,
        close_on_exec: bool,
        from: usize,
        limit: usize,
    ) -> Result<Fd, Errno> {
        let mut slots = self.slots.write();
        let at = (from..slots.len())
            .find(|i| matches!(slots.get(*i), Some(None)))
            .unwrap_or_else(|| slots.len().max(from));
        let fd = i32::try_from(at).map_err(|_| Errno::EMFILE)?;
        if at >= limit {
            return Err(Errno::EMFILE);
        }
        if slots.len() <= at {
            slots.resize(at.saturating_add(1), None);
        }
        if let Some(slot) = slots.get_mut(at) {
            *slot = Some(Slot { file, close_on_exec });
        }
        Ok(Fd(fd))
    }

    /// Puts a file at this descriptor (dup2), and returns what it replaced, for the caller to flush.
    ///
    /// # Errors
    /// `EBADF` if the number is negative or not below `limit`.
    pub fn replace(
        &self,
        fd: Fd,
        file: Arc<OpenFile>,
        close_on_exec: bool,
        limit: usize,
    ) -> Result<Option<Arc<OpenFile>>, Errno> {
        let at = usize::try_from(fd.0).ok().filter(|at| *at < limit).ok_or(Errno::EBADF)?;
        let mut slots = self.slots.write();
        if slots.len() <= at {
            slots.resize(at.saturating_add(1), None);
        }
        let slot = slots.get_mut(at).ok_or(Errno::EBADF)?;
        Ok(slot.replace(Slot { file, close_on_exec }).map(|old| old.file))
    }

    /// Takes a descriptor out; the caller flushes the file.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn remove(&self, fd: Fd) -> Result<Arc<OpenFile>, Errno> {
        let at = usize::try_from(fd.0).map_err(|_| Errno::EBADF)?;
        let mut slots = self.slots.write();
        slots.get_mut(at).and_then(Option::take).map(|s| s.file).ok_or(Errno::EBADF)
    }

    /// The close-on-exec flag.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn close_on_exec(&self, fd: Fd) -> Result<bool, Errno> {
        let at = usize::try_from(fd.0).map_err(|_| Errno::EBADF)?;
        self.slots.read().get(at).and_then(Option::as_ref).map(|s| s.close_on_exec).ok_or(Errno::EBADF)
    }

    /// Sets the close-on-exec flag.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn set_close_on_exec(&self, fd: Fd, on: bool) -> Result<(), Errno> {
        let at = usize::try_from(fd.0).map_err(|_| Errno::EBADF)?;
        let mut slots = self.slots.write();
        slots.get_mut(at).and_then(Option::as_mut).map(|s| s.close_on_exec = on).ok_or(Errno::EBADF)
    }

    /// A copy, as fork(2) makes it.
    #[must_use]
    pub fn fork(&self) -> Arc<Self> {
        Arc::new(Self { slots: RwLock::new(self.slots.read().clone()) })
    }

    /// Takes out what execve(2) closes.
    #[must_use]
    pub fn take_close_on_exec(&self) -> Vec<Arc<OpenFile>> {
        let mut slots = self.slots.write();
        slots.iter_mut().filter_map(|s| s.take_if(|s| s.close_on_exec)).map(|s| s.file).collect()
    }

    /// Takes out everything, at exit.
    #[must_use]
    pub fn take_all(&self) -> Vec<Arc<OpenFile>> {
        std::mem::take(&mut *self.slots.write()).into_iter().flatten().map(|s| s.file).collect()
    }

    /// The open descriptors, in order.
    #[must_use]
    pub fn list(&self) -> Vec<(Fd, Arc<OpenFile>)> {
        let slots = self.slots.read();
        let numbered = slots.iter().enumerate();
        numbered
            .filter_map(|(i, s)| Some((Fd(i32::try_from(i).ok()?), Arc::clone(&s.as_ref()?.file))))
            .collect()
    }
}
