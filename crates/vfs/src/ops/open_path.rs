//! The file of a descriptor opened with `O_PATH`: it names a place and can do nothing.

use std::any::Any;
use std::sync::Arc;

use abi::Errno;

use crate::path::Path;
use crate::{Credentials, File, OpenFile, OpenFlags, Sink, Source};

impl OpenFile {
    /// A description that stands for a place and can do nothing (`O_PATH`).
    #[must_use]
    pub fn of_place(place: Path, flags: OpenFlags, credentials: &Arc<Credentials>) -> Arc<Self> {
        Self::new(Arc::new(PathOnly), Some(place), flags, Arc::clone(credentials))
    }
}

/// Behind an `O_PATH` descriptor.
struct PathOnly;

impl File for PathOnly {
    fn read(&self, _offset: u64, _into: &mut dyn Sink) -> Result<usize, Errno> {
        Err(Errno::EBADF)
    }

    fn write(&self, _offset: Option<u64>, _from: &mut dyn Source) -> Result<(usize, u64), Errno> {
        Err(Errno::EBADF)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
