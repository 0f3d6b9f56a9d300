//! Messages in a byte stream: size\[4\] type\[1\] tag\[2\], then the fields. The size counts itself.

use crate::message::Message;
use crate::wire::{Malformed, Wire, Writer};

/// Bytes before the fields.
pub const HEADER: usize = 7;

/// One message, not yet decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its number.
    pub number: u8,
    /// What pairs request and reply.
    pub tag: u16,
    /// The fields.
    pub body: &'a [u8],
}

/// The first message in `stream` and how many bytes it takes, or nothing if it is not complete yet.
///
/// # Errors
/// `Size` for a message shorter than its header or longer than `largest`: the stream is lost then.
pub fn first(stream: &[u8], largest: u32) -> Result<Option<(Frame<'_>, usize)>, Malformed> {
    let Some((size, _)) = stream.split_first_chunk::<4>() else { return Ok(None) };
    let size = u32::from_le_bytes(*size);
    let length = usize::try_from(size).map_err(|_| Malformed::Size)?;
    if length < HEADER || size > largest {
        return Err(Malformed::Size);
    }
    let Some(bytes) = stream.get(4..length) else { return Ok(None) };
    let [number, tag_low, tag_high, body @ ..] = bytes else { return Err(Malformed::Size) };
    Ok(Some((Frame { number: *number, tag: u16::from_le_bytes([*tag_low, *tag_high]), body }, length)))
}

/// Appends a message to `buffer`, with the number and the fields that `fill` gives it.
///
/// # Errors
/// `Size` if a field does not fit the wire or the whole is longer than 4 GiB, or what `fill` fails with; the buffer is then
/// as before.
pub fn append_with<E: From<Malformed>>(
    buffer: &mut Vec<u8>,
    tag: u16,
    fill: impl FnOnce(&mut Writer<'_>) -> Result<u8, E>,
) -> Result<(), E> {
    let start = buffer.len();
    buffer.extend_from_slice(&[0; HEADER]);
    let mut writer = Writer::new(buffer);
    let number = fill(&mut writer);
    let overflow = writer.overflow;
    let size = u32::try_from(buffer.len() - start);
    match (number, size, buffer.get_mut(start..start + HEADER)) {
        (Ok(number), Ok(size), Some(header)) if !overflow => {
            let [a, b, c, d] = size.to_le_bytes();
            let [e, f] = tag.to_le_bytes();
            header.copy_from_slice(&[a, b, c, d, number, e, f]);
            Ok(())
        }
        (number, ..) => {
            buffer.truncate(start);
            Err(number.err().unwrap_or_else(|| Malformed::Size.into()))
        }
    }
}

/// Appends this message to `buffer`.
///
/// # Errors
/// `Size`, as [`append_with`].
pub fn append<'a, M: Message<'a>>(buffer: &mut Vec<u8>, tag: u16, message: &M) -> Result<(), Malformed> {
    append_with(buffer, tag, |writer| {
        Wire::put(message, writer);
        Ok(M::TYPE)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Tclunk, Tversion};
    use crate::wire::Text;

    #[test]
    fn a_version_request_is_byte_exact() {
        let mut bytes = Vec::new();
        append(&mut bytes, 0xffff, &Tversion { msize: 8192, version: Text(b"9P2000.L") }).unwrap();
        assert_eq!(bytes, b"\x15\0\0\0\x64\xff\xff\x00\x20\0\0\x08\x009P2000.L");
    }

    #[test]
    fn frames_come_apart_as_they_went_together() {
        let mut bytes = Vec::new();
        append(&mut bytes, 1, &Tclunk { fid: 5 }).unwrap();
        append(&mut bytes, 2, &Tclunk { fid: 6 }).unwrap();
        let (frame, used) = first(&bytes, 100).unwrap().unwrap();
        assert_eq!((frame.number, frame.tag, frame.body, used), (120, 1, &[5, 0, 0, 0][..], 11));
        assert_eq!(first(&bytes[..10], 100), Ok(None));
        assert_eq!(first(&bytes[..3], 100), Ok(None));
        assert_eq!(first(&bytes, 10), Err(Malformed::Size));
        assert_eq!(first(&[6, 0, 0, 0, 1, 2, 3], 100), Err(Malformed::Size));
    }

    #[test]
    fn a_string_too_long_for_the_wire_leaves_the_buffer_alone() {
        let mut bytes = vec![1, 2, 3];
        let long = vec![b'x'; 70_000];
        assert_eq!(append(&mut bytes, 1, &Tversion { msize: 0, version: Text(&long) }), Err(Malformed::Size));
        assert_eq!(bytes, [1, 2, 3]);
    }
}
