//! File descriptors of a process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use abi::Errno;
use parking_lot::RwLock;

use crate::{OpenFile, locks};

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// A file descriptor as a guest passed it: any number, often one that is not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fd(pub i32);

#[derive(Clone)]
struct Slot {
    file: Arc<OpenFile>,
    close_on_exec: bool,
}

/// A table of descriptors: shared by threads (`CLONE_FILES`), copied by fork. What is left in it when it goes is closed.
pub struct FdTable {
    /// Whose record locks those of its processes are ([`locks::LockOwner::Process`]).
    pub id: u64,
    slots: RwLock<Slots>,
}

#[derive(Clone, Default)]
struct Slots {
    all: Vec<Option<Slot>>,
    /// No descriptor below this one is free.
    lowest: usize,
}

impl Slots {
    fn get(&self, fd: Fd) -> Result<&Slot, Errno> {
        let at = usize::try_from(fd.0).map_err(|_| Errno::EBADF)?;
        self.all.get(at).and_then(Option::as_ref).ok_or(Errno::EBADF)
    }

    fn free(&mut self, at: usize) -> Option<Slot> {
        let slot = self.all.get_mut(at).and_then(Option::take)?;
        self.lowest = self.lowest.min(at);
        Some(slot)
    }

    /// The place `at`, which is made if the table is shorter.
    fn place(&mut self, at: usize) -> Option<&mut Option<Slot>> {
        if self.all.len() <= at {
            self.all.resize(at.saturating_add(1), None);
        }
        self.all.get_mut(at)
    }

    /// The lowest free number from `from` on.
    fn lowest_free(&self, from: usize) -> usize {
        let start = from.max(self.lowest);
        let used = self.all.iter().skip(start).take_while(|slot| slot.is_some()).count();
        start.saturating_add(used)
    }
}

impl Default for FdTable {
    fn default() -> Self {
        Self { id: NEXT_ID.fetch_add(1, Ordering::Relaxed), slots: RwLock::default() }
    }
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
        self.slots.read().get(fd).map(|slot| Arc::clone(&slot.file))
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
        let at = slots.lowest_free(from);
        let fd = i32::try_from(at).map_err(|_| Errno::EMFILE)?;
        if at >= limit {
            return Err(Errno::EMFILE);
        }
        if from <= slots.lowest {
            slots.lowest = at.saturating_add(1);
        }
        if let Some(place) = slots.place(at) {
            *place = Some(Slot { file, close_on_exec });
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
        let place = slots.place(at).ok_or(Errno::EBADF)?;
        Ok(place.replace(Slot { file, close_on_exec }).map(|old| old.file))
    }

    /// Takes a descriptor out. The caller closes the file ([`Self::closed`]).
    ///
    /// # Errors
    /// `EBADF`.
    pub fn remove(&self, fd: Fd) -> Result<Arc<OpenFile>, Errno> {
        let at = usize::try_from(fd.0).map_err(|_| Errno::EBADF)?;
        self.slots.write().free(at).map(|slot| slot.file).ok_or(Errno::EBADF)
    }

    /// What close(2) does to a file that was taken out of this table: the record locks of the process go, and the file is flushed.
    ///
    /// # Errors
    /// What close(2) shall report.
    pub fn closed(&self, file: &OpenFile) -> Result<(), Errno> {
        locks::release_process(file, self.id);
        if file.flags().contains(crate::OpenFlags::PATH) { Ok(()) } else { file.file.flush() }
    }

    /// The close-on-exec flag.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn close_on_exec(&self, fd: Fd) -> Result<bool, Errno> {
        self.slots.read().get(fd).map(|slot| slot.close_on_exec)
    }

    /// Sets the close-on-exec flag.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn set_close_on_exec(&self, fd: Fd, on: bool) -> Result<(), Errno> {
        let at = usize::try_from(fd.0).map_err(|_| Errno::EBADF)?;
        let mut slots = self.slots.write();
        slots.all.get_mut(at).and_then(Option::as_mut).map(|s| s.close_on_exec = on).ok_or(Errno::EBADF)
    }

    /// A copy, as fork(2) makes it.
    #[must_use]
    pub fn fork(&self) -> Arc<Self> {
        Arc::new(Self { slots: RwLock::new(self.slots.read().clone()), ..Self::default() })
    }

    /// Closes what execve(2) closes. The files come back, for the caller to drop where it likes.
    #[must_use]
    pub fn take_close_on_exec(&self) -> Vec<Arc<OpenFile>> {
        let mut slots = self.slots.write();
        let marked = |slot: &Option<Slot>| slot.as_ref().is_some_and(|s| s.close_on_exec);
        let at: Vec<usize> =
            slots.all.iter().enumerate().filter(|(_, s)| marked(s)).map(|(at, _)| at).collect();
        let files: Vec<_> = at.into_iter().filter_map(|at| slots.free(at)).map(|slot| slot.file).collect();
        drop(slots);
        self.close_all(&files);
        files
    }

    /// Closes everything. The files come back, for the caller to drop where it likes.
    #[must_use]
    pub fn take_all(&self) -> Vec<Arc<OpenFile>> {
        let slots = std::mem::take(&mut *self.slots.write());
        let files: Vec<_> = slots.all.into_iter().flatten().map(|slot| slot.file).collect();
        self.close_all(&files);
        files
    }

    fn close_all(&self, files: &[Arc<OpenFile>]) {
        for file in files {
            // Nobody is left to hear of an error.
            let _ = self.closed(file);
        }
    }

    /// How many descriptors the table has room for without growing: select(2) looks at no others. A multiple of 64.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.slots.read().all.len().max(1).next_multiple_of(64)
    }

    /// The open descriptors, in order.
    #[must_use]
    pub fn list(&self) -> Vec<(Fd, Arc<OpenFile>)> {
        let slots = self.slots.read();
        let numbered = slots.all.iter().enumerate();
        numbered
            .filter_map(|(i, s)| Some((Fd(i32::try_from(i).ok()?), Arc::clone(&s.as_ref()?.file))))
            .collect()
    }
}

impl Drop for FdTable {
    fn drop(&mut self) {
        let files = self.take_all();
        drop(files);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CapabilitySet, Credentials, File, OpenFlags};

    struct Nothing;

    impl File for Nothing {
        fn as_any(&self) -> &dyn std::any::Any {
            self
        }
    }

    fn file() -> Arc<OpenFile> {
        let credentials = Arc::new(Credentials::root(CapabilitySet::EMPTY));
        OpenFile::new(Arc::new(Nothing), None, OpenFlags::RDWR, credentials)
    }

    #[test]
    fn the_lowest_free_number_is_taken() {
        let table = FdTable::new();
        let put = |from| table.install(file(), false, from, 8);
        assert_eq!((put(0), put(0), put(5), put(0)), (Ok(Fd(0)), Ok(Fd(1)), Ok(Fd(5)), Ok(Fd(2))));
        table.remove(Fd(1)).unwrap();
        table.replace(Fd(4), file(), true, 8).unwrap();
        assert_eq!((put(0), put(0), put(0), put(0)), (Ok(Fd(1)), Ok(Fd(3)), Ok(Fd(6)), Ok(Fd(7))));
        assert_eq!(put(0), Err(Errno::EMFILE));
        assert_eq!(table.take_close_on_exec().len(), 1);
        assert_eq!(put(0), Ok(Fd(4)));
        assert_eq!(table.fork().list().len(), 8);
    }
}
