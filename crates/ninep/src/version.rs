//! Agreeing on dialect and message size.

/// The base dialect.
pub const BASE: &[u8] = b"9P2000.L";
/// The base dialect with this project's extension. Changes when a message of the extension changes.
pub const EXTENDED: &[u8] = b"9P2000.L.casemate.1";
/// What a server answers if it speaks nothing that was asked for.
pub const UNKNOWN: &[u8] = b"unknown";

/// The message size offered with the extension, in bytes.
pub const EXTENDED_SIZE: u32 = 1 << 20;
/// The message size offered without it.
pub const BASE_SIZE: u32 = 128 << 10;
/// The smallest message size that is accepted: room for a page of directory entries or two names of 255 bytes.
pub const SMALLEST_SIZE: u32 = 4096;

/// A dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// 9P2000.L as others speak it.
    Base,
    /// With the extension.
    Extended,
}

impl Dialect {
    /// The dialect with exactly this name.
    #[must_use]
    pub fn named(name: &[u8]) -> Option<Self> {
        match name {
            EXTENDED => Some(Self::Extended),
            BASE => Some(Self::Base),
            _ => None,
        }
    }

    /// What a server speaks to a client that asks for this: an unknown variant of the base dialect gets the base, as
    /// version(9P) has it.
    #[must_use]
    pub fn offered(asked: &[u8]) -> Option<Self> {
        Self::named(asked).or_else(|| {
            let rest = asked.strip_prefix(BASE)?;
            rest.starts_with(b".").then_some(Self::Base)
        })
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static [u8] {
        match self {
            Self::Base => BASE,
            Self::Extended => EXTENDED,
        }
    }

    /// The message size to offer.
    #[must_use]
    pub const fn size(self) -> u32 {
        match self {
            Self::Base => BASE_SIZE,
            Self::Extended => EXTENDED_SIZE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_fall_back_to_the_base() {
        assert_eq!(Dialect::offered(b"9P2000.L.casemate.1"), Some(Dialect::Extended));
        assert_eq!(Dialect::offered(b"9P2000.L.casemate.2"), Some(Dialect::Base));
        assert_eq!(Dialect::offered(b"9P2000.L"), Some(Dialect::Base));
        assert_eq!(Dialect::offered(b"9P2000.u"), None);
        assert_eq!(Dialect::offered(b"9P2000.Lx"), None);
        assert_eq!(Dialect::offered(b""), None);
    }
}
