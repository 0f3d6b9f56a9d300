//! /dev/null: null(4).

use std::any::Any;

use abi::Errno;
use vfs::{File, Seek, Sink, Source};

/// Empty to read; takes all that is written.
pub(super) struct Null;

impl File for Null {
    fn read(&self, _offset: u64, _into: &mut dyn Sink) -> Result<usize, Errno> {
        Ok(0)
    }

    fn write(&self, offset: Option<u64>, from: &mut dyn Source) -> Result<(usize, u64), Errno> {
        // What is not looked at need not be readable: a bad address is no error here, as in Linux.
        Ok((from.left(), offset.unwrap_or(0)))
    }

    fn seek(&self, _to: Seek) -> Result<u64, Errno> {
        Ok(0)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
