//! One question to a server, from its making to its answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use abi::Errno;
use parking_lot::Mutex;
use vfs::waiting::{self, Patience};
use vfs::{Events, WaitQueue};
use zerocopy::IntoBytes;

use crate::wire::{InHeader, Opcode, RESENT_BIT};

/// Bytes that lengths of extensions are counted in.
const EXTENSION_UNIT: usize = 8;

/// How long the body of an answer may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// There is no answer at all.
    Silent,
    /// So many bytes.
    Exactly(usize),
    /// At most so many.
    UpTo(usize),
}

impl Shape {
    /// The shape of a structure.
    pub(crate) const fn of<T>() -> Self {
        Self::Exactly(size_of::<T>())
    }

    /// Whether a successful answer's body may be so long.
    pub(crate) const fn admits(self, length: usize) -> bool {
        match self {
            Self::Silent => false,
            Self::Exactly(exactly) => length == exactly,
            Self::UpTo(most) => length <= most,
        }
    }
}

/// Who asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asker {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) pid: u32,
}

impl Asker {
    /// Whoever the calling thread works for.
    pub(crate) fn current() -> Self {
        waiting::identity().map_or_else(Self::default, |identity| Self {
            uid: identity.credentials.fsuid,
            gid: identity.credentials.fsgid,
            pid: identity.tid.cast_unsigned(),
        })
    }
}

/// What hears of an answer that nobody waits for.
pub(crate) trait Answered: Send + Sync {
    /// It has come, or never will.
    fn answered(self: Box<Self>, answer: Result<Vec<u8>, Errno>);
}

/// A question.
pub(crate) struct Question {
    pub(crate) opcode: Opcode,
    pub(crate) node: u64,
    pub(crate) asker: Asker,
    pub(crate) body: Vec<u8>,
    pub(crate) shape: Shape,
    /// How many of the last bytes of the body are an extension, a multiple of [`EXTENSION_UNIT`].
    pub(crate) extension: usize,
}

/// How far it has come.
#[derive(Debug, PartialEq, Eq)]
enum Progress {
    /// Nobody has read it.
    Queued,
    /// The server has read it.
    Sent,
    /// There is an answer.
    Done(Result<Vec<u8>, Errno>),
}

/// A question on its way.
pub(crate) struct Request {
    unique: AtomicU64,
    /// When.
    pub(crate) asked: Instant,
    pub(crate) question: Question,
    state: Mutex<State>,
    queue: Arc<WaitQueue>,
}

struct State {
    progress: Progress,
    interrupted: bool,
    listener: Option<Box<dyn Answered>>,
}

impl Request {
    pub(crate) fn new(unique: u64, question: Question, listener: Option<Box<dyn Answered>>) -> Arc<Self> {
        let state = State { progress: Progress::Queued, interrupted: false, listener };
        Arc::new(Self {
            unique: AtomicU64::new(unique),
            asked: Instant::now(),
            question,
            state: Mutex::new(state),
            queue: WaitQueue::new(),
        })
    }

    /// Its id.
    pub(crate) fn unique(&self) -> u64 {
        self.unique.load(Ordering::Relaxed)
    }

    /// As the server reads it.
    pub(crate) fn message(&self) -> Vec<u8> {
        let Question { opcode, node, asker, body, extension, .. } = &self.question;
        message(*opcode, self.unique(), *node, *asker, &[body], *extension)
    }

    /// How long that is.
    pub(crate) fn length(&self) -> usize {
        size_of::<InHeader>().saturating_add(self.question.body.len())
    }

    /// The server has read it. True if it was interrupted before.
    pub(crate) fn sent(&self) -> bool {
        let mut state = self.state.lock();
        if state.progress == Progress::Queued {
            state.progress = Progress::Sent;
        }
        state.interrupted
    }

    /// It goes back among those that nobody has read. Its id says from now on that the server may have seen it before.
    pub(crate) fn unsent(&self) {
        self.unique.fetch_or(RESENT_BIT, Ordering::Relaxed);
        let mut state = self.state.lock();
        if state.progress == Progress::Sent {
            state.progress = Progress::Queued;
        }
    }

    /// The answer, or why there will be none. The first counts.
    pub(crate) fn finish(&self, answer: Result<Vec<u8>, Errno>) {
        let listener = {
            let mut state = self.state.lock();
            if matches!(state.progress, Progress::Done(_)) {
                return;
            }
            match state.listener.take() {
                Some(listener) => {
                    state.progress = Progress::Done(Ok(Vec::new()));
                    Some((listener, answer))
                }
                None => {
                    state.progress = Progress::Done(answer);
                    None
                }
            }
        };
        match listener {
            Some((listener, answer)) => listener.answered(answer),
            None => self.queue.notify(Events::IN),
        }
    }

    fn is_done(&self) -> bool {
        matches!(self.state.lock().progress, Progress::Done(_))
    }

    /// Waits for the answer, or until the patience ends.
    ///
    /// # Errors
    /// As [`waiting::until`].
    pub(crate) fn wait(&self, patience: Patience) -> Result<(), Errno> {
        waiting::until(&self.queue, patience, || self.is_done())
    }

    /// Its caller has got a signal. True if the server has read it and shall hear of that.
    pub(crate) fn interrupt(&self) -> bool {
        let mut state = self.state.lock();
        let first = !std::mem::replace(&mut state.interrupted, true);
        first && state.progress == Progress::Sent
    }

    /// The answer, once.
    pub(crate) fn take(&self) -> Result<Vec<u8>, Errno> {
        let mut state = self.state.lock();
        match std::mem::replace(&mut state.progress, Progress::Done(Err(Errno::EIO))) {
            Progress::Done(answer) => answer,
            Progress::Queued | Progress::Sent => Err(Errno::EINTR),
        }
    }
}

/// A message to the server.
pub(crate) fn message(
    opcode: Opcode,
    unique: u64,
    node: u64,
    asker: Asker,
    parts: &[&[u8]],
    extension: usize,
) -> Vec<u8> {
    let body: usize = parts.iter().map(|part| part.len()).sum();
    let length = size_of::<InHeader>().saturating_add(body);
    let header = InHeader {
        len: u32::try_from(length).unwrap_or(u32::MAX),
        opcode: opcode.number(),
        unique,
        nodeid: node,
        uid: asker.uid,
        gid: asker.gid,
        pid: asker.pid,
        total_extlen: u16::try_from(extension / EXTENSION_UNIT).unwrap_or(0),
        padding: 0,
    };
    let mut message = Vec::with_capacity(length);
    message.extend_from_slice(header.as_bytes());
    parts.iter().for_each(|part| message.extend_from_slice(part));
    message
}
