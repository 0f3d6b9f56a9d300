//! The session itself: version, attach, flush, clunk, statfs.

use std::sync::Arc;

use abi::Errno;
use ninep::message::{
    Rattach, Rclunk, Rclunks, Rflush, Rhandover, Rstatfs, Rversion, Tattach, Tclunk, Tclunks, Tflush,
    Thandover, Tstatfs, Tversion,
};
use ninep::version::{Dialect, SMALLEST_SIZE, UNKNOWN};
use ninep::{StatFs, Text};

use crate::fids::{Fid, State};
use crate::node::{Node, errno};
use crate::serve::xattr;
use crate::session::{Answer, Session};

/// Agrees on a dialect and a size, and forgets all fids and watches.
pub(super) fn version(
    session: &mut Session,
    request: &Tversion<'_>,
    answer: &mut Answer<'_>,
) -> Result<(), Errno> {
    session.fids.clear();
    session.events = None;
    session.watched.clear();
    session.dialect = Dialect::offered(request.version.0);
    let Some(dialect) = session.dialect else {
        return answer.reply(&Rversion { msize: request.msize, version: Text(UNKNOWN) });
    };
    if request.msize < SMALLEST_SIZE {
        session.dialect = None;
        return Err(Errno::EINVAL);
    }
    session.message_size = request.msize.min(dialect.size());
    answer.reply(&Rversion { msize: session.message_size, version: Text(dialect.name()) })
}

/// Gives the client the root. There is one tree for each connection, whatever name is asked for.
pub(super) fn attach(
    session: &mut Session,
    request: &Tattach<'_>,
    answer: &mut Answer<'_>,
) -> Result<(), Errno> {
    if request.afid != ninep::NO_FID {
        return Err(Errno::EOPNOTSUPP);
    }
    session.fids.check_new([request.fid])?;
    let root = match (&session.root_node, session.root.take()) {
        (Some(root), _) => Arc::clone(root),
        (None, Some(fd)) => Arc::new(Node::root(fd)?),
        (None, None) => return Err(Errno::EIO),
    };
    session.root_node = Some(Arc::clone(&root));
    let qid = session.attr(&root)?.qid;
    session.fids.insert(request.fid, Fid::walked(root));
    answer.reply(&Rattach { qid })
}

/// Requests are answered in order, so that there is never one left to forget.
pub(super) fn flush(_: &Tflush, answer: &mut Answer<'_>) -> Result<(), Errno> {
    answer.reply(&Rflush {})
}

/// The client gets the root itself, if the configuration allows it: what it does there, this process does not see.
pub(super) fn handover(
    session: &mut Session,
    request: &Thandover,
    answer: &mut Answer<'_>,
) -> Result<(), Errno> {
    if !session.hands_over {
        return Err(Errno::EOPNOTSUPP);
    }
    let node = session.fids.node(request.fid)?;
    if !session.root_node.as_ref().is_some_and(|root| Arc::ptr_eq(root, &node)) {
        return Err(Errno::EINVAL);
    }
    let extents = [&session.identities.ids.users, &session.identities.ids.groups];
    let [users, groups] = extents.map(Clone::clone);
    answer.donated = Some(Node::holding(node.fd(), &session.links)?.into_fd());
    answer.reply(&Rhandover { read_only: session.read_only.into(), users, groups })
}

pub(super) fn clunk(session: &mut Session, request: &Tclunk, answer: &mut Answer<'_>) -> Result<(), Errno> {
    let fid = session.fids.remove(request.fid)?;
    if let State::NewValue(value) = &fid.state {
        xattr::commit(session, &fid.node, value)?;
    }
    answer.reply(&Rclunk {})
}

pub(super) fn clunks(session: &mut Session, request: &Tclunks, answer: &mut Answer<'_>) -> Result<(), Errno> {
    for fid in &request.fids {
        let _ = session.fids.remove(*fid);
    }
    answer.reply(&Rclunks {})
}

pub(super) fn statfs(session: &mut Session, request: &Tstatfs, answer: &mut Answer<'_>) -> Result<(), Errno> {
    let node = session.fids.node(request.fid)?;
    let host = rustix::fs::fstatfs(node.fd()).map_err(errno)?;
    let narrow = |value: i64| u32::try_from(value).map_err(|_| Errno::EOVERFLOW);
    let statfs = StatFs {
        kind: narrow(host.f_type)?,
        bsize: narrow(host.f_bsize)?,
        blocks: host.f_blocks,
        bfree: host.f_bfree,
        bavail: host.f_bavail,
        files: host.f_files,
        ffree: host.f_ffree,
        // The host's identity of the filesystem is none of the client's business.
        fsid: 0,
        namelen: narrow(host.f_namelen)?,
    };
    answer.reply(&Rstatfs { statfs })
}
