//! An open generated file.

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use vfs::{File, Seek, Sink, Source};

use crate::{Content, Snapshot};

/// The most that one write stores, in bytes: a page, as in Linux's proc and sys.
const STORE_MAX: usize = 4096;

pub(crate) struct OpenContent {
    content: Arc<dyn Content>,
    text: Snapshot,
}

impl OpenContent {
    pub(crate) fn new(content: Arc<dyn Content>) -> Self {
        Self { content, text: Snapshot::default() }
    }
}

impl File for OpenContent {
    fn read(&self, offset: u64, into: &mut dyn Sink) -> Result<usize, Errno> {
        self.text.read(offset, into, || self.content.generate())
    }

    fn write(&self, offset: Option<u64>, from: &mut dyn Source) -> Result<(usize, u64), Errno> {
        let offset = offset.unwrap_or_default();
        let length = from.left();
        if length > STORE_MAX {
            return Err(Errno::EINVAL);
        }
        let mut text = vec![0; length];
        let got = from.take(&mut text)?;
        text.truncate(got);
        self.content.store(offset, &text)?;
        Ok((got, offset.saturating_add(got as u64)))
    }

    fn seek(&self, to: Seek) -> Result<u64, Errno> {
        match to {
            Seek::End(by) => 0_u64.checked_add_signed(by).ok_or(Errno::EINVAL),
            _ => Err(Errno::EINVAL),
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
