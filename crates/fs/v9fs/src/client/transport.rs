//! Two open files of a guest: one from which replies come, and one to which requests go.

use std::sync::Arc;

use abi::Errno;
use vfs::io::{SliceSource, VecSink};
use vfs::{Events, Listener, OpenFile, Registration, WaitQueue};

/// Bytes taken at once.
const PIECE: usize = 64 << 10;

/// The files, which may be one.
pub(crate) struct Transport {
    reading: Arc<OpenFile>,
    writing: Arc<OpenFile>,
    _told: Vec<Registration>,
}

/// Passes on that a file is ready.
struct Forward(Arc<WaitQueue>);

impl Listener for Forward {
    fn notify(&self, events: Events) {
        self.0.notify(events);
    }
}

impl Transport {
    /// What speaks through these files, and tells the queue when they are ready.
    ///
    /// # Errors
    /// `EIO` if they are not open for that, or cannot be waited for: only what other processes are at the other end of can.
    pub(crate) fn new(
        reading: Arc<OpenFile>,
        writing: Arc<OpenFile>,
        queue: &Arc<WaitQueue>,
    ) -> Result<Self, Errno> {
        let (reads, writes) = (reading.flags().reads(), writing.flags().writes());
        let streams = !reading.file.seekable() && !writing.file.seekable();
        if !(reads && writes && streams) {
            return Err(Errno::EIO);
        }
        let forward: Arc<dyn Listener> = Arc::new(Forward(Arc::clone(queue)));
        let tell = |file: &Arc<OpenFile>| {
            let readiness = file.file.readiness().ok_or(Errno::EIO)?;
            Ok::<_, Errno>(readiness.register(Events::all(), Arc::clone(&forward)))
        };
        let told = vec![tell(&reading)?, tell(&writing)?];
        Ok(Self { reading, writing, _told: told })
    }

    /// Takes what has come, behind what `into` has. Zero at the end.
    ///
    /// # Errors
    /// `EAGAIN` if there is nothing yet, and the file's.
    pub(super) fn receive(&self, into: &mut Vec<u8>) -> Result<usize, Errno> {
        let mut sink = VecSink::new(PIECE);
        let count = self.reading.file.read(u64::MAX, &mut sink)?;
        into.append(&mut sink.data);
        Ok(count)
    }

    /// Sends as much as there is room for.
    ///
    /// # Errors
    /// `EAGAIN` if there is none, `EPIPE`, and the file's.
    pub(super) fn send(&self, bytes: &[u8]) -> Result<usize, Errno> {
        let piece = bytes.get(..PIECE).unwrap_or(bytes);
        self.writing.file.write(Some(0), &mut SliceSource::new(piece)).map(|(count, _)| count)
    }
}
