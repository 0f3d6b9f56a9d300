//! An open regular file.

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use parking_lot::Mutex;
use vfs::locks::{LockRequest, RecordLock};
use vfs::{
    Attributes, Credentials, Events, File, Inode, InodeRef, IoctlContext, MapSource, OpenFlags, Seek, Sink,
    Source, WaitQueue,
};

use super::handle::{Handle, lock_owner};
use crate::wire::{CopyFileRangeIn, FallocateIn, FileFlags, Opcode};

/// fallocate(2) modes that servers are asked for: `FALLOC_FL_KEEP_SIZE`, `PUNCH_HOLE`, `ZERO_RANGE`.
const MODES: u32 = 0x01 | 0x02 | 0x10;
/// Those that keep the size.
const KEEP_SIZE: u32 = 0x01;

/// An open file.
pub(crate) struct RegularFile {
    handle: Arc<Handle>,
    /// Where it is, if the server wants it read and written in order only.
    position: Mutex<u64>,
}

impl RegularFile {
    pub(crate) fn new(handle: Arc<Handle>) -> Self {
        Self { handle, position: Mutex::new(0) }
    }

    fn is_stream(&self) -> bool {
        self.handle.flags.intersects(FileFlags::STREAM | FileFlags::NONSEEKABLE)
    }

    /// The offset of a transfer: a stream has its own, or none.
    fn place(&self, offset: u64) -> u64 {
        if self.handle.flags.contains(FileFlags::STREAM) {
            0
        } else if self.is_stream() {
            *self.position.lock()
        } else {
            offset
        }
    }

    fn moved(&self, end: u64) {
        if self.is_stream() {
            *self.position.lock() = end;
        }
    }
}

impl File for RegularFile {
    fn read(&self, offset: u64, into: &mut dyn Sink) -> Result<usize, Errno> {
        self.handle.node.good()?;
        let offset = self.place(offset);
        let count = if let Some(file) = self.handle.passed() {
            let count = file.read(offset, into)?;
            self.handle.node.was_read();
            count
        } else if self.handle.is_direct() {
            self.handle.read_direct(offset, into)?
        } else {
            self.handle.read_cached(offset, into)?
        };
        self.moved(offset.saturating_add(count as u64));
        Ok(count)
    }

    fn write(&self, offset: Option<u64>, from: &mut dyn Source) -> Result<(usize, u64), Errno> {
        self.handle.node.good()?;
        let offset = offset.map(|offset| self.place(offset));
        let (count, end) = if let Some(file) = self.handle.passed() {
            let (count, end) = file.write(offset, from)?;
            self.handle.node.written(end);
            (count, end)
        } else {
            self.handle.write_content(offset, from)?
        };
        self.moved(end);
        Ok((count, end))
    }

    fn seekable(&self) -> bool {
        !self.is_stream()
    }

    fn seek(&self, to: Seek) -> Result<u64, Errno> {
        let node = &self.handle.node;
        let (offset, hole) = match to {
            Seek::End(by) => {
                return node.sized()?.size.checked_add_signed(by).ok_or(Errno::EINVAL);
            }
            Seek::Data(offset) => (offset, false),
            Seek::Hole(offset) => (offset, true),
            Seek::Set(_) | Seek::Current(_) => return Err(Errno::EINVAL),
        };
        match node.shared.connection.lseek(node.id, self.handle.number(), offset, hole) {
            Err(Errno::ENOSYS) => {
                // All of it is data.
                let size = node.sized()?.size;
                if offset >= size { Err(Errno::ENXIO) } else { Ok(if hole { size } else { offset }) }
            }
            found => found,
        }
    }

    fn poll(&self) -> Events {
        let (node, handle) = (&self.handle.node, &self.handle);
        let connection = &node.shared.connection;
        if connection.refused().is(Opcode::Poll) {
            return Events::ALWAYS;
        }
        node.shared.polls.add(handle.poll_number, &handle.ready);
        let notify = !handle.ready.is_empty();
        match connection.poll(node.id, handle.number(), handle.poll_number, Events::all().bits(), notify) {
            Ok(events) => Events::from_bits_truncate(events),
            Err(Errno::ENOSYS) => Events::ALWAYS,
            Err(_) => Events::ERR,
        }
    }

    fn readiness(&self) -> Option<&Arc<WaitQueue>> {
        let refused = self.handle.node.shared.connection.refused().is(Opcode::Poll);
        (!refused).then_some(&self.handle.ready)
    }

    fn ioctl(&self, context: &dyn IoctlContext, request: u32, argument: u64) -> Result<u64, Errno> {
        self.handle.control(context, request, argument)
    }

    fn lock(&self, request: &LockRequest) -> Option<Result<Option<RecordLock>, Errno>> {
        self.handle.lock(request)
    }

    fn copy_to(&self, offset: u64, to: &dyn File, to_offset: u64, length: usize) -> Result<usize, Errno> {
        let to = &to.as_any().downcast_ref::<Self>().ok_or(Errno::EOPNOTSUPP)?.handle;
        let (from_node, to_node) = (&self.handle.node, &to.node);
        if !Arc::ptr_eq(&from_node.shared, &to_node.shared) {
            return Err(Errno::EOPNOTSUPP);
        }
        from_node.good().and_then(|()| to_node.good())?;
        from_node.write_back()?;
        to_node.write_back()?;
        let what = CopyFileRangeIn {
            fh_in: self.handle.number(),
            off_in: offset,
            nodeid_out: to_node.id,
            fh_out: to.number(),
            off_out: to_offset,
            len: length as u64,
            flags: 0,
        };
        let copied = from_node.shared.connection.copy_file_range(from_node.id, &what)?;
        let end = to_offset.saturating_add(copied as u64);
        to_node.content.forget(to_offset, end);
        to_node.written(end);
        Ok(copied)
    }

    fn stays_for_mapping(&self) -> bool {
        self.handle.passed().is_none()
    }

    fn write_mapped(&self) -> Result<(), Errno> {
        self.sync(true)
    }

    fn map(&self, protection: u32, shared: bool) -> Result<MapSource, Errno> {
        self.map_range(protection, shared, 0, u64::MAX)
    }

    fn map_range(&self, protection: u32, shared: bool, offset: u64, length: u64) -> Result<MapSource, Errno> {
        self.handle.map(protection, shared, offset, length)
    }

    fn sync(&self, data_only: bool) -> Result<(), Errno> {
        let node = &self.handle.node;
        node.good()?;
        node.write_back()?;
        node.shared.connection.fsync(node.id, self.handle.number(), data_only, false)
    }

    fn allocate(&self, mode: u32, offset: u64, length: u64) -> Result<(), Errno> {
        let node = &self.handle.node;
        node.good()?;
        if mode & !MODES != 0 {
            return Err(Errno::EOPNOTSUPP);
        }
        node.write_back()?;
        let what = FallocateIn { fh: self.handle.number(), offset, length, mode, padding: 0 };
        node.shared.connection.fallocate(node.id, &what)?;
        let end = offset.saturating_add(length);
        node.content.forget(offset, end);
        if mode & KEEP_SIZE == 0 {
            node.written(end);
        } else {
            node.attributes_outdated();
        }
        Ok(())
    }

    fn flush(&self) -> Result<(), Errno> {
        let node = &self.handle.node;
        if node.good().is_err() {
            return Ok(());
        }
        node.write_back()?;
        if self.handle.flags.contains(FileFlags::NOFLUSH) {
            return Ok(());
        }
        node.shared.connection.flush(node.id, self.handle.number(), lock_owner())?;
        if node.keeps_size() {
            // How many blocks there are by now only the server knows.
            node.was_written();
        }
        Ok(())
    }

    fn attributes(&self) -> Result<Attributes, Errno> {
        self.handle.node.refreshed()
    }

    fn inode(&self) -> Option<InodeRef> {
        Some(Arc::clone(&self.handle.node) as InodeRef)
    }

    fn reopen(&self, flags: OpenFlags, credentials: &Credentials) -> Result<Arc<dyn File>, Errno> {
        Arc::clone(&self.handle.node).open(flags, credentials)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
