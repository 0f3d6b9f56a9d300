//! The content of a regular file: in the sentry's memory or the filesystem's store until somebody maps it, then in a host file.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use abi::Errno;
use host::memory_file::MemoryFile;
use vfs::io::SliceSource;
use vfs::{Sink, Source, scratch};

use crate::filesystem::Shared;
use crate::pages::{PAGE, Pages, pages_of, split};
use crate::seals::Seals;
use crate::stored::Stored;
use crate::to_host;

/// The largest size of a file (`MAX_LFS_FILESIZE`).
const SIZE_MAX: u64 = i64::MAX.cast_unsigned();
/// Bytes moved at once between a guest and a host file.
const CHUNK: u64 = 65_536;

/// Content with its size; what it takes up is charged to the filesystem.
pub(crate) struct Content {
    size: u64,
    storage: Storage,
    seals: Seals,
    /// Pages charged.
    charged: u64,
    shared: Arc<Shared>,
}

enum Storage {
    Heap(Pages),
    Stored(Box<Stored>),
    Host(MemoryFile),
}

impl Content {
    pub(crate) fn new(shared: &Arc<Shared>, seals: Seals) -> Self {
        let storage = match &shared.store {
            Some(store) => Storage::Stored(Box::new(Stored::new(Arc::clone(store)))),
            None => Storage::Heap(Pages::default()),
        };
        Self { size: 0, storage, seals, charged: 0, shared: Arc::clone(shared) }
    }

    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    /// Blocks of 512 bytes.
    pub(crate) fn blocks(&self) -> u64 {
        match &self.storage {
            Storage::Heap(pages) => pages.len().saturating_mul(PAGE / 512),
            Storage::Stored(stored) => stored.len().saturating_mul(PAGE / 512),
            Storage::Host(file) => file.blocks().unwrap_or(0),
        }
    }

    pub(crate) const fn seals(&self) -> Seals {
        self.seals
    }

    /// Adds seals.
    ///
    /// # Errors
    /// `EPERM` if they are sealed, `EBUSY` for `F_SEAL_WRITE` while there are writable shared mappings.
    pub(crate) fn add_seals(&mut self, seals: Seals) -> Result<(), Errno> {
        if self.seals.contains(Seals::SEAL) {
            return Err(Errno::EPERM);
        }
        if let Storage::Host(file) = &self.storage
            && seals.contains(Seals::WRITE)
        {
            // The host knows the mappings. It is asked for no other seal: those are kept here.
            file.seal(Seals::WRITE.bits())?;
        }
        self.seals |= seals;
        Ok(())
    }

    pub(crate) fn read(&self, offset: u64, into: &mut dyn Sink) -> Result<usize, Errno> {
        let room = u64::try_from(into.room()).unwrap_or(u64::MAX);
        let end = self.size.min(offset.saturating_add(room));
        match &self.storage {
            Storage::Heap(pages) => pages.read(offset, end, into),
            Storage::Stored(stored) => stored.read(offset, end, into),
            Storage::Host(file) => read_host(file, offset, end, into),
        }
    }

    /// Writes at an offset or at the end. Returns the count and the offset behind.
    pub(crate) fn write(
        &mut self,
        offset: Option<u64>,
        from: &mut dyn Source,
    ) -> Result<(usize, u64), Errno> {
        let start = offset.unwrap_or(self.size);
        let wanted = u64::try_from(from.left()).unwrap_or(u64::MAX);
        if wanted == 0 {
            return Ok((0, start));
        }
        if start >= SIZE_MAX {
            return Err(Errno::EFBIG);
        }
        let end = start.saturating_add(wanted).min(SIZE_MAX);
        self.seals.check_write(end > self.size)?;
        let heap = matches!(self.storage, Storage::Heap(_));
        let done = if heap && wanted > PAGE {
            // Fetching page by page from a guest would cost a host call for each.
            scratch::drain(from, |done, data| {
                let at = start.saturating_add(done as u64);
                self.write_pieces(
                    at,
                    end.min(at.saturating_add(data.len() as u64)),
                    &mut SliceSource::new(data),
                )
            })?
        } else {
            self.write_pieces(start, end, from)?
        };
        Ok((done, start.saturating_add(done as u64)))
    }

    fn write_pieces(&mut self, start: u64, end: u64, from: &mut dyn Source) -> Result<usize, Errno> {
        let mut at = start;
        while at < end {
            let stepped = match &self.storage {
                Storage::Heap(_) => self.write_page(at, end, from),
                Storage::Stored(_) => self.write_stored(at, end, from),
                Storage::Host(_) => self.write_chunk(at, end, from),
            };
            match stepped {
                Ok(0) => break,
                Ok(count) => at = at.saturating_add(count as u64),
                Err(error) if at == start => return Err(error),
                Err(_) => break,
            }
            self.size = self.size.max(at);
        }
        Ok(usize::try_from(at.saturating_sub(start)).unwrap_or(usize::MAX))
    }

    fn write_page(&mut self, at: u64, end: u64, from: &mut dyn Source) -> Result<usize, Errno> {
        let Storage::Heap(pages) = &mut self.storage else { return Err(Errno::EIO) };
        let (number, _) = split(at);
        let new = !pages.contains(number);
        if new {
            self.shared.pages.take(1)?;
        }
        let count = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX);
        let result = pages.write(at, count, from);
        if new && matches!(result, Ok(0) | Err(_)) {
            pages.drop_if_empty(number);
            self.shared.pages.give_back(1);
        } else if new {
            self.charged = self.charged.saturating_add(1);
        }
        result
    }

    fn write_stored(&mut self, at: u64, end: u64, from: &mut dyn Source) -> Result<usize, Errno> {
        let Storage::Stored(stored) = &mut self.storage else { return Err(Errno::EIO) };
        let (quota, charged) = (&self.shared.pages, &mut self.charged);
        let length = usize::try_from(end.saturating_sub(at).min(CHUNK)).unwrap_or(0);
        scratch::with(length, |buffer| {
            let taken = from.take(buffer)?;
            let mut data = buffer.get(..taken).unwrap_or_default();
            let missing = |stored: &Stored, data: &[u8]| {
                stored.missing(at / PAGE..pages_of(at.saturating_add(data.len() as u64)))
            };
            let mut new = missing(stored, data);
            let mut room = quota.take(new);
            if room.is_err() {
                // As much as there is room for, page by page.
                let (_, within) = split(at);
                let rest = usize::try_from(PAGE).unwrap_or(0).saturating_sub(within);
                data = data.get(..rest).unwrap_or(data);
                new = missing(stored, data);
                room = quota.take(new);
            }
            let written = room.and_then(|()| {
                stored.write(at, data).map_err(|error| match error {
                    // The host's file is at its limits.
                    Errno::EFBIG | Errno::EDQUOT => Errno::ENOSPC,
                    error => error,
                })
            });
            match written {
                Ok(()) => {
                    *charged = charged.saturating_add(new);
                    from.give_back(taken.saturating_sub(data.len()));
                    Ok(data.len())
                }
                Err(error) => {
                    from.give_back(taken);
                    if room.is_ok() {
                        quota.give_back(new);
                    }
                    // Pages before the one that failed may be in use now.
                    let used = stored.len();
                    quota.take_anyway(used.saturating_sub(*charged));
                    *charged = used.max(*charged);
                    Err(error)
                }
            }
        })
    }

    fn write_chunk(&mut self, at: u64, end: u64, from: &mut dyn Source) -> Result<usize, Errno> {
        let Storage::Host(file) = &self.storage else { return Err(Errno::EIO) };
        let length = end.saturating_sub(at).min(CHUNK);
        let worst = pages_of(at.saturating_add(length)).saturating_sub(at / PAGE);
        if let Err(error) = self.shared.pages.take(worst) {
            // Only what is there already can be written over.
            let hole = file.seek(at, true).unwrap_or(at);
            if hole < at.saturating_add(length) || at.saturating_add(length) > self.size {
                return Err(error);
            }
        } else {
            self.charged = self.charged.saturating_add(worst);
        }
        let result = scratch::with(usize::try_from(length).unwrap_or(0), |buffer| {
            let taken = from.take(buffer)?;
            let data = buffer.get(..taken).unwrap_or_default();
            file.write_all(at, data).inspect_err(|_| from.give_back(taken)).map(|()| taken)
        });
        self.settle();
        result
    }

    /// Charges what the content takes up outside of the sentry: guests change a host file through their mappings.
    pub(crate) fn settle(&mut self) {
        let used = match &self.storage {
            Storage::Heap(_) => return,
            Storage::Stored(stored) => stored.len(),
            Storage::Host(file) => file.blocks().map_or(self.charged, |blocks| blocks / (PAGE / 512)),
        };
        if used > self.charged {
            self.shared.pages.take_anyway(used.saturating_sub(self.charged));
        } else {
            self.shared.pages.give_back(self.charged.saturating_sub(used));
        }
        self.charged = used;
    }

    /// truncate(2).
    pub(crate) fn set_size(&mut self, size: u64) -> Result<(), Errno> {
        if size > SIZE_MAX {
            return Err(Errno::EFBIG);
        }
        self.seals.check_size(self.size, size)?;
        match &mut self.storage {
            // A file that grows keeps what was reserved behind its old end.
            Storage::Heap(pages) if size <= self.size => {
                let freed = pages.cut(size);
                self.shared.pages.give_back(freed);
                self.charged = self.charged.saturating_sub(freed);
            }
            Storage::Stored(stored) if size <= self.size => stored.cut(size)?,
            Storage::Heap(_) | Storage::Stored(_) => {}
            Storage::Host(file) => file.set_size(size)?,
        }
        self.size = size;
        self.settle();
        Ok(())
    }

    /// fallocate(2) without a mode or with `FALLOC_FL_KEEP_SIZE`.
    pub(crate) fn reserve(&mut self, start: u64, end: u64, keep_size: bool) -> Result<(), Errno> {
        if end > SIZE_MAX {
            return Err(Errno::EFBIG);
        }
        if !keep_size && end > self.size {
            self.seals.check_size(self.size, end)?;
        }
        let range = (start / PAGE)..pages_of(end);
        // Without a limit the machine's is one.
        if range.end.saturating_sub(range.start) > self.shared.pages.limit().min(self.shared.reservable()) {
            return Err(Errno::ENOSPC);
        }
        match &mut self.storage {
            Storage::Heap(pages) => reserve_pages(pages, range, &self.shared, &mut self.charged)?,
            Storage::Stored(stored) => {
                let missing = stored.missing(range.clone());
                self.shared.pages.take(missing)?;
                self.charged = self.charged.saturating_add(missing);
                let reserved = stored.reserve(range);
                if reserved.is_err() {
                    self.settle();
                }
                reserved?;
            }
            Storage::Host(file) => {
                let free = self.shared.pages.limit().saturating_sub(self.shared.pages.used());
                if range.end.saturating_sub(range.start) > free.saturating_add(self.charged) {
                    return Err(Errno::ENOSPC);
                }
                file.allocate(start, end.saturating_sub(start), keep_size)?;
            }
        }
        if !keep_size {
            self.size = self.size.max(end);
        }
        self.settle();
        Ok(())
    }

    /// fallocate(2) with `FALLOC_FL_PUNCH_HOLE`.
    pub(crate) fn punch(&mut self, start: u64, end: u64) -> Result<(), Errno> {
        self.seals.check_write(false)?;
        match &mut self.storage {
            Storage::Heap(pages) => {
                let freed = pages.punch(start, end);
                self.shared.pages.give_back(freed);
                self.charged = self.charged.saturating_sub(freed);
            }
            Storage::Stored(stored) => stored.punch(start, end)?,
            Storage::Host(file) => file.punch(start, end.saturating_sub(start))?,
        }
        self.settle();
        Ok(())
    }

    /// `SEEK_DATA` and `SEEK_HOLE`.
    pub(crate) fn seek(&self, offset: u64, hole: bool) -> Result<u64, Errno> {
        if offset >= self.size {
            return Err(Errno::ENXIO);
        }
        match &self.storage {
            Storage::Host(file) => file.seek(offset, hole),
            Storage::Heap(pages) if hole => Ok(pages.next_hole(offset).min(self.size)),
            Storage::Heap(pages) => pages.next_data(offset).filter(|at| *at < self.size).ok_or(Errno::ENXIO),
            Storage::Stored(stored) if hole => Ok(stored.next_hole(offset).min(self.size)),
            Storage::Stored(stored) => {
                stored.next_data(offset).filter(|at| *at < self.size).ok_or(Errno::ENXIO)
            }
        }
    }

    /// A host file with this content, to be mapped: for writing too if `writable`.
    pub(crate) fn host_file(&mut self, writable: bool) -> Result<OwnedFd, Errno> {
        let moved = match &self.storage {
            Storage::Heap(pages) => Some(to_host::from_heap(pages, self.size)?),
            Storage::Stored(stored) => Some(to_host::from_store(stored, self.size)?),
            Storage::Host(_) => None,
        };
        if let Some(file) = moved {
            self.storage = Storage::Host(file);
            self.settle();
        }
        match &self.storage {
            Storage::Host(file) if writable => file.read_write(),
            Storage::Host(file) => file.read_only(),
            Storage::Heap(_) | Storage::Stored(_) => Err(Errno::EIO),
        }
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        self.shared.pages.give_back(self.charged);
    }
}

/// Reserves the missing pages of a range, all or none.
fn reserve_pages(
    pages: &mut Pages,
    range: std::ops::Range<u64>,
    shared: &Shared,
    charged: &mut u64,
) -> Result<(), Errno> {
    let missing: Vec<u64> = range.filter(|page| !pages.contains(*page)).collect();
    let count = missing.len() as u64;
    shared.pages.take(count)?;
    *charged = charged.saturating_add(count);
    for page in missing {
        pages.reserve(page);
    }
    Ok(())
}

fn read_host(file: &MemoryFile, at: u64, end: u64, into: &mut dyn Sink) -> Result<usize, Errno> {
    scratch::fill(into, |done, buffer| {
        let at = at.saturating_add(done as u64);
        let rest = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX);
        let piece = rest.min(buffer.len());
        file.read(at, buffer.get_mut(..piece).unwrap_or_default())
    })
}
