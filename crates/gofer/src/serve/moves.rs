//! Names that come, go and move.

use std::sync::Arc;

use abi::Errno;
use ninep::flags::REMOVE_DIRECTORY;
use ninep::message::{
    Rlink, Rremove, Rremovename, Rrename, Rrenameat, Rrenameat2, Runlinkat, Tlink, Tremove, Tremovename,
    Trename, Trenameat, Trenameat2, Tunlinkat,
};
use rustix::fs::{AtFlags, CWD, RenameFlags};

use crate::fids::{Fid, Origin};
use crate::names::Name;
use crate::node::{Node, errno};
use crate::session::{Answer, Session};

pub(super) fn link(session: &mut Session, request: &Tlink<'_>, answer: &mut Answer<'_>) -> Result<(), Errno> {
    session.changes()?;
    let directory = session.fids.directory(request.dfid)?;
    let node = session.fids.node(request.fid)?;
    let name = Name::new(request.name)?;
    // By the descriptor's link: linking by the descriptor itself needs a capability in older hosts. The link of a symbolic
    // link's descriptor leads to the symbolic link, and no further.
    let path = node.path(&session.links);
    rustix::fs::linkat(CWD, path, directory.fd(), name.bytes(), AtFlags::SYMLINK_FOLLOW).map_err(errno)?;
    answer.reply(&Rlink {})
}

pub(super) fn unlinkat(
    session: &mut Session,
    request: &Tunlinkat<'_>,
    answer: &mut Answer<'_>,
) -> Result<(), Errno> {
    let (directory, name, flags) = removal(session, request.dirfid, request.name, request.flags)?;
    rustix::fs::unlinkat(directory.fd(), name.bytes(), flags).map_err(errno)?;
    answer.reply(&Runlinkat {})
}

pub(super) fn removename(
    session: &mut Session,
    request: &Tremovename<'_>,
    answer: &mut Answer<'_>,
) -> Result<(), Errno> {
    let (directory, name, flags) = removal(session, request.dirfid, request.name, request.flags)?;
    let keep = request.newfid != ninep::NO_FID;
    let (kept, victim) = if keep {
        session.fids.check_new([request.newfid])?;
        let (node, stat) = directory.child(name)?;
        (Some(node), stat)
    } else {
        (None, directory.stat_child(name)?)
    };
    rustix::fs::unlinkat(directory.fd(), name.bytes(), flags).map_err(errno)?;
    if let Some(node) = kept {
        session.fids.insert(request.newfid, Fid::walked(Arc::new(node)));
    }
    answer.reply(&Rremovename { qid: session.identities.qid(&victim) })
}

fn removal<'a>(
    session: &Session,
    directory: u32,
    name: ninep::Text<'a>,
    flags: u32,
) -> Result<(Arc<Node>, Name<'a>, AtFlags), Errno> {
    session.changes()?;
    let flags = match flags {
        0 => AtFlags::empty(),
        REMOVE_DIRECTORY => AtFlags::REMOVEDIR,
        _ => return Err(Errno::EINVAL),
    };
    Ok((session.fids.directory(directory)?, Name::new(name)?, flags))
}

pub(super) fn renameat(
    session: &mut Session,
    request: &Trenameat<'_>,
    answer: &mut Answer<'_>,
) -> Result<(), Errno> {
    move_name(session, request.olddirfid, request.oldname, request.newdirfid, request.newname, 0)?;
    answer.reply(&Rrenameat {})
}

pub(super) fn renameat2(
    session: &mut Session,
    request: &Trenameat2<'_>,
    answer: &mut Answer<'_>,
) -> Result<(), Errno> {
    let Trenameat2 { olddirfid, oldname, newdirfid, newname, flags } = *request;
    let (old, new) = (session.fids.directory(olddirfid)?, session.fids.directory(newdirfid)?);
    let ends = [(old, Name::new(oldname)?), (new, Name::new(newname)?)];
    let touched =
        ends.iter().filter_map(|(directory, name)| directory.stat_child(*name).ok()).collect::<Vec<_>>();
    move_name(session, olddirfid, oldname, newdirfid, newname, flags)?;
    let touched = touched.iter().map(|stat| session.identities.qid(stat)).collect();
    answer.reply(&Rrenameat2 { touched })
}

fn move_name(
    session: &Session,
    olddirfid: u32,
    oldname: ninep::Text<'_>,
    newdirfid: u32,
    newname: ninep::Text<'_>,
    flags: u32,
) -> Result<(), Errno> {
    session.changes()?;
    let flags = RenameFlags::from_bits(flags).ok_or(Errno::EINVAL)?;
    let old = session.fids.directory(olddirfid)?;
    let new = session.fids.directory(newdirfid)?;
    let (oldname, newname) = (Name::new(oldname)?, Name::new(newname)?);
    rustix::fs::renameat_with(old.fd(), oldname.bytes(), new.fd(), newname.bytes(), flags).map_err(errno)
}

/// The name a fid was reached by, if it still leads to the same file.
fn still_there(fid: &Fid) -> Result<Origin, Errno> {
    let origin = fid.origin.clone().ok_or(Errno::EOPNOTSUPP)?;
    let there = origin.parent.stat_child(Name::new(ninep::Text(&origin.name))?)?;
    let here = fid.node.stat()?;
    let same = |a: &rustix::fs::Statx| (a.stx_dev_major, a.stx_dev_minor, a.stx_ino);
    if same(&there) == same(&here) { Ok(origin) } else { Err(Errno::ENOENT) }
}

pub(super) fn rename(
    session: &mut Session,
    request: &Trename<'_>,
    answer: &mut Answer<'_>,
) -> Result<(), Errno> {
    session.changes()?;
    let origin = still_there(session.fids.get(request.fid)?)?;
    let new = session.fids.directory(request.dfid)?;
    let name = Name::new(request.name)?;
    rustix::fs::renameat_with(
        origin.parent.fd(),
        &*origin.name,
        new.fd(),
        name.bytes(),
        RenameFlags::empty(),
    )
    .map_err(errno)?;
    session.fids.get_mut(request.fid)?.origin = Some(Origin { parent: new, name: name.bytes().into() });
    answer.reply(&Rrename {})
}

/// The fid is gone even if the file stays.
pub(super) fn remove(session: &mut Session, request: &Tremove, answer: &mut Answer<'_>) -> Result<(), Errno> {
    let fid = session.fids.remove(request.fid)?;
    session.changes()?;
    let origin = still_there(&fid)?;
    let flags = if fid.node.is_directory() { AtFlags::REMOVEDIR } else { AtFlags::empty() };
    rustix::fs::unlinkat(origin.parent.fd(), &*origin.name, flags).map_err(errno)?;
    answer.reply(&Rremove {})
}
