//! inotify(7).

bitflags::bitflags! {
    /// What is watched for, what has happened, and how to watch.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct WatchBits: u32 {
        /// It was read.
        const ACCESS = 0x1;
        /// It was written or cut.
        const MODIFY = 0x2;
        /// Mode, owner, times, extended attributes or links were changed.
        const ATTRIB = 0x4;
        /// A descriptor that could write was closed.
        const CLOSE_WRITE = 0x8;
        /// Another descriptor was closed.
        const CLOSE_NOWRITE = 0x10;
        /// It was opened.
        const OPEN = 0x20;
        /// A name was moved away.
        const MOVED_FROM = 0x40;
        /// A name was moved here.
        const MOVED_TO = 0x80;
        /// A name was made.
        const CREATE = 0x100;
        /// A name was removed.
        const DELETE = 0x200;
        /// It is gone.
        const DELETE_SELF = 0x400;
        /// It was moved.
        const MOVE_SELF = 0x800;
        /// Its filesystem is mounted no more.
        const UNMOUNT = 0x2000;
        /// Events were lost.
        const Q_OVERFLOW = 0x4000;
        /// The watch is gone.
        const IGNORED = 0x8000;
        /// Only if it is a directory.
        const ONLYDIR = 0x0100_0000;
        /// A symbolic link itself.
        const DONT_FOLLOW = 0x0200_0000;
        /// Not what happens to files without name.
        const EXCL_UNLINK = 0x0400_0000;
        /// Only if there is no watch yet.
        const MASK_CREATE = 0x1000_0000;
        /// In addition to what the watch is for.
        const MASK_ADD = 0x2000_0000;
        /// It happened to a directory.
        const ISDIR = 0x4000_0000;
        /// Once.
        const ONESHOT = 0x8000_0000;
    }
}

impl WatchBits {
    /// `IN_ALL_EVENTS`.
    pub const EVENTS: Self = Self::from_bits_retain(0xfff);
}

/// Bytes of `struct inotify_event` without the name. The space for the name is a multiple of it.
pub const EVENT_SIZE: usize = 16;

/// The fixed part of `struct inotify_event`.
#[must_use]
pub fn event_header(watch: i32, bits: WatchBits, cookie: u32, name_space: u32) -> [u8; EVENT_SIZE] {
    let mut bytes = [0; EVENT_SIZE];
    let words = [watch.cast_unsigned(), bits.bits(), cookie, name_space];
    for (to, word) in bytes.chunks_exact_mut(4).zip(words) {
        to.copy_from_slice(&word.to_ne_bytes());
    }
    bytes
}

/// One `struct inotify_event`, as it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InotifyEvent<'a> {
    /// Which watch; -1 if it is about all.
    pub watch: i32,
    /// What has happened. Bits that are not known are left out.
    pub bits: WatchBits,
    /// Pairs the halves of a rename.
    pub cookie: u32,
    /// In a watched directory; empty if it is about what is watched itself.
    pub name: &'a [u8],
}

impl<'a> InotifyEvent<'a> {
    /// The first event in what was read, and the rest. Nothing if there is none that is whole.
    #[must_use]
    pub fn first(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (words, rest) = bytes.split_first_chunk::<EVENT_SIZE>()?;
        let word = |at: usize| words.get(at..)?.first_chunk().copied().map(u32::from_ne_bytes);
        let (watch, bits, cookie) =
            (word(0)?.cast_signed(), WatchBits::from_bits_truncate(word(4)?), word(8)?);
        let (name, rest) = rest.split_at_checked(usize::try_from(word(12)?).ok()?)?;
        let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
        Some((Self { watch, bits, cookie, name }, rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_as_they_are_written() {
        let mut bytes = event_header(3, WatchBits::CREATE | WatchBits::ISDIR, 7, 16).to_vec();
        bytes.extend_from_slice(b"name\0\0\0\0\0\0\0\0\0\0\0\0");
        bytes.extend_from_slice(&event_header(-1, WatchBits::Q_OVERFLOW, 0, 0));
        let (first, rest) = InotifyEvent::first(&bytes).unwrap();
        let bits = WatchBits::CREATE | WatchBits::ISDIR;
        assert_eq!(first, InotifyEvent { watch: 3, bits, cookie: 7, name: b"name" });
        let (second, rest) = InotifyEvent::first(rest).unwrap();
        assert_eq!((second.watch, second.name, rest), (-1, &b""[..], &b""[..]));
        assert_eq!(InotifyEvent::first(rest), None);
        for cut in [1, 15, 16, 31] {
            assert_eq!(InotifyEvent::first(bytes.get(..cut).unwrap()), None);
        }
    }
}
