//! Making what does not exist.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use abi::Errno;
use ninep::message::{
    Rcreatefile, Rcreateunnamed, Rlcreate, Rmakenode, Rmkdir, Rmknod, Rsymlink, Tcreatefile, Tcreateunnamed,
    Tlcreate, Tmakenode, Tmkdir, Tmknod, Tsymlink,
};
use ninep::{Extent, NO_UID, Text};
use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Statx, Uid};

use super::open::How;
use crate::fids::{Fid, State};
use crate::ids::kept;
use crate::names::{Name, link_target};
use crate::node::{Node, errno, stat_fd};
use crate::session::{Answer, Session};

/// Set-user-ID, set-group-ID and sticky bits.
const SPECIAL: u32 = 0o7000;

/// Who shall own a new file. [`NO_UID`] leaves what the host gives it.
#[derive(Clone, Copy)]
pub(super) struct Owner {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

pub(super) fn lcreate(
    session: &mut Session,
    request: &Tlcreate<'_>,
    answer: &mut Answer<'_>,
) -> Result<(), Errno> {
    session.changes()?;
    if !matches!(session.fids.get(request.fid)?.state, State::Walked) {
        return Err(Errno::EBADF);
    }
    let directory = session.fids.directory(request.fid)?;
    let name = Name::new(request.name)?;
    let how = How::new(request.flags)?;
    let owner = Owner { uid: NO_UID, gid: request.gid };
    let (node, stat, fd) = match new_file(session, &directory, name, &how, request.mode, owner) {
        Err(Errno::EEXIST) if request.flags & ninep::flags::Open::EXCLUSIVE.bits() == 0 => {
            let (node, stat) = directory.child(name)?;
            let fd = node.open_file(&session.links, how.access, how.extra)?;
            (node, stat, fd)
        }
        result => result?,
    };
    let qid = session.identities.qid(&stat);
    let fid = session.fids.get_mut(request.fid)?;
    fid.node = Arc::new(node);
    fid.origin = Some(crate::fids::Origin { parent: directory, name: name.bytes().into() });
    fid.state = State::File(fd, how.access);
    answer.reply(&Rlcreate { qid, iounit: 0 })
}

pub(super) fn createfile(
    session: &mut Session,
    request: &Tcreatefile<'_>,
    answer: &mut Answer<'_>,
) -> Result<(), Errno> {
    session.changes()?;
    session.fids.check_new([request.newfid])?;
    let directory = session.fids.directory(request.dfid)?;
    let name = Name::new(request.name)?;
    let mut how = How::new(request.flags)?;
    how.extra.remove(OFlags::APPEND);
    let owner = Owner { uid: request.uid, gid: request.gid };
    let (node, stat, fd) = new_file(session, &directory, name, &how, request.mode, owner)?;
    let attr = session.identities.attr(&stat);
    session.fids.insert(request.newfid, Fid::walked(Arc::new(node)));
    answer.donated = Some(fd);
    answer.reply(&Rcreatefile { attr })
}

/// Makes a regular file that must not exist, open as asked.
fn new_file(
    session: &Session,
    directory: &Node,
    name: Name<'_>,
    how: &How,
    mode: u32,
    owner: Owner,
) -> Result<(Node, Statx, OwnedFd), Errno> {
    let access = OFlags::from_bits_retain(how.access.bits());
    let flags = OFlags::CREATE
        | OFlags::EXCL
        | OFlags::NOFOLLOW
        | OFlags::CLOEXEC
        | OFlags::NONBLOCK
        | access
        | how.extra;
    let fd = rustix::fs::openat(directory.fd(), name.bytes(), flags, Mode::from_bits_truncate(mode & 0o7777))
        .map_err(errno)?;
    // The name could lead elsewhere by now, so the inode is held through the descriptor itself.
    let result = Node::holding(fd.as_fd(), &session.links).and_then(|node| {
        let stat = finish(session, fd.as_fd(), &node, mode, owner)?;
        Ok((node, stat))
    });
    match result {
        Ok((node, stat)) => Ok((node, stat, fd)),
        Err(error) => {
            let _ = rustix::fs::unlinkat(directory.fd(), name.bytes(), AtFlags::empty());
            Err(error)
        }
    }
}

/// Gives a new file its owner, and the bits of its mode that the change of owner or a set-group-ID directory altered.
fn finish(
    session: &Session,
    fd: BorrowedFd<'_>,
    node: &Node,
    mode: u32,
    owner: Owner,
) -> Result<Statx, Errno> {
    let mut stat = stat_fd(fd)?;
    let ids = &session.identities.ids;
    let changed = |extents: &[Extent], wanted: u32, is: u32| match wanted {
        NO_UID => Ok(None),
        wanted => kept(extents, wanted).map(|wanted| Some(wanted).filter(|wanted| *wanted != is)),
    };
    let uid = changed(&ids.users, owner.uid, stat.stx_uid)?;
    let gid = changed(&ids.groups, owner.gid, stat.stx_gid)?;
    if session.chown && (uid.is_some() || gid.is_some()) {
        let (uid, gid) = (uid.map(Uid::from_raw), gid.map(Gid::from_raw));
        rustix::fs::chownat(fd, "", uid, gid, AtFlags::EMPTY_PATH).map_err(errno)?;
        stat = stat_fd(fd)?;
    }
    let is = u32::from(stat.stx_mode);
    if node.kind() != FileType::Symlink && (is ^ mode) & SPECIAL != 0 {
        let mode = Mode::from_bits_truncate((is & 0o777) | (mode & SPECIAL));
        rustix::fs::chmod(node.path(&session.links), mode).map_err(errno)?;
        stat = stat_fd(fd)?;
    }
    Ok(stat)
}

/// As [`createfile`], of a file that has no name. The host lets go of it with the last who holds it.
pub(super) fn createunnamed(
    session: &mut Session,
    request: &Tcreateunnamed,
    answer: &mut Answer<'_>,
) -> Result<(), Errno> {
    session.changes()?;
    session.fids.check_new([request.newfid])?;
    let directory = session.fids.directory(request.dfid)?;
    let how = How::new(request.flags)?;
    let access = OFlags::from_bits_retain(how.access.bits());
    let flags = OFlags::TMPFILE | OFlags::CLOEXEC | access | how.extra.difference(OFlags::APPEND);
    let mode = Mode::from_bits_truncate(request.mode & 0o7777);
    let fd = rustix::fs::openat(directory.fd(), ".", flags, mode).map_err(errno)?;
    let node = Node::holding(fd.as_fd(), &session.links)?;
    let owner = Owner { uid: request.uid, gid: request.gid };
    let stat = finish(session, fd.as_fd(), &node, request.mode, owner)?;
    let attr = session.identities.attr(&stat);
    session.fids.insert(request.newfid, Fid::walked(Arc::new(node)));
    answer.donated = Some(fd);
    answer.reply(&Rcreateunnamed { attr })
}

/// Makes anything that is not a regular file open for its maker.
fn new_node(
    session: &Session,
    directory: &Node,
    name: Name<'_>,
    mode: u32,
    target: Text<'_>,
    owner: Owner,
) -> Result<(Node, Statx), Errno> {
    session.changes()?;
    let kind = FileType::from_raw_mode(mode);
    let bits = Mode::from_bits_truncate(mode & 0o7777);
    match kind {
        FileType::Directory => rustix::fs::mkdirat(directory.fd(), name.bytes(), bits),
        FileType::Symlink => rustix::fs::symlinkat(link_target(target)?, directory.fd(), name.bytes()),
        FileType::Fifo | FileType::Socket | FileType::RegularFile => {
            rustix::fs::mknodat(directory.fd(), name.bytes(), kind, bits, 0)
        }
        // With the number 0:0, which is no device's: layers use it to say that a name is gone. Others would be the host's
        // devices, and this process has no capability to make them.
        FileType::CharacterDevice => {
            rustix::fs::mknodat(directory.fd(), name.bytes(), kind, bits, rustix::fs::makedev(0, 0))
        }
        FileType::BlockDevice => return Err(Errno::EPERM),
        FileType::Unknown => return Err(Errno::EINVAL),
    }
    .map_err(errno)?;
    take_up(session, directory, name, kind, mode, owner)
}

/// Holds what was just made under this name, and gives it its owner. If that fails the name goes.
pub(super) fn take_up(
    session: &Session,
    directory: &Node,
    name: Name<'_>,
    kind: FileType,
    mode: u32,
    owner: Owner,
) -> Result<(Node, Statx), Errno> {
    let flags = if kind == FileType::Directory { AtFlags::REMOVEDIR } else { AtFlags::empty() };
    let result = directory.child(name).and_then(|(node, _)| {
        // Somebody on the host may have put something else there.
        if node.kind() != kind {
            return Err(Errno::ESTALE);
        }
        let stat = finish(session, node.fd(), &node, mode, owner)?;
        Ok((node, stat))
    });
    result.inspect_err(|_| {
        let _ = rustix::fs::unlinkat(directory.fd(), name.bytes(), flags);
    })
}

pub(super) fn makenode(
    session: &mut Session,
    request: &Tmakenode<'_>,
    answer: &mut Answer<'_>,
) -> Result<(), Errno> {
    session.fids.check_new([request.newfid])?;
    let directory = session.fids.directory(request.dfid)?;
    let owner = Owner { uid: request.uid, gid: request.gid };
    let name = Name::new(request.name)?;
    let (node, stat) = new_node(session, &directory, name, request.mode, request.target, owner)?;
    let attr = session.identities.attr(&stat);
    session.fids.insert(request.newfid, Fid::walked(Arc::new(node)));
    answer.reply(&Rmakenode { attr })
}

/// The three requests of the base dialect.
fn base(
    session: &mut Session,
    dfid: u32,
    name: Text<'_>,
    mode: u32,
    target: Text<'_>,
    gid: u32,
) -> Result<ninep::Qid, Errno> {
    let directory = session.fids.directory(dfid)?;
    let owner = Owner { uid: NO_UID, gid };
    let (_, stat) = new_node(session, &directory, Name::new(name)?, mode, target, owner)?;
    Ok(session.identities.qid(&stat))
}

pub(super) fn mkdir(
    session: &mut Session,
    request: &Tmkdir<'_>,
    answer: &mut Answer<'_>,
) -> Result<(), Errno> {
    let mode = FileType::Directory.as_raw_mode() | (request.mode & 0o7777);
    let qid = base(session, request.dfid, request.name, mode, Text(b""), request.gid)?;
    answer.reply(&Rmkdir { qid })
}

pub(super) fn mknod(
    session: &mut Session,
    request: &Tmknod<'_>,
    answer: &mut Answer<'_>,
) -> Result<(), Errno> {
    let kind = FileType::from_raw_mode(request.mode);
    if matches!(kind, FileType::Directory | FileType::Symlink) {
        return Err(Errno::EINVAL);
    }
    if kind == FileType::CharacterDevice && (request.major, request.minor) != (0, 0) {
        return Err(Errno::EPERM);
    }
    let qid = base(session, request.dfid, request.name, request.mode, Text(b""), request.gid)?;
    answer.reply(&Rmknod { qid })
}

pub(super) fn symlink(
    session: &mut Session,
    request: &Tsymlink<'_>,
    answer: &mut Answer<'_>,
) -> Result<(), Errno> {
    let mode = FileType::Symlink.as_raw_mode() | 0o777;
    let qid = base(session, request.dfid, request.name, mode, request.target, request.gid)?;
    answer.reply(&Rsymlink { qid })
}
