//! Sparse guest memory of the mock platform.

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::sync::Arc;

use abi::Errno;
use parking_lot::Mutex;

use super::{ADDRESSES, RESERVED};
use crate::{Mapping, Memory, Order, ProgramBreak, Source};

const PAGE: u64 = 4096;
const PAGE_BYTES: usize = 4096;
const PROT_READ: u32 = 1;
const PROT_WRITE: u32 = 2;
const MAP_SHARED: u32 = 1;
const MAP_FIXED: u32 = 0x10;
const MAP_FIXED_NOREPLACE: u32 = 0x10_0000;

/// One page. Shared pages stay the same ones over a fork.
#[derive(Clone)]
struct Page {
    protection: u32,
    shared: bool,
    bytes: Arc<Mutex<Box<[u8; PAGE_BYTES]>>>,
}

impl Page {
    fn new(protection: u32, shared: bool, content: &[u8]) -> Self {
        let mut bytes = Box::new([0; PAGE_BYTES]);
        bytes.iter_mut().zip(content).for_each(|(to, from)| *to = *from);
        Self { protection, shared, bytes: Arc::new(Mutex::new(bytes)) }
    }

    fn copied(&self) -> Self {
        if self.shared {
            return self.clone();
        }
        Self::new(self.protection, false, self.bytes.lock().as_slice())
    }
}

/// Guest memory as a map of pages. Files are read when mapped; writes to them stay here.
pub struct MockMemory {
    id: u64,
    pages: Mutex<BTreeMap<u64, Page>>,
    program_break: Mutex<ProgramBreak>,
}

impl MockMemory {
    /// One with nothing mapped. `id` is what [`Memory::id`] tells.
    #[must_use]
    pub fn new(id: u64) -> Self {
        Self { id, pages: Mutex::default(), program_break: Mutex::default() }
    }

    /// A copy for a forked child.
    pub(super) fn copy(&self, id: u64) -> Self {
        let pages = self.pages.lock().iter().map(|(at, page)| (*at, page.copied())).collect();
        Self { id, pages: Mutex::new(pages), program_break: Mutex::new(*self.program_break.lock()) }
    }

    /// Maps zero pages, readable and writable: a shorthand for tests.
    pub fn map(&self, address: u64, length: u64) {
        let mut pages = self.pages.lock();
        for at in page_numbers(address, length) {
            pages.insert(at, Page::new(PROT_READ | PROT_WRITE, false, &[]));
        }
    }

    /// What the host would answer to the order.
    pub(super) fn carry_out(&self, order: &Order) -> Result<u64, Errno> {
        match order {
            Order::Map { address, length, protection, flags, source } => {
                self.map_pages(*address, *length, *protection, *flags, source)
            }
            Order::Unmap { address, length } => {
                let range = check(*address, *length)?;
                self.pages.lock().retain(|at, _| !range.contains(at));
                Ok(0)
            }
            Order::Protect { address, length, protection } => {
                let mut pages = self.pages.lock();
                for at in check(*address, *length)? {
                    pages.get_mut(&at).ok_or(Errno::ENOMEM)?.protection = *protection;
                }
                Ok(0)
            }
            Order::Remap { address, old_length, new_length, .. } => {
                self.remap(*address, *old_length, *new_length)
            }
            Order::Advise { address, length, advice } => {
                let range = check(*address, *length)?;
                if advice.0 == 4 {
                    self.pages.lock().range_mut(range).filter(|(_, p)| !p.shared).for_each(|(_, p)| {
                        *p = Page::new(p.protection, false, &[]);
                    });
                }
                Ok(0)
            }
            Order::Sync { address, length, .. } => check(*address, *length).map(|_| 0),
            Order::Residency { address, length, .. } | Order::Seal { address, length } => {
                check(*address, *length).map(|_| 0)
            }
            Order::Break { to } => {
                self.program_break.lock().at = *to;
                Ok(*to)
            }
            Order::Barrier { .. }
            | Order::Restartable { .. }
            | Order::SetClearChildTid { .. }
            | Order::Patch { .. }
            | Order::Futex { .. }
            | Order::Watch(_) => Ok(0),
            Order::UnmapAll => {
                self.pages.lock().clear();
                Ok(0)
            }
        }
    }

    fn map_pages(
        &self,
        address: u64,
        length: u64,
        protection: u32,
        flags: u32,
        source: &Source,
    ) -> Result<u64, Errno> {
        if length == 0 {
            return Err(Errno::EINVAL);
        }
        let fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE) != 0;
        let mut pages = self.pages.lock();
        let start = if fixed { address } else { free_space(&pages, length).ok_or(Errno::ENOMEM)? };
        let range = check(start, length)?;
        if flags & MAP_FIXED_NOREPLACE != 0 && pages.range(range.clone()).next().is_some() {
            return Err(Errno::EEXIST);
        }
        for (index, at) in range.enumerate() {
            let mut content = [0; PAGE_BYTES];
            if let Source::File { file, offset } = source {
                let skip = u64::try_from(index).map_err(|_| Errno::EINVAL)? * PAGE;
                rustix::io::pread(file.as_fd(), &mut content, offset + skip)
                    .map_err(|e| Errno::from_raw(e.raw_os_error()))?;
            }
            pages.insert(at, Page::new(protection, flags & MAP_SHARED != 0, &content));
        }
        Ok(start)
    }

    fn remap(&self, address: u64, old: u64, new: u64) -> Result<u64, Errno> {
        let (from, _) = (check(address, old)?, check(address, new)?);
        let mut pages = self.pages.lock();
        let moved: Vec<Page> = from.clone().filter_map(|at| pages.remove(&at)).collect();
        let Some(first) = moved.first().cloned() else { return Err(Errno::EFAULT) };
        let start = free_space(&pages, new).ok_or(Errno::ENOMEM)?;
        let mut moved = moved.into_iter();
        for at in page_numbers(start, new) {
            pages.insert(at, moved.next().unwrap_or_else(|| Page::new(first.protection, first.shared, &[])));
        }
        Ok(start)
    }

    /// Runs `copy` over the bytes from `address` on, page by page, until it or the memory ends. Returns how many.
    fn walk(
        &self,
        address: u64,
        length: usize,
        need: u32,
        mut copy: impl FnMut(&mut [u8], usize),
    ) -> Result<usize, Errno> {
        let pages = self.pages.lock();
        let mut done = 0;
        while done < length {
            let at = address.wrapping_add(u64::try_from(done).map_err(|_| Errno::EFAULT)?);
            let Some(page) = pages.get(&(at / PAGE)).filter(|p| p.protection & need == need) else { break };
            let from = usize::try_from(at % PAGE).map_err(|_| Errno::EFAULT)?;
            let count = (PAGE_BYTES - from).min(length - done);
            if let Some(part) = page.bytes.lock().get_mut(from..from + count) {
                copy(part, done);
            }
            done += count;
        }
        if done == 0 && length > 0 { Err(Errno::EFAULT) } else { Ok(done) }
    }
}

/// The page numbers of a range, which must lie where a guest may have memory.
fn check(address: u64, length: u64) -> Result<core::ops::Range<u64>, Errno> {
    let end = address.checked_add(length).ok_or(Errno::EINVAL)?;
    let outside = address < ADDRESSES.start || end > ADDRESSES.end;
    if !address.is_multiple_of(PAGE) || outside || (address < RESERVED.end && end > RESERVED.start) {
        return Err(Errno::EINVAL);
    }
    Ok(page_numbers(address, length))
}

fn page_numbers(address: u64, length: u64) -> core::ops::Range<u64> {
    address / PAGE..(address + length).div_ceil(PAGE)
}

/// The first gap of this length above all that is mapped.
fn free_space(pages: &BTreeMap<u64, Page>, length: u64) -> Option<u64> {
    let top = pages.keys().next_back().map_or(0x1000_0000, |at| (at + 1) * PAGE);
    (top + length < RESERVED.start).then_some(top.max(0x1000_0000))
}

impl Memory for MockMemory {
    fn read(&self, address: u64, into: &mut [u8]) -> Result<usize, Errno> {
        self.walk(address, into.len(), PROT_READ, |page, done| {
            if let Some(to) = into.get_mut(done..done + page.len()) {
                to.copy_from_slice(page);
            }
        })
    }

    fn write(&self, address: u64, from: &[u8]) -> Result<usize, Errno> {
        self.walk(address, from.len(), PROT_WRITE, |page, done| {
            if let Some(bytes) = from.get(done..done + page.len()) {
                page.copy_from_slice(bytes);
            }
        })
    }

    fn read_vectored(&self, pieces: &[(u64, usize)], into: &mut [u8]) -> Result<usize, Errno> {
        let mut done = 0;
        for (address, length) in pieces {
            let end = done + length.min(&(into.len() - done));
            let Some(part) = into.get_mut(done..end) else { break };
            match self.read(*address, part) {
                Ok(count) => done += count,
                Err(e) if done == 0 => return Err(e),
                Err(_) => break,
            }
            if done < end {
                break;
            }
        }
        Ok(done)
    }

    fn write_vectored(&self, pieces: &[(u64, usize)], from: &[u8]) -> Result<usize, Errno> {
        let mut done = 0;
        for (address, length) in pieces {
            let end = done + length.min(&(from.len() - done));
            let Some(part) = from.get(done..end) else { break };
            match self.write(*address, part) {
                Ok(count) => done += count,
                Err(e) if done == 0 => return Err(e),
                Err(_) => break,
            }
            if done < end {
                break;
            }
        }
        Ok(done)
    }

    fn mappings(&self) -> Result<Vec<Mapping>, Errno> {
        let mut list: Vec<Mapping> = Vec::new();
        for (at, page) in self.pages.lock().iter() {
            let start = at * PAGE;
            match list.last_mut() {
                Some(m) if m.end == start && m.protection == page.protection && m.shared == page.shared => {
                    m.end += PAGE;
                }
                _ => list.push(Mapping {
                    start,
                    end: start + PAGE,
                    protection: page.protection,
                    shared: page.shared,
                    offset: 0,
                    host_file: None,
                    host_name: String::new(),
                }),
            }
        }
        Ok(list)
    }

    fn set_break(&self, wanted: &ProgramBreak) -> Result<(), Errno> {
        *self.program_break.lock() = *wanted;
        Ok(())
    }

    fn keep_break(&self) -> Result<(), Errno> {
        self.program_break.lock().limit = 0;
        Ok(())
    }

    fn program_break(&self) -> Result<u64, Errno> {
        Ok(self.program_break.lock().at)
    }

    fn host_text(&self, _name: &str) -> Result<String, Errno> {
        Err(Errno::ENOENT)
    }

    fn id(&self) -> u64 {
        self.id
    }
}
