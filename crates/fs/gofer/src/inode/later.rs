//! Changes of attributes that nobody waits for.
//!
//! Who unpacks or copies a file makes it, fills it, and gives it its times, its owner and its mode, each with a call of its own. The host takes these changes as long as the
//! file was made here and stays open for writing: it has no flags that forbid them, its owner stays, and where attributes are changed in place there is
//! room for them. So they are sent, and the guest goes on. Whatever depends on them comes after them: requests because the server answers in order, and what is done with a
//! lent descriptor because it waits for the answers ([`Node::settle`]). So does close(2), which tells of an error that should not have been.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use abi::Errno;
use ninep::Qid;
use ninep::client::Later;
use ninep::message::{Tchangeattr, Tstatfs};
use vfs::{AttributeChange, FileKind};

use super::Node;
use super::knowledge::SET_IDS;
use crate::attributes::to_wire;
use crate::filesystem::Caching;

/// Filesystems of the host that change attributes in place: ext2 to ext4, xfs, tmpfs, and overlayfs, where it is the one of its layer.
const IN_PLACE: [u32; 4] = [0xef53, 0x5846_5342, 0x0102_1994, 0x794c_7630];
/// A user or group that has no number here.
const NOBODY: u32 = 65534;

/// The changes of one file.
#[derive(Default)]
pub(crate) struct Sent {
    later: Arc<Later>,
    /// Where the count of changes stood after the last one, if nothing else came in between; else 0.
    since: AtomicU64,
}

impl Node {
    /// Makes a change without waiting for it, if it is one that succeeds. False if not.
    ///
    /// # Errors
    /// `EIO` if the server is gone.
    pub(super) fn change_later(&self, change: &AttributeChange) -> Result<bool, Errno> {
        if !self.takes(change) {
            return Ok(false);
        }
        let fid = self.fid()?;
        // Held while it is sent: who looks sees it waiting, or not at all.
        let mut sent = self.sent.lock();
        let sent = sent.get_or_insert_default();
        let since = self.changes();
        self.shared
            .client
            .change_later(&Tchangeattr { fid: fid.number(), set: to_wire(change) }, &sent.later)?;
        let alone = self.changes_once(since);
        sent.since.store(if alone { since.wrapping_add(1) } else { 0 }, Ordering::Release);
        if let Some(mode) = change.mode {
            self.mode_changed(mode);
        }
        Ok(true)
    }

    /// Whether the host is certain to take it, and nobody can tell that it has not yet.
    fn takes(&self, change: &AttributeChange) -> bool {
        let shared = &self.shared;
        if shared.caching != Caching::Exclusive
            || !shared.client.is_apart()
            || self.kind != FileKind::Regular
            || change.size.is_some()
            || change.mode.is_some_and(|mode| mode & SET_IDS != 0)
            || self.mapped.load(Ordering::Relaxed)
            || !self.is_plain()
            || !self.is_written()
        {
            return false;
        }
        // Without set-ID bits, which a change of owner would take.
        let Some(is) = self.remembered_protection() else { return false };
        let stays = |id: Option<u32>, is: u32| id.is_none_or(|id| id == is && id != NOBODY);
        stays(change.uid, is.owner.uid) && stays(change.gid, is.owner.gid) && self.lies_in_place()
    }

    fn lies_in_place(&self) -> bool {
        let Some(device) = Qid::device(self.path) else { return false };
        let known = self.shared.in_place.lock().get(&device).copied();
        known.unwrap_or_else(|| {
            let Ok(fid) = self.fid() else { return false };
            let kind = self.shared.client.call(&Tstatfs { fid: fid.number() }, |reply| reply.statfs.kind);
            let in_place = kind.is_ok_and(|kind| IN_PLACE.contains(&kind));
            self.shared.in_place.lock().insert(device, in_place);
            in_place
        })
    }

    /// Waits for what was sent, and learns what the file is like then.
    pub(crate) fn settle(&self) {
        let Some(sent) = self.sent.lock().clone() else { return };
        if sent.later.is_waiting() {
            self.shared.client.collect();
        }
        // Nothing is sent meanwhile: what was said is of the last change then.
        let _still = self.sent.lock();
        if sent.later.is_waiting() {
            return;
        }
        if let (Some(attr), since @ 1..) = (sent.later.answer(), sent.since.load(Ordering::Acquire)) {
            self.learn(&attr, since);
        }
    }

    /// As [`Self::settle`], when nobody has it open any more.
    pub(crate) fn settle_for_good(&self) {
        self.settle();
        self.sent.lock().take_if(|sent| !sent.later.is_waiting());
    }

    /// As [`Self::settle`], for who can tell of what should not have been.
    ///
    /// # Errors
    /// The host's, once.
    pub(crate) fn settled(&self) -> Result<(), Errno> {
        self.settle();
        let sent = self.sent.lock().clone();
        let Some(errno) = sent.and_then(|sent| sent.later.failure()) else { return Ok(()) };
        self.protection_changes();
        self.changed();
        Err(errno)
    }
}
