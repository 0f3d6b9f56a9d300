//! Listing directories.

use std::os::fd::AsFd;

use abi::Errno;
use ninep::entry::{Entry, EntryAttr};
use ninep::message::{Rreaddir, Rreaddirattr, Treaddir, Treaddirattr};
use ninep::{Attr, Text, Wire, Writer};
use rustix::fs::{FileType, RawDir, RawDirEntry, SeekFrom};

use crate::fids::{Listing, State};
use crate::identity::Identities;
use crate::names::Name;
use crate::node::{Node, errno};
use crate::session::{Answer, Session};

/// Bytes of host entries read at once.
const CHUNK: usize = 32 << 10;

pub(super) fn readdir(
    session: &mut Session,
    request: &Treaddir,
    answer: &mut Answer<'_>,
) -> Result<(), Errno> {
    let room = session.room(request.count, 0);
    let node = session.fids.node(request.fid)?;
    let here = node.stat()?;
    let State::Directory(listing) = &mut session.fids.get_mut(request.fid)?.state else {
        return Err(Errno::EBADF);
    };
    let mut data = Vec::new();
    let identities = &mut session.identities;
    list(listing, request.offset, room, &mut data, |entry, writer| {
        let qid = identities.beside(&here, entry.ino(), entry.file_type());
        let name = Text(entry.file_name().to_bytes());
        Entry { qid, offset: entry.next_entry_cookie(), kind: directory_type(entry.file_type()), name }
            .put(writer);
    })?;
    answer.reply(&Rreaddir { data: ninep::Data(&data) })
}

/// Opens the directory by itself when it has to, and closes it at the end.
pub(super) fn readdirattr(
    session: &mut Session,
    request: &Treaddirattr,
    answer: &mut Answer<'_>,
) -> Result<(), Errno> {
    let room = session.room(request.count, size_of::<u8>());
    let node = session.fids.directory(request.fid)?;
    let here = node.stat()?;
    let state = &mut session.fids.get_mut(request.fid)?.state;
    if matches!(state, State::Walked) {
        *state = State::Directory(Listing { fd: node.open_directory()?, position: Some(0) });
    }
    let State::Directory(listing) = state else { return Err(Errno::EBADF) };
    let mut data = Vec::new();
    let identities = &mut session.identities;
    let ended = list(listing, request.offset, room, &mut data, |entry, writer| {
        let name = Text(entry.file_name().to_bytes());
        let attr = describe(&node, name, identities).unwrap_or_else(|| Attr {
            qid: identities.beside(&here, entry.ino(), entry.file_type()),
            ..Attr::default()
        });
        let kind = directory_type(entry.file_type());
        EntryAttr { offset: entry.next_entry_cookie(), kind, name, attr }.put(writer);
    })?;
    if ended {
        *state = State::Walked;
    }
    answer.reply(&Rreaddirattr { end: u8::from(ended), data: ninep::Data(&data) })
}

/// What an entry is, if it is there still and is not `.` or `..`.
fn describe(directory: &Node, name: Text<'_>, identities: &mut Identities) -> Option<Attr> {
    let stat = directory.stat_child(Name::new(name).ok()?).ok()?;
    Some(identities.attr(&stat))
}

/// Writes entries from `offset` on while they fit in `room`; whether that was the end.
///
/// # Errors
/// `EINVAL` if not even the first fits.
fn list(
    listing: &mut Listing,
    offset: u64,
    room: u32,
    data: &mut Vec<u8>,
    mut put: impl FnMut(&RawDirEntry<'_>, &mut Writer<'_>),
) -> Result<bool, Errno> {
    if listing.position != Some(offset) {
        rustix::fs::seek(&listing.fd, SeekFrom::Start(offset)).map_err(errno)?;
    }
    // The host's position runs ahead of the entries that fit.
    listing.position = None;
    let room = usize::try_from(room).unwrap_or(0);
    let mut buffer = Vec::with_capacity(CHUNK);
    let mut entries = RawDir::new(listing.fd.as_fd(), buffer.spare_capacity_mut());
    while let Some(entry) = entries.next() {
        let entry = entry.map_err(errno)?;
        let before = data.len();
        put(&entry, &mut Writer::new(data));
        if data.len() > room {
            data.truncate(before);
            return if before == 0 { Err(Errno::EINVAL) } else { Ok(false) };
        }
        // A reply need not be full: without this a huge directory would be read in full for a small reply.
        if entries.is_buffer_empty() && data.len().saturating_mul(2) > room {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The `DT_*` number of a type.
const fn directory_type(kind: FileType) -> u8 {
    match kind {
        FileType::Fifo => 1,
        FileType::CharacterDevice => 2,
        FileType::Directory => 4,
        FileType::BlockDevice => 6,
        FileType::RegularFile => 8,
        FileType::Symlink => 10,
        FileType::Socket => 12,
        FileType::Unknown => 0,
    }
}
