//! An open file of a group.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use abi::Errno;
use kernel::control_group::Writer;
use parking_lot::Mutex;
use vfs::{Events, File, Seek, Sink, Source, WaitQueue};

use crate::rows::{Row, Subject};

/// The most that one write takes, in bytes.
const WRITE_MAX: usize = 4096;

/// The text is made at the first read and whenever reading starts again from the beginning, so that a reader with a small buffer sees one
/// consistent text.
pub(crate) struct OpenRow {
    subject: Subject,
    row: &'static Row,
    writer: Writer,
    text: Mutex<Option<Arc<Vec<u8>>>>,
    /// Which of the file's events the reader knows of.
    known: AtomicU64,
    changed: Option<Arc<WaitQueue>>,
}

impl OpenRow {
    pub(crate) fn new(subject: Subject, row: &'static Row, writer: Writer) -> Self {
        let changed = subject.kernel.control_groups.with(|tree| {
            tree.group(subject.group).filter(|_| row.told).map(|group| Arc::clone(&group.changed))
        });
        Self { subject, row, writer, text: Mutex::default(), known: AtomicU64::new(0), changed }
    }

    /// How often the file has told of a change; one more than that, as nobody knows the text at first.
    fn happened(&self) -> Option<u64> {
        let happened = |group: &kernel::control_group::Group| group.happened(self.row.name).wrapping_add(1);
        self.subject.kernel.control_groups.with(|tree| tree.living(self.subject.group).map(happened).ok())
    }

    fn text(&self, offset: u64) -> Result<Arc<Vec<u8>>, Errno> {
        let mut text = self.text.lock();
        if let (Some(text), true) = (text.as_ref(), offset > 0) {
            return Ok(Arc::clone(text));
        }
        self.known.store(self.happened().ok_or(Errno::ENODEV)?, Ordering::Release);
        let new = Arc::new(self.row.read.ok_or(Errno::EINVAL)?(&self.subject)?);
        *text = Some(Arc::clone(&new));
        Ok(new)
    }
}

impl File for OpenRow {
    fn read(&self, offset: u64, into: &mut dyn Sink) -> Result<usize, Errno> {
        let text = self.text(offset)?;
        let rest = usize::try_from(offset).ok().and_then(|at| text.get(at..)).unwrap_or_default();
        if rest.is_empty() { Ok(0) } else { into.put(rest) }
    }

    fn write(&self, offset: Option<u64>, from: &mut dyn Source) -> Result<(usize, u64), Errno> {
        let offset = offset.unwrap_or_default();
        let length = from.left();
        if length > WRITE_MAX {
            return Err(Errno::E2BIG);
        }
        if length == 0 {
            return Ok((0, offset));
        }
        let mut text = vec![0; length];
        let got = from.take(&mut text)?;
        text.truncate(got);
        self.happened().ok_or(Errno::ENODEV)?;
        let write = self.row.write.ok_or(Errno::EINVAL)?;
        if self.subject.is_container() && !self.row.delegated {
            return Err(Errno::EPERM);
        }
        if self.subject.group == self.writer.root && !self.row.delegated {
            return Err(Errno::EPERM);
        }
        write(&self.subject, &self.writer, text.trim_ascii())?;
        Ok((got, offset.saturating_add(got as u64)))
    }

    fn seek(&self, _: Seek) -> Result<u64, Errno> {
        Err(Errno::EINVAL)
    }

    fn poll(&self) -> Events {
        let told = self.row.told && self.happened() != Some(self.known.load(Ordering::Acquire));
        if told { Events::ALWAYS | Events::ERR | Events::PRI } else { Events::ALWAYS }
    }

    fn readiness(&self) -> Option<&Arc<WaitQueue>> {
        self.changed.as_ref()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
