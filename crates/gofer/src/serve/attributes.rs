//! Attributes.

use abi::Errno;
use ninep::flags::{Access, SetAttrMask};
use ninep::message::{
    Rchangeattr, Rgetattr, Rreadlink, Rsetattr, Tchangeattr, Tgetattr, Treadlink, Tsetattr,
};
use ninep::{SetAttr, Text, Time};
use rustix::fs::{
    AtFlags, CWD, FileType, Gid, Mode, OFlags, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, Uid,
};

use crate::fids::State;
use crate::ids::kept;
use crate::node::{Node, errno};
use crate::session::{Answer, Session};

pub(super) fn getattr(
    session: &mut Session,
    request: &Tgetattr,
    answer: &mut Answer<'_>,
) -> Result<(), Errno> {
    let node = session.fids.node(request.fid)?;
    let attr = session.attr(&node)?;
    answer.reply(&Rgetattr { attr })
}

pub(super) fn readlink(
    session: &mut Session,
    request: &Treadlink,
    answer: &mut Answer<'_>,
) -> Result<(), Errno> {
    let node = session.fids.node(request.fid)?;
    if node.kind() != FileType::Symlink {
        return Err(Errno::EINVAL);
    }
    let target = rustix::fs::readlinkat(node.fd(), "", Vec::new()).map_err(errno)?;
    answer.reply(&Rreadlink { target: Text(target.as_bytes()) })
}

pub(super) fn setattr(
    session: &mut Session,
    request: &Tsetattr,
    answer: &mut Answer<'_>,
) -> Result<(), Errno> {
    let node = session.fids.node(request.fid)?;
    change(session, request.fid, &node, &request.set)?;
    answer.reply(&Rsetattr {})
}

pub(super) fn changeattr(
    session: &mut Session,
    request: &Tchangeattr,
    answer: &mut Answer<'_>,
) -> Result<(), Errno> {
    let node = session.fids.node(request.fid)?;
    change(session, request.fid, &node, &request.set)?;
    let attr = session.attr(&node)?;
    answer.reply(&Rchangeattr { attr })
}

/// In an order in which none undoes another: the owner before the mode (a change of owner clears set-ID bits), the size
/// before the times.
fn change(session: &Session, fid: u32, node: &Node, set: &SetAttr) -> Result<(), Errno> {
    session.changes()?;
    let valid = SetAttrMask::from_bits(set.valid).ok_or(Errno::EINVAL)?;
    if valid.contains(SetAttrMask::SIZE) {
        let shared = match &session.fids.get(fid)?.state {
            State::File(fd, Access::Write | Access::ReadWrite) => Some(fd),
            _ => None,
        };
        match shared {
            Some(fd) => rustix::fs::ftruncate(fd, set.size).map_err(errno)?,
            None => {
                let fd = node.open_file(&session.links, Access::Write, OFlags::empty())?;
                rustix::fs::ftruncate(&fd, set.size).map_err(errno)?;
            }
        }
    }
    let ids = &session.identities.ids;
    let uid = valid.contains(SetAttrMask::UID).then(|| kept(&ids.users, set.uid)).transpose()?;
    let gid = valid.contains(SetAttrMask::GID).then(|| kept(&ids.groups, set.gid)).transpose()?;
    let (uid, gid) = (uid.map(Uid::from_raw), gid.map(Gid::from_raw));
    if uid.is_some() || gid.is_some() {
        rustix::fs::chownat(node.fd(), "", uid, gid, AtFlags::EMPTY_PATH).map_err(errno)?;
    }
    if valid.contains(SetAttrMask::MODE) {
        if node.kind() == FileType::Symlink {
            return Err(Errno::EOPNOTSUPP);
        }
        rustix::fs::chmod(node.path(&session.links), Mode::from_bits_truncate(set.mode & 0o7777))
            .map_err(errno)?;
    }
    let which = [
        (SetAttrMask::ATIME, SetAttrMask::ATIME_SET, set.atime),
        (SetAttrMask::MTIME, SetAttrMask::MTIME_SET, set.mtime),
    ];
    if which.iter().any(|(any, ..)| valid.contains(*any)) {
        let [last_access, last_modification] = which.map(|(any, exact, time)| match () {
            () if !valid.contains(any) => Ok(Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT }),
            () if !valid.contains(exact) => Ok(Timespec { tv_sec: 0, tv_nsec: UTIME_NOW }),
            () => host_time(time),
        });
        let times = Timestamps { last_access: last_access?, last_modification: last_modification? };
        rustix::fs::utimensat(CWD, node.path(&session.links), &times, AtFlags::empty()).map_err(errno)?;
    }
    Ok(())
}

/// A time with nanoseconds below one second: the host gives greater ones a meaning.
fn host_time(time: Time) -> Result<Timespec, Errno> {
    match i64::try_from(time.nanoseconds) {
        Ok(tv_nsec @ 0..1_000_000_000) => Ok(Timespec { tv_sec: time.seconds.cast_signed(), tv_nsec }),
        _ => Err(Errno::EINVAL),
    }
}
