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
    fn load(&self, offset: u64, end: u64) -> Result<(), Errno> {
        let node = &self.node;
        let most = u64::from(node.shared.connection.settings().max_read);
        let mut page = offset / PAGE;
        let last = end.div_ceil(PAGE);
        while page < last {
            let (first, count) = {
                let inner = node.content.lock();
                let Some(first) = (page..last).find(|page| !inner.has(*page)) else { return Ok(()) };
                let limit = first.saturating_add((most / PAGE).max(1)).min(last);
                let end = (first..limit).find(|page| inner.has(*page)).unwrap_or(limit);
                (first, end.saturating_sub(first))
            };
            let start = first.saturating_mul(PAGE);
            let (since, voided) = (node.changes(), node.content.voided());
            let size = u32::try_from(count.saturating_mul(PAGE)).unwrap_or(u32::MAX);
            let data = self.ask_content(start, size, false)?;
            node.content.fill(start, &data, voided);
            if (data.len() as u64) < u64::from(size) {
                let end = start.saturating_add(data.len() as u64);
                if end < node.size() {
                    node.ends_at(end, since);
                }
                return Ok(());
            }
            page = first.saturating_add(count);
        }
        Ok(())
    }
}
