//! The file of a descriptor opened with `O_PATH`: it names a place and can do nothing.

use std::any::Any;

use abi::Errno;

use crate::{File, Sink, Source};

/// Behind an `O_PATH` descriptor.
pub(super) struct PathOnly;

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
