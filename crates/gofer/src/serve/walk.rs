//! Walks.

use std::sync::Arc;

use abi::Errno;
use ninep::message::{Rwalk, Rwalkattr, Twalk, Twalkattr};
use ninep::version::Dialect;
use rustix::fs::FileType;

use crate::fids::{Fid, Origin, State};
use crate::names::Name;
use crate::node::{Node, kind};
use crate::session::{Answer, Session};

/// `MAXWELEM` of the protocol.
const MOST_NAMES: usize = 16;
/// How many names one walk of the extension can have: no path has more than `PATH_MAX` / 2.
const MOST_TARGETS: usize = 2048;

pub(super) fn walk(session: &mut Session, request: &Twalk<'_>, answer: &mut Answer<'_>) -> Result<(), Errno> {
    if request.names.len() > MOST_NAMES {
        return Err(Errno::EINVAL);
    }
    let start = session.fids.get(request.fid)?;
    if !matches!(start.state, State::Walked) && request.newfid == request.fid {
        return Err(Errno::EBADF);
    }
    let mut node = Arc::clone(&start.node);
    let mut origin = start.origin.clone();
    if request.newfid != request.fid {
        session.fids.check_new([request.newfid])?;
    }
    let mut qids = Vec::with_capacity(request.names.len());
    for name in &request.names {
        let step = Name::new(*name).and_then(|name| Ok((node.child(name)?, name)));
        match step {
            Ok(((child, stat), name)) => {
                qids.push(session.identities.qid(&stat));
                let parent = std::mem::replace(&mut node, Arc::new(child));
                origin = Some(Origin { parent, name: name.bytes().into() });
            }
            Err(errno) if qids.is_empty() => return Err(errno),
            Err(_) => return answer.reply(&Rwalk { qids }),
        }
    }
    // Only clients of the base dialect move files by their fid.
    let origin = origin.filter(|_| session.dialect == Some(Dialect::Base));
    session.fids.insert(request.newfid, Fid { node, origin, state: State::Walked });
    answer.reply(&Rwalk { qids })
}

pub(super) fn walkattr(
    session: &mut Session,
    request: &Twalkattr<'_>,
    answer: &mut Answer<'_>,
) -> Result<(), Errno> {
    if request.targets.len() > MOST_TARGETS {
        return Err(Errno::EINVAL);
    }
    let mut node = session.fids.node(request.fid)?;
    let wanted = || request.targets.iter().map(|target| target.fid).filter(|fid| *fid != ninep::NO_FID);
    session.fids.check_new(wanted())?;
    let mut numbers: Vec<u32> = wanted().collect();
    numbers.sort_unstable();
    if numbers.windows(2).any(|pair| pair.first() == pair.last()) {
        return Err(Errno::EBADF);
    }
    if request.targets.is_empty() {
        let attr = session.attr(&node)?;
        return answer.reply(&Rwalkattr { stopped: 0, attrs: vec![attr] });
    }

    let mut attrs = Vec::with_capacity(request.targets.len().min(64));
    let mut stopped = None;
    for (index, target) in request.targets.iter().enumerate() {
        let last = index + 1 == request.targets.len();
        match step(&node, target.name, last && target.fid == ninep::NO_FID) {
            Ok((child, stat)) => {
                attrs.push(session.identities.attr(&stat));
                if let Some(child) = child {
                    node = Arc::new(child);
                    if target.fid != ninep::NO_FID {
                        session.fids.insert(target.fid, Fid::walked(Arc::clone(&node)));
                    }
                }
                if !last {
                    stopped = match kind(&stat) {
                        FileType::Directory => None,
                        FileType::Symlink => Some(Errno::ELOOP),
                        _ => Some(Errno::ENOTDIR),
                    };
                }
            }
            Err(errno) => stopped = Some(errno),
        }
        if stopped.is_some() {
            break;
        }
    }
    let stopped = stopped.map_or(0, |errno| errno.raw().unsigned_abs());
    answer.reply(&Rwalkattr { stopped, attrs })
}

/// The file of this name: held, or only described.
fn step(
    node: &Node,
    name: ninep::Text<'_>,
    describe: bool,
) -> Result<(Option<Node>, rustix::fs::Statx), Errno> {
    let name = Name::new(name)?;
    if !node.is_directory() {
        return Err(Errno::ENOTDIR);
    }
    if describe {
        return Ok((None, node.stat_child(name)?));
    }
    let (child, stat) = node.child(name)?;
    Ok((Some(child), stat))
}
