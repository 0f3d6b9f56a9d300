//! Changes of attributes.

use std::sync::atomic::Ordering;
use std::time::Instant;

use abi::Errno;
use vfs::ops::mode_after_write;
use vfs::{AttributeChange, Attributes, TimeChange, Timestamp, waiting};

use super::Node;
use crate::file::lock_owner;
use crate::wire::{InitFlags, SetattrIn, SetattrValid};

/// A change as the server takes it.
fn to_wire(change: &AttributeChange) -> SetattrIn {
    let mut valid = SetattrValid::empty();
    valid.set(SetattrValid::MODE, change.mode.is_some());
    valid.set(SetattrValid::UID, change.uid.is_some());
    valid.set(SetattrValid::GID, change.gid.is_some());
    valid.set(SetattrValid::SIZE, change.size.is_some());
    let now = Timestamp::now();
    let mut time = |change: Option<TimeChange>, set, is_now| match change {
        None => Timestamp::default(),
        Some(TimeChange::Now) => {
            valid |= set | is_now;
            now
        }
        Some(TimeChange::To(at)) => {
            valid |= set;
            at
        }
    };
    let accessed = time(change.accessed, SetattrValid::ATIME, SetattrValid::ATIME_NOW);
    let modified = time(change.modified, SetattrValid::MTIME, SetattrValid::MTIME_NOW);
    SetattrIn {
        valid: valid.bits(),
        size: change.size.unwrap_or(0),
        atime: accessed.seconds.cast_unsigned(),
        atimensec: accessed.nanoseconds,
        mtime: modified.seconds.cast_unsigned(),
        mtimensec: modified.nanoseconds,
        mode: change.mode.map_or(0, |mode| mode & 0o7777),
        uid: change.uid.unwrap_or(0),
        gid: change.gid.unwrap_or(0),
        ..SetattrIn::default()
    }
}

impl Node {
    /// The mode that a file shall have once it changes hands, if that is another: what is known of it may be outdated.
    fn mode_without_set_ids(&self) -> Result<Option<u32>, Errno> {
        const SETUID: u32 = 0o4000;
        const SETGID: u32 = 0o2000;
        const GROUP_EXECUTE: u32 = 0o010;
        self.attributes_outdated();
        let mode = self.refreshed()?.mode;
        let mut cleared = mode & !SETUID;
        if mode & GROUP_EXECUTE != 0 {
            cleared &= !SETGID;
        }
        Ok((cleared != mode).then_some(cleared))
    }

    /// Takes set-ID bits away that are not in `mode`. What is known of the others may be outdated.
    ///
    /// # Errors
    /// The server's.
    pub(super) fn shed(&self, mode: u32) -> Result<(), Errno> {
        const SET_IDS: u32 = 0o6000;
        let mode = self.ask()?.mode & (mode | !SET_IDS);
        self.change(&AttributeChange { mode: Some(mode), ..Default::default() })
    }

    /// Sets the size to nothing for who opens it so, who may not keep set-ID bits.
    ///
    /// # Errors
    /// The server's.
    pub(crate) fn empty(&self) -> Result<(), Errno> {
        let sheds = self.shared.connection.sheds_privileges();
        let left = |attributes: &Attributes| {
            let identity = waiting::identity().filter(|_| !sheds)?;
            mode_after_write(&identity.credentials, attributes)
        };
        let mode = match left(&self.last_known()) {
            Some(_) => left(&self.ask()?),
            None => None,
        };
        self.change(&AttributeChange { size: Some(0), mode, ..Default::default() })
    }

    /// Has the server change attributes. A size goes through an open file where there is one, so that it works without a name too.
    ///
    /// # Errors
    /// The server's; `EIO` if it contradicts itself.
    pub(super) fn change(&self, change: &AttributeChange) -> Result<(), Errno> {
        self.good()?;
        let user = &self.shared.connection.user;
        let uid = change.uid.map(|uid| user.uid_within(uid).ok_or(Errno::EOVERFLOW)).transpose()?;
        let gid = change.gid.map(|gid| user.gid_within(gid).ok_or(Errno::EOVERFLOW)).transpose()?;
        let mut request = to_wire(&AttributeChange { uid, gid, ..*change });
        if request.valid == 0 {
            return Ok(());
        }
        let hands_over = change.uid.is_some() || change.gid.is_some();
        let mode = if self.shared.connection.sheds_privileges() && (hands_over || change.size.is_some()) {
            request.valid &= !SetattrValid::MODE.bits();
            None
        } else if hands_over && !self.is_directory() {
            self.mode_without_set_ids()?
        } else {
            change.mode
        };
        let told_to_shed = if hands_over {
            !self.is_directory() && self.shared.connection.has(InitFlags::HANDLE_KILLPRIV_V2)
        } else {
            change.size.is_some() && self.shared.connection.kills_privileges()
        };
        if told_to_shed {
            request.valid |= SetattrValid::KILL_SUIDGID.bits();
        }
        if let Some(mode) = mode {
            request.valid |= SetattrValid::MODE.bits();
            request.mode = self.kind.mode_bits() | mode & 0o7777;
        }
        if change.size.is_some() {
            // What lies behind the new end need not be sent any more where sizes are kept here.
            if self.keeps_size() { self.wait_for_room() } else { self.write_back() }?;
            if let Some(handle) = self.any_handle(true).filter(|handle| handle.is_told()) {
                request.valid |= SetattrValid::FH.bits();
                request.fh = handle.number();
            }
            request.valid |= SetattrValid::LOCKOWNER.bits();
            request.lock_owner = lock_owner();
        }
        if self.keeps_size() {
            self.add_times(change, &mut request);
        }
        let asked = Instant::now();
        let told = self.shared.connection.setattr(self.id, &request);
        // Even a failed one may have changed something.
        self.changed();
        let told = told.inspect_err(|_| self.attributes_outdated())?;
        if let Some(size) = change.size {
            self.resized(size);
            self.content.cut(size);
        }
        if self.is_directory() && change.mode.is_some() {
            // As Linux has it: who may still go there is to be found out anew.
            self.renew.store(true, Ordering::Relaxed);
        }
        self.learn(&told, asked, self.changes()).map(drop)
    }

    /// Of a file whose times are kept here the server is told them with each change; and they are what was asked for.
    fn add_times(&self, change: &AttributeChange, request: &mut SetattrIn) {
        let now = Timestamp::now();
        let to = |change| match change {
            TimeChange::Now => now,
            TimeChange::To(at) => at,
        };
        let mut known = self.known.lock();
        let resized = change.size.is_some_and(|size| size != known.attributes.size);
        known.attributes.changed = now;
        request.valid |= SetattrValid::CTIME.bits();
        request.ctime = now.seconds.cast_unsigned();
        request.ctimensec = now.nanoseconds;
        let modified = change.modified.map(to).or(resized.then_some(now));
        if let Some(modified) = modified {
            known.attributes.modified = modified;
            request.valid |= SetattrValid::MTIME.bits();
            request.valid &= !SetattrValid::MTIME_NOW.bits();
            request.mtime = modified.seconds.cast_unsigned();
            request.mtimensec = modified.nanoseconds;
        }
        drop(known);
        self.times_are_told();
    }
}
