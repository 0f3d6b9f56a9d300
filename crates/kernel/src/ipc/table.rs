//! Objects by id and key, and who may use them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use abi::Errno;
use abi::ipc::{IPC_CREAT, IPC_EXCL, IPC_PRIVATE, IpcPerm};
use parking_lot::Mutex;
use vfs::{Capability, Credentials, UserNamespace};

/// Ids are a place in the table plus so much for each earlier use of the place.
const PLACES: i32 = 32_768;
/// How often a place is used before its ids come again.
const USES: i32 = i32::MAX / PLACES;

/// Who an object belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ownership {
    /// The key it is found by; `IPC_PRIVATE` if it is not.
    pub key: i32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Who made it.
    pub creator_uid: u32,
    /// Of which group.
    pub creator_gid: u32,
    /// The nine bits of permission.
    pub mode: u32,
}

/// An object of a table.
pub struct Entry<T> {
    /// Its id.
    pub id: i32,
    /// Whose it is.
    pub ownership: Mutex<Ownership>,
    /// When it was made or changed, in seconds since 1970.
    pub changed: AtomicI64,
    /// Set once it cannot be found any longer.
    pub removed: AtomicBool,
    /// Whose the namespace is.
    user: Arc<UserNamespace>,
    /// The object.
    pub object: T,
}

impl<T> Entry<T> {
    /// `struct ipc_perm`, as the caller sees it.
    #[must_use]
    pub fn perm(&self, caller: &Credentials) -> IpcPerm {
        let o = *self.ownership.lock();
        IpcPerm {
            key: o.key,
            uid: caller.user.shown_uid(o.uid),
            gid: caller.user.shown_gid(o.gid),
            cuid: caller.user.shown_uid(o.creator_uid),
            cgid: caller.user.shown_gid(o.creator_gid),
            mode: o.mode,
            seq: u16::try_from(self.id / PLACES).unwrap_or(0),
            ..IpcPerm::default()
        }
    }

    /// Whether the caller has these rights (bits of 4, 2 and 1).
    ///
    /// # Errors
    /// `EACCES`.
    pub fn may(&self, caller: &Credentials, rights: u32) -> Result<(), Errno> {
        let o = *self.ownership.lock();
        let granted = if caller.euid == o.uid || caller.euid == o.creator_uid {
            o.mode >> 6
        } else if caller.in_group(o.gid) || caller.in_group(o.creator_gid) {
            o.mode >> 3
        } else {
            o.mode
        };
        let allowed = rights & !granted & 7 == 0 || caller.has_in(Capability::IpcOwner, &self.user);
        if allowed { Ok(()) } else { Err(Errno::EACCES) }
    }

    /// Whether the caller may change or remove it.
    ///
    /// # Errors
    /// `EPERM`.
    pub fn owned_by(&self, caller: &Credentials) -> Result<(), Errno> {
        let o = *self.ownership.lock();
        let owns = caller.euid == o.uid || caller.euid == o.creator_uid;
        if owns || caller.has_in(Capability::SysAdmin, &self.user) { Ok(()) } else { Err(Errno::EPERM) }
    }

    /// `IPC_SET`: owner, group and mode.
    ///
    /// # Errors
    /// `EPERM`, `EINVAL` for ids that are none.
    pub fn set_owner(&self, caller: &Credentials, new: &IpcPerm) -> Result<(), Errno> {
        self.owned_by(caller)?;
        let ids = caller.user.uid(new.uid).zip(caller.user.gid(new.gid));
        let (uid, gid) = ids.ok_or(Errno::EINVAL)?;
        let mut o = self.ownership.lock();
        (o.uid, o.gid, o.mode) = (uid, gid, new.mode & 0o777);
        self.changed.store(super::now(), Ordering::Relaxed);
        Ok(())
    }

    /// Nothing if it is still there.
    ///
    /// # Errors
    /// `EIDRM`.
    pub fn present(&self) -> Result<(), Errno> {
        if self.removed.load(Ordering::Acquire) { Err(Errno::EIDRM) } else { Ok(()) }
    }
}

/// All objects of a kind.
pub struct Table<T> {
    user: Arc<UserNamespace>,
    inner: Mutex<Inner<T>>,
}

struct Inner<T> {
    entries: BTreeMap<i32, Arc<Entry<T>>>,
    keys: BTreeMap<i32, i32>,
    next_place: i32,
    uses: i32,
    /// The id that the next object is to have; none if it is negative.
    next_id: i32,
}

impl<T> Table<T> {
    /// An empty table of a namespace that belongs to a user namespace.
    #[must_use]
    pub fn new(user: &Arc<UserNamespace>) -> Self {
        let inner =
            Inner { entries: BTreeMap::new(), keys: BTreeMap::new(), next_place: 0, uses: 0, next_id: -1 };
        Self { user: Arc::clone(user), inner: Mutex::new(inner) }
    }

    /// shmget(2), semget(2), msgget(2): finds the object of a key, after `check`, or makes one.
    ///
    /// # Errors
    /// `ENOENT`, `EEXIST`, `EACCES`, `ENOSPC` with `most` objects there, and those of `check` and `make`.
    pub fn get(
        &self,
        caller: &Credentials,
        (key, flags): (i32, i32),
        most: usize,
        check: impl FnOnce(&T) -> Result<(), Errno>,
        make: impl FnOnce(&[Arc<Entry<T>>]) -> Result<T, Errno>,
    ) -> Result<i32, Errno> {
        let mut inner = self.inner.lock();
        let found = inner.keys.get(&key).filter(|_| key != IPC_PRIVATE).copied();
        if let Some(entry) = found.and_then(|id| inner.entries.get(&id)) {
            if flags & IPC_CREAT != 0 && flags & IPC_EXCL != 0 {
                return Err(Errno::EEXIST);
            }
            check(&entry.object)?;
            let wanted = (flags >> 6 | flags >> 3 | flags).cast_unsigned() & 7;
            entry.may(caller, wanted)?;
            return Ok(entry.id);
        }
        if key != IPC_PRIVATE && flags & IPC_CREAT == 0 {
            return Err(Errno::ENOENT);
        }
        if inner.entries.len() >= most {
            return Err(Errno::ENOSPC);
        }
        let all: Vec<_> = inner.entries.values().cloned().collect();
        let object = make(&all)?;
        let id = inner.free_id();
        let ownership = Ownership {
            key,
            uid: caller.euid,
            gid: caller.egid,
            creator_uid: caller.euid,
            creator_gid: caller.egid,
            mode: flags.cast_unsigned() & 0o777,
        };
        let entry = Entry {
            id,
            ownership: Mutex::new(ownership),
            changed: AtomicI64::new(super::now()),
            removed: AtomicBool::new(false),
            user: Arc::clone(&self.user),
            object,
        };
        inner.entries.insert(id, Arc::new(entry));
        if key != IPC_PRIVATE {
            inner.keys.insert(key, id);
        }
        Ok(id)
    }

    /// The object of an id.
    ///
    /// # Errors
    /// `EINVAL` if there is none, `EIDRM` if its place is another's by now.
    pub fn find(&self, id: i32) -> Result<Arc<Entry<T>>, Errno> {
        let inner = self.inner.lock();
        if let Some(entry) = inner.entries.get(&id) {
            return Ok(Arc::clone(entry));
        }
        let reused = id >= 0 && inner.entries.keys().any(|other| other % PLACES == id % PLACES);
        Err(if reused { Errno::EIDRM } else { Errno::EINVAL })
    }

    /// The object in a place of the table, for `SHM_STAT` and its like.
    ///
    /// # Errors
    /// `EINVAL` if the place is empty.
    pub fn at(&self, place: i32) -> Result<Arc<Entry<T>>, Errno> {
        let inner = self.inner.lock();
        let found = inner.entries.values().find(|entry| entry.id % PLACES == place);
        found.cloned().ok_or(Errno::EINVAL)
    }

    /// The highest place in use; 0 for an empty table too.
    #[must_use]
    pub fn highest_place(&self) -> i32 {
        self.inner.lock().entries.keys().map(|id| id % PLACES).max().unwrap_or(0)
    }

    /// The id that the next object is to have, -1 if any will do.
    #[must_use]
    pub fn next_id(&self) -> i32 {
        self.inner.lock().next_id
    }

    /// Says which id the next object is to have. If its place is taken, the next free one is.
    pub fn set_next_id(&self, id: i32) {
        self.inner.lock().next_id = id;
    }

    /// All objects, by id.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Entry<T>>> {
        self.inner.lock().entries.values().cloned().collect()
    }

    /// Takes an object out, so that nobody finds it any longer.
    pub fn remove(&self, entry: &Entry<T>) {
        let mut inner = self.inner.lock();
        entry.removed.store(true, Ordering::Release);
        let removed = inner.entries.remove(&entry.id);
        inner.keys.retain(|_, id| *id != entry.id);
        drop(inner);
        drop(removed);
    }

    /// It is still there, but its key is free for another.
    pub fn forget_key(&self, entry: &Entry<T>) {
        self.inner.lock().keys.retain(|_, id| *id != entry.id);
        entry.ownership.lock().key = IPC_PRIVATE;
    }
}

impl<T> Inner<T> {
    /// The next place goes up until the table's end is reached, so that ids of removed objects do not come again soon.
    fn free_id(&mut self) -> i32 {
        let wanted = std::mem::replace(&mut self.next_id, -1);
        if wanted >= 0 {
            let is_free = |place: &i32| !self.entries.keys().any(|id| id % PLACES == *place);
            if let Some(place) = (wanted % PLACES..PLACES).find(is_free) {
                return wanted / PLACES * PLACES + place;
            }
        }
        loop {
            let place = self.next_place;
            self.next_place += 1;
            if self.next_place == PLACES {
                self.next_place = 0;
                self.uses = (self.uses + 1) % USES;
            }
            if !self.entries.keys().any(|id| id % PLACES == place) {
                return self.uses * PLACES + place;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use vfs::CapabilitySet;

    use super::*;

    fn user(uid: u32) -> Credentials {
        Credentials::new(uid, uid, CapabilitySet::EMPTY)
    }

    fn get(table: &Table<u32>, uid: u32, key: i32, flags: i32) -> Result<i32, Errno> {
        table.get(&user(uid), (key, flags), 3, |_| Ok(()), |_| Ok(0))
    }

    #[test]
    fn keys_are_found_and_private_ones_are_not() {
        let table = Table::new(&UserNamespace::initial());
        assert_eq!(get(&table, 1, 7, 0o600), Err(Errno::ENOENT));
        let id = get(&table, 1, 7, 0o600 | IPC_CREAT).unwrap();
        assert_eq!(get(&table, 1, 7, 0o600 | IPC_CREAT), Ok(id));
        assert_eq!(get(&table, 1, 7, 0o600 | IPC_CREAT | IPC_EXCL), Err(Errno::EEXIST));
        assert_ne!(get(&table, 1, IPC_PRIVATE, 0o600), get(&table, 1, IPC_PRIVATE, 0o600));
        assert_eq!(get(&table, 1, IPC_PRIVATE, 0o600), Err(Errno::ENOSPC));
    }

    #[test]
    fn rights_are_those_of_owner_group_and_others() {
        let table = Table::new(&UserNamespace::initial());
        let id = get(&table, 1, 7, 0o640 | IPC_CREAT).unwrap();
        assert_eq!(get(&table, 2, 7, 0o400), Err(Errno::EACCES));
        assert_eq!(get(&table, 2, 7, 0), Ok(id));
        let entry = table.find(id).unwrap();
        assert_eq!((entry.may(&user(1), 6), entry.may(&user(1), 1)), (Ok(()), Err(Errno::EACCES)));
        assert_eq!((entry.owned_by(&user(1)), entry.owned_by(&user(2))), (Ok(()), Err(Errno::EPERM)));
        table.remove(&entry);
        assert_eq!(table.find(id).err(), Some(Errno::EINVAL));
        assert_eq!(entry.present(), Err(Errno::EIDRM));
    }
}
