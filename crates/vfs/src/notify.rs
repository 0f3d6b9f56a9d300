//! Who wants to hear of changes to files: what inotify(7) is made from.
//!
//! A mark is on an inode, and keeps the dentry that it was made through, so that the inode that others reach by name stays the same object. What happens to
//! a file is told to the marks on it, and, with the file's name, to those on its directory. While there is no mark at all this costs one load.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Weak};

use abi::Errno;
use abi::inotify::WatchBits;
use hashbrown::HashMap;
use parking_lot::{Mutex, RwLock};

use crate::dentry::Dentry;
use crate::{AttributeChange, Device, FileKind, InodeRef};

/// How many marks there may be: `max_user_watches`.
pub const MARKS_MAX: usize = 65_536;

/// Hears of what happens to marked inodes.
pub trait Observer: Send + Sync {
    /// Something has happened. Locks of the VFS may be held: it must not call back.
    fn happened(&self, mark: &Arc<Mark>, event: &Event<'_>);
}

/// What has happened.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// What, and whether to a directory.
    pub bits: WatchBits,
    /// The same for both halves of a rename, else 0.
    pub cookie: u32,
    /// The name in the marked directory; nothing if it is the marked inode itself.
    pub name: Option<&'a [u8]>,
}

/// Somebody's interest in an inode.
pub struct Mark {
    /// How the observer knows it.
    pub id: i32,
    bits: Mutex<WatchBits>,
    target: Arc<Dentry>,
    observer: Weak<dyn Observer>,
}

impl Mark {
    /// What is of interest, and how.
    #[must_use]
    pub fn bits(&self) -> WatchBits {
        *self.bits.lock()
    }

    /// Changes what is of interest.
    pub fn set_bits(&self, bits: WatchBits) {
        *self.bits.lock() = bits;
    }

    /// What it is on: the inode's number and its filesystem's.
    ///
    /// # Errors
    /// Those of asking for attributes.
    pub fn place(&self) -> Result<(u64, Device), Errno> {
        let inode = self.target.inode_ref();
        Ok((inode.attributes()?.inode, inode.filesystem().device()))
    }

    /// Which inode.
    #[must_use]
    pub fn inode(&self) -> InodeId {
        InodeId::of(self.target.inode_ref())
    }
}

/// An inode object that somebody holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InodeId(usize);

impl InodeId {
    /// Of this one.
    #[must_use]
    pub fn of(inode: &InodeRef) -> Self {
        Self(Arc::as_ptr(inode).cast::<()>().addr())
    }
}

#[derive(Default)]
struct Marks {
    count: AtomicUsize,
    by_inode: RwLock<HashMap<InodeId, Vec<Arc<Mark>>>>,
}

static MARKS: LazyLock<Marks> = LazyLock::new(Marks::default);
static COOKIE: AtomicU32 = AtomicU32::new(1);

/// Marks an inode.
///
/// # Errors
/// `ENOSPC` if there are too many marks, also of files that a server has to watch.
pub fn add(
    target: &Arc<Dentry>,
    id: i32,
    bits: WatchBits,
    observer: Weak<dyn Observer>,
) -> Result<Arc<Mark>, Errno> {
    let mark = Arc::new(Mark { id, bits: Mutex::new(bits), target: Arc::clone(target), observer });
    let mut all = MARKS.by_inode.write();
    if MARKS.count.load(Ordering::Relaxed) >= MARKS_MAX {
        return Err(Errno::ENOSPC);
    }
    MARKS.count.fetch_add(1, Ordering::Relaxed);
    all.entry(mark.inode()).or_default().push(Arc::clone(&mark));
    drop(all);
    // From now on it is told of what happens, whoever does it; a server may take a while for that.
    if let Err(error) = target.inode_ref().watch() {
        forget(&mark);
        return Err(error);
    }
    Ok(mark)
}

/// Removes a mark. Whether it was there.
pub fn remove(mark: &Arc<Mark>) -> bool {
    let removed = forget(mark);
    if removed {
        mark.target.inode_ref().unwatch();
    }
    removed
}

fn forget(mark: &Arc<Mark>) -> bool {
    let mut all = MARKS.by_inode.write();
    let Some(marks) = all.get_mut(&mark.inode()) else { return false };
    let Some(at) = marks.iter().position(|other| Arc::ptr_eq(other, mark)) else { return false };
    let removed = marks.swap_remove(at);
    if marks.is_empty() {
        all.remove(&mark.inode());
    }
    MARKS.count.fetch_sub(1, Ordering::Relaxed);
    drop(all);
    drop(removed);
    true
}

/// What is told whatever was wanted.
const ALWAYS: WatchBits = WatchBits::ISDIR.union(WatchBits::UNMOUNT).union(WatchBits::Q_OVERFLOW);

fn idle() -> bool {
    MARKS.count.load(Ordering::Relaxed) == 0
}

fn marks_of(inode: &InodeRef) -> Vec<Arc<Mark>> {
    MARKS.by_inode.read().get(&InodeId::of(inode)).cloned().unwrap_or_default()
}

fn tell(inode: &InodeRef, event: &Event<'_>, unlinked: bool) {
    for mark in marks_of(inode) {
        let wanted = mark.bits();
        let left_out = unlinked && event.name.is_some() && wanted.contains(WatchBits::EXCL_UNLINK);
        let bits = event.bits & (wanted | ALWAYS);
        if left_out || bits.difference(WatchBits::ISDIR).is_empty() {
            continue;
        }
        if let Some(observer) = mark.observer.upgrade() {
            observer.happened(&mark, &Event { bits, ..*event });
        }
    }
}

fn with_kind(dentry: &Dentry, bits: WatchBits) -> WatchBits {
    let directory = dentry.inode_ref().kind() == FileKind::Directory;
    if directory { bits | WatchBits::ISDIR } else { bits }
}

/// Something happened to a file that is told to its directory too.
pub(crate) fn file(dentry: &Dentry, bits: WatchBits) {
    if idle() {
        return;
    }
    let bits = with_kind(dentry, bits);
    if let (Some(parent), name) = dentry.place() {
        let event = Event { bits, cookie: 0, name: Some(&name) };
        tell(parent.inode_ref(), &event, dentry.is_deleted());
    }
    tell(dentry.inode_ref(), &Event { bits, cookie: 0, name: None }, false);
}

/// Something happened to an inode alone.
fn inode(inode: &InodeRef, bits: WatchBits) {
    tell(inode, &Event { bits, cookie: 0, name: None }, false);
}

/// The text of a file has changed by itself, as files of control groups do.
pub fn modified(target: &InodeRef) {
    if !idle() {
        inode(target, WatchBits::MODIFY);
    }
}

/// The same, for those who watch its directory.
pub fn modified_in(directory: &InodeRef, name: &[u8]) {
    if !idle() {
        tell(directory, &Event { bits: WatchBits::MODIFY, cookie: 0, name: Some(name) }, false);
    }
}

/// A name was made in a directory.
pub(crate) fn made(directory: &Dentry, name: &[u8], made: &Dentry) {
    if !idle() {
        let event = Event { bits: with_kind(made, WatchBits::CREATE), cookie: 0, name: Some(name) };
        tell(directory.inode_ref(), &event, false);
    }
}

/// A file has a link more.
pub(crate) fn linked(target: &InodeRef) {
    if !idle() {
        inode(target, WatchBits::ATTRIB);
    }
}

/// A name was removed from a directory.
pub(crate) fn removed(directory: &Dentry, victim: &Dentry) {
    if idle() {
        return;
    }
    let is_directory = victim.inode_ref().kind() == FileKind::Directory;
    if is_directory {
        perhaps_gone(victim);
    } else {
        inode(victim.inode_ref(), WatchBits::ATTRIB);
    }
    let name = victim.name();
    let event = Event { bits: with_kind(victim, WatchBits::DELETE), cookie: 0, name: Some(&name) };
    tell(directory.inode_ref(), &event, false);
    if !is_directory {
        perhaps_gone(victim);
    }
}

/// Attributes were changed.
pub(crate) fn changed(dentry: &Dentry, change: &AttributeChange) {
    if idle() {
        return;
    }
    let mut bits = WatchBits::empty();
    bits.set(WatchBits::MODIFY, change.size.is_some());
    let owned = change.uid.is_some() || change.gid.is_some();
    if owned || change.mode.is_some() && change.size.is_none() {
        bits |= WatchBits::ATTRIB;
    }
    bits |= match (change.accessed.is_some(), change.modified.is_some()) {
        (true, true) => WatchBits::ATTRIB,
        (true, false) => WatchBits::ACCESS,
        (false, true) => WatchBits::MODIFY,
        (false, false) => WatchBits::empty(),
    };
    if !bits.is_empty() {
        file(dentry, bits);
    }
}

/// One half of a rename: `dentry` was `name` in `from` and has its new place.
pub(crate) fn moved(dentry: &Dentry, from: &Dentry, name: &[u8], replaced: Option<&Dentry>) {
    if idle() {
        return;
    }
    let cookie = COOKIE.fetch_add(1, Ordering::Relaxed);
    let event = Event { bits: with_kind(dentry, WatchBits::MOVED_FROM), cookie, name: Some(name) };
    tell(from.inode_ref(), &event, false);
    if let (Some(to), name) = dentry.place() {
        let event = Event { bits: with_kind(dentry, WatchBits::MOVED_TO), cookie, name: Some(&name) };
        tell(to.inode_ref(), &event, false);
    }
    if let Some(replaced) = replaced.filter(|r| r.inode_ref().kind() != FileKind::Directory) {
        inode(replaced.inode_ref(), WatchBits::ATTRIB);
    }
    inode(dentry.inode_ref(), WatchBits::MOVE_SELF);
    if let Some(replaced) = replaced {
        perhaps_gone(replaced);
    }
}

/// A description of the file ends.
pub(crate) fn closed(dentry: &Dentry, wrote: bool) {
    if idle() {
        return;
    }
    file(dentry, if wrote { WatchBits::CLOSE_WRITE } else { WatchBits::CLOSE_NOWRITE });
    if dentry.is_deleted() {
        perhaps_gone(dentry);
    }
}

/// A file without links that nobody has open is gone.
fn perhaps_gone(dentry: &Dentry) {
    let inode_ref = dentry.inode_ref();
    if dentry.opens.load(Ordering::Relaxed) > 0 || marks_of(inode_ref).is_empty() {
        return;
    }
    let directory = inode_ref.kind() == FileKind::Directory;
    if directory || inode_ref.attributes().is_ok_and(|a| a.links == 0) {
        end(marks_of(inode_ref), WatchBits::DELETE_SELF);
    }
}

/// What somebody else has done to a file that a filesystem was asked to [`crate::Inode::watch`].
pub fn from_elsewhere(inode: &InodeRef, event: &Event<'_>) {
    if event.name.is_none() && event.bits.contains(WatchBits::DELETE_SELF) {
        end(marks_of(inode), WatchBits::DELETE_SELF);
    } else {
        tell(inode, event, false);
    }
}

/// Whether a file that is watched, and that others may remove, has no links left and nobody here has it open.
#[must_use]
pub fn is_gone(inode: &InodeRef) -> bool {
    let marks = marks_of(inode);
    let open = marks.iter().any(|mark| mark.target.opens.load(Ordering::Relaxed) > 0);
    !open && !marks.is_empty() && inode.attributes().is_ok_and(|a| a.links == 0)
}

/// A filesystem is mounted nowhere any more.
pub(crate) fn unmounted(root: &Arc<Dentry>) {
    if idle() {
        return;
    }
    let all: Vec<Arc<Mark>> = MARKS.by_inode.read().values().flatten().cloned().collect();
    end(all.into_iter().filter(|mark| mark.target.is_within(root)), WatchBits::UNMOUNT);
}

/// The last event of these marks: every observer hears that they are gone, whatever it wanted.
fn end(marks: impl IntoIterator<Item = Arc<Mark>>, bits: WatchBits) {
    for mark in marks {
        let wanted = mark.bits() | WatchBits::UNMOUNT;
        let Some(observer) = mark.observer.upgrade() else { continue };
        if wanted.contains(bits) {
            let shown = if bits == WatchBits::UNMOUNT { with_kind(&mark.target, bits) } else { bits };
            observer.happened(&mark, &Event { bits: shown, cookie: 0, name: None });
        }
        if remove(&mark) {
            observer.happened(&mark, &Event { bits: WatchBits::IGNORED, cookie: 0, name: None });
        }
    }
}
