//! Contents of open files.

use std::os::fd::OwnedFd;

use abi::Errno;
use ninep::flags::Access;
use ninep::message::{Rallocate, Rfsync, Rread, Rsyncfs, Rwrite, Tallocate, Tfsync, Tread, Tsyncfs, Twrite};
use rustix::fs::{FallocateFlags, OFlags};

use crate::fids::{MOST_XATTR, State};
use crate::node::errno;
use crate::session::{Answer, Session};

/// Reads an open file, or the value of an extended attribute.
pub(super) fn read(session: &mut Session, request: &Tread, answer: &mut Answer<'_>) -> Result<(), Errno> {
    let room = session.room(request.count, 0);
    match &session.fids.get(request.fid)?.state {
        State::File(fd, Access::Read | Access::ReadWrite) => answer.with::<Rread<'_>>(|writer| {
            writer.data_with(room, |into| rustix::io::pread(fd, into, request.offset).map_err(errno))
        }),
        State::Value(value) => {
            let offset = usize::try_from(request.offset).unwrap_or(usize::MAX);
            let rest = value.get(offset..).unwrap_or_default();
            let count = rest.len().min(usize::try_from(room).unwrap_or(0));
            answer.reply(&Rread { data: ninep::Data(rest.get(..count).unwrap_or_default()) })
        }
        State::Directory(_) => Err(Errno::EISDIR),
        _ => Err(Errno::EBADF),
    }
}

/// Writes an open file, or the value of a new extended attribute, which comes in order.
pub(super) fn write(
    session: &mut Session,
    request: &Twrite<'_>,
    answer: &mut Answer<'_>,
) -> Result<(), Errno> {
    session.changes()?;
    let data = request.data.0;
    let written = match &mut session.fids.get_mut(request.fid)?.state {
        State::File(fd, Access::Write | Access::ReadWrite) => {
            rustix::io::pwrite(fd, data, request.offset).map_err(errno)?
        }
        State::NewValue(new) => {
            if usize::try_from(request.offset) != Ok(new.value.len()) {
                return Err(Errno::EINVAL);
            }
            if new.value.len().saturating_add(data.len()) > new.size.min(MOST_XATTR) {
                return Err(Errno::ENOSPC);
            }
            new.value.extend_from_slice(data);
            data.len()
        }
        _ => return Err(Errno::EBADF),
    };
    answer.reply(&Rwrite { count: u32::try_from(written).map_err(|_| Errno::EIO)? })
}

/// Calls `sync` with a descriptor of a fid's file. A fid that is not open will do too.
fn with_open(
    session: &Session,
    fid: u32,
    sync: impl FnOnce(&OwnedFd) -> rustix::io::Result<()>,
) -> Result<(), Errno> {
    let fid = session.fids.get(fid)?;
    let opened;
    let fd = match &fid.state {
        State::File(fd, _) => fd,
        State::Directory(listing) => &listing.fd,
        State::Walked if fid.node.is_directory() => {
            opened = fid.node.open_directory()?;
            &opened
        }
        State::Walked => {
            opened = fid.node.open_file(&session.links, Access::Read, OFlags::empty())?;
            &opened
        }
        State::Value(_) | State::NewValue(_) => return Err(Errno::EBADF),
    };
    sync(fd).map_err(errno)
}

pub(super) fn fsync(session: &mut Session, request: &Tfsync, answer: &mut Answer<'_>) -> Result<(), Errno> {
    with_open(session, request.fid, |fd| {
        if request.datasync == 0 { rustix::fs::fsync(fd) } else { rustix::fs::fdatasync(fd) }
    })?;
    answer.reply(&Rfsync {})
}

pub(super) fn syncfs(session: &mut Session, request: &Tsyncfs, answer: &mut Answer<'_>) -> Result<(), Errno> {
    with_open(session, request.fid, |fd| rustix::fs::syncfs(fd))?;
    answer.reply(&Rsyncfs {})
}

pub(super) fn allocate(
    session: &mut Session,
    request: &Tallocate,
    answer: &mut Answer<'_>,
) -> Result<(), Errno> {
    session.changes()?;
    let mode = FallocateFlags::from_bits(request.mode).ok_or(Errno::EOPNOTSUPP)?;
    match &session.fids.get(request.fid)?.state {
        State::File(fd, Access::Write | Access::ReadWrite) => {
            rustix::fs::fallocate(fd, mode, request.offset, request.length).map_err(errno)?;
        }
        _ => return Err(Errno::EBADF),
    }
    answer.reply(&Rallocate {})
}
