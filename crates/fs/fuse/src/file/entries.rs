//! Entries of a directory as servers pack them.

use abi::Errno;
use zerocopy::FromBytes;

use crate::wire::{Dirent, EntryOut, NAME_MAX, padded};

/// One entry.
pub(super) struct Packed<'a> {
    pub(super) inode: u64,
    /// The position behind it.
    pub(super) next: u64,
    /// `DT_*`.
    pub(super) kind: u32,
    pub(super) name: &'a [u8],
    /// What LOOKUP would say, in an answer to READDIRPLUS.
    pub(super) entry: Option<EntryOut>,
}

/// The entries in the answer to READDIR, or to READDIRPLUS if `plus`. What is cut off at its end is left out.
pub(super) struct Unpack<'a> {
    rest: &'a [u8],
    plus: bool,
}

impl<'a> Unpack<'a> {
    pub(super) const fn new(answer: &'a [u8], plus: bool) -> Self {
        Self { rest: answer, plus }
    }

    fn take(&mut self) -> Result<Option<Packed<'a>>, Errno> {
        let mut at = self.rest;
        let entry = if self.plus {
            let Ok((entry, behind)) = EntryOut::read_from_prefix(at) else { return Ok(None) };
            at = behind;
            Some(entry)
        } else {
            None
        };
        let Ok((dirent, behind)) = Dirent::read_from_prefix(at) else { return Ok(None) };
        let length = usize::try_from(dirent.namelen).map_err(|_| Errno::EIO)?;
        if length == 0 || length > NAME_MAX {
            return Err(Errno::EIO);
        }
        let Some((name, _)) = behind.split_at_checked(length) else { return Ok(None) };
        if name.contains(&b'/') || name.contains(&0) {
            return Err(Errno::EIO);
        }
        let head = self.rest.len().saturating_sub(behind.len());
        let Some(rest) = self.rest.get(padded(head.saturating_add(length))..) else { return Ok(None) };
        self.rest = rest;
        Ok(Some(Packed { inode: dirent.ino, next: dirent.off, kind: dirent.kind, name, entry }))
    }
}

impl<'a> Iterator for Unpack<'a> {
    type Item = Result<Packed<'a>, Errno>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.take().transpose();
        if matches!(next, Some(Err(_))) {
            self.rest = &[];
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use zerocopy::IntoBytes;

    use super::*;

    fn pack(name: &[u8], length: u32) -> Vec<u8> {
        let mut bytes = Dirent { ino: 5, off: 9, namelen: length, kind: 8 }.as_bytes().to_vec();
        bytes.extend_from_slice(name);
        bytes.resize(padded(bytes.len()), 0);
        bytes
    }

    #[test]
    fn entries_follow_each_other_at_multiples_of_eight() {
        let answer = [pack(b"a", 1), pack(b"eight888", 8), pack(b"lost", 4)].concat();
        let names: Vec<_> = Unpack::new(&answer[..answer.len() - 1], false)
            .map(|entry| entry.unwrap().name.to_vec())
            .collect();
        assert_eq!(names, [b"a".to_vec(), b"eight888".to_vec()]);
    }

    #[test]
    fn names_that_no_file_has_end_the_listing() {
        for bad in
            [pack(b"", 0), pack(b"a/b", 3), pack(b"a\0b", 3), pack(b"abcdefgh", 1025), pack(b"x", u32::MAX)]
        {
            let answer = [pack(b"good", 4), bad, pack(b"more", 4)].concat();
            let all: Vec<_> = Unpack::new(&answer, false).collect();
            assert_eq!(all.len(), 2);
            assert_eq!(all[1].as_ref().err(), Some(&Errno::EIO));
        }
    }
}
