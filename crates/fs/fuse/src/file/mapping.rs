//! mmap(2): the pages are asked for when the file is mapped, because what a guest touches later the sentry never hears of.

use abi::Errno;
use std::sync::Arc;
use vfs::MapSource;

use super::PAGE;
use super::handle::Handle;
use crate::wire::{FileFlags, InitFlags};

const PROT_WRITE: u32 = 2;

impl Handle {
    /// What to map of a range.
    ///
    /// # Errors
    /// `ENODEV` for a shared mapping past the cache, `EACCES`, `ENOMEM`, and the server's.
    pub(super) fn map(
        &self,
        protection: u32,
        shared: bool,
        offset: u64,
        length: u64,
    ) -> Result<MapSource, Errno> {
        let node = &self.node;
        node.good()?;
        let allowed = node.shared.connection.has(InitFlags::DIRECT_IO_ALLOW_MMAP);
        if self.flags.contains(FileFlags::DIRECT_IO) && shared && !allowed {
            return Err(Errno::ENODEV);
        }
        if shared && protection & PROT_WRITE != 0 && !self.writes() {
            return Err(Errno::EACCES);
        }
        if let Some(file) = self.passed() {
            return file.map_range(protection, shared, offset, length);
        }
        if self.flags.contains(FileFlags::DIRECT_IO) {
            // As in Linux, what is mapped is what the server has now.
            node.write_back()?;
            node.content.forget_all();
        }
        let size = node.sized()?.size;
        node.content.mapped(size, |_| Ok(()))?;
        self.load(offset, offset.saturating_add(length).min(size))?;
        let writes = shared && self.writes();
        if writes {
            node.content.watch();
        }
        let file =
            node.content.mapped(size, |file| if writes { file.read_write() } else { file.read_only() })?;
        Ok(MapSource::Host(Arc::new(file)))
    }

    /// Has the pages of a range cached.
    ///
    /// # Errors
    /// The server's.
    pub(super) fn load(&self, offset: u64, end: u64) -> Result<(), Errno> {
        let node = &self.node;
        let most = (u64::from(node.shared.connection.settings().max_read) / PAGE).max(1);
        let mut page = offset / PAGE;
        let last = end.div_ceil(PAGE);
        while let Some((first, count)) = node.content.missing(page, last, most) {
            let start = first.saturating_mul(PAGE);
            if self.await_ahead(start)? {
                continue;
            }
            let (since, voided) = (node.changes(), node.content.voided());
            let size = u32::try_from(count.saturating_mul(PAGE)).unwrap_or(u32::MAX);
            let mut data = self.ask_content(start, size, false)?;
            self.complete(start, size, &mut data, since);
            node.content.fill(start, &data, voided);
            if (data.len() as u64) < u64::from(size) {
                return Ok(());
            }
            page = first.saturating_add(count);
        }
        Ok(())
    }
}
