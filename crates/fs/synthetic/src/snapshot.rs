//! The text of an open file that is generated when it is read.

use std::sync::Arc;

use abi::Errno;
use parking_lot::Mutex;
use vfs::Sink;

/// Generated at the first read and whenever reading starts again from the beginning, so that a reader with a small buffer sees one
/// consistent text.
#[derive(Default)]
pub struct Snapshot(Mutex<Option<Arc<Vec<u8>>>>);

impl Snapshot {
    /// Copies what lies at an offset out. Returns how many bytes: none at the end.
    ///
    /// # Errors
    /// Those of `generate` and of the sink.
    pub fn read(
        &self,
        offset: u64,
        into: &mut dyn Sink,
        generate: impl FnOnce() -> Result<Vec<u8>, Errno>,
    ) -> Result<usize, Errno> {
        let text = self.at(offset, generate)?;
        let rest = usize::try_from(offset).ok().and_then(|at| text.get(at..)).unwrap_or_default();
        if rest.is_empty() { Ok(0) } else { into.put(rest) }
    }

    fn at(
        &self,
        offset: u64,
        generate: impl FnOnce() -> Result<Vec<u8>, Errno>,
    ) -> Result<Arc<Vec<u8>>, Errno> {
        let mut text = self.0.lock();
        if let (Some(text), true) = (text.as_ref(), offset > 0) {
            return Ok(Arc::clone(text));
        }
        let new = Arc::new(generate()?);
        *text = Some(Arc::clone(&new));
        Ok(new)
    }
}
