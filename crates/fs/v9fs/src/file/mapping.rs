//! mmap(2): the pages are asked for when the file is mapped, because what a guest touches later the sentry never hears of.

use std::sync::Arc;

use abi::Errno;
use ninep::Data;
use ninep::message::Twrite;
use vfs::MapSource;

use super::{PAGE, RegularFile};
use crate::node::Node;

impl RegularFile {
    /// What to map of a range.
    ///
    /// # Errors
    /// `EINVAL` for a mapping by which the file could be changed, if the cache policy has none, and the server's.
    pub(super) fn map_pages(&self, shared: bool, offset: u64, length: u64) -> Result<MapSource, Errno> {
        let node = &self.node;
        let writes = shared && self.writes;
        if writes && !node.shared.options.cache.maps_shared() {
            return Err(Errno::EINVAL);
        }
        let attributes = node.refreshed()?;
        node.content.prepare(attributes.size, attributes.modified)?;
        self.load(offset, offset.saturating_add(length).min(attributes.size))?;
        let file = node.content.descriptor(writes)?;
        Ok(MapSource::Host(Arc::new(file)))
    }

    /// Has the pages of a range there.
    fn load(&self, offset: u64, end: u64) -> Result<(), Errno> {
        let (mut page, last) = (offset / PAGE, end.div_ceil(PAGE));
        let most = u64::from(self.most).max(PAGE) / PAGE;
        while let Some(first) = self.node.content.missing(page, last) {
            let (start, behind) = (first.saturating_mul(PAGE), first.saturating_add(most).min(last));
            let wanted = behind.saturating_mul(PAGE).min(end).saturating_sub(start);
            let mut data = vec![0; usize::try_from(wanted).map_err(|_| Errno::ENOMEM)?];
            let count = self.read_whole(start, &mut data)?;
            // The file may have become shorter: what is missing is zeros, as behind the end of any file.
            data.get_mut(count..).unwrap_or_default().fill(0);
            self.node.content.fill(start, &data)?;
            page = behind;
        }
        Ok(())
    }
}

impl Node {
    /// Sends what guests have changed in mappings.
    ///
    /// # Errors
    /// The server's.
    pub(crate) fn write_back(&self) -> Result<(), Errno> {
        let most = usize::try_from(self.shared.client.most_data(0)).unwrap_or(usize::MAX);
        let (mut from, size) = (0, self.last_known().size);
        while let Some((page, mut data)) = self.content.take_changed(from, most)? {
            let offset = page.saturating_mul(PAGE);
            from = page.saturating_add((data.len() as u64).div_ceil(PAGE));
            data.truncate(usize::try_from(size.saturating_sub(offset)).unwrap_or(usize::MAX));
            let Some(fid) = self.content.writer() else { return Err(Errno::EIO) };
            let mut done = 0;
            while let Some(rest) = data.get(done..).filter(|rest| !rest.is_empty()) {
                let piece = rest.get(..most).unwrap_or(rest);
                let at = offset.saturating_add(done as u64);
                let request = Twrite { fid: fid.number(), offset: at, data: Data(piece) };
                let count = self.shared.client.call(&request, |reply| reply.count)?;
                match usize::try_from(count) {
                    Ok(count @ 1..) if count <= piece.len() => done = done.saturating_add(count),
                    _ => return Err(Errno::EIO),
                }
            }
            self.changed();
        }
        Ok(())
    }
}
