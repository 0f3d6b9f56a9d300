//! An open generated file.

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use parking_lot::Mutex;
use vfs::{File, Seek, Sink, Source};

use crate::Content;

/// The most that one write stores, in bytes: a page, as in Linux's proc and sys.
const STORE_MAX: usize = 4096;

/// The text is generated at the first read and whenever reading starts again from the beginning, so that a reader with a small buffer sees one
/// consistent text.
pub(crate) struct OpenContent {
    content: Arc<dyn Content>,
    text: Mutex<Option<Arc<Vec<u8>>>>,
}

impl OpenContent {
    pub(crate) fn new(content: Arc<dyn Content>) -> Self {
        Self { content, text: Mutex::new(None) }
    }

    fn text(&self, offset: u64) -> Result<Arc<Vec<u8>>, Errno> {
        let mut text = self.text.lock();
        if let (Some(text), true) = (text.as_ref(), offset > 0) {
            return Ok(Arc::clone(text));
        }
        let new = Arc::new(self.content.generate()?);
        *text = Some(Arc::clone(&new));
        Ok(new)
    }
}

impl File for OpenContent {
    fn read(&self, offset: u64, into: &mut dyn Sink) -> Result<usize, Errno> {
        let text = self.text(offset)?;
        let rest = usize::try_from(offset).ok().and_then(|at| text.get(at..)).unwrap_or_default();
        if rest.is_empty() { Ok(0) } else { into.put(rest) }
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
