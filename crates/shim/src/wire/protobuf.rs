//! Protocol buffers, as far as containerd's messages need them: numbers, strings, messages, and lists of them. See
//! <https://protobuf.dev/programming-guides/encoding/>.

/// Bytes that are not the message they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed message")]
pub(crate) struct Malformed;

/// A field as it was read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    /// A number, or a truth value.
    Number(u64),
    /// A string, a message, or a packed list of numbers.
    Bytes(&'a [u8]),
    /// A number of fixed size. No message here has one that matters.
    Fixed,
}

/// How the value of a field is written: the lowest three bits of its tag.
const NUMBER: u64 = 0;
const FIXED_64: u64 = 1;
const BYTES: u64 = 2;
const FIXED_32: u64 = 5;

/// A message: fields by their numbers. See [`messages`](crate::messages).
pub(crate) trait Message: Default {
    /// The name that goes with it where any message could stand.
    const NAME: &'static str;

    /// Appends all fields.
    fn put(&self, out: &mut Vec<u8>);

    /// Takes one field over. One that is not known is passed over: the peer may be newer.
    fn take(&mut self, number: u32, value: Value<'_>) -> Result<(), Malformed>;

    /// As bytes.
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.put(&mut out);
        out
    }

    /// From bytes.
    fn decode(mut bytes: &[u8]) -> Result<Self, Malformed> {
        let mut message = Self::default();
        while !bytes.is_empty() {
            let tag = number(&mut bytes)?;
            let value = match tag & 7 {
                NUMBER => Value::Number(number(&mut bytes)?),
                BYTES => {
                    let length = usize::try_from(number(&mut bytes)?).map_err(|_| Malformed)?;
                    Value::Bytes(cut(&mut bytes, length)?)
                }
                FIXED_64 => cut(&mut bytes, 8).map(|_| Value::Fixed)?,
                FIXED_32 => cut(&mut bytes, 4).map(|_| Value::Fixed)?,
                _ => return Err(Malformed),
            };
            message.take(u32::try_from(tag >> 3).map_err(|_| Malformed)?, value)?;
        }
        Ok(message)
    }
}

/// A type that a field can have. As in all of version 3, what is zero or empty is not written.
pub(crate) trait Field {
    /// Appends it, with its tag.
    fn put(&self, number: u32, out: &mut Vec<u8>);
    /// Takes over what was read.
    fn take(&mut self, value: Value<'_>) -> Result<(), Malformed>;
}

impl Field for u64 {
    fn put(&self, number: u32, out: &mut Vec<u8>) {
        if *self != 0 {
            put_tag(number, NUMBER, out);
            put_number(*self, out);
        }
    }

    fn take(&mut self, value: Value<'_>) -> Result<(), Malformed> {
        let Value::Number(number) = value else { return Err(Malformed) };
        *self = number;
        Ok(())
    }
}

impl Field for u32 {
    fn put(&self, number: u32, out: &mut Vec<u8>) {
        u64::from(*self).put(number, out);
    }

    fn take(&mut self, value: Value<'_>) -> Result<(), Malformed> {
        let Value::Number(number) = value else { return Err(Malformed) };
        *self = u32::try_from(number).map_err(|_| Malformed)?;
        Ok(())
    }
}

impl Field for bool {
    fn put(&self, number: u32, out: &mut Vec<u8>) {
        u64::from(*self).put(number, out);
    }

    fn take(&mut self, value: Value<'_>) -> Result<(), Malformed> {
        let Value::Number(number) = value else { return Err(Malformed) };
        *self = number != 0;
        Ok(())
    }
}

impl Field for String {
    fn put(&self, number: u32, out: &mut Vec<u8>) {
        if !self.is_empty() {
            put_bytes(number, self.as_bytes(), out);
        }
    }

    fn take(&mut self, value: Value<'_>) -> Result<(), Malformed> {
        *self = text(value)?;
        Ok(())
    }
}

/// Bytes.
impl Field for Vec<u8> {
    fn put(&self, number: u32, out: &mut Vec<u8>) {
        if !self.is_empty() {
            put_bytes(number, self, out);
        }
    }

    fn take(&mut self, value: Value<'_>) -> Result<(), Malformed> {
        let Value::Bytes(bytes) = value else { return Err(Malformed) };
        *self = bytes.to_vec();
        Ok(())
    }
}

impl Field for Vec<String> {
    fn put(&self, number: u32, out: &mut Vec<u8>) {
        self.iter().for_each(|text| put_bytes(number, text.as_bytes(), out));
    }

    fn take(&mut self, value: Value<'_>) -> Result<(), Malformed> {
        self.push(text(value)?);
        Ok(())
    }
}

/// Written packed; read in both ways.
impl Field for Vec<u64> {
    fn put(&self, number: u32, out: &mut Vec<u8>) {
        if !self.is_empty() {
            let mut packed = Vec::new();
            self.iter().for_each(|item| put_number(*item, &mut packed));
            put_bytes(number, &packed, out);
        }
    }

    fn take(&mut self, value: Value<'_>) -> Result<(), Malformed> {
        match value {
            Value::Number(item) => self.push(item),
            Value::Bytes(mut packed) => {
                while !packed.is_empty() {
                    self.push(number(&mut packed)?);
                }
            }
            Value::Fixed => return Err(Malformed),
        }
        Ok(())
    }
}

/// A message that may be absent.
impl<M: Message> Field for Option<M> {
    fn put(&self, number: u32, out: &mut Vec<u8>) {
        if let Some(message) = self {
            put_bytes(number, &message.encode(), out);
        }
    }

    fn take(&mut self, value: Value<'_>) -> Result<(), Malformed> {
        let Value::Bytes(bytes) = value else { return Err(Malformed) };
        *self = Some(M::decode(bytes)?);
        Ok(())
    }
}

impl<M: Message> Field for Vec<M> {
    fn put(&self, number: u32, out: &mut Vec<u8>) {
        self.iter().for_each(|message| put_bytes(number, &message.encode(), out));
    }

    fn take(&mut self, value: Value<'_>) -> Result<(), Malformed> {
        let Value::Bytes(bytes) = value else { return Err(Malformed) };
        self.push(M::decode(bytes)?);
        Ok(())
    }
}

fn text(value: Value<'_>) -> Result<String, Malformed> {
    let Value::Bytes(bytes) = value else { return Err(Malformed) };
    String::from_utf8(bytes.to_vec()).map_err(|_| Malformed)
}

fn put_tag(number: u32, kind: u64, out: &mut Vec<u8>) {
    put_number(u64::from(number) << 3 | kind, out);
}

fn put_bytes(number: u32, bytes: &[u8], out: &mut Vec<u8>) {
    put_tag(number, BYTES, out);
    put_number(bytes.len().try_into().unwrap_or(u64::MAX), out);
    out.extend_from_slice(bytes);
}

/// Seven bits in a byte, the lowest first; the highest bit of a byte says that another follows.
fn put_number(mut number: u64, out: &mut Vec<u8>) {
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or(0);
        number >>= 7;
        if number == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

fn number(bytes: &mut &[u8]) -> Result<u64, Malformed> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let [byte] = cut(bytes, 1)? else { return Err(Malformed) };
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(Malformed)
}

fn cut<'a>(bytes: &mut &'a [u8], length: usize) -> Result<&'a [u8], Malformed> {
    let (piece, rest) = bytes.split_at_checked(length).ok_or(Malformed)?;
    *bytes = rest;
    Ok(piece)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::{Any, CreateTaskRequest, Metrics1, Mount};

    #[test]
    fn a_message_is_what_others_write() {
        let any = Any { type_url: "ab".to_owned(), value: vec![1, 2, 3] };
        assert_eq!(any.encode(), b"\x0a\x02ab\x12\x03\x01\x02\x03");
        let request = CreateTaskRequest { terminal: true, options: Some(any), ..Default::default() };
        assert_eq!(request.encode(), b"\x20\x01\x52\x09\x0a\x02ab\x12\x03\x01\x02\x03");
    }

    #[test]
    fn what_is_written_is_read() {
        let mount = |source: &str| Mount {
            kind: "overlay".to_owned(),
            source: source.to_owned(),
            options: vec!["ro".to_owned(), String::new()],
            ..Default::default()
        };
        let request = CreateTaskRequest {
            id: "x".to_owned(),
            rootfs: vec![mount("a"), mount(&"b".repeat(300))],
            options: Some(Any::default()),
            ..Default::default()
        };
        assert_eq!(CreateTaskRequest::decode(&request.encode()), Ok(request));
        let mut metrics = Metrics1::default();
        metrics.cpu.get_or_insert_default().usage.get_or_insert_default().per_cpu =
            vec![0, 127, 128, u64::MAX];
        assert_eq!(Metrics1::decode(&metrics.encode()), Ok(metrics));
    }

    #[test]
    fn fields_of_newer_peers_are_passed_over() {
        let bytes = b"\xf8\x07\x05\xf9\x07\0\0\0\0\0\0\0\0\xfd\x07\0\0\0\0\xfa\x07\x01x\x0a\x01i";
        assert_eq!(CreateTaskRequest::decode(bytes).unwrap().id, "i");
    }

    #[test]
    fn what_is_no_message_is_an_error() {
        for bytes in [
            &b"\x0a"[..],
            b"\x0a\x05ab",
            b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            b"\x0a\x01\xff",
            b"\x08\x01",
            b"\x0b",
            b"\x20\xff",
        ] {
            assert_eq!(CreateTaskRequest::decode(bytes), Err(Malformed), "{bytes:?}");
        }
    }
}
