//! Frames of ttrpc: a header of ten bytes (length, stream, kind, flags; numbers with their highest byte first) and a message. See
//! <https://github.com/containerd/ttrpc/blob/main/PROTOCOL.md>.

use std::io::{self, ErrorKind, Read, Write};

/// The longest message, in bytes.
const LONGEST: usize = 4 << 20;
const HEADER: usize = 10;

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A call.
    Request,
    /// Its answer.
    Response,
    /// Part of a stream of messages, or something newer. No call here has one.
    Other,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Which call it belongs to.
    pub(crate) stream: u32,
    pub(crate) kind: Kind,
    pub(crate) message: Vec<u8>,
}

impl Frame {
    /// Waits for the next one. Nothing at the end of the connection.
    pub(crate) fn read(source: &mut impl Read) -> io::Result<Option<Self>> {
        let mut header = [0; HEADER];
        match source.read_exact(&mut header) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
        let [l0, l1, l2, l3, s0, s1, s2, s3, kind, _flags] = header;
        let length = usize::try_from(u32::from_be_bytes([l0, l1, l2, l3])).unwrap_or(usize::MAX);
        if length > LONGEST {
            return Err(io::Error::new(ErrorKind::InvalidData, "a message is too long"));
        }
        let mut message = vec![0; length];
        source.read_exact(&mut message)?;
        let kind = match kind {
            1 => Kind::Request,
            2 => Kind::Response,
            _ => Kind::Other,
        };
        Ok(Some(Self { stream: u32::from_be_bytes([s0, s1, s2, s3]), kind, message }))
    }

    /// Writes it, in one piece.
    pub(crate) fn write(&self, sink: &mut impl Write) -> io::Result<()> {
        let length = u32::try_from(self.message.len()).ok().filter(|_| self.message.len() <= LONGEST);
        let length =
            length.ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "a message is too long"))?;
        let kind = match self.kind {
            Kind::Request => 1,
            Kind::Response => 2,
            Kind::Other => 3,
        };
        let mut bytes = Vec::with_capacity(HEADER + self.message.len());
        bytes.extend(length.to_be_bytes());
        bytes.extend(self.stream.to_be_bytes());
        bytes.extend([kind, 0]);
        bytes.extend(&self.message);
        sink.write_all(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_as_they_were_written() {
        let frames = [
            Frame { stream: 1, kind: Kind::Request, message: b"hello".to_vec() },
            Frame { stream: u32::MAX, kind: Kind::Response, message: Vec::new() },
        ];
        let mut bytes = Vec::new();
        frames.iter().for_each(|frame| frame.write(&mut bytes).unwrap());
        assert_eq!(bytes.get(..15), Some(&b"\0\0\0\x05\0\0\0\x01\x01\0hello"[..]));
        let mut source = bytes.as_slice();
        for frame in frames {
            assert_eq!(Frame::read(&mut source).unwrap(), Some(frame));
        }
        assert_eq!(Frame::read(&mut source).unwrap(), None);
    }

    #[test]
    fn what_is_no_frame_is_an_error() {
        assert!(Frame::read(&mut &b"\xff\xff\xff\xff\0\0\0\x01\x01\0"[..]).is_err());
        assert!(Frame::read(&mut &b"\0\0\0\x05\0\0\0\x01\x01\0hel"[..]).is_err());
        let long = Frame { stream: 1, kind: Kind::Request, message: vec![0; LONGEST + 1] };
        assert!(long.write(&mut Vec::new()).is_err());
    }
}
