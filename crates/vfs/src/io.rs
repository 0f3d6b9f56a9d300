//! Where read data goes and where written data comes from: guest memory mostly, kernel buffers sometimes.

use std::io::IoSlice;

use abi::Errno;

/// Takes data that is read.
pub trait Sink {
    /// How many bytes it still takes.
    fn room(&self) -> usize;

    /// Stores bytes and moves on. Returns how many it took: fewer than given only at the end of its room or at a fault.
    ///
    /// # Errors
    /// `EFAULT` if not even the first byte could be stored.
    fn put(&mut self, data: &[u8]) -> Result<usize, Errno>;

    /// Stores bytes from several places, one after the other: as [`Self::put`], and in one go where that is cheaper.
    ///
    /// # Errors
    /// As [`Self::put`].
    fn put_many(&mut self, pieces: &[IoSlice<'_>]) -> Result<usize, Errno> {
        put_each(self, pieces)
    }
}

/// What [`Sink::put_many`] does, piece by piece.
///
/// # Errors
/// As [`Sink::put`].
pub fn put_each(sink: &mut (impl Sink + ?Sized), pieces: &[IoSlice<'_>]) -> Result<usize, Errno> {
    let mut done: usize = 0;
    for piece in pieces {
        match sink.put(piece) {
            Ok(put) => {
                done += put;
                if put < piece.len() {
                    break;
                }
            }
            Err(errno) if done == 0 => return Err(errno),
            Err(_) => break,
        }
    }
    Ok(done)
}

/// Gives data that is to be written.
pub trait Source {
    /// How many bytes it still has.
    fn left(&self) -> usize;

    /// Fetches bytes and moves on. Returns how many it gave: fewer than asked only at its end or at a fault.
    ///
    /// # Errors
    /// `EFAULT` if not even the first byte could be fetched.
    fn take(&mut self, into: &mut [u8]) -> Result<usize, Errno>;

    /// Whether it came out of a pipe. There Linux keeps references to memory where this kernel copies (vmsplice(2)), so a length in front of it may
    /// be of before it was cut.
    fn is_spliced(&self) -> bool {
        false
    }

    /// Moves back by `count` bytes that were taken and could not be used.
    fn give_back(&mut self, count: usize);
}

/// A [`Sink`] over a vector with a limit.
#[derive(Debug)]
pub struct VecSink {
    /// What was put.
    pub data: Vec<u8>,
    limit: usize,
}

impl VecSink {
    /// Takes up to `limit` bytes.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self { data: Vec::new(), limit }
    }
}

impl Sink for VecSink {
    fn room(&self) -> usize {
        self.limit.saturating_sub(self.data.len())
    }

    fn put(&mut self, data: &[u8]) -> Result<usize, Errno> {
        let n = data.len().min(self.room());
        self.data.extend(data.iter().take(n));
        Ok(n)
    }
}

/// A [`Source`] over bytes.
#[derive(Debug)]
pub struct SliceSource<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> SliceSource<'a> {
    /// Gives `data` from its beginning.
    #[must_use]
    pub const fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0 }
    }
}

impl Source for SliceSource<'_> {
    fn left(&self) -> usize {
        self.data.len().saturating_sub(self.at)
    }

    fn take(&mut self, into: &mut [u8]) -> Result<usize, Errno> {
        let rest = self.data.get(self.at..).unwrap_or_default();
        let n = rest.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..n), rest.get(..n)) {
            to.copy_from_slice(from);
        }
        self.at = self.at.saturating_add(n);
        Ok(n)
    }

    fn give_back(&mut self, count: usize) {
        self.at = self.at.saturating_sub(count);
    }
}
