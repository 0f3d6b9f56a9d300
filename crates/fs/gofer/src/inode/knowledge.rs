//! What is known of a file, and whether it is still so.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use abi::Errno;
use ninep::Attr;
use ninep::message::Tgetattr;
use vfs::{Acl, AclKind, Attributes, FileKind, Owner};

use super::Node;
use crate::acl::Lists;
use crate::attributes::{from_host, from_wire};
use crate::filesystem::Caching;

/// `S_ISUID` and `S_ISGID`.
pub(super) const SET_IDS: u32 = 0o6000;

/// What was learned, and where the count of changes stood.
#[derive(Default)]
pub(super) struct Known {
    attributes: Option<(u64, Attributes)>,
    pub(super) target: Option<Arc<[u8]>>,
    xattrs: Option<(u64, Arc<[Vec<u8>]>)>,
    /// The access control lists, as far as they were read.
    pub(super) acls: Lists,
    /// No capabilities were given to it since it was made.
    is_plain: bool,
}

impl Known {
    /// As the server has just described it.
    pub(super) fn of(attributes: Attributes) -> Self {
        Self { attributes: Some((0, attributes)), ..Self::default() }
    }
}

impl Node {
    /// Where the count of changes stands: take it before asking, and hand it to [`Self::learn`] with the answer.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Something changed it, or may have.
    pub(crate) fn changed(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
    }

    /// As [`Self::changed`]. Whether nothing else has changed it since the count stood there: then what the server told of it afterwards is true.
    pub(super) fn changes_once(&self, since: u64) -> bool {
        let next = since.wrapping_add(1);
        let alone = self.changes.compare_exchange(since, next, Ordering::AcqRel, Ordering::Acquire).is_ok();
        if !alone {
            self.changed();
        }
        alone
    }

    /// The mode is this one now, and an access control list for access has changed with it, if there is one.
    pub(super) fn mode_changed(&self, mode: u32) {
        let mut known = self.known.lock();
        known.acls.mode_changed();
        if let Some((_, attributes)) = &mut known.attributes {
            attributes.mode = mode;
        }
    }

    /// Something changed the names in this directory.
    pub(crate) fn names_changed(&self) {
        self.changed();
        self.listing.lock().clear();
    }

    /// Takes over what the server told of it when the count of changes was `since`.
    pub(crate) fn learn(&self, attr: &Attr, since: u64) {
        if let Ok(attributes) = from_wire(attr) {
            self.keep(attributes, since);
        }
    }

    /// It was read: the host may have moved its access time.
    pub(crate) fn was_read(&self) {
        self.read.store(true, Ordering::Relaxed);
    }

    fn keep(&self, attributes: Attributes, since: u64) {
        let mut known = self.known.lock();
        if known.attributes.is_none_or(|(of, _)| of <= since) {
            known.attributes = Some((since, attributes));
        }
    }

    /// What is known for sure.
    pub(super) fn remembered(&self) -> Option<Attributes> {
        if self.shared.caching != Caching::Exclusive
            || self.mapped.load(Ordering::Relaxed)
            || self.read.load(Ordering::Relaxed)
        {
            return None;
        }
        let (of, attributes) = self.known.lock().attributes?;
        (of == self.changes()).then_some(attributes)
    }

    /// What permissions depend on, if nothing can have changed it. The host takes the set-ID bits of a file that is written.
    pub(super) fn remembered_protection(&self) -> Option<Attributes> {
        if self.protection_unsure.load(Ordering::Acquire) {
            return None;
        }
        let (_, attributes) = self.known.lock().attributes?;
        (self.kind == FileKind::Directory || attributes.mode & SET_IDS == 0).then_some(attributes)
    }

    /// Mode and owner are about to change, or may have.
    pub(crate) fn protection_changes(&self) {
        self.protection_unsure.store(true, Ordering::Release);
    }

    pub(super) fn ask_attributes(&self) -> Result<Attributes, Errno> {
        let since = self.changes();
        self.read.store(false, Ordering::Relaxed);
        // The host tells owners as the sentry's user namespace has them, where most have no name.
        let attributes = match (self.any_handle(), self.known_owner()) {
            (Some(handle), Some(owner)) => from_host(&*handle, self.path, owner)?,
            _ => {
                let request = Tgetattr { fid: self.fid()?.number(), mask: u64::MAX };
                from_wire(&self.shared.client.call(&request, |reply| reply.attr)?)?
            }
        };
        self.keep(attributes, since);
        Ok(attributes)
    }

    fn known_owner(&self) -> Option<Owner> {
        if self.owner_unsure.load(Ordering::Acquire) {
            return None;
        }
        self.known.lock().attributes.as_ref().map(|(_, attributes)| attributes.owner)
    }

    /// The names of the extended attributes, if nothing changed since they were listed.
    pub(crate) fn remembered_xattrs(&self) -> Option<Arc<[Vec<u8>]>> {
        if self.shared.caching != Caching::Exclusive {
            return None;
        }
        let known = self.known.lock();
        known.xattrs.as_ref().filter(|(of, _)| *of == self.changes()).map(|(_, names)| Arc::clone(names))
    }

    /// An access control list, if it is known for sure: then also that there is none.
    pub(crate) fn remembered_acl(&self, kind: AclKind) -> Option<Option<Acl>> {
        match self.shared.caching {
            Caching::Uncached => None,
            Caching::Exclusive => self.known.lock().acls.get(kind, None),
            Caching::Shared => {
                let known = self.known.lock();
                let (_, attributes) = known.attributes.as_ref()?;
                known.acls.get(kind, Some(attributes.changed))
            }
        }
    }

    /// Takes over what the server told of a list when the count of changes was `since`.
    pub(crate) fn keep_acl(&self, kind: AclKind, acl: Option<&Acl>, since: u64) {
        let mut known = self.known.lock();
        if self.changes() != since {
            return;
        }
        let changed = known.attributes.as_ref().map(|(_, attributes)| attributes.changed);
        known.acls.keep(kind, acl, changed);
    }

    /// It was made just now.
    pub(crate) fn is_new(&self, may_have_acls: bool) {
        if self.shared.caching != Caching::Exclusive {
            return;
        }
        let mut known = self.known.lock();
        known.is_plain = true;
        if !may_have_acls {
            known.acls.keep(AclKind::Access, None, None);
            known.acls.keep(AclKind::Default, None, None);
        }
    }

    /// Whether nobody can have given it capabilities.
    pub(crate) fn is_plain(&self) -> bool {
        self.known.lock().is_plain
    }

    /// An extended attribute was set, or may have been.
    pub(crate) fn is_not_plain(&self) {
        self.known.lock().is_plain = false;
    }

    /// The lists have changed: to be called after [`Self::changed`].
    pub(crate) fn forget_acls(&self) {
        self.known.lock().acls = Lists::default();
    }

    pub(crate) fn keep_xattrs(&self, names: &Arc<[Vec<u8>]>, since: u64) {
        self.known.lock().xattrs = Some((since, Arc::clone(names)));
    }
}
