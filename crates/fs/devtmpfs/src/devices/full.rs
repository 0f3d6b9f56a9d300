//! /dev/full: full(4).

use std::any::Any;

use abi::Errno;
use vfs::{File, Seek, Sink, Source};

use super::zeros;

/// Zeros to read; no space to write.
pub(super) struct Full;

impl File for Full {
    fn read(&self, _offset: u64, into: &mut dyn Sink) -> Result<usize, Errno> {
        zeros(into)
    }

    fn write(&self, _offset: Option<u64>, _from: &mut dyn Source) -> Result<(usize, u64), Errno> {
        Err(Errno::ENOSPC)
    }

    fn seek(&self, _to: Seek) -> Result<u64, Errno> {
        Ok(0)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
