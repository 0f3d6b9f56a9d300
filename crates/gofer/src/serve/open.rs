//! Opening what exists.

use std::sync::Arc;

use abi::Errno;
use ninep::Attr;
use ninep::flags::{Access, Open};
use ninep::message::{Rdonate, Rlopen, Rwalkdonate, Tdonate, Tlopen, Twalkdonate};
use rustix::fs::{FileType, OFlags};

use crate::fids::{Fid, Listing, State};
use crate::names::Name;
use crate::node::Node;
use crate::session::{Answer, Session};

/// What a request may ask for when it opens: the access mode, and flags that change nothing but how the file is used.
pub(super) struct How {
    pub(super) access: Access,
    pub(super) extra: OFlags,
}

impl How {
    /// Flags that have no meaning between client and server are passed over, as clients send what their callers gave them.
    ///
    /// # Errors
    /// `EINVAL` for access mode 3 and for bits that are no flags.
    pub(super) fn new(flags: u32) -> Result<Self, Errno> {
        let flags = Open::from_bits(flags).ok_or(Errno::EINVAL)?;
        let access = flags.access().ok_or(Errno::EINVAL)?;
        let kept = [
            (Open::TRUNCATE, OFlags::TRUNC),
            (Open::APPEND, OFlags::APPEND),
            (Open::DIRECT, OFlags::DIRECT),
            (Open::DSYNC, OFlags::DSYNC),
            (Open::SYNC | Open::DSYNC, OFlags::SYNC),
            (Open::NO_ATIME, OFlags::NOATIME),
        ];
        let extra = kept
            .iter()
            .filter(|(ours, _)| flags.contains(*ours))
            .fold(OFlags::empty(), |all, (_, host)| all | *host);
        Ok(Self { access, extra })
    }

    /// Whether opening so changes the file or lets it be changed.
    pub(super) const fn changes(&self) -> bool {
        self.access.writes() || self.extra.contains(OFlags::TRUNC)
    }
}

pub(super) fn open(session: &mut Session, request: &Tlopen, answer: &mut Answer<'_>) -> Result<(), Errno> {
    let how = How::new(request.flags)?;
    let fid = session.fids.get(request.fid)?;
    if !matches!(fid.state, State::Walked) {
        return Err(Errno::EBADF);
    }
    let node = session.fids.node(request.fid)?;
    let state = if node.is_directory() {
        if how.changes() {
            return Err(Errno::EISDIR);
        }
        State::Directory(Listing { fd: node.open_directory()?, position: Some(0) })
    } else {
        if how.changes() {
            session.changes()?;
        }
        State::File(node.open_file(&session.links, how.access, how.extra)?, how.access)
    };
    let qid = session.attr(&node)?.qid;
    session.fids.get_mut(request.fid)?.state = state;
    answer.reply(&Rlopen { qid, iounit: 0 })
}

/// The client gets a descriptor with exactly the access that it asks for, of a regular file, or of a FIFO.
pub(super) fn donate(session: &mut Session, request: &Tdonate, answer: &mut Answer<'_>) -> Result<(), Errno> {
    let how = How::new(request.flags)?;
    let node = session.fids.node(request.fid)?;
    let attr = give(session, &node, &how, answer)?;
    answer.reply(&Rdonate { attr })
}

/// Puts a descriptor of a file beside the answer. Returns what the file is now.
fn give(session: &mut Session, node: &Node, how: &How, answer: &mut Answer<'_>) -> Result<Attr, Errno> {
    if node.kind() == FileType::Fifo {
        return give_fifo(session, node, how, answer);
    }
    if how.changes() {
        session.changes()?;
    }
    // Appending is the client's business: its writers share the descriptor.
    let fd = node.open_file(&session.links, how.access, how.extra.difference(OFlags::APPEND))?;
    let attr = session.attr(node)?;
    answer.donated = Some(fd);
    Ok(attr)
}

/// The same for a FIFO, where those of the host are within reach. What goes through it changes nothing in the tree.
fn give_fifo(session: &mut Session, node: &Node, how: &How, answer: &mut Answer<'_>) -> Result<Attr, Errno> {
    if !session.reach.fifos {
        return Err(Errno::EOPNOTSUPP);
    }
    let fd = node.open_fifo(&session.links, how.access)?;
    let attr = session.attr(node)?;
    answer.donated = Some(fd);
    Ok(attr)
}

/// As [`donate`], for the file of this name, which the client then holds too.
pub(super) fn walkdonate(
    session: &mut Session,
    request: &Twalkdonate<'_>,
    answer: &mut Answer<'_>,
) -> Result<(), Errno> {
    let how = How::new(request.flags)?;
    session.fids.check_new([request.newfid])?;
    let (node, _) = session.fids.directory(request.fid)?.child(Name::new(request.name)?)?;
    let attr = give(session, &node, &how, answer)?;
    session.fids.insert(request.newfid, Fid::walked(Arc::new(node)));
    answer.reply(&Rwalkdonate { attr })
}
