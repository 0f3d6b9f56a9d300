//! One end of a pipe, as a file.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use abi::Errno;
use abi::ioctl::FIONREAD;
use vfs::{
    AttributeChange, Attributes, Credentials, Device, Events, File, InodeRef, IoctlContext, OpenFile,
    OpenFlags, Owner, Sink, Source, WaitQueue,
};

use crate::Pipe;

/// An end of a pipe, or an open FIFO.
pub struct PipeEnd {
    pipe: Arc<Pipe>,
    reads: bool,
    writes: bool,
    /// `O_DIRECT`: each write is a packet.
    packets: AtomicBool,
    /// How often the other side had been opened when this end was, if open(2) has to wait for that to change.
    waits: Option<u64>,
    /// How often it had been opened for writing when this end was opened without waiting: until that changes there is no hang-up.
    unheard: Option<u64>,
    /// The FIFO's inode, so that its identity stays as long as it is open.
    _inode: Option<InodeRef>,
}

/// Makes a pipe: the reading end and the writing end.
#[must_use]
pub fn pair(owner: Owner, packets: bool) -> (Arc<PipeEnd>, Arc<PipeEnd>) {
    let pipe = Pipe::new(owner);
    let end = |reads: bool| {
        pipe.join(reads, !reads);
        let packets = AtomicBool::new(packets);
        Arc::new(PipeEnd {
            pipe: Arc::clone(&pipe),
            reads,
            writes: !reads,
            packets,
            waits: None,
            unheard: None,
            _inode: None,
        })
    };
    (end(true), end(false))
}

impl PipeEnd {
    /// Opens a FIFO, or (without an inode) a pipe anew, which never waits for its other end. What must be waited for is seen by
    /// [`File::opened`].
    ///
    /// # Errors
    /// `ENXIO` to write with `O_NONBLOCK` without a reader, `EINVAL` for access mode 3.
    pub(crate) fn open(
        pipe: &Arc<Pipe>,
        flags: OpenFlags,
        inode: Option<InodeRef>,
    ) -> Result<Arc<Self>, Errno> {
        let (reads, writes) = (flags.reads(), flags.writes());
        if !reads && !writes {
            return Err(Errno::EINVAL);
        }
        let nonblocking = flags.contains(OpenFlags::NONBLOCK);
        let fifo = inode.is_some();
        if fifo && writes && !reads && nonblocking && !pipe.peers().0 {
            return Err(Errno::ENXIO);
        }
        let now = pipe.join(reads, writes);
        let (waits, unheard) = match (reads, writes) {
            // A pipe without a name does not wait for a peer: it has had both ends.
            _ if !fifo => (None, None),
            (true, false) if now.writers == 0 && nonblocking => (None, Some(now.writer_opens)),
            (true, false) if now.writers == 0 => (Some(now.writer_opens), None),
            (false, true) if now.readers == 0 => (Some(now.reader_opens), None),
            _ => (None, None),
        };
        let packets = AtomicBool::new(flags.contains(OpenFlags::DIRECT));
        Ok(Arc::new(Self { pipe: Arc::clone(pipe), reads, writes, packets, waits, unheard, _inode: inode }))
    }

    /// What it is an end of.
    #[must_use]
    pub const fn pipe(&self) -> &Arc<Pipe> {
        &self.pipe
    }
}

impl Drop for PipeEnd {
    fn drop(&mut self) {
        self.pipe.leave(self.reads, self.writes);
    }
}

impl File for PipeEnd {
    fn read(&self, _: u64, into: &mut dyn Sink) -> Result<usize, Errno> {
        self.pipe.read(into)
    }

    fn write(&self, _: Option<u64>, from: &mut dyn Source) -> Result<(usize, u64), Errno> {
        self.pipe.write(from, self.packets.load(Ordering::Relaxed)).map(|n| (n, 0))
    }

    fn seekable(&self) -> bool {
        false
    }

    fn poll(&self) -> Events {
        self.pipe.poll(self.reads, self.writes, |opens| self.unheard == Some(opens))
    }

    fn readiness(&self) -> Option<&Arc<WaitQueue>> {
        Some(&self.pipe.queue)
    }

    fn signals_readiness(&self) -> bool {
        true
    }

    fn ioctl(&self, context: &dyn IoctlContext, request: u32, argument: u64) -> Result<u64, Errno> {
        if request != FIONREAD {
            return Err(Errno::ENOTTY);
        }
        let waiting = i32::try_from(self.pipe.available()).unwrap_or(i32::MAX);
        context.write(argument, &waiting.to_ne_bytes())?;
        Ok(0)
    }

    fn flags_changed(&self, description: &OpenFile) -> Result<(), Errno> {
        self.packets.store(description.flags().contains(OpenFlags::DIRECT), Ordering::Relaxed);
        Ok(())
    }

    fn device(&self) -> Device {
        Device::PIPES
    }

    fn attributes(&self) -> Result<Attributes, Errno> {
        Ok(self.pipe.attributes())
    }

    fn set_attributes(&self, change: &AttributeChange) -> Result<(), Errno> {
        self.pipe.set_attributes(change)
    }

    fn reopen(&self, flags: OpenFlags, _: &Credentials) -> Result<Arc<dyn File>, Errno> {
        Ok(Self::open(&self.pipe, flags, None)?)
    }

    fn opened(&self) -> Result<(), Errno> {
        let Some(before) = self.waits else { return Ok(()) };
        let (reader_opens, writer_opens) = self.pipe.opens();
        let now = if self.reads { writer_opens } else { reader_opens };
        if now == before { Err(Errno::EAGAIN) } else { Ok(()) }
    }

    fn description(&self) -> String {
        format!("pipe:[{}]", self.pipe.attributes().inode)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
