//! Reading and writing, through the cache and past it.

use std::sync::Arc;

use abi::Errno;
use vfs::{Sink, Source, scratch};

use super::content::Content;
use super::handle::{Handle, lock_owner};
use super::{PAGE, PAGE_BYTES};
use crate::wire::{FileFlags, InitFlags, ReadIn, WriteIn};

/// `FUSE_READ_LOCKOWNER`.
const READ_LOCKOWNER: u32 = 2;
/// `FUSE_WRITE_LOCKOWNER`.
const WRITE_LOCKOWNER: u32 = 2;
/// `FUSE_WRITE_KILL_SUIDGID`: set-ID bits and capabilities shall go.
const KILL_SET_IDS: u32 = 4;
/// Set-user-ID and set-group-ID.
const SET_IDS: u32 = 0o6000;

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
        if self.node.content.is_dirty() {
            self.node.write_back()?;
        }
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
        let result = scratch::with(into.room(), |buffer| {
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
                } else if self.await_ahead(at)? {
                    continue;
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
        });
        if let Ok(count) = result {
            self.was_read_to(offset, offset.saturating_add(count as u64));
        }
        result
    }

    /// Asks for the pages around an offset, as many as are wanted and worth reading ahead, and caches them. Gives what of them lies at the
    /// offset: it may be gone from the cache by the time somebody looks. Zero at the end.
    fn fetch(&self, offset: u64, wanted: usize, into: &mut [u8]) -> Result<usize, Errno> {
        let node = &self.node;
        let settings = node.shared.connection.settings();
        let start = offset - offset % PAGE;
        let lead = usize::try_from(offset - start).unwrap_or(0);
        let ahead = if self.in_sequence(offset) { settings.readahead } else { 0 };
        let most = u64::from(settings.max_read);
        let size = node.size();
        let wanted = (lead.saturating_add(wanted) as u64).max(ahead.into());
        let length = wanted.min(most).min(size.saturating_sub(start)).next_multiple_of(PAGE).min(most);
        let (first, last) = (start / PAGE, start.saturating_add(length).div_ceil(PAGE));
        let count = node
            .content
            .missing(first, last, u64::MAX)
            .map_or(last.saturating_sub(first), |(_, count)| count);
        let length = length.min(count.saturating_mul(PAGE));
        self.trim();
        let (since, voided) = (node.changes(), node.content.voided());
        let asked = u32::try_from(length).unwrap_or(u32::MAX);
        let mut data = self.ask_content(start, asked, false)?;
        self.complete(start, asked, &mut data, since);
        node.content.fill(start, &data, voided);
        let here = data.get(lead..).unwrap_or_default();
        let count = here.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..count), here.get(..count)) {
            to.copy_from_slice(from);
        }
        Ok(count)
    }

    /// What it means that the server gave less than was asked for: the file ends there. If it does not know yet how long the file is, there
    /// is a hole.
    pub(super) fn complete(&self, start: u64, asked: u32, data: &mut Vec<u8>, since: u64) {
        let node = &self.node;
        let end = start.saturating_add(data.len() as u64);
        if (data.len() as u64) >= u64::from(asked) || end >= node.size() {
            return;
        }
        if node.keeps_size() {
            let there = node.size().saturating_sub(start).min(asked.into());
            data.resize(usize::try_from(there).unwrap_or(0), 0);
        } else {
            node.ends_at(end, since);
        }
    }

    /// Makes room if too much is cached.
    fn trim(&self) {
        if Content::is_crowded() {
            self.node.shared.all().iter().for_each(|node| node.content.forget_all());
        }
    }

    /// Writes at an offset, or at the end. Returns how much, and the offset behind it.
    ///
    /// # Errors
    /// `EFBIG`, `EFAULT`, `EINTR` for a caller that is killed, and the server's.
    pub(super) fn write_content(
        self: &Arc<Self>,
        offset: Option<u64>,
        from: &mut dyn Source,
    ) -> Result<(usize, u64), Errno> {
        let node = &self.node;
        let direct = self.is_direct();
        let mut cached = node.keeps_size() && !direct;
        if cached {
            // As Linux has it: with a size that may be believed. And what takes privileges away the server has to see.
            let mode = node.refreshed()?.mode;
            cached = mode & SET_IDS == 0 || !node.shared.connection.kills_privileges();
        }
        let together = self.flags.contains(FileFlags::DIRECT_IO | FileFlags::PARALLEL_DIRECT_WRITES);
        let grows = offset.is_none_or(|offset| offset.saturating_add(from.left() as u64) > node.size());
        let _turn = node.turns.take(!together || grows)?;
        // As Linux has it: the size that is known.
        let offset = offset.unwrap_or_else(|| node.size());
        let count = if cached {
            self.write_to_cache(offset, from)?
        } else {
            if direct && node.content.is_dirty() {
                node.write_back()?;
            }
            self.write_through(offset, from, direct)?
        };
        Ok((count, offset.saturating_add(count as u64)))
    }

    /// Writes to the server, and into what is cached.
    fn write_through(
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
                .and_then(|at| self.write_piece(at, from, self.longest(at, most, direct), direct));
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

    /// Bytes that one WRITE may be about at an offset: through the cache what lies before a page's beginning goes alone, as does each page for
    /// servers without `BIG_WRITES`.
    fn longest(&self, at: u64, most: usize, direct: bool) -> usize {
        let within = usize::try_from(at % PAGE).unwrap_or(0);
        let several = self.node.shared.connection.has(InitFlags::BIG_WRITES) && within == 0;
        if direct || several { most } else { PAGE_BYTES.saturating_sub(within) }
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
        let kills = self.node.shared.connection.kills_privileges();
        let what = WriteIn {
            fh: self.number(),
            offset,
            size: u32::try_from(data.len()).unwrap_or(u32::MAX),
            write_flags: if direct { WRITE_LOCKOWNER } else { 0 } | if kills { KILL_SET_IDS } else { 0 },
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
