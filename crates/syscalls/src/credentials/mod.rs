//! Users, groups and capabilities.

pub mod capabilities;
pub mod gid;
pub mod groups;
mod ids;
pub mod prctl;
pub mod uid;

use vfs::{CapabilitySet, Credentials};

/// `-1`: leave an id as it is.
const SAME: u32 = u32::MAX;
/// `SECBIT_KEEP_CAPS` of capabilities(7).
const KEEP_CAPS: u32 = 1 << 4;
/// `SECBIT_NO_SETUID_FIXUP`.
const NO_SETUID_FIXUP: u32 = 1 << 2;

/// What a change of user ids does to capabilities: capabilities(7), "Effect of user ID changes on capabilities".
fn follow_user(old: &Credentials, new: &mut Credentials) {
    if new.securebits & NO_SETUID_FIXUP != 0 {
        return;
    }
    let had_root = [old.uid, old.euid, old.suid].iter().any(|uid| old.is_root(*uid));
    let has_root = [new.uid, new.euid, new.suid].iter().any(|uid| new.is_root(*uid));
    if had_root && !has_root {
        if new.securebits & KEEP_CAPS == 0 {
            new.permitted = CapabilitySet::EMPTY;
            new.effective = CapabilitySet::EMPTY;
        }
        new.ambient = CapabilitySet::EMPTY;
    }
    if old.is_root(old.euid) && !new.is_root(new.euid) {
        new.effective = CapabilitySet::EMPTY;
    }
    if !old.is_root(old.euid) && new.is_root(new.euid) {
        new.effective = new.permitted;
    }
    follow_fsuid(old, new);
}

/// What a change of the filesystem user id does to the capabilities that concern files.
fn follow_fsuid(old: &Credentials, new: &mut Credentials) {
    if new.securebits & NO_SETUID_FIXUP != 0 {
        return;
    }
    if old.is_root(old.fsuid) && !new.is_root(new.fsuid) {
        new.effective = new.effective.without(FILES);
    }
    if !old.is_root(old.fsuid) && new.is_root(new.fsuid) {
        new.effective = new.effective.or(new.permitted.and(FILES));
    }
}

/// CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_FSETID, CAP_LINUX_IMMUTABLE, CAP_MKNOD, CAP_MAC_OVERRIDE.
const FILES: CapabilitySet = {
    use vfs::Capability as C;
    CapabilitySet::EMPTY
        .with(C::Chown)
        .with(C::DacOverride)
        .with(C::DacReadSearch)
        .with(C::Fowner)
        .with(C::Fsetid)
        .with(C::LinuxImmutable)
        .with(C::Mknod)
        .with(C::MacOverride)
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaving_root_drops_capabilities_unless_kept() {
        let root = Credentials::root(CapabilitySet::FULL);
        let left = Credentials { uid: 5, euid: 5, suid: 5, fsuid: 5, ..root.clone() };
        let mut plain = left.clone();
        follow_user(&root, &mut plain);
        assert_eq!((plain.permitted, plain.effective), (CapabilitySet::EMPTY, CapabilitySet::EMPTY));
        let mut kept = Credentials { securebits: KEEP_CAPS, ..left };
        follow_user(&root, &mut kept);
        assert_eq!((kept.permitted, kept.effective), (CapabilitySet::FULL, CapabilitySet::EMPTY));
    }

    #[test]
    fn the_filesystem_user_carries_the_file_capabilities() {
        let root = Credentials::root(CapabilitySet::FULL);
        let mut other = Credentials { fsuid: 9, ..root.clone() };
        follow_fsuid(&root, &mut other);
        assert_eq!(other.effective, CapabilitySet::FULL.without(FILES));
        let mut back = Credentials { fsuid: 0, ..other.clone() };
        follow_fsuid(&other, &mut back);
        assert_eq!(back.effective, CapabilitySet::FULL);
    }
}
