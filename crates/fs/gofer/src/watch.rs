//! What others do to files that somebody here watches (inotify(7)): decision 20.
//!
//! The gofer watches on the host, and lends the descriptor that the events are read from. What this filesystem does itself the host tells as well, and the VFS has
//! told it already: so a change that is under way here is known ([`Own`]), and what the host tells of it is passed over.
//!
//! Lock order: `telling` before `state`. Neither is held while the server is asked, but `telling` for whether a file is gone.

mod own;

use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use abi::Errno;
use abi::inotify::{InotifyEvent, WatchBits};
use ninep::message::{Tunwatch, Twatch};
use own::Own;
pub(crate) use own::Place;
use parking_lot::Mutex;
use vfs::InodeRef;
use vfs::notify::{self, Event};

use crate::filesystem::{Caching, Shared};
use crate::inode::Node;

/// Bytes of events that are read at a time.
const PIECE: usize = 16 << 10;
/// Marks the numbers that pair the halves of the host's renames: the VFS's own count from 1.
const HOSTS: u32 = 1 << 31;

/// Whoever waits for the host's descriptors: calls `read` whenever the descriptor has something to be read, until what it returns is dropped.
pub type Follow =
    Box<dyn Fn(&Arc<OwnedFd>, Box<dyn Fn() + Send + Sync>) -> Result<Kept, Errno> + Send + Sync>;

/// What lasts as long as it is kept.
pub type Kept = Box<dyn Any + Send + Sync>;

/// What one filesystem watches.
#[derive(Default)]
pub(crate) struct Watches {
    /// How many files. While there are none a change costs one load.
    count: AtomicUsize,
    state: Mutex<State>,
    /// Events are told in their order.
    telling: Mutex<()>,
    pub(crate) follow: OnceLock<Follow>,
}

#[derive(Default)]
struct State {
    events: Option<Arc<OwnedFd>>,
    followed: Option<Kept>,
    nodes: HashMap<u32, Weak<Node>>,
    own: Vec<(u64, Own)>,
    next: u64,
}

/// How a file is watched.
#[derive(Default)]
pub(crate) struct Watch {
    /// Who wants to hear of it.
    wanted: usize,
    /// What the server calls it.
    number: Option<u32>,
}

/// Something that has happened to a file that is watched, or to a name in it.
struct Told {
    node: Arc<Node>,
    bits: WatchBits,
    cookie: u32,
    name: Option<Box<[u8]>>,
}

impl Node {
    /// See [`vfs::Inode::watch`]. Where nobody else changes the files, and where the server cannot watch, there is nothing to be heard.
    pub(crate) fn begin_watch(&self) -> Result<(), Errno> {
        if self.shared.caching == Caching::Exclusive {
            return Ok(());
        }
        let mut watch = self.watch.lock();
        if watch.wanted == 0 {
            watch.number = match self.ask_to_watch() {
                Ok(number) => Some(number),
                Err(Errno::ENOSPC | Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM) => {
                    return Err(Errno::ENOSPC);
                }
                // What the server may not read, or a server that does not know how.
                Err(_) => None,
            };
        }
        watch.wanted += 1;
        Ok(())
    }

    fn ask_to_watch(&self) -> Result<u32, Errno> {
        let this = self.shared.known(self.path).ok_or(Errno::ESTALE)?;
        let request = Twatch { fid: self.fid()?.number() };
        let (number, events) = self.shared.client.call_with_descriptor(&request, |reply| reply.watch)?;
        self.shared.watches.add(&self.shared, number, &this, events)?;
        Ok(number)
    }

    /// See [`vfs::Inode::unwatch`].
    pub(crate) fn end_watch(&self) {
        let mut watch = self.watch.lock();
        watch.wanted = watch.wanted.saturating_sub(1);
        if watch.wanted > 0 {
            return;
        }
        if let Some(number) = watch.number.take() {
            self.shared.watches.remove(number);
            // The server may be gone.
            let _ = self.shared.client.call(&Tunwatch { watch: number }, |_| ());
        }
    }
}

impl Watches {
    fn add(
        &self,
        shared: &Arc<Shared>,
        number: u32,
        node: &Arc<Node>,
        events: Option<OwnedFd>,
    ) -> Result<(), Errno> {
        let mut state = self.state.lock();
        if let Some(events) = events {
            let events = Arc::new(events);
            let filesystem = Arc::downgrade(shared);
            let read: Box<dyn Fn() + Send + Sync> = Box::new(move || {
                if let Some(shared) = filesystem.upgrade() {
                    shared.watches.tell();
                }
            });
            // Who follows may look at once, but on another thread.
            state.followed = self.follow.get().map(|follow| follow(&events, read)).transpose()?;
            state.events = Some(events);
        }
        if state.nodes.insert(number, Arc::downgrade(node)).is_none() {
            self.count.fetch_add(1, Ordering::Release);
        }
        Ok(())
    }

    fn remove(&self, number: u32) {
        if self.state.lock().nodes.remove(&number).is_some() {
            self.count.fetch_sub(1, Ordering::Release);
        }
    }

    /// Tells of all that has happened until now.
    pub(crate) fn tell(&self) {
        let _telling = self.telling.lock();
        // Told without the state, which whoever hears of it may need: to watch no more.
        let mut all = VecDeque::from(self.state.lock().read());
        while let Some(told) = all.pop_front() {
            told.tell();
            if !told.may_be_the_end() || !notify::is_gone(&told.inode()) {
                continue;
            }
            // Of a file that is gone its own events come first, which may have been read before it went.
            all.extend(self.state.lock().read());
            if !all.iter().any(|later| later.is_of_itself() && Arc::ptr_eq(&later.node, &told.node)) {
                Told { bits: WatchBits::DELETE_SELF, ..told }.tell();
            }
        }
    }

    /// A change is about to be made here.
    fn begin(&self, own: Own) -> u64 {
        self.tell();
        let mut state = self.state.lock();
        let id = state.next;
        state.next = id.wrapping_add(1);
        state.own.push((id, own));
        id
    }

    /// It was made: the host has told of it by now.
    fn end(&self, id: u64) {
        self.tell();
        self.state.lock().own.retain(|(other, _)| *other != id);
    }
}

impl State {
    /// Reads what has happened, without what was done here.
    fn read(&mut self) -> Vec<Told> {
        let mut all = Vec::new();
        let Some(events) = self.events.clone() else { return all };
        let mut buffer = vec![0; PIECE];
        // Nothing is left, or the descriptor is of no use any more.
        while let Ok(count @ 1..) = rustix::io::read(&*events, &mut *buffer) {
            let mut rest = buffer.get(..count).unwrap_or_default();
            while let Some((event, behind)) = InotifyEvent::first(rest) {
                rest = behind;
                self.take(&event, &mut all);
            }
        }
        all
    }

    fn take(&mut self, event: &InotifyEvent<'_>, into: &mut Vec<Told>) {
        let name = Some(event.name).filter(|name| !name.is_empty());
        let told = |node| {
            let (bits, cookie) = (event.bits, if event.cookie == 0 { 0 } else { event.cookie | HOSTS });
            Told { node, bits, cookie, name: name.map(Box::from) }
        };
        if event.bits.contains(WatchBits::Q_OVERFLOW) {
            into.extend(self.nodes.values().filter_map(Weak::upgrade).map(told));
            return;
        }
        let number = event.watch.cast_unsigned();
        let Some(node) = self.nodes.get(&number).and_then(Weak::upgrade) else { return };
        if !self.own.iter().any(|(_, own)| own.is(&node, event.bits, name)) {
            // That a directory goes nobody is told who holds it, as the server does: but who watches where it lies hears of the name.
            let directory = event.bits.contains(WatchBits::DELETE | WatchBits::ISDIR);
            let gone = name.filter(|_| directory).and_then(|name| self.at(&node, name));
            into.push(told(node));
            into.extend(gone.map(|node| Told { node, bits: WatchBits::DELETE_SELF, cookie: 0, name: None }));
        }
    }

    /// The watched file of this name.
    fn at(&self, directory: &Node, name: &[u8]) -> Option<Arc<Node>> {
        let mut all = self.nodes.values().filter_map(Weak::upgrade);
        all.find(|node| node.seen.lock().as_ref().is_some_and(|seen| seen.is(directory.path, name)))
    }
}

impl Told {
    fn inode(&self) -> InodeRef {
        Arc::clone(&self.node) as InodeRef
    }

    const fn is_of_itself(&self) -> bool {
        self.name.is_none()
    }

    /// Whether a file may have lost its last link. A directory tells nobody.
    fn may_be_the_end(&self) -> bool {
        self.is_of_itself() && self.bits.contains(WatchBits::ATTRIB) && !self.bits.contains(WatchBits::ISDIR)
    }

    fn tell(&self) {
        if self.is_of_itself() {
            self.node.changed();
        } else {
            self.node.names_changed();
        }
        let event = Event { bits: self.bits, cookie: self.cookie, name: self.name.as_deref() };
        notify::from_elsewhere(&self.inode(), &event);
    }
}
