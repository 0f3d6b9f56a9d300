//! /dev/zero: null(4).

use std::any::Any;

use abi::Errno;
use vfs::{File, MapSource, Seek, Sink, Source};

use super::zeros;

/// Zeros without end to read and to map; takes all that is written.
pub(super) struct Zero;

impl File for Zero {
    fn read(&self, _offset: u64, into: &mut dyn Sink) -> Result<usize, Errno> {
        zeros(into)
    }

    fn write(&self, offset: Option<u64>, from: &mut dyn Source) -> Result<(usize, u64), Errno> {
        Ok((from.left(), offset.unwrap_or(0)))
    }

    fn seek(&self, _to: Seek) -> Result<u64, Errno> {
        Ok(0)
    }

    fn map(&self, _protection: u32, _shared: bool) -> Result<MapSource, Errno> {
        Ok(MapSource::Anonymous)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
