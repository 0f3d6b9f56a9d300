//! Who may write `uid_map`, `gid_map`, `projid_map` and `setgroups`, and when: user_namespaces(7).

use abi::Errno;

use super::{Extent, IdKind, IdMap, UserNamespace};
use crate::{Capability, Credentials};

/// Who writes one of the files.
#[derive(Clone, Copy)]
pub struct Opener<'a> {
    /// Who opened it.
    pub file: &'a Credentials,
    /// Who writes now.
    pub caller: &'a Credentials,
}

impl Opener<'_> {
    fn has(&self, capability: Capability, namespace: &UserNamespace) -> bool {
        self.caller.has_in(capability, namespace) && self.file.has_in(capability, namespace)
    }
}

impl UserNamespace {
    /// Writes a map, which can be done once.
    ///
    /// # Errors
    /// `EINVAL` for what is no map; `EPERM` if there is one, or the writer may not map those ids.
    pub fn write_map(&self, kind: IdKind, who: Opener<'_>, text: &[u8]) -> Result<(), Errno> {
        let parent = self.parent.as_deref().ok_or(Errno::EPERM)?;
        if *who.file.user != *self && *who.file.user != *parent {
            return Err(Errno::EPERM);
        }
        // Until it stands, nobody changes whether setgroups(2) may be called.
        let setgroups = self.setgroups.lock();
        if self.map(kind).is_some() {
            return Err(Errno::EPERM);
        }
        if kind != IdKind::Project && !who.file.has_in(Capability::SysAdmin, self) {
            return Err(Errno::EPERM);
        }
        let lines = IdMap::parse(text)?;
        if !self.may_map(kind, who, parent, &lines, *setgroups) {
            return Err(Errno::EPERM);
        }
        let map = IdMap::below(parent.map(kind), &lines)?;
        self.slot(kind).set(map).map_err(|_| Errno::EPERM)
    }

    fn may_map(
        &self,
        kind: IdKind,
        who: Opener<'_>,
        parent: &Self,
        lines: &[Extent],
        setgroups: bool,
    ) -> bool {
        let capability = match kind {
            IdKind::User if !self.may_map_root(who, parent, lines) => return false,
            IdKind::User => Capability::Setuid,
            IdKind::Group => Capability::Setgid,
            // No right depends on these.
            IdKind::Project => return true,
        };
        if let [Extent { outside, count: 1, .. }] = lines
            && self.owner == who.file.euid
        {
            let itself = match kind {
                IdKind::User => parent.uid(*outside) == Some(who.file.euid),
                // A group that one leaves may be one that is denied something.
                _ => !setgroups && parent.gid(*outside) == Some(who.file.egid),
            };
            if itself {
                return true;
            }
        }
        who.has(capability, parent)
    }

    /// A namespace with the parent's root in it can give capabilities to files that have them in the parent too.
    fn may_map_root(&self, who: Opener<'_>, parent: &Self, lines: &[Extent]) -> bool {
        if !lines.iter().any(|line| line.outside == 0) {
            return true;
        }
        if *who.file.user == *self {
            self.maker_sets_file_capabilities
        } else {
            who.file.has_in(Capability::Setfcap, parent)
        }
    }

    /// Whether setgroups(2) is allowed, as the file says.
    #[must_use]
    pub fn setgroups(&self) -> bool {
        *self.setgroups.lock()
    }

    /// Writes the file `setgroups`.
    ///
    /// # Errors
    /// `EINVAL` for anything but `allow` and `deny`; `EPERM` to allow what is denied, or to deny it once there are groups.
    pub fn write_setgroups(&self, text: &[u8]) -> Result<(), Errno> {
        let word = text.trim_ascii_end();
        let mut setgroups = self.setgroups.lock();
        match word {
            b"allow" if *setgroups => Ok(()),
            b"deny" if self.map(IdKind::Group).is_none() => {
                *setgroups = false;
                Ok(())
            }
            b"allow" | b"deny" => Err(Errno::EPERM),
            _ => Err(Errno::EINVAL),
        }
    }
}
