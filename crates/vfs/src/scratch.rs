//! A buffer for each thread, for data on its way between a host descriptor and guest memory.

use std::cell::Cell;

use abi::Errno;

use crate::{Sink, Source};

/// Bytes moved in one piece: large enough to make the two host calls of a piece cheap, small enough to stay in the cache.
pub const PIECE: usize = 128 * 1024;

/// Where the buffer begins in its page. Copies to an address a few bytes behind the source's within a page are ten times slower than
/// others on some processors; file data and most of the guests' buffers begin near the start of a page, so this one does not.
const SKEW: usize = 2048;
const PAGE: usize = 4096;

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Calls `f` with a buffer of `size` bytes, at most [`PIECE`], with anything in them. Nested calls get another one.
pub fn with<R>(size: usize, f: impl FnOnce(&mut [u8]) -> R) -> R {
    let size = size.min(PIECE);
    let mut buffer = BUFFER.take();
    let length = size.next_power_of_two() + PAGE;
    if buffer.len() < length {
        buffer = vec![0; length];
    }
    let start = PAGE.wrapping_add(SKEW).wrapping_sub(buffer.as_ptr().addr()) % PAGE;
    let result = f(buffer.get_mut(start..start + size).unwrap_or_default());
    BUFFER.set(buffer);
    result
}

/// Fills a sink piece by piece: `fetch` reads into a buffer, given how much was moved before. Ends with a short piece.
///
/// # Errors
/// `fetch`'s and the sink's, if nothing was moved before.
pub fn fill(
    into: &mut dyn Sink,
    mut fetch: impl FnMut(usize, &mut [u8]) -> Result<usize, Errno>,
) -> Result<usize, Errno> {
    let mut done = 0;
    with(into.room(), |buffer| {
        loop {
            let want = into.room().min(buffer.len());
            let piece = buffer.get_mut(..want).unwrap_or_default();
            let moved = fetch(done, piece).and_then(|got| {
                let put = into.put(piece.get(..got).unwrap_or_default())?;
                Ok((put, got < want || put < got))
            });
            match moved {
                Ok((put, last)) => {
                    done += put;
                    if last || into.room() == 0 {
                        return Ok(done);
                    }
                }
                Err(errno) if done == 0 => return Err(errno),
                Err(_) => return Ok(done),
            }
        }
    })
}

/// Empties a source piece by piece: `store` writes a buffer, given how much was moved before. Ends with a short piece.
///
/// # Errors
/// `store`'s and the source's, if nothing was moved before.
pub fn drain(
    from: &mut dyn Source,
    mut store: impl FnMut(usize, &[u8]) -> Result<usize, Errno>,
) -> Result<usize, Errno> {
    let mut done = 0;
    with(from.left(), |buffer| {
        loop {
            let want = from.left().min(buffer.len());
            let moved = from.take(buffer.get_mut(..want).unwrap_or_default()).and_then(|got| {
                let stored = store(done, buffer.get(..got).unwrap_or_default());
                from.give_back(got.saturating_sub(stored.unwrap_or(0)));
                Ok((stored?, got))
            });
            match moved {
                Ok((stored, got)) => {
                    done += stored;
                    if stored < want || got < want || from.left() == 0 {
                        return Ok(done);
                    }
                }
                Err(errno) if done == 0 => return Err(errno),
                Err(_) => return Ok(done),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::{SliceSource, VecSink};

    #[test]
    fn pieces_are_put_together() {
        let data: Vec<u8> = (0..PIECE * 2 + 5).map(|i| u8::try_from(i % 251).unwrap()).collect();
        let mut sink = VecSink::new(data.len() + 10);
        let done = fill(&mut sink, |at, piece| {
            let n = piece.len().min(data.len() - at);
            piece[..n].copy_from_slice(&data[at..at + n]);
            Ok(n)
        });
        assert_eq!(done, Ok(data.len()));
        assert_eq!(sink.data, data);
    }

    #[test]
    fn what_was_not_stored_is_given_back() {
        let mut source = SliceSource::new(b"0123456789");
        let done = drain(&mut source, |_, piece| Ok(piece.len().min(4)));
        assert_eq!(done, Ok(4));
        assert_eq!(source.left(), 6);
        assert_eq!(drain(&mut source, |_, _| Err(Errno::EAGAIN)), Err(Errno::EAGAIN));
        assert_eq!(source.left(), 6);
    }
}
