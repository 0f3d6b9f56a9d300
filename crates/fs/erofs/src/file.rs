//! Open files.

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use vfs::{DirectoryEntry, DirectorySink, File, MapSource, Seek, Sink, scratch};

use crate::directory::{self, ENTRY};
use crate::mapped::Mapped;
use crate::node::Node;

/// A regular file.
pub(crate) struct RegularFile(pub(crate) Arc<Node>);

impl File for RegularFile {
    fn read(&self, offset: u64, into: &mut dyn Sink) -> Result<usize, Errno> {
        scratch::fill(into, |done, buffer| {
            self.0.mounted.content(&self.0.disk, offset.saturating_add(done as u64), buffer)
        })
    }

    fn seek(&self, to: Seek) -> Result<u64, Errno> {
        let size = self.0.disk.attributes.size;
        match to {
            Seek::End(by) => size.checked_add_signed(by).ok_or(Errno::EINVAL),
            Seek::Data(offset) if offset < size => Ok(offset),
            Seek::Hole(offset) if offset < size => Ok(size),
            Seek::Data(_) | Seek::Hole(_) => Err(Errno::ENXIO),
            Seek::Set(_) | Seek::Current(_) => Err(Errno::EINVAL),
        }
    }

    fn map(&self, protection: u32, shared: bool) -> Result<MapSource, Errno> {
        self.map_range(protection, shared, 0, u64::MAX)
    }

    fn map_range(&self, _: u32, _: bool, offset: u64, length: u64) -> Result<MapSource, Errno> {
        let size = self.0.disk.attributes.size;
        let mut mapped = self.0.mapped.lock();
        let copy = match mapped.as_mut() {
            Some(copy) => copy,
            None => mapped.insert(Mapped::new(size)?),
        };
        let end = offset.saturating_add(length).min(size);
        let read = |at, buffer: &mut [u8]| self.0.mounted.content(&self.0.disk, at, buffer);
        copy.load(offset.min(end), end, read).map(|file| MapSource::Host(Arc::new(file)))
    }

    fn sync(&self, _: bool) -> Result<(), Errno> {
        Ok(())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A directory.
pub(crate) struct DirectoryFile(pub(crate) Arc<Node>);

impl File for DirectoryFile {
    fn read_directory(&self, position: u64, into: &mut dyn DirectorySink) -> Result<(), Errno> {
        let (mounted, disk) = (&self.0.mounted, &self.0.disk);
        let size = mounted.superblock.block();
        let mut at = position;
        while at < disk.attributes.size {
            let block = at / size;
            let skip = usize::try_from((at % size) / ENTRY).unwrap_or(usize::MAX);
            let next_block = block.saturating_add(1).saturating_mul(size);
            let entries = directory::block(mounted, disk, block)?;
            let count = entries.len();
            for (index, entry) in entries.iter().enumerate().skip(skip) {
                let next = if index.saturating_add(1) == count {
                    next_block
                } else {
                    block
                        .saturating_mul(size)
                        .saturating_add((index as u64).saturating_add(1).saturating_mul(ENTRY))
                };
                let told = DirectoryEntry { inode: entry.inode, kind: entry.kind, name: &entry.name, next };
                if !into.put(&told) {
                    return Ok(());
                }
            }
            at = next_block;
        }
        Ok(())
    }

    fn sync(&self, _: bool) -> Result<(), Errno> {
        Ok(())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
