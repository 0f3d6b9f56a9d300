//! `F_NOTIFY` of fcntl(2): signals about what happens in a directory, which inotify(7) has replaced.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};

use abi::Errno;
use abi::fcntl::DirectoryNotice;
use abi::inotify::WatchBits;
use parking_lot::Mutex;
use vfs::notify::{self, Event, Mark, Observer};
use vfs::{FileKind, OpenFile};

use super::driven::Messages;
use crate::Task;

/// What one description of a directory wants to hear of.
struct Watch {
    notice: Mutex<DirectoryNotice>,
    messages: Mutex<Messages>,
    mark: Mutex<Option<Arc<Mark>>>,
    /// Of the last name that went away: if it comes back with the same, it has only changed.
    cookie: AtomicU32,
}

/// Has signals sent about the directory, with this number of its descriptor: in addition to what was asked for before, or none any more if
/// nothing is asked for.
///
/// # Errors
/// `ENOTDIR`, `ENOSPC` if there are too many watches.
pub fn notify(task: &Task, file: &Arc<OpenFile>, fd: i32, asked: u32) -> Result<(), Errno> {
    let asked = DirectoryNotice::from_bits_truncate(asked);
    let path = file.path.as_ref().filter(|_| file.kind() == FileKind::Directory).ok_or(Errno::ENOTDIR)?;
    file.notices(|notices| {
        if asked.difference(DirectoryNotice::MULTISHOT).is_empty() {
            *notices = None;
            return Ok(());
        }
        if let Some(watch) = notices.as_ref().and_then(|kept| kept.downcast_ref::<Arc<Watch>>()) {
            *watch.notice.lock() |= asked;
            *watch.messages.lock() = Messages::new(task, file, fd);
            return Ok(());
        }
        let watch = Arc::new(Watch {
            notice: Mutex::new(asked),
            messages: Mutex::new(Messages::new(task, file, fd)),
            mark: Mutex::default(),
            cookie: AtomicU32::new(0),
        });
        let observer = Arc::downgrade(&watch);
        let observer: Weak<dyn Observer> = observer;
        *watch.mark.lock() = Some(notify::add(&path.dentry, 0, WatchBits::EVENTS, observer)?);
        *notices = Some(Box::new(watch));
        Ok(())
    })
}

impl Watch {
    /// What an event means, each of which is told for itself: a name that comes back with another name here went, came and changed.
    fn meanings(&self, event: &Event<'_>) -> Vec<DirectoryNotice> {
        if event.bits.contains(WatchBits::MOVED_FROM) {
            self.cookie.store(event.cookie, Ordering::Relaxed);
        }
        let came_back =
            event.bits.contains(WatchBits::MOVED_TO) && self.cookie.load(Ordering::Relaxed) == event.cookie;
        let table = [
            (event.bits.contains(WatchBits::ACCESS), DirectoryNotice::ACCESS),
            (event.bits.contains(WatchBits::MODIFY), DirectoryNotice::MODIFY),
            (event.bits.contains(WatchBits::ATTRIB), DirectoryNotice::ATTRIB),
            (event.bits.intersects(WatchBits::CREATE | WatchBits::MOVED_TO), DirectoryNotice::CREATE),
            (event.bits.intersects(WatchBits::DELETE | WatchBits::MOVED_FROM), DirectoryNotice::DELETE),
            (came_back, DirectoryNotice::RENAME),
        ];
        table.into_iter().filter(|(happened, _)| *happened).map(|(_, notice)| notice).collect()
    }

    /// Whether this is wanted. What is wanted once is forgotten.
    fn wants(&self, meaning: DirectoryNotice) -> bool {
        let mut notice = self.notice.lock();
        let wanted = notice.intersects(meaning);
        if wanted && !notice.contains(DirectoryNotice::MULTISHOT) {
            *notice = DirectoryNotice::empty();
        }
        wanted
    }
}

impl Observer for Watch {
    fn happened(&self, _: &Arc<Mark>, event: &Event<'_>) {
        for meaning in self.meanings(event) {
            if self.wants(meaning) {
                self.messages.lock().tell();
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(mark) = self.mark.get_mut().take() {
            notify::remove(&mark);
        }
    }
}
