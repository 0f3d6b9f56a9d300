//! Descriptors on their way from one socket to another: how many, and which of them are sockets themselves.
//!
//! A socket whose only references lie in queues that nobody can reach is garbage. Finding it needs the table kept here; the family
//! that passes descriptors does the search. The table is exact as long as whoever puts a file into a queue or takes it out holds a
//! reference of its own meanwhile: then a file that has no more references than the table counts is in queues only.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Weak};

use abi::Errno;
use abi::socket::family::SCM_MAX_FD;
use parking_lot::Mutex;
use vfs::OpenFile;

use crate::SocketFile;

/// The most descriptors that all users of a sandbox may have in flight together, privileged or not.
const IN_FLIGHT_MAX: usize = 1 << 16;

/// The descriptors in flight in one sandbox.
#[derive(Default)]
pub struct Flight {
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    total: usize,
    users: HashMap<u32, usize>,
    sockets: HashMap<u64, Entry>,
}

struct Entry {
    file: Weak<OpenFile>,
    count: usize,
}

/// Files in a queue.
pub struct Rights {
    files: Vec<Arc<OpenFile>>,
    user: u32,
    flight: Arc<Flight>,
}

impl core::fmt::Debug for Rights {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.files.iter().map(|file| file.id)).finish()
    }
}

impl Flight {
    /// Puts files into flight for a user, who may have `limit` there unless privileged. The caller keeps its own references until
    /// the message is in its queue.
    ///
    /// # Errors
    /// `ETOOMANYREFS` over the limit, `EINVAL` for more than one message may carry.
    pub fn launch(
        self: &Arc<Self>,
        files: &[Arc<OpenFile>],
        user: u32,
        limit: Option<usize>,
    ) -> Result<Rights, Errno> {
        if files.len() > SCM_MAX_FD {
            return Err(Errno::EINVAL);
        }
        let mut table = self.table.lock();
        let mine = table.users.get(&user).copied().unwrap_or(0);
        if limit.is_some_and(|limit| mine > limit) || table.total.saturating_add(files.len()) > IN_FLIGHT_MAX
        {
            return Err(Errno::ETOOMANYREFS);
        }
        table.total = table.total.saturating_add(files.len());
        table.users.insert(user, mine.saturating_add(files.len()));
        for file in files.iter().filter(|f| SocketFile::of(f).is_some()) {
            let entry = table
                .sockets
                .entry(file.id)
                .or_insert_with(|| Entry { file: Arc::downgrade(file), count: 0 });
            entry.count = entry.count.saturating_add(1);
        }
        drop(table);
        Ok(Rights { files: files.to_vec(), user, flight: Arc::clone(self) })
    }

    /// Whether any socket is in flight.
    #[must_use]
    pub fn has_sockets(&self) -> bool {
        !self.table.lock().sockets.is_empty()
    }

    /// Gives `search` the sockets that have no reference but in queues, each with how many those are. Nothing enters
    /// or leaves the table meanwhile.
    pub fn candidates<R>(&self, search: impl FnOnce(HashMap<u64, (Arc<OpenFile>, usize)>) -> R) -> R {
        let table = self.table.lock();
        let unreferenced = |(id, entry): (&u64, &Entry)| {
            let file = entry.file.upgrade()?;
            is_unreferenced(&file, entry.count).then_some((*id, (file, entry.count)))
        };
        search(table.sockets.iter().filter_map(unreferenced).collect())
    }

    fn land(&self, files: &[Arc<OpenFile>], user: u32) {
        let mut table = self.table.lock();
        table.total = table.total.saturating_sub(files.len());
        if let Some(count) = table.users.get_mut(&user) {
            *count = count.saturating_sub(files.len());
            if *count == 0 {
                table.users.remove(&user);
            }
        }
        for file in files {
            if let Some(entry) = table.sockets.get_mut(&file.id) {
                entry.count = entry.count.saturating_sub(1);
                if entry.count == 0 {
                    table.sockets.remove(&file.id);
                }
            }
        }
    }
}

/// Whether nobody but `queued` places in queues, and the caller with this one reference, refers to the file.
#[must_use]
pub fn is_unreferenced(file: &Arc<OpenFile>, queued: usize) -> bool {
    Arc::strong_count(file) <= queued.saturating_add(1)
}

impl Rights {
    /// The files.
    #[must_use]
    pub fn files(&self) -> &[Arc<OpenFile>] {
        &self.files
    }

    /// Takes them out of flight.
    #[must_use]
    pub fn land(self) -> Vec<Arc<OpenFile>> {
        // Cloned before the table forgets them: see the module's rule.
        self.files.clone()
    }
}

impl Drop for Rights {
    fn drop(&mut self) {
        self.flight.land(&self.files, self.user);
        bury(std::mem::take(&mut self.files));
    }
}

thread_local! {
    /// Files to be dropped by the outermost [`bury`] of this thread.
    static GRAVES: RefCell<Option<Vec<Arc<OpenFile>>>> = const { RefCell::new(None) };
}

/// Drops files one after the other, not one within the other: a socket whose queue holds a socket whose queue holds a socket would
/// use a stack frame for each.
fn bury(files: Vec<Arc<OpenFile>>) {
    let outermost = GRAVES.with_borrow_mut(|graves| match graves {
        Some(waiting) => {
            waiting.extend(files);
            false
        }
        None => {
            *graves = Some(files);
            true
        }
    });
    if !outermost {
        return;
    }
    while let Some(file) = GRAVES.with_borrow_mut(|graves| graves.as_mut().and_then(Vec::pop)) {
        drop(file);
    }
    GRAVES.with_borrow_mut(|graves| *graves = None);
}
