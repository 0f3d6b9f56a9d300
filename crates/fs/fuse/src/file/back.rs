//! Writing into the cache, with a server that leaves it to us when to send (write-back).

use std::sync::Arc;

use abi::Errno;
use vfs::Source;

use super::content::Content;
use super::handle::Handle;
use super::{PAGE, flusher};

/// Bytes that are taken from a caller at a time.
const PIECE: usize = 128 * 1024;

impl Handle {
    /// Writes into the cache. Pages of which only a part is written are asked for first.
    ///
    /// # Errors
    /// `EFBIG`, `EFAULT`, `ENOTCONN` after the end of the server, and its own.
    pub(super) fn write_to_cache(
        self: &Arc<Self>,
        offset: u64,
        from: &mut dyn Source,
    ) -> Result<usize, Errno> {
        let mut done: usize = 0;
        while from.left() > 0 {
            let at = offset.saturating_add(done as u64);
            match self.cache_piece(at, from) {
                Ok(count) => done = done.saturating_add(count),
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(done)
    }

    fn cache_piece(self: &Arc<Self>, offset: u64, from: &mut dyn Source) -> Result<usize, Errno> {
        let node = &self.node;
        if !node.shared.connection.is_connected() {
            return Err(Errno::ENOTCONN);
        }
        let most = usize::try_from(i64::MAX.cast_unsigned().saturating_sub(offset)).unwrap_or(0);
        if most == 0 {
            return Err(Errno::EFBIG);
        }
        let mut data = vec![0; from.left().min(PIECE).min(most)];
        let taken = from.take(&mut data)?;
        data.truncate(taken);
        let mut done: usize = 0;
        while let Some(rest) = data.get(done..).filter(|rest| !rest.is_empty()) {
            let at = offset.saturating_add(done as u64);
            let count = node.content.soil(at, rest, node.size());
            if count > 0 {
                done = done.saturating_add(count);
                node.wrote(at.saturating_add(count as u64));
                continue;
            }
            let page = at - at % PAGE;
            if let Err(error) = self.load(page, page.saturating_add(PAGE)) {
                from.give_back(taken.saturating_sub(done));
                return if done > 0 { Ok(done) } else { Err(error) };
            }
        }
        flusher::remember(node);
        if Content::is_too_dirty() {
            // As in Linux: what that leads to is told by fsync(2) or close(2).
            node.write_back_later();
            node.wait_for_room()?;
        }
        Ok(done)
    }
}
