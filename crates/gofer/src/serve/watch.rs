//! Watches: how a client learns what others do to files that it holds (decision 20).

use abi::Errno;
use ninep::message::{Runwatch, Rwatch, Tunwatch, Twatch};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::fcntl_dupfd_cloexec;

use crate::node::errno;
use crate::session::{Answer, Session};

/// Files that one connection can watch. The host bounds the events that wait to be read.
const MOST: usize = 8192;

/// What changes a file or its names. That somebody reads it is nobody's business.
const CHANGES: WatchFlags = WatchFlags::MODIFY
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::CLOSE_WRITE)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::CREATE)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF);

/// The client reads the events itself: names in directories that it has, and nothing else, as it can name no file to the descriptor.
pub(super) fn watch(session: &mut Session, request: &Twatch, answer: &mut Answer<'_>) -> Result<(), Errno> {
    let node = session.fids.node(request.fid)?;
    if session.watched.len() >= MOST {
        return Err(Errno::ENOSPC);
    }
    if session.events.is_none() {
        let events = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).map_err(errno)?;
        answer.donated = Some(fcntl_dupfd_cloexec(&events, 0).map_err(errno)?);
        session.events = Some(events);
    }
    let events = session.events.as_ref().ok_or(Errno::EIO)?;
    let watch = inotify::add_watch(events, node.path(&session.links), CHANGES).map_err(errno)?;
    session.watched.insert(watch);
    answer.reply(&Rwatch { watch: watch.cast_unsigned() })
}

/// The host may have ended it before.
pub(super) fn unwatch(
    session: &mut Session,
    request: &Tunwatch,
    answer: &mut Answer<'_>,
) -> Result<(), Errno> {
    let watch = request.watch.cast_signed();
    if !session.watched.remove(&watch) {
        return Err(Errno::EINVAL);
    }
    if let Some(events) = &session.events {
        let _ = inotify::remove_watch(events, watch);
    }
    answer.reply(&Runwatch {})
}
