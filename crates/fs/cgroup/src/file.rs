//! An open file of a group.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use abi::Errno;
use kernel::control_group::Writer;
use synthetic::Snapshot;
use vfs::{Events, File, Seek, Sink, Source, WaitQueue};

use crate::rows::{Row, Subject};

/// The most that one write takes, in bytes.
const WRITE_MAX: usize = 4096;

pub(crate) struct OpenRow {
    subject: Subject,
    row: &'static Row,
    writer: Writer,
    text: Snapshot,
    /// Which of the file's events the reader knows of.
    known: AtomicU64,
    changed: Option<Arc<WaitQueue>>,
}

impl OpenRow {
    pub(crate) fn new(subject: Subject, row: &'static Row, writer: Writer) -> Self {
        let changed = subject.kernel.control_groups.with(|tree| {
            tree.group(subject.group).filter(|_| row.told).map(|group| Arc::clone(&group.changed))
        });
        Self { subject, row, writer, text: Snapshot::default(), known: AtomicU64::new(0), changed }
    }

    /// How often the file has told of a change; one more than that, as nobody knows the text at first.
    fn happened(&self) -> Option<u64> {
        let happened = |group: &kernel::control_group::Group| group.happened(self.row.name).wrapping_add(1);
        self.subject.kernel.control_groups.with(|tree| tree.living(self.subject.group).map(happened).ok())
    }

    fn generate(&self) -> Result<Vec<u8>, Errno> {
        self.known.store(self.happened().ok_or(Errno::ENODEV)?, Ordering::Release);
        self.row.read.ok_or(Errno::EINVAL)?(&self.subject)
    }
}

impl File for OpenRow {
    fn read(&self, offset: u64, into: &mut dyn Sink) -> Result<usize, Errno> {
        self.text.read(offset, into, || self.generate())
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
        let is_root = self.subject.is_container() || self.subject.group == self.writer.root;
        if is_root && !self.row.delegated {
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
