//! Extended attributes. The host decides which names may be read and set: this process has no capability that
//! `trusted.*` and `security.*` ask for.

use abi::Errno;
use ninep::message::{
    Rxattrcreate, Rxattrget, Rxattrlist, Rxattrremove, Rxattrset, Rxattrwalk, Txattrcreate, Txattrget,
    Txattrlist, Txattrremove, Txattrset, Txattrwalk,
};
use ninep::{Data, Text};
use rustix::fs::XattrFlags;

use crate::acl;
use crate::fids::{Fid, MOST_XATTR, NewValue, State};
use crate::node::{Node, errno};
use crate::session::{Answer, Session};

/// The longest name (`XATTR_NAME_MAX`).
const LONGEST_NAME: usize = 255;

/// A full name with its namespace.
fn name(text: Text<'_>) -> Result<&[u8], Errno> {
    match text.0 {
        b"" => Err(Errno::ERANGE),
        long if long.len() > LONGEST_NAME => Err(Errno::ERANGE),
        bytes if bytes.contains(&0) => Err(Errno::EINVAL),
        bytes => Ok(bytes),
    }
}

fn value(session: &Session, node: &Node, name: &[u8]) -> Result<Vec<u8>, Errno> {
    let mut value = Vec::with_capacity(MOST_XATTR);
    let spare = rustix::buffer::spare_capacity(&mut value);
    rustix::fs::getxattr(node.path(&session.links), name, spare).map_err(errno)?;
    value.shrink_to_fit();
    acl::to_client(&session.identities.ids, name, &mut value);
    Ok(value)
}

fn names(session: &Session, node: &Node) -> Result<Vec<u8>, Errno> {
    let mut names = Vec::with_capacity(MOST_XATTR);
    let spare = rustix::buffer::spare_capacity(&mut names);
    rustix::fs::listxattr(node.path(&session.links), spare).map_err(errno)?;
    names.shrink_to_fit();
    Ok(names)
}

fn store(session: &Session, node: &Node, name: &[u8], value: &[u8], flags: u32) -> Result<(), Errno> {
    session.changes()?;
    let flags = XattrFlags::from_bits(flags).ok_or(Errno::EINVAL)?;
    let mut value = value.to_vec();
    acl::to_host(&session.identities.ids, name, &mut value)?;
    rustix::fs::setxattr(node.path(&session.links), name, &value, flags).map_err(errno)
}

/// A value for a client that has room for `size` bytes, or asks for the length alone.
fn fitting(value: &[u8], size: u32) -> Result<(u32, Data<'_>), Errno> {
    let length = u32::try_from(value.len()).map_err(|_| Errno::E2BIG)?;
    match size {
        0 => Ok((length, Data(b""))),
        size if size < length => Err(Errno::ERANGE),
        _ => Ok((length, Data(value))),
    }
}

pub(super) fn get(
    session: &mut Session,
    request: &Txattrget<'_>,
    answer: &mut Answer<'_>,
) -> Result<(), Errno> {
    let node = session.fids.node(request.fid)?;
    let value = value(session, &node, name(request.name)?)?;
    let (length, data) = fitting(&value, session.room(request.size, size_of::<u32>()))?;
    answer.reply(&Rxattrget { length, data })
}

pub(super) fn list(
    session: &mut Session,
    request: &Txattrlist,
    answer: &mut Answer<'_>,
) -> Result<(), Errno> {
    let node = session.fids.node(request.fid)?;
    let names = names(session, &node)?;
    let (length, data) = fitting(&names, session.room(request.size, size_of::<u32>()))?;
    answer.reply(&Rxattrlist { length, data })
}

pub(super) fn set(
    session: &mut Session,
    request: &Txattrset<'_>,
    answer: &mut Answer<'_>,
) -> Result<(), Errno> {
    let node = session.fids.node(request.fid)?;
    store(session, &node, name(request.name)?, request.value.0, request.flags)?;
    answer.reply(&Rxattrset {})
}

pub(super) fn remove(
    session: &mut Session,
    request: &Txattrremove<'_>,
    answer: &mut Answer<'_>,
) -> Result<(), Errno> {
    session.changes()?;
    let node = session.fids.node(request.fid)?;
    rustix::fs::removexattr(node.path(&session.links), name(request.name)?).map_err(errno)?;
    answer.reply(&Rxattrremove {})
}

pub(super) fn walk(
    session: &mut Session,
    request: &Txattrwalk<'_>,
    answer: &mut Answer<'_>,
) -> Result<(), Errno> {
    session.fids.check_new([request.newfid])?;
    let node = session.fids.node(request.fid)?;
    let value = match request.name.0 {
        b"" => names(session, &node)?,
        _ => value(session, &node, name(request.name)?)?,
    };
    let size = u64::try_from(value.len()).map_err(|_| Errno::E2BIG)?;
    session.fids.insert(request.newfid, Fid { node, origin: None, state: State::Value(value) });
    answer.reply(&Rxattrwalk { size })
}

pub(super) fn create(
    session: &mut Session,
    request: &Txattrcreate<'_>,
    answer: &mut Answer<'_>,
) -> Result<(), Errno> {
    session.changes()?;
    let size = usize::try_from(request.size).ok().filter(|size| *size <= MOST_XATTR).ok_or(Errno::E2BIG)?;
    let name = name(request.name)?.into();
    let fid = session.fids.get_mut(request.fid)?;
    if !matches!(fid.state, State::Walked) {
        return Err(Errno::EBADF);
    }
    fid.state = State::NewValue(NewValue { name, flags: request.flags, size, value: Vec::new() });
    answer.reply(&Rxattrcreate {})
}

/// The fid of a new attribute is clunked: it takes effect. Size zero removes, as Linux's client has it.
pub(super) fn commit(session: &Session, node: &Node, new: &NewValue) -> Result<(), Errno> {
    if new.value.len() != new.size {
        return Err(Errno::EINVAL);
    }
    if new.size == 0 && new.flags & XattrFlags::REPLACE.bits() != 0 {
        return rustix::fs::removexattr(node.path(&session.links), &*new.name).map_err(errno);
    }
    store(session, node, &new.name, &new.value, new.flags)
}
