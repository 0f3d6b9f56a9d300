//! Messages of the D-Bus protocol, as far as a manager of units is spoken to: <https://dbus.freedesktop.org/doc/dbus-specification.html>.

/// The longest message that is read, in bytes: answers are short.
pub(super) const LONGEST: usize = 1 << 20;
/// The part of a header that every message has: up to the length of the fields.
pub(super) const FIXED: usize = 16;

/// A type of a field of the header.
const PATH: u8 = 1;
const INTERFACE: u8 = 2;
const MEMBER: u8 = 3;
const ERROR_NAME: u8 = 4;
const REPLY_SERIAL: u8 = 5;
const DESTINATION: u8 = 6;
const SIGNATURE: u8 = 8;

const CALL: u8 = 1;
pub(super) const RETURN: u8 = 2;
pub(super) const ERROR: u8 = 3;
pub(super) const SIGNAL: u8 = 4;

/// Values one after the other, each aligned as its type is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Body {
    bytes: Vec<u8>,
    signature: String,
}

/// The value of a property of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Property {
    Text(String),
    Flag(bool),
    Number(u64),
    Processes(Vec<u32>),
}

impl Body {
    pub(super) fn text(mut self, text: &str) -> Self {
        self.signature.push('s');
        self.put_text(text);
        self
    }

    pub(super) fn flag(mut self, flag: bool) -> Self {
        self.signature.push('b');
        self.put_number(u32::from(flag));
        self
    }

    /// `a(sv)`.
    pub(super) fn properties(mut self, properties: &[(&str, Property)]) -> Self {
        self.signature.push_str("a(sv)");
        self.array(8, |body| {
            for (name, value) in properties {
                body.align(8);
                body.put_text(name);
                body.put_variant(value);
            }
        });
        self
    }

    /// `a(sa(sv))` without elements: other units that are to be started with one.
    pub(super) fn no_units(mut self) -> Self {
        self.signature.push_str("a(sa(sv))");
        self.array(8, |_| ());
        self
    }

    fn put_variant(&mut self, value: &Property) {
        let signature = match value {
            Property::Text(_) => "s",
            Property::Flag(_) => "b",
            Property::Number(_) => "t",
            Property::Processes(_) => "au",
        };
        self.put_signature(signature);
        match value {
            Property::Text(text) => self.put_text(text),
            Property::Flag(flag) => self.put_number(u32::from(*flag)),
            Property::Number(number) => {
                self.align(8);
                self.bytes.extend(number.to_le_bytes());
            }
            Property::Processes(ids) => self.array(4, |body| ids.iter().for_each(|id| body.put_number(*id))),
        }
    }

    /// An array of elements with this alignment: its length does not count what stands before the first.
    fn array(&mut self, alignment: usize, elements: impl FnOnce(&mut Self)) {
        self.put_number(0);
        let length_at = self.bytes.len() - size_of::<u32>();
        self.align(alignment);
        let start = self.bytes.len();
        elements(self);
        let length = u32::try_from(self.bytes.len() - start).unwrap_or(u32::MAX);
        if let Some(place) = self.bytes.get_mut(length_at..length_at + size_of::<u32>()) {
            place.copy_from_slice(&length.to_le_bytes());
        }
    }

    fn put_number(&mut self, number: u32) {
        self.align(4);
        self.bytes.extend(number.to_le_bytes());
    }

    fn put_text(&mut self, text: &str) {
        self.put_number(u32::try_from(text.len()).unwrap_or(u32::MAX));
        self.bytes.extend(text.as_bytes());
        self.bytes.push(0);
    }

    fn put_signature(&mut self, signature: &str) {
        self.bytes.push(u8::try_from(signature.len()).unwrap_or(u8::MAX));
        self.bytes.extend(signature.as_bytes());
        self.bytes.push(0);
    }

    fn align(&mut self, to: usize) {
        self.bytes.resize(self.bytes.len().next_multiple_of(to), 0);
    }
}

/// Whose method is called.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    pub(super) destination: &'a str,
    pub(super) path: &'a str,
    pub(super) interface: &'a str,
}

/// A message that calls a method.
pub(super) fn call(serial: u32, target: Target<'_>, method: &str, body: &Body) -> Vec<u8> {
    let mut message = Body::default();
    message.bytes.extend([b'l', CALL, 0, 1]);
    message.put_number(u32::try_from(body.bytes.len()).unwrap_or(u32::MAX));
    message.put_number(serial);
    let texts = [
        (PATH, "o", target.path),
        (DESTINATION, "s", target.destination),
        (INTERFACE, "s", target.interface),
        (MEMBER, "s", method),
    ];
    message.array(8, |fields| {
        for (field, signature, text) in texts {
            fields.align(8);
            fields.bytes.push(field);
            fields.put_signature(signature);
            fields.put_text(text);
        }
        if !body.signature.is_empty() {
            fields.align(8);
            fields.bytes.push(SIGNATURE);
            fields.put_signature("g");
            fields.put_signature(&body.signature);
        }
    });
    message.align(8);
    message.bytes.extend(&body.bytes);
    message.bytes
}

/// What is of interest of a message that came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) kind: u8,
    pub(super) replies_to: u32,
    pub(super) error: String,
    pub(super) member: String,
    /// The texts, object paths and signatures of the body.
    pub(super) values: Vec<String>,
}

/// How many bytes follow the fixed part of a header. Nothing if it is no header, or of a message that is too long.
pub(super) fn rest(fixed: &[u8; FIXED]) -> Option<usize> {
    let [b'l', _, _, 1, ..] = fixed else { return None };
    let mut reader = Reader { bytes: fixed, at: 4 };
    let body = usize::try_from(reader.number()?).ok()?;
    reader.number()?;
    let fields = usize::try_from(reader.number()?).ok()?;
    let rest = fields.checked_next_multiple_of(8)?.checked_add(body)?;
    (rest <= LONGEST).then_some(rest)
}

/// Takes a whole message apart.
pub(super) fn parse(bytes: &[u8]) -> Option<Message> {
    let mut message = Message { kind: *bytes.get(1)?, ..Message::default() };
    let mut reader = Reader { bytes, at: 12 };
    let end = usize::try_from(reader.number()?).ok()?.checked_add(FIXED)?;
    let mut signature = String::new();
    while reader.at < end {
        reader.align(8);
        let field = reader.byte()?;
        match (field, reader.signature()?.as_str()) {
            (REPLY_SERIAL, "u") => message.replies_to = reader.number()?,
            (ERROR_NAME, "s") => message.error = reader.text()?,
            (MEMBER, "s") => message.member = reader.text()?,
            (SIGNATURE, "g") => signature = reader.signature()?,
            (_, "s" | "o") => drop(reader.text()?),
            (_, "u") => drop(reader.number()?),
            (_, "g") => drop(reader.signature()?),
            _ => return None,
        }
    }
    reader.at = end;
    reader.align(8);
    // Answers of another form say nothing that is asked for here.
    for kind in signature.chars() {
        match kind {
            's' | 'o' => message.values.push(reader.text()?),
            'u' | 'i' | 'b' => drop(reader.number()?),
            'v' if reader.signature()? == "s" => message.values.push(reader.text()?),
            _ => break,
        }
    }
    Some(message)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn take(&mut self, count: usize) -> Option<&[u8]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(count)?)?;
        self.at += count;
        Some(taken)
    }

    fn align(&mut self, to: usize) {
        self.at = self.at.next_multiple_of(to);
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn number(&mut self) -> Option<u32> {
        self.align(4);
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn text(&mut self) -> Option<String> {
        let length = usize::try_from(self.number()?).ok()?;
        self.terminated(length)
    }

    fn signature(&mut self) -> Option<String> {
        let length = usize::from(self.byte()?);
        self.terminated(length)
    }

    fn terminated(&mut self, length: usize) -> Option<String> {
        let text = String::from_utf8(self.take(length)?.to_vec()).ok()?;
        (self.byte()? == 0).then_some(text)
    }
}

/// A message of a manager, for tests.
#[cfg(test)]
pub(super) fn tests_message(kind: u8, replies_to: u32, member: &str, texts: &[&str]) -> Vec<u8> {
    let body = texts.iter().fold(Body::default(), |body, text| body.text(text));
    let mut message = Body::default();
    message.bytes.extend([b'l', kind, 0, 1]);
    message.put_number(u32::try_from(body.bytes.len()).unwrap());
    message.put_number(1);
    message.array(8, |fields| {
        fields.bytes.push(REPLY_SERIAL);
        fields.put_signature("u");
        fields.put_number(replies_to);
        for (field, signature, text) in [(MEMBER, "s", member), (SIGNATURE, "g", body.signature.as_str())] {
            fields.align(8);
            fields.bytes.push(field);
            fields.put_signature(signature);
            if signature == "s" { fields.put_text(text) } else { fields.put_signature(text) }
        }
    });
    message.align(8);
    message.bytes.extend(&body.bytes);
    message.bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_as_the_specification_has_it() {
        let target = Target { destination: "d", path: "/p", interface: "i" };
        let bytes = call(7, target, "M", &Body::default().text("hi").flag(true));
        // Little endian, a call, no flags, version 1; twelve bytes of body; serial 7.
        assert_eq!(bytes[..12], [b'l', 1, 0, 1, 12, 0, 0, 0, 7, 0, 0, 0]);
        assert!(bytes.windows(10).any(|field| field == [1, 1, b'o', 0, 2, 0, 0, 0, b'/', b'p']));
        assert!(bytes.windows(7).any(|field| field == [8, 1, b'g', 0, 2, b's', b'b']));
        assert_eq!(bytes[bytes.len() - 12..], [2, 0, 0, 0, b'h', b'i', 0, 0, 1, 0, 0, 0]);
        assert_eq!(rest(bytes[..FIXED].try_into().unwrap()), Some(bytes.len() - FIXED));
        let message = parse(&bytes).unwrap();
        assert_eq!(
            (message.kind, message.member.as_str(), message.values),
            (CALL, "M", vec!["hi".to_owned()])
        );
    }

    #[test]
    fn properties_are_aligned() {
        let processes = Property::Processes(vec![5]);
        let body = Body::default().properties(&[("A", Property::Number(3)), ("P", processes)]);
        let expected: Vec<u8> = [
            &[44, 0, 0, 0, 0, 0, 0, 0][..],
            &[1, 0, 0, 0, b'A', 0, 1, b't', 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0],
            &[1, 0, 0, 0, b'P', 0, 2, b'a', b'u', 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0],
        ]
        .concat();
        assert_eq!((body.signature.as_str(), body.bytes), ("a(sv)", expected));
    }

    #[test]
    fn nonsense_is_no_message() {
        assert_eq!(rest(&[0; FIXED]), None);
        let long = [b'l', 2, 0, 1, 255, 255, 255, 255, 0, 0, 0, 0, 255, 255, 255, 255];
        assert_eq!(rest(&long), None);
        let whole =
            call(1, Target { destination: "d", path: "/", interface: "i" }, "M", &Body::default().text("x"));
        for length in 0..whole.len() {
            assert_eq!(parse(&whole[..length]), None, "{length}");
        }
    }
}
