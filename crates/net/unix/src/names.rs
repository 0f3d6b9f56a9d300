//! Who is bound to which name.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::{Arc, Weak};

use abi::Errno;
use parking_lot::Mutex;
use socket::{Kind, SocketInode, UnixAddress};

use crate::state::Inner;

/// Sockets bound to inodes, in the whole sandbox.
#[derive(Default)]
pub(crate) struct PathNames {
    bound: Mutex<HashMap<SocketInode, Weak<Inner>>>,
}

/// Sockets bound to abstract names, in one network namespace. Each type has its own names.
#[derive(Default)]
pub(crate) struct AbstractNames {
    bound: Mutex<Abstracts>,
}

#[derive(Default)]
struct Abstracts {
    sockets: HashMap<(Kind, Arc<[u8]>), Weak<Inner>>,
    next: u32,
}

/// Automatic names are five hexadecimal digits.
const AUTOMATIC_NAMES: u32 = 1 << 20;

/// The names that a socket can see.
pub(crate) struct Names {
    pub(crate) paths: Arc<PathNames>,
    pub(crate) abstracts: Arc<AbstractNames>,
}

impl Names {
    /// Enters a name.
    ///
    /// # Errors
    /// `EADDRINUSE` for an abstract name that is taken, `EINVAL` for a path without its inode.
    pub(crate) fn bind(&self, name: &UnixAddress, socket: &Arc<Inner>) -> Result<(), Errno> {
        match name {
            UnixAddress::Unnamed => Err(Errno::EINVAL),
            UnixAddress::Path { inode, .. } => {
                // The inode was just made for this socket: whatever was bound to its number before is gone.
                let inode = inode.ok_or(Errno::EINVAL)?;
                self.paths.bound.lock().insert(inode, Arc::downgrade(socket));
                Ok(())
            }
            UnixAddress::Abstract(name) => {
                let key = (socket.core.kind, Arc::clone(name));
                let mut table = self.abstracts.bound.lock();
                if table.sockets.contains_key(&key) {
                    return Err(Errno::EADDRINUSE);
                }
                table.sockets.insert(key, Arc::downgrade(socket));
                Ok(())
            }
        }
    }

    /// Chooses an abstract name.
    ///
    /// # Errors
    /// `ENOSPC` if all are taken.
    pub(crate) fn bind_automatically(&self, socket: &Arc<Inner>) -> Result<UnixAddress, Errno> {
        let mut table = self.abstracts.bound.lock();
        for _ in 0..AUTOMATIC_NAMES {
            let name: Arc<[u8]> = format!("{:05x}", table.next).into_bytes().into();
            table.next = table.next.wrapping_add(1) % AUTOMATIC_NAMES;
            if let Entry::Vacant(entry) = table.sockets.entry((socket.core.kind, Arc::clone(&name))) {
                entry.insert(Arc::downgrade(socket));
                return Ok(UnixAddress::Abstract(name));
            }
        }
        Err(Errno::ENOSPC)
    }

    /// Forgets the name of a socket that closes. One that was accepted only shows its listener's, and leaves it alone.
    pub(crate) fn release(&self, name: &UnixAddress, socket: &Arc<Inner>) {
        match name {
            UnixAddress::Unnamed | UnixAddress::Path { inode: None, .. } => {}
            UnixAddress::Path { inode: Some(inode), .. } => {
                remove_own(&mut self.paths.bound.lock(), inode, socket);
            }
            UnixAddress::Abstract(name) => {
                let key = (socket.core.kind, Arc::clone(name));
                remove_own(&mut self.abstracts.bound.lock().sockets, &key, socket);
            }
        }
    }

    /// The socket bound to a name.
    ///
    /// # Errors
    /// `ECONNREFUSED` if there is none, `EPROTOTYPE` if it is of another type, `EINVAL` for the address that is none.
    pub(crate) fn find(&self, name: &UnixAddress, kind: Kind) -> Result<Arc<Inner>, Errno> {
        let found = match name {
            UnixAddress::Unnamed => return Err(Errno::EINVAL),
            UnixAddress::Path { inode, .. } => {
                let inode = inode.ok_or(Errno::ECONNREFUSED)?;
                self.paths.bound.lock().get(&inode).and_then(Weak::upgrade)
            }
            UnixAddress::Abstract(name) => {
                let key = (kind, Arc::clone(name));
                self.abstracts.bound.lock().sockets.get(&key).and_then(Weak::upgrade)
            }
        };
        let socket = found.ok_or(Errno::ECONNREFUSED)?;
        if socket.core.kind == kind { Ok(socket) } else { Err(Errno::EPROTOTYPE) }
    }
}

fn remove_own<K: Eq + Hash>(table: &mut HashMap<K, Weak<Inner>>, key: &K, socket: &Arc<Inner>) {
    if table.get(key).is_some_and(|bound| bound.as_ptr() == Arc::as_ptr(socket)) {
        table.remove(key);
    }
}
