//! What is there of a file for guests to map, and by which fids it is open.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hasher};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Weak};

use abi::Errno;
use host::memory_file::MemoryFile;
use parking_lot::Mutex;
use vfs::Timestamp;

use super::PAGE;
use crate::client::Fid;
use crate::filesystem::User;

/// What is mapped, and who has the file open.
#[derive(Default)]
pub(crate) struct Content {
    mapped: Mutex<Option<Mapped>>,
    opens: Mutex<Vec<Open>>,
}

/// One opening.
struct Open {
    fid: Weak<Fid>,
    user: User,
    writes: bool,
}

/// The host file that guests map.
struct Mapped {
    file: MemoryFile,
    /// What the file was like when its first page came.
    since: (u64, Timestamp),
    /// Pages that have come.
    present: BTreeSet<u64>,
    /// As the server has them, once guests can change them unseen: nobody tells the sentry, so they are compared.
    sums: Option<BTreeMap<u64, u64>>,
}

fn sum(page: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(page);
    hasher.finish()
}

impl Mapped {
    fn page(&self, number: u64) -> Result<Vec<u8>, Errno> {
        let mut page = vec![0; usize::try_from(PAGE).unwrap_or(0)];
        let count = self.file.read(number.saturating_mul(PAGE), &mut page)?;
        page.truncate(count);
        Ok(page)
    }

    fn note(&mut self, number: u64) -> Result<(), Errno> {
        if self.sums.is_some() {
            let sum = sum(&self.page(number)?);
            if let Some(sums) = &mut self.sums {
                sums.insert(number, sum);
            }
        }
        Ok(())
    }
}

impl Content {
    /// It is open by this fid.
    pub(super) fn opened(&self, fid: &Arc<Fid>, user: User, writes: bool) {
        let mut opens = self.opens.lock();
        opens.retain(|open| open.fid.strong_count() > 0);
        opens.push(Open { fid: Arc::downgrade(fid), user, writes });
    }

    /// What a user has it open by.
    pub(crate) fn open_for(&self, user: User) -> Option<Arc<Fid>> {
        self.opens.lock().iter().filter(|open| open.user == user).find_map(|open| open.fid.upgrade())
    }

    /// What it can be written by.
    pub(super) fn writer(&self) -> Option<Arc<Fid>> {
        self.opens.lock().iter().filter(|open| open.writes).find_map(|open| open.fid.upgrade())
    }

    /// Makes the host file for a file of this size, last changed then. One that is not of that is another's from now on, unless what was
    /// changed there is to reach the server.
    ///
    /// # Errors
    /// The host's, without memory or descriptors.
    pub(super) fn prepare(&self, size: u64, changed: Timestamp) -> Result<(), Errno> {
        let mut mapped = self.mapped.lock();
        let now = (size, changed);
        if mapped.as_ref().is_none_or(|mapped| mapped.sums.is_none() && mapped.since != now) {
            let file = MemoryFile::new(c"9p")?;
            *mapped = Some(Mapped { file, since: now, present: BTreeSet::new(), sums: None });
        }
        match &*mapped {
            Some(mapped) if mapped.file.size()? < size => mapped.file.set_size(size),
            _ => Ok(()),
        }
    }

    /// The first of some pages that has not come.
    pub(super) fn missing(&self, first: u64, end: u64) -> Option<u64> {
        let mapped = self.mapped.lock();
        let mapped = mapped.as_ref()?;
        (first..end).find(|page| !mapped.present.contains(page))
    }

    /// Takes over pages that have come. Those that are there stay as they are.
    ///
    /// # Errors
    /// The host's, without memory.
    pub(super) fn fill(&self, offset: u64, data: &[u8]) -> Result<(), Errno> {
        let mut mapped = self.mapped.lock();
        let Some(mapped) = &mut *mapped else { return Ok(()) };
        let length = usize::try_from(PAGE).unwrap_or(usize::MAX);
        for (number, piece) in (offset / PAGE..).zip(data.chunks(length)) {
            if mapped.present.insert(number) {
                mapped.file.write(number.saturating_mul(PAGE), piece)?;
                mapped.note(number)?;
            }
        }
        Ok(())
    }

    /// The host file for a guest: with `writes` what is changed there is to reach the server.
    ///
    /// # Errors
    /// The host's.
    pub(super) fn descriptor(&self, writes: bool) -> Result<OwnedFd, Errno> {
        let mut mapped = self.mapped.lock();
        let mapped = mapped.as_mut().ok_or(Errno::EIO)?;
        if !writes {
            return mapped.file.read_only();
        }
        if mapped.sums.is_none() {
            mapped.sums = Some(BTreeMap::new());
            let present: Vec<u64> = mapped.present.iter().copied().collect();
            present.into_iter().try_for_each(|number| mapped.note(number))?;
        }
        mapped.file.read_write()
    }

    /// The server was sent this: guests see it too.
    pub(super) fn overlay(&self, offset: u64, data: &[u8]) {
        let mut mapped = self.mapped.lock();
        let Some(mapped) = &mut *mapped else { return };
        let (mut at, mut rest) = (offset, data);
        while !rest.is_empty() {
            let room = usize::try_from(PAGE.saturating_sub(at % PAGE)).unwrap_or(usize::MAX);
            let (piece, behind) = rest.split_at_checked(room).unwrap_or((rest, &[]));
            let number = at / PAGE;
            // A page that cannot be kept right is asked for anew.
            if mapped.present.contains(&number)
                && mapped.file.write(at, piece).and_then(|_| mapped.note(number)).is_err()
            {
                mapped.present.remove(&number);
            }
            at = at.saturating_add(piece.len() as u64);
            rest = behind;
        }
    }

    /// The file ends here now.
    pub(crate) fn cut(&self, size: u64) {
        let mut mapped = self.mapped.lock();
        let Some(mapped) = &mut *mapped else { return };
        // Nothing better can be done if the host refuses: what lies behind is not sent.
        let _ = mapped.file.set_size(size);
        mapped.present.split_off(&size.div_ceil(PAGE));
        if let Some(sums) = &mut mapped.sums {
            sums.split_off(&size.div_ceil(PAGE));
        }
        let last = size / PAGE;
        if mapped.present.contains(&last) && mapped.note(last).is_err() {
            mapped.present.remove(&last);
        }
    }

    /// The first pages from one on that guests have changed, so many bytes at most; they count as sent from now on.
    ///
    /// # Errors
    /// The host's.
    pub(super) fn take_changed(&self, from: u64, most: usize) -> Result<Option<(u64, Vec<u8>)>, Errno> {
        let mut mapped = self.mapped.lock();
        let Some(mapped) = &mut *mapped else { return Ok(None) };
        let Some(sums) = &mapped.sums else { return Ok(None) };
        let known: Vec<(u64, u64)> = sums.range(from..).map(|(number, sum)| (*number, *sum)).collect();
        let (mut first, mut data) = (None, Vec::new());
        for (number, known) in known {
            let start = *first.get_or_insert(number);
            let follows = start.saturating_add((data.len() as u64) / PAGE) == number;
            let page = mapped.page(number)?;
            let changed = sum(&page) != known;
            if data.is_empty() {
                if changed {
                    first = Some(number);
                    data = page;
                    mapped.note(number)?;
                } else {
                    first = None;
                }
            } else if changed && follows && data.len().saturating_add(page.len()) <= most {
                data.extend_from_slice(&page);
                mapped.note(number)?;
            } else {
                break;
            }
        }
        Ok(first.filter(|_| !data.is_empty()).map(|number| (number, data)))
    }
}
