//! Names that a client sent.

use abi::Errno;
use ninep::Text;

/// The longest name of a directory entry.
const LONGEST: usize = 255;
/// The longest target of a symbolic link (`PATH_MAX` without its NUL).
const LONGEST_TARGET: usize = 4095;

/// A name that one directory entry can have. The host resolves nothing in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name<'a>(&'a [u8]);

impl<'a> Name<'a> {
    /// Checks it.
    ///
    /// # Errors
    /// `ENAMETOOLONG` over 255 bytes; `EINVAL` for the empty name, `.`, `..`, and any with a slash or NUL.
    pub(crate) fn new(text: Text<'a>) -> Result<Self, Errno> {
        let bytes = text.0;
        if bytes.len() > LONGEST {
            return Err(Errno::ENAMETOOLONG);
        }
        if matches!(bytes, b"" | b"." | b"..") || bytes.iter().any(|byte| matches!(byte, b'/' | 0)) {
            return Err(Errno::EINVAL);
        }
        Ok(Self(bytes))
    }

    pub(crate) const fn bytes(self) -> &'a [u8] {
        self.0
    }
}

/// The target of a new symbolic link: any path, which this server never follows.
pub(crate) fn link_target(text: Text<'_>) -> Result<&[u8], Errno> {
    match text.0 {
        b"" => Err(Errno::ENOENT),
        long if long.len() > LONGEST_TARGET => Err(Errno::ENAMETOOLONG),
        bytes if bytes.contains(&0) => Err(Errno::EINVAL),
        bytes => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_single_components_are_names() {
        let long = [b'x'; 256];
        for (bad, errno) in [
            (&b""[..], Errno::EINVAL),
            (b".", Errno::EINVAL),
            (b"..", Errno::EINVAL),
            (b"a/b", Errno::EINVAL),
            (b"/", Errno::EINVAL),
            (b"a\0b", Errno::EINVAL),
            (&long, Errno::ENAMETOOLONG),
        ] {
            assert_eq!(Name::new(Text(bad)).unwrap_err(), errno, "{bad:?}");
        }
        for good in [&b"a"[..], b"...", b"..a", b".a", &[b'x'; 255], b"\xff\xfe", b"a b\n"] {
            assert_eq!(Name::new(Text(good)).unwrap().bytes(), good);
        }
    }
}
