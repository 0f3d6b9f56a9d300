//! Reading and writing, through the cache and past it.

use std::sync::Arc;

use abi::Errno;
use vfs::{Sink, Source, scratch};

use super::PAGE;
use super::content::Content;
use super::handle::{Handle, lock_owner};
use crate::wire::{InitFlags, ReadIn, WriteIn};

/// `FUSE_READ_LOCKOWNER`.
const READ_LOCKOWNER: u32 = 2;
/// `FUSE_WRITE_LOCKOWNER`.
const WRITE_LOCKOWNER: u32 = 2;

impl Handle {
    /// Asks the server for content.
    pub(super) fn ask_content(&self, offset: u64, size: u32, direct: bool) -> Result<Vec<u8>, Errno> {
        let what = ReadIn {
            fh: self.number(),
            offset,
            size,
            read_flags: if direct { READ_LOCKOWNER } else { 0 },
            lock_owner: if direct { lock_owner() } else { 0 },
            flags: self.open_flags(),
            padding: 0,
        };
        let content = self.node.shared.connection.read(self.node.id, &what)?;
        self.node.was_read();
        Ok(content)
    }

    /// Reads past the cache.
    pub(super) fn read_direct(&self, offset: u64, into: &mut dyn Sink) -> Result<usize, Errno> {
        let most = usize::try_from(self.node.shared.connection.settings().max_read).unwrap_or(usize::MAX);
        let mut done: usize = 0;
        while into.room() > 0 {
            let wanted = into.room().min(most);
            let size = u32::try_from(wanted).unwrap_or(u32::MAX);
            let moved = offset
                .checked_add(done as u64)
                .ok_or(Errno::EINVAL)
                .and_then(|at| self.ask_content(at, size, true))
                .and_then(|data| Ok((into.put(&data)?, data.len())));
            match moved {
                Ok((put, got)) => {
                    done = done.saturating_add(put);
                    if got < wanted || put < got {
                        break;
                    }
                }
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(done)
    }

    /// Reads through the cache.
    pub(super) fn read_cached(&self, offset: u64, into: &mut dyn Sink) -> Result<usize, Errno> {
        let node = &self.node;
        let end = offset.saturating_add(into.room() as u64);
        if node.shared.connection.has(InitFlags::AUTO_INVAL_DATA) || end > node.size() {
            node.sized()?;
        }
        let mut done: usize = 0;
        scratch::with(into.room(), |buffer| {
            while into.room() > 0 {
                let at = offset.saturating_add(done as u64);
                let left = usize::try_from(node.size().saturating_sub(at)).unwrap_or(usize::MAX);
                let want = into.room().min(left).min(buffer.len());
                let piece = buffer.get_mut(..want).unwrap_or_default();
                if piece.is_empty() {
                    break;
                }
                let got = node.content.copy(at, piece);
                let moved = if got > 0 {
                    into.put(piece.get(..got).unwrap_or_default()).map(|put| (put, put < got))
                } else {
                    self.fetch(at, into.room(), piece).and_then(|got| {
                        let put = into.put(piece.get(..got).unwrap_or_default())?;
                        Ok((put, put < got || got == 0))
                    })
                };
                match moved {
                    Ok((put, last)) => {
                        done = done.saturating_add(put);
                        if last {
                            break;
                        }
                    }
                    Err(error) if done == 0 => return Err(error),
                    Err(_) => break,
                }
            }
            Ok(done)
        })
    }

    /// Asks for the pages around an offset, as many as are wanted and worth reading ahead, and caches them. Gives what of them lies at the
    /// offset: it may be gone from the cache by the time somebody looks. Zero at the end.
    fn fetch(&self, offset: u64, wanted: usize, into: &mut [u8]) -> Result<usize, Errno> {
        let node = &self.node;
        let settings = node.shared.connection.settings();
        let start = offset - offset % PAGE;
        let lead = usize::try_from(offset - start).unwrap_or(0);
        let ahead = usize::try_from(settings.readahead).unwrap_or(0);
        let most = u64::from(settings.max_read);
        let size = node.size();
        let wanted = lead.saturating_add(wanted).max(ahead) as u64;
        let mut length = wanted.min(most).min(size.saturating_sub(start)).next_multiple_of(PAGE).min(most);
        if let Some(present) = self.next_present(start, length) {
            length = present.saturating_sub(start);
        }
        self.trim();
        let (since, voided) = (node.changes(), node.content.voided());
        let asked = u32::try_from(length).unwrap_or(u32::MAX);
        let data = self.ask_content(start, asked, false)?;
        let end = start.saturating_add(data.len() as u64);
        if (data.len() as u64) < length && end < size {
            node.ends_at(end, since);
        }
        node.content.fill(start, &data, voided);
        let here = data.get(lead..).unwrap_or_default();
        let count = here.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..count), here.get(..count)) {
            to.copy_from_slice(from);
        }
        Ok(count)
    }

    /// Where the next cached page begins, within so many bytes behind an offset.
    fn next_present(&self, start: u64, length: u64) -> Option<u64> {
        let inner = self.node.content.lock();
        let first = start / PAGE;
        let mut pages = first.saturating_add(1)..start.saturating_add(length).div_ceil(PAGE);
        pages.find(|page| inner.has(*page)).map(|page| page.saturating_mul(PAGE))
    }

    /// Makes room if too much is cached.
    fn trim(&self) {
        if Content::is_crowded() {
            self.node.shared.all().iter().for_each(|node| node.content.forget_all());
        }
    }

    /// Writes to the server, and into what is cached.
    pub(super) fn write_through(
        self: &Arc<Self>,
        offset: u64,
        from: &mut dyn Source,
        direct: bool,
    ) -> Result<usize, Errno> {
        let node = &self.node;
        let most = usize::try_from(node.shared.connection.settings().max_write).unwrap_or(usize::MAX);
        let mut done: usize = 0;
        while from.left() > 0 {
            let moved = offset
                .checked_add(done as u64)
                .filter(|at| i64::try_from(*at).is_ok())
                .ok_or(Errno::EFBIG)
                .and_then(|at| self.write_piece(at, from, most, direct));
            match moved {
                Ok((written, wanted)) => {
                    done = done.saturating_add(written);
                    if written < wanted {
                        break;
                    }
                }
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(done)
    }

    fn write_piece(
        &self,
        offset: u64,
        from: &mut dyn Source,
        most: usize,
        direct: bool,
    ) -> Result<(usize, usize), Errno> {
        let mut data = vec![0; from.left().min(most)];
        let taken = from.take(&mut data)?;
        data.truncate(taken);
        let what = WriteIn {
            fh: self.number(),
            offset,
            size: u32::try_from(data.len()).unwrap_or(u32::MAX),
            write_flags: if direct { WRITE_LOCKOWNER } else { 0 },
            lock_owner: if direct { lock_owner() } else { 0 },
            flags: self.open_flags(),
            padding: 0,
        };
        let result = self.node.shared.connection.write(self.node.id, &what, &data);
        let written = *result.as_ref().unwrap_or(&0);
        from.give_back(taken.saturating_sub(written));
        let end = offset.saturating_add(written as u64);
        if direct {
            self.node.content.forget(offset, end);
        } else {
            self.node.content.overlay(offset, data.get(..written).unwrap_or_default());
        }
        if written > 0 {
            self.node.written(end);
        }
        result.map(|written| (written, taken))
    }
}
