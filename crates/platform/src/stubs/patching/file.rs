//! One file of program text: how often its system calls were made, and its patched pages.

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use abi::Errno;
use parking_lot::Mutex;
use rustix::fs::{MemfdFlags, OFlags};

use crate::patcher::{AREA_SIZE, Added, Image, PAGE, Refusal};
use crate::stubs::interface::GATE;
use crate::{Order, Source};

use super::switch::ABOVE;
use super::{HOT, file_key};

/// How many sites of a file are counted.
const MOST_COUNTED: usize = 4096;
/// How many different distances there may be between a file and its trampolines.
const MOST_VARIANTS: usize = 2;
/// Bytes of a page.
pub(in crate::stubs) const PAGE_BYTES: usize = 4096;
/// How often a page may be made anew, as the memory file has room.
const MOST_VERSIONS: u64 = 16;

/// A file that some program has mapped to execute.
pub(in crate::stubs) struct TextFile {
    /// The host's device and inode number.
    pub(super) key: (u64, u64),
    file: Arc<OwnedFd>,
    /// Its size in whole pages, bytes.
    span: u64,
    pub(super) state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    /// By the position of the `syscall`.
    counts: HashMap<u64, Count>,
    /// Hot sites that could be patched: position and number.
    sites: Vec<(u64, u32)>,
    pub(super) variants: Vec<Variant>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Count {
    Cold(u32),
    Patched,
    Refused,
}

/// Whether a call came from a place that can do better.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Heat {
    /// Nothing is to be done.
    Cold,
    /// The site has just become hot.
    Hot,
    /// It is patched.
    Patched,
}

/// The patched pages for trampolines at one distance.
pub(super) struct Variant {
    pub(super) image: Image,
    /// The area of trampolines, then the pages: version by version, each at the offset that it has in the file.
    memory: OwnedFd,
    /// The same, for reading only: this is what stubs are lent, so that none can change what others execute.
    pub(super) lent: Arc<OwnedFd>,
    /// The host's device and inode number of the memory file.
    pub(super) key: (u64, u64),
}

impl TextFile {
    pub(super) fn new(key: (u64, u64), file: Arc<OwnedFd>, size: u64) -> Self {
        let span = size.checked_next_multiple_of(PAGE).unwrap_or(0);
        Self { key, file, span, state: Mutex::default() }
    }

    /// Counts a call.
    pub(super) fn count(&self, syscall: u64) -> Heat {
        let counts = &mut self.state.lock().counts;
        if counts.len() >= MOST_COUNTED && !counts.contains_key(&syscall) {
            return Heat::Cold;
        }
        let count = counts.entry(syscall).or_insert(Count::Cold(0));
        match count {
            Count::Cold(times) => {
                *times = times.saturating_add(1);
                if *times == HOT { Heat::Hot } else { Heat::Cold }
            }
            Count::Patched => Heat::Patched,
            Count::Refused => Heat::Cold,
        }
    }

    /// Decides on a site that has become hot: patched in all variants there are, and in all to come.
    ///
    /// # Errors
    /// Why it is left alone.
    pub(super) fn patch(&self, syscall: u64, number: u32) -> Result<(), Refusal> {
        let mut state = self.state.lock();
        let state = &mut *state;
        let verdict = self.text(syscall & !(PAGE - 1)).map_err(|_| Refusal::NotThere).and_then(|text| {
            // What cannot be done there cannot be done at any other distance, but for the room there is.
            Image::new(ABOVE, GATE).add(syscall, number, &text)?;
            state.sites.push((syscall, number));
            for variant in &mut state.variants {
                if let Err(refusal) = variant.add(self.span, syscall, number, &text) {
                    tracing::debug!(%refusal, syscall, "a variant lacks a call site");
                }
            }
            Ok(())
        });
        let count = if verdict.is_ok() { Count::Patched } else { Count::Refused };
        state.counts.insert(syscall, count);
        verdict
    }

    /// The variant with its trampolines at this position, made if there is none and may be another one.
    pub(super) fn variant<'a>(&self, state: &'a mut State, area: i64) -> Option<&'a Variant> {
        if let Some(index) = state.variants.iter().position(|variant| variant.image.area() == area) {
            return state.variants.get(index);
        }
        if state.variants.len() >= MOST_VARIANTS {
            return None;
        }
        let mut variant = Variant::new(area, self.span).ok()?;
        for (syscall, number) in &state.sites {
            if let Ok(text) = self.text(syscall & !(PAGE - 1)) {
                let _ = variant.add(self.span, *syscall, *number, &text);
            }
        }
        state.variants.push(variant);
        state.variants.last()
    }

    /// Where a version of a page lies in the memory file.
    pub(super) fn offset(&self, page: u64, version: u32) -> u64 {
        offset(self.span, page, version)
    }

    /// The position of the page at an offset of the memory file; nothing for the trampolines.
    pub(super) fn position(&self, offset: u64) -> Option<u64> {
        offset.checked_sub(AREA_SIZE)?.checked_rem(self.span)
    }

    /// Whether the file still has what a variant's pages were made from.
    pub(super) fn is_unchanged(&self, variant: &Variant) -> bool {
        variant.image.pages().all(|(position, _)| {
            let pristine = variant.image.page(position).map(|(pristine, _)| pristine);
            self.page(position).is_ok_and(|page| Some(page.as_slice()) == pristine)
        })
    }

    /// What maps `count` of the file's own pages at an address.
    pub(super) fn map_pages(&self, address: u64, position: u64, count: usize) -> Order {
        const READ_EXECUTE: u32 = 5;
        const PRIVATE_FIXED: u32 = 0x12;
        let source = Source::File { file: Arc::clone(&self.file), offset: position };
        let length = PAGE * count as u64;
        Order::Map { address, length, protection: READ_EXECUTE, flags: PRIVATE_FIXED, source }
    }

    /// A page of the file, and the next unless it is the last.
    fn text(&self, position: u64) -> Result<Vec<u8>, Errno> {
        let mut text = self.page(position)?;
        if position + PAGE < self.span {
            text.extend(self.page(position + PAGE)?);
        }
        Ok(text)
    }

    /// A page of the file; behind its end there are zeros.
    fn page(&self, position: u64) -> Result<Vec<u8>, Errno> {
        let mut page = vec![0; PAGE_BYTES];
        read(&self.file, position, &mut page)?;
        Ok(page)
    }
}

fn offset(span: u64, page: u64, version: u32) -> u64 {
    AREA_SIZE + u64::from(version.saturating_sub(1)) * span + page
}

fn read(file: &OwnedFd, position: u64, into: &mut [u8]) -> Result<usize, Errno> {
    let mut done = 0;
    while let Some(rest) = into.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match rustix::io::pread(file, rest, position + done as u64) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) => return Err(Errno::from_raw(error.raw_os_error())),
        }
    }
    Ok(done)
}

impl Variant {
    fn new(area: i64, span: u64) -> Result<Self, Errno> {
        let errno = |e: rustix::io::Errno| Errno::from_raw(e.raw_os_error());
        // Before Linux 6.3 there is no such flag, and memory files are executable.
        let memory = rustix::fs::memfd_create("text", MemfdFlags::CLOEXEC | MemfdFlags::EXEC)
            .or_else(|_| rustix::fs::memfd_create("text", MemfdFlags::CLOEXEC))
            .map_err(errno)?;
        let size = span.checked_mul(MOST_VERSIONS).and_then(|pages| pages.checked_add(AREA_SIZE));
        rustix::fs::ftruncate(&memory, size.ok_or(Errno::EFBIG)?).map_err(errno)?;
        let lent = Arc::new(host::reopen::reopen(memory.as_fd(), OFlags::RDONLY)?);
        let key = file_key(&memory)?;
        Ok(Self { image: Image::new(area, GATE), memory, lent, key })
    }

    fn add(&mut self, span: u64, syscall: u64, number: u32, text: &[u8]) -> Result<(), Refusal> {
        let Added { area_offset, code, pages, version } = self.image.add(syscall, number, text)?;
        let page = |position| Some((self.image.page(position)?.1, offset(span, position, version)));
        let pages = pages.into_iter().filter_map(page);
        // The trampoline first: nobody executes it until the pages are mapped.
        for (bytes, at) in core::iter::once((code.as_slice(), area_offset)).chain(pages) {
            match rustix::io::pwrite(&self.memory, bytes, at) {
                Ok(count) if count == bytes.len() => {}
                _ => return Err(Refusal::Full),
            }
        }
        Ok(())
    }

    /// A version of a page as it was made.
    pub(super) fn page(&self, offset: u64) -> Result<Vec<u8>, Errno> {
        let mut page = vec![0; PAGE_BYTES];
        read(&self.memory, offset, &mut page)?;
        Ok(page)
    }
}
