//! One entry of a tar archive: POSIX pax(1) headers, and as much of it as fits in the older ustar ones too.

use std::io::Write;

use abi::Errno;
use vfs::{Attributes, FileKind};

use super::errno;

/// Bytes that an archive is made of.
pub(super) const BLOCK: usize = 512;

/// Keywords of a pax header, with their values.
pub(super) type Records = Vec<(Vec<u8>, Vec<u8>)>;

/// What is told of a file besides its content.
pub(super) struct Entry<'a> {
    pub(super) path: &'a [u8],
    pub(super) attributes: &'a Attributes,
    pub(super) kind: Kind<'a>,
    /// Bytes of content that follow.
    pub(super) size: u64,
    /// Further keywords of the pax header.
    pub(super) records: Records,
}

/// What sort of entry.
#[derive(Clone, Copy)]
pub(super) enum Kind<'a> {
    File,
    /// Another name of what this path is.
    Link(&'a [u8]),
    Symlink(&'a [u8]),
    Device,
    Directory,
    Fifo,
}

impl<'a> Kind<'a> {
    /// What a file is told as; nothing for what no archive holds.
    pub(super) const fn of(kind: FileKind, target: &'a [u8]) -> Option<Self> {
        match kind {
            FileKind::Regular => Some(Self::File),
            FileKind::Directory => Some(Self::Directory),
            FileKind::Symlink => Some(Self::Symlink(target)),
            FileKind::CharacterDevice | FileKind::BlockDevice => Some(Self::Device),
            FileKind::Fifo => Some(Self::Fifo),
            FileKind::Socket | FileKind::Anonymous => None,
        }
    }

    const fn link(self) -> &'a [u8] {
        match self {
            Self::Link(target) | Self::Symlink(target) => target,
            _ => b"",
        }
    }

    const fn flag(self, file: FileKind) -> u8 {
        match self {
            Self::File => b'0',
            Self::Link(_) => b'1',
            Self::Symlink(_) => b'2',
            Self::Device if matches!(file, FileKind::BlockDevice) => b'4',
            Self::Device => b'3',
            Self::Directory => b'5',
            Self::Fifo => b'6',
        }
    }
}

/// A header under construction.
struct Header([u8; BLOCK]);

impl Header {
    fn put(&mut self, at: usize, bytes: &[u8]) {
        for (to, from) in self.0.iter_mut().skip(at).zip(bytes) {
            *to = *from;
        }
    }

    /// A number in octal digits. Whether it fits.
    fn number(&mut self, at: usize, width: usize, value: u64) -> bool {
        let digits = width.saturating_sub(1);
        let text = format!("{value:0digits$o}");
        let fits = text.len() == digits;
        let zeros = "0".repeat(digits);
        self.put(at, if fits { text.as_bytes() } else { zeros.as_bytes() });
        fits
    }

    fn finish(mut self, flag: u8) -> [u8; BLOCK] {
        self.put(156, &[flag]);
        self.put(257, b"ustar\x0000");
        self.put(148, b"        ");
        let sum: u64 = self.0.iter().map(|byte| u64::from(*byte)).sum();
        self.put(148, format!("{sum:06o}\0 ").as_bytes());
        self.0
    }
}

impl Entry<'_> {
    /// Writes all headers.
    pub(super) fn write(mut self, to: &mut dyn Write) -> Result<(), Errno> {
        let file = self.attributes;
        let mut header = Header([0; BLOCK]);
        let mut told = std::mem::take(&mut self.records);
        let mut tell = |key: &str, value: Vec<u8>| told.push((key.as_bytes().to_vec(), value));
        header.put(0, self.path.get(..self.path.len().min(100)).unwrap_or_default());
        if self.path.len() > 100 || !self.path.is_ascii() {
            tell("path", self.path.to_vec());
        }
        let link = self.kind.link();
        header.put(157, link.get(..link.len().min(100)).unwrap_or_default());
        if link.len() > 100 || !link.is_ascii() {
            tell("linkpath", link.to_vec());
        }
        header.number(100, 8, u64::from(file.mode & 0o7777));
        for (key, at, width, value) in [
            ("uid", 108, 8, u64::from(file.owner.uid)),
            ("gid", 116, 8, u64::from(file.owner.gid)),
            ("size", 124, 12, self.size),
        ] {
            if !header.number(at, width, value) {
                tell(key, value.to_string().into_bytes());
            }
        }
        let seconds = u64::try_from(file.modified.seconds).ok();
        let fits = header.number(136, 12, seconds.unwrap_or(0));
        if !fits || seconds.is_none() || file.modified.nanoseconds != 0 {
            tell("mtime", time(file.modified.seconds, file.modified.nanoseconds).into_bytes());
        }
        if matches!(self.kind, Kind::Device) {
            header.number(329, 8, u64::from(file.device.major));
            header.number(337, 8, u64::from(file.device.minor));
        }
        if !told.is_empty() {
            extended(&told, to)?;
        }
        put(to, &header.finish(self.kind.flag(file.kind)))
    }
}

/// Seconds with a fraction, also before 1970.
fn time(seconds: i64, nanoseconds: u32) -> String {
    if seconds >= 0 || nanoseconds == 0 {
        return format!("{seconds}.{nanoseconds:09}");
    }
    let (seconds, nanoseconds) = (seconds.saturating_add(1), 1_000_000_000u32.saturating_sub(nanoseconds));
    format!("-{}.{nanoseconds:09}", seconds.unsigned_abs())
}

/// The header before a header, with keywords for what does not fit there.
fn extended(records: &[(Vec<u8>, Vec<u8>)], to: &mut dyn Write) -> Result<(), Errno> {
    let mut text = Vec::new();
    for (key, value) in records {
        // The length counts its own digits.
        let bare = key.len().saturating_add(value.len()).saturating_add(3);
        let mut length = bare.saturating_add(1);
        while length.to_string().len().saturating_add(bare) != length {
            length = length.saturating_add(1);
        }
        text.extend_from_slice(length.to_string().as_bytes());
        text.push(b' ');
        text.extend_from_slice(key);
        text.push(b'=');
        text.extend_from_slice(value);
        text.push(b'\n');
    }
    let mut header = Header([0; BLOCK]);
    header.put(0, b"PaxHeader");
    header.number(100, 8, 0o644);
    for at in [108, 116] {
        header.number(at, 8, 0);
    }
    header.number(124, 12, text.len() as u64);
    header.number(136, 12, 0);
    put(to, &header.finish(b'x'))?;
    put(to, &text)?;
    pad(to, text.len() as u64)
}

/// Fills up the last block of so many bytes.
pub(super) fn pad(to: &mut dyn Write, written: u64) -> Result<(), Errno> {
    let block = BLOCK as u64;
    let missing = usize::try_from(written.next_multiple_of(block).saturating_sub(written)).unwrap_or(0);
    put(to, [0; BLOCK].get(..missing).unwrap_or_default())
}

/// The end of an archive.
pub(super) fn end(to: &mut dyn Write) -> Result<(), Errno> {
    put(to, &[0; 2 * BLOCK])?;
    to.flush().map_err(|error| errno(&error))
}

pub(super) fn put(to: &mut dyn Write, bytes: &[u8]) -> Result<(), Errno> {
    to.write_all(bytes).map_err(|error| errno(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_record_counts_itself() {
        let mut written = Vec::new();
        extended(&[(b"path".to_vec(), vec![b'x'; 91])], &mut written).unwrap();
        let text = &written[BLOCK..BLOCK + 101];
        assert!(text.starts_with(b"101 path=xxx") && text.ends_with(b"x\n"), "{text:?}");
        assert_eq!(written.len(), 2 * BLOCK);
    }

    #[test]
    fn times_before_1970_are_negative() {
        assert_eq!(time(7, 5), "7.000000005");
        assert_eq!(time(-1, 250_000_000), "-0.750000000");
        assert_eq!(time(-2, 0), "-2.000000000");
    }
}
