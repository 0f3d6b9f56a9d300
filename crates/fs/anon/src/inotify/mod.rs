//! inotify(7): changes of files as events to read.

mod queue;

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Weak};

use abi::Errno;
use abi::inotify::WatchBits;
use abi::ioctl::FIONREAD;
use parking_lot::Mutex;
use vfs::notify::{self, Event, InodeId, Mark, Observer};
use vfs::{Attributes, Events, File, IoctlContext, Path, Sink, WaitQueue};

use queue::Queue;

/// Instances that a user may have: `max_user_instances`.
const INSTANCES_MAX: usize = 128;

/// Watches that /proc/PID/fdinfo shows at most.
const DETAILS_MAX: usize = 16_384;

static INSTANCES: LazyLock<Mutex<BTreeMap<u32, usize>>> = LazyLock::new(Mutex::default);

/// An instance: what it watches, and what has happened.
pub struct Inotify {
    this: Weak<Self>,
    user: u32,
    state: Mutex<State>,
    readiness: Arc<WaitQueue>,
}

#[derive(Default)]
struct State {
    watches: BTreeMap<i32, Arc<Mark>>,
    last: i32,
    queue: Queue,
}

impl State {
    /// The next number for a watch: they go up, and start again only when they are used up.
    fn next(&self) -> Result<i32, Errno> {
        let after = self.last.checked_add(1).unwrap_or(1);
        (after..=i32::MAX).chain(1..after).find(|id| !self.watches.contains_key(id)).ok_or(Errno::ENOSPC)
    }
}

impl Inotify {
    /// An instance of a user.
    ///
    /// # Errors
    /// `EMFILE` if the user has too many.
    pub fn new(user: u32) -> Result<Arc<Self>, Errno> {
        let mut instances = INSTANCES.lock();
        let count = instances.entry(user).or_default();
        if *count >= INSTANCES_MAX {
            return Err(Errno::EMFILE);
        }
        *count += 1;
        drop(instances);
        let readiness = WaitQueue::new();
        Ok(Arc::new_cyclic(|this| Self { this: Weak::clone(this), user, state: Mutex::default(), readiness }))
    }

    /// inotify_add_watch(2), once the path is found. Returns the watch.
    ///
    /// # Errors
    /// `EEXIST` with `MASK_CREATE` if the inode is watched already, `ENOSPC` with too many watches.
    pub fn watch(&self, path: &Path, bits: WatchBits) -> Result<i32, Errno> {
        let how = WatchBits::EXCL_UNLINK | WatchBits::ONESHOT;
        let kept = bits & (WatchBits::EVENTS | how);
        let inode = InodeId::of(path.dentry.inode_ref());
        let mut state = self.state.lock();
        if let Some((id, mark)) = state.watches.iter().find(|(_, mark)| mark.inode() == inode) {
            if bits.contains(WatchBits::MASK_CREATE) {
                return Err(Errno::EEXIST);
            }
            let add = bits.contains(WatchBits::MASK_ADD);
            mark.set_bits(if add { mark.bits() | kept } else { kept });
            return Ok(*id);
        }
        let id = state.next()?;
        let this: Weak<dyn Observer> = Weak::clone(&self.this) as _;
        let mark = notify::add(&path.dentry, id, kept, this)?;
        state.last = id;
        state.watches.insert(id, mark);
        Ok(id)
    }

    /// inotify_rm_watch(2).
    ///
    /// # Errors
    /// `EINVAL` if there is no such watch.
    pub fn remove(&self, watch: i32) -> Result<(), Errno> {
        let mark = self.state.lock().watches.get(&watch).cloned().ok_or(Errno::EINVAL)?;
        self.end(&mark);
        Ok(())
    }

    fn end(&self, mark: &Arc<Mark>) {
        if notify::remove(mark) {
            self.happened(mark, &Event { bits: WatchBits::IGNORED, cookie: 0, name: None });
        }
    }
}

impl Drop for Inotify {
    fn drop(&mut self) {
        for mark in std::mem::take(&mut self.state.get_mut().watches).values() {
            notify::remove(mark);
        }
        let mut instances = INSTANCES.lock();
        if let Some(count) = instances.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                instances.remove(&self.user);
            }
        }
    }
}

impl Observer for Inotify {
    fn happened(&self, mark: &Arc<Mark>, event: &Event<'_>) {
        let ended = event.bits.contains(WatchBits::IGNORED);
        let queued = {
            let mut state = self.state.lock();
            if ended {
                state.watches.remove(&mark.id);
            }
            state.queue.push(mark.id, event)
        };
        if queued {
            self.readiness.notify(Events::IN | Events::RDNORM);
        }
        if !ended && mark.bits().contains(WatchBits::ONESHOT) {
            self.end(mark);
        }
    }
}

impl File for Inotify {
    fn read(&self, _: u64, into: &mut dyn Sink) -> Result<usize, Errno> {
        self.state.lock().queue.read(into)
    }

    fn seekable(&self) -> bool {
        false
    }

    fn poll(&self) -> Events {
        let waiting = self.state.lock().queue.bytes() > 0;
        if waiting { Events::IN | Events::RDNORM } else { Events::empty() }
    }

    fn readiness(&self) -> Option<&Arc<WaitQueue>> {
        Some(&self.readiness)
    }

    fn signals_readiness(&self) -> bool {
        true
    }

    fn ioctl(&self, context: &dyn IoctlContext, request: u32, argument: u64) -> Result<u64, Errno> {
        if request != FIONREAD {
            return Err(Errno::ENOTTY);
        }
        let bytes = i32::try_from(self.state.lock().queue.bytes()).unwrap_or(i32::MAX);
        context.write(argument, &bytes.to_ne_bytes())?;
        Ok(0)
    }

    fn attributes(&self) -> Result<Attributes, Errno> {
        Ok(crate::attributes())
    }

    fn description(&self) -> String {
        String::from("anon_inode:inotify")
    }

    /// The newest first.
    fn details(&self) -> String {
        let marks: Vec<Arc<Mark>> =
            self.state.lock().watches.values().rev().take(DETAILS_MAX).cloned().collect();
        let line = |mark: &Arc<Mark>| {
            let (inode, device) = mark.place().unwrap_or_default();
            let device = (device.major << 20) | device.minor;
            let (id, bits) = (mark.id, mark.bits().bits());
            format!("inotify wd:{id:x} ino:{inode:x} sdev:{device:x} mask:{bits:x} ignored_mask:0 \n")
        };
        marks.iter().map(line).collect()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
