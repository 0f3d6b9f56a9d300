//! What is done to a fresh address space to make a program of it: orders for the stub, and bytes to write.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use abi::Errno;
use abi::memory::{MAP_PRIVATE, MapFlags, Protection};
use platform::{Memory, Order, Source};

use vfs::path::Path;

use super::elf::{Elf, page_down, page_up};
use super::file::Executable;
use super::layout::{GUARD, Layout};
use crate::AddressSpace;

/// Orders and writes.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) orders: Vec<Order>,
    /// Where the last file pages of segments go on and must be zero: address and count.
    zeros: Vec<(u64, usize)>,
    /// The host files that are mapped, and what they are to the guest.
    files: Vec<(Arc<OwnedFd>, Path)>,
}

impl Plan {
    /// Maps the segments of an image.
    ///
    /// # Errors
    /// As the file says to being mapped.
    pub(super) fn image(&mut self, file: &Executable, elf: &Elf, bias: u64) -> Result<(), Errno> {
        for segment in &elf.segments {
            let start = segment.address.wrapping_add(bias);
            let file_end = start.wrapping_add(segment.file_size);
            let end = page_up(start.wrapping_add(segment.memory_size));
            let mut anonymous = page_down(start);
            if segment.file_size > 0 {
                anonymous = page_up(file_end);
                let source = file.source(segment.protection.bits(), page_down(segment.offset))?;
                self.note(&source, file);
                self.map(page_down(start), anonymous, segment.protection, MapFlags::FIXED, source);
                let rest = anonymous.wrapping_sub(file_end);
                let more = segment.memory_size > segment.file_size;
                if more && rest > 0 && segment.protection.contains(Protection::WRITE) {
                    self.zeros.push((file_end, usize::try_from(rest).unwrap_or_default()));
                }
            }
            if end > anonymous {
                self.map(anonymous, end, segment.protection, MapFlags::FIXED, Source::Anonymous);
            }
        }
        Ok(())
    }

    fn note(&mut self, source: &Source, file: &Executable) {
        if let (Source::File { file: host, .. }, Some(path)) = (source, &file.path)
            && self.files.last().is_none_or(|(last, _)| !Arc::ptr_eq(last, host))
        {
            self.files.push((Arc::clone(host), path.clone()));
        }
    }

    /// Tells the address space which files it has mapped.
    pub(super) fn name_files(&self, space: &AddressSpace) {
        self.files.iter().for_each(|(host, path)| space.note_file(host, Some(path), None, 0));
    }

    /// Maps the stack, with a gap below that nothing else gets.
    pub(super) fn stack(&mut self, layout: &Layout, executable: bool) {
        let bottom = layout.stack_top.saturating_sub(layout.stack_size);
        let mut protection = Protection::READ | Protection::WRITE;
        protection.set(Protection::EXEC, executable);
        let flags = MapFlags::FIXED_NOREPLACE | MapFlags::NORESERVE;
        let guard = bottom.saturating_sub(GUARD);
        self.map(guard, bottom, Protection::empty(), flags, Source::Anonymous);
        self.map(bottom, layout.stack_top, protection, flags | MapFlags::STACK, Source::Anonymous);
    }

    fn map(&mut self, from: u64, to: u64, protection: Protection, flags: MapFlags, source: Source) {
        self.orders.push(Order::Map {
            address: from,
            length: to.wrapping_sub(from),
            protection: protection.bits(),
            flags: flags.bits() | MAP_PRIVATE,
            source,
        });
    }

    /// Writes the stack and the zeros, in one go.
    ///
    /// # Errors
    /// `EFAULT` if the mappings are not what they should be.
    pub(super) fn write(&self, memory: &dyn Memory, stack: u64, content: &[u8]) -> Result<(), Errno> {
        let mut pieces = vec![(stack, content.len())];
        pieces.extend(&self.zeros);
        let zeros: usize = self.zeros.iter().map(|(_, count)| count).sum();
        let mut bytes = content.to_vec();
        bytes.resize(content.len().saturating_add(zeros), 0);
        if memory.write_vectored(&pieces, &bytes)? == bytes.len() { Ok(()) } else { Err(Errno::EFAULT) }
    }
}
