//! How values lie on the wire: little-endian, strings after a 16-bit length, data after a 32-bit one.

/// Why bytes are not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The message ends inside a field.
    #[error("the message is cut short")]
    Truncated,
    /// Bytes follow the last field.
    #[error("the message has trailing bytes")]
    Trailing,
    /// The frame is longer than was agreed on, or shorter than its own header.
    #[error("the message's size is out of bounds")]
    Size,
    /// Nothing with this number exists, or it goes in the other direction.
    #[error("there is no message of type {0}")]
    Type(u8),
}

/// Takes values off the front of a message.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads these bytes.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next value.
    ///
    /// # Errors
    /// `Truncated`.
    pub fn get<T: Wire<'a>>(&mut self) -> Result<T, Malformed> {
        T::get(self)
    }

    /// The next `length` bytes.
    ///
    /// # Errors
    /// `Truncated`.
    pub fn bytes(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    /// Whether nothing is left.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many bytes are left.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rest.len()
    }

    /// Checks that nothing is left.
    ///
    /// # Errors
    /// `Trailing`.
    pub const fn finish(self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed::Trailing) }
    }
}

/// Puts values at the end of a message. A value that has no place on the wire (a string beyond 64 KiB) is remembered, and
/// fails the message when it is finished.
#[derive(Debug)]
pub struct Writer<'b> {
    pub(crate) buffer: &'b mut Vec<u8>,
    pub(crate) overflow: bool,
}

impl<'b> Writer<'b> {
    /// Appends to this buffer.
    #[must_use]
    pub const fn new(buffer: &'b mut Vec<u8>) -> Self {
        Self { buffer, overflow: false }
    }

    /// Appends a value.
    pub fn put<'a, T: Wire<'a>>(&mut self, value: &T) {
        value.put(self);
    }

    /// Appends bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Appends a [`Data`] field that `fill` writes in place: it gets `room` bytes and says how many it used, which are
    /// believed up to `room`.
    ///
    /// # Errors
    /// Whatever `fill` fails with; the field is then left out.
    pub fn data_with<E>(
        &mut self,
        room: u32,
        fill: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<(), E> {
        let start = self.buffer.len();
        let body = start + size_of::<u32>();
        let room = usize::try_from(room).unwrap_or(0);
        self.buffer.resize(body + room, 0);
        match fill(self.buffer.get_mut(body..).unwrap_or_default()) {
            Ok(used) => {
                let used = used.min(room);
                self.buffer.truncate(body + used);
                let count = u32::try_from(used).unwrap_or(0).to_le_bytes();
                if let Some(field) = self.buffer.get_mut(start..body) {
                    field.copy_from_slice(&count);
                }
                Ok(())
            }
            Err(error) => {
                self.buffer.truncate(start);
                Err(error)
            }
        }
    }

    fn count<N: TryFrom<usize> + for<'a> Wire<'a> + Default>(&mut self, count: usize) {
        match N::try_from(count) {
            Ok(count) => count.put(self),
            Err(_) => {
                self.overflow = true;
                N::default().put(self);
            }
        }
    }
}

/// A value with a form on the wire.
pub trait Wire<'a>: Sized {
    /// Takes it off the front of a message.
    ///
    /// # Errors
    /// `Truncated`.
    fn get(from: &mut Reader<'a>) -> Result<Self, Malformed>;

    /// Appends it to a message.
    fn put(&self, into: &mut Writer<'_>);
}

macro_rules! integers {
    ($($type:ty)*) => { $(
        impl<'a> Wire<'a> for $type {
            fn get(from: &mut Reader<'a>) -> Result<Self, Malformed> {
                let bytes = from.bytes(size_of::<Self>())?;
                bytes.try_into().map(Self::from_le_bytes).map_err(|_| Malformed::Truncated)
            }

            fn put(&self, into: &mut Writer<'_>) {
                into.bytes(&self.to_le_bytes());
            }
        }
    )* };
}

integers! { u8 u16 u32 u64 }

/// A string: names, paths, user names. Bytes, as Linux has them; nothing says that they are UTF-8.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Text<'a>(pub &'a [u8]);

impl<'a> Wire<'a> for Text<'a> {
    fn get(from: &mut Reader<'a>) -> Result<Self, Malformed> {
        let length: u16 = from.get()?;
        from.bytes(usize::from(length)).map(Text)
    }

    fn put(&self, into: &mut Writer<'_>) {
        into.count::<u16>(self.0.len());
        into.bytes(self.0);
    }
}

/// File contents, directory entries, attribute values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Data<'a>(pub &'a [u8]);

impl<'a> Wire<'a> for Data<'a> {
    fn get(from: &mut Reader<'a>) -> Result<Self, Malformed> {
        let length: u32 = from.get()?;
        from.bytes(usize::try_from(length).map_err(|_| Malformed::Truncated)?).map(Data)
    }

    fn put(&self, into: &mut Writer<'_>) {
        into.count::<u32>(self.0.len());
        into.bytes(self.0);
    }
}

/// A list, after a 16-bit count. Grows with the elements that are really there, whatever the count claims.
impl<'a, T: Wire<'a>> Wire<'a> for Vec<T> {
    fn get(from: &mut Reader<'a>) -> Result<Self, Malformed> {
        let count: u16 = from.get()?;
        (0..count).map(|_| T::get(from)).collect()
    }

    fn put(&self, into: &mut Writer<'_>) {
        into.count::<u16>(self.len());
        for element in self {
            element.put(into);
        }
    }
}

/// Declares structures whose fields lie on the wire one after the other.
macro_rules! structure {
    ($(#[$attribute:meta])* $name:ident { $($(#[$field_attribute:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$attribute])*
        pub struct $name {
            $($(#[$field_attribute])* pub $field: $type,)*
        }

        impl<'w> crate::wire::Wire<'w> for $name {
            fn get(from: &mut crate::wire::Reader<'w>) -> Result<Self, crate::wire::Malformed> {
                Ok(Self { $($field: from.get()?,)* })
            }

            fn put(&self, into: &mut crate::wire::Writer<'_>) {
                $(into.put(&self.$field);)*
            }
        }
    };
}
pub(crate) use structure;
