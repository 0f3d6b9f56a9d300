//! What executing a file does to credentials: execve(2) "Effect on process attributes", capabilities(7) "Transformation of capabilities".

use abi::Errno;
use vfs::user::file_capabilities::root_of;
use vfs::{CapabilitySet, Credentials, MountIds};

/// `SECBIT_NOROOT` of capabilities(7).
const NOROOT: u32 = 1;
/// `SECBIT_KEEP_CAPS`.
const KEEP_CAPS: u32 = 1 << 4;
const SET_UID: u32 = 0o4000;
const SET_GID: u32 = 0o2000;
const GROUP_EXECUTE: u32 = 0o010;

/// Capabilities of a file: the extended attribute `security.capability`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileCapabilities {
    permitted: CapabilitySet,
    inheritable: CapabilitySet,
    effective: bool,
    /// They hold in user namespaces where this user is root.
    root: u32,
}

impl FileCapabilities {
    /// Reads the attribute's value, versions 2 and 3. Nothing for what is none.
    pub(super) fn parse(value: &[u8]) -> Option<Self> {
        let word = |i: usize| {
            let bytes = value.get(i * 4..i * 4 + 4)?;
            Some(u64::from(u32::from_le_bytes(bytes.try_into().ok()?)))
        };
        let root = root_of(value).ok()?;
        let set = |low: u64, high: u64| CapabilitySet(low | high << 32).and(CapabilitySet::FULL);
        Some(Self {
            permitted: set(word(1)?, word(3)?),
            inheritable: set(word(2)?, word(4)?),
            effective: word(0)? & 1 != 0,
            root,
        })
    }

    /// The same of a file on an idmapped mount. Nothing if those who are root where they hold are nobody there.
    pub(super) fn seen_through(self, ids: &MountIds) -> Option<Self> {
        Some(Self { root: ids.seen_uid(self.root)?, ..self })
    }
}

/// What of a file matters here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Identity {
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) mode: u32,
    pub(super) capabilities: Option<FileCapabilities>,
    /// Whether the mount forbids to gain anything by the file.
    pub(super) no_set_id: bool,
}

/// The outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Transformed {
    pub(super) credentials: Credentials,
    /// `AT_SECURE`: the program must distrust its environment.
    pub(super) secure: bool,
    /// Whether an id changed, so that the parent's death signal and dumpability go.
    pub(super) changed_id: bool,
}

/// The credentials of a program after it was executed from a file.
///
/// # Errors
/// `EPERM` if the file wants to have capabilities that the bounding set does not allow.
pub(super) fn transform(old: &Credentials, file: &Identity) -> Result<Transformed, Errno> {
    let mut new = old.clone();
    let gains = !file.no_set_id && !old.no_new_privileges;
    // Nobody becomes a user who does not exist where they are.
    let known = old.user.uid_within(file.uid).is_some() && old.user.gid_within(file.gid).is_some();
    if gains && known && file.mode & SET_UID != 0 {
        new.euid = file.uid;
    }
    if gains && known && file.mode & (SET_GID | GROUP_EXECUTE) == SET_GID | GROUP_EXECUTE {
        new.egid = file.gid;
    }
    let set_id = new.euid != old.uid || new.egid != old.gid;
    let changed_id = new.euid != old.euid || new.egid != old.egid;
    let capabilities = file.capabilities.filter(|of| gains && old.user.has_root(of.root));

    let (mut permitted, mut effective) = (CapabilitySet::EMPTY, false);
    if let Some(of) = capabilities {
        permitted = of.permitted.and(old.bounding).or(of.inheritable.and(old.inheritable));
        effective = of.effective;
        if effective && !of.permitted.is_subset(permitted) {
            return Err(Errno::EPERM);
        }
    }
    // A set-user-ID root program with capabilities of its own gets those and no others.
    let by_file_alone = capabilities.is_some() && !old.is_root(old.uid) && old.is_root(new.euid);
    if old.securebits & NOROOT == 0 && !by_file_alone {
        if old.is_root(old.uid) || old.is_root(new.euid) {
            permitted = old.bounding.or(old.inheritable);
        }
        if old.is_root(new.euid) {
            effective = true;
        }
    }
    if capabilities.is_some() || changed_id {
        new.ambient = CapabilitySet::EMPTY;
    }
    new.permitted = permitted.or(new.ambient);
    if old.no_new_privileges {
        new.permitted = new.permitted.and(old.permitted);
        new.ambient = new.ambient.and(new.permitted);
    }
    new.effective = if effective { new.permitted } else { new.ambient };
    new.suid = new.euid;
    new.fsuid = new.euid;
    new.sgid = new.egid;
    new.fsgid = new.egid;
    new.securebits &= !KEEP_CAPS;
    let gained = !old.is_root(old.uid) && (effective || !new.permitted.is_subset(new.ambient));
    Ok(Transformed { secure: set_id || gained, changed_id, credentials: new })
}

#[cfg(test)]
mod tests {
    use vfs::Capability;

    use super::*;

    const PLAIN: Identity = Identity { uid: 0, gid: 0, mode: 0o755, capabilities: None, no_set_id: false };
    const SET_UID_ROOT: Identity = Identity { mode: 0o4755, ..PLAIN };

    fn user() -> Credentials {
        Credentials { bounding: CapabilitySet::FULL, ..Credentials::new(1000, 1000, CapabilitySet::EMPTY) }
    }

    fn net_raw() -> CapabilitySet {
        CapabilitySet::EMPTY.with(Capability::NetRaw)
    }

    #[test]
    fn root_keeps_its_bounding_set() {
        let root = Credentials::root(net_raw());
        let after = transform(&root, &PLAIN).unwrap();
        assert_eq!((after.credentials.effective, after.secure), (net_raw(), false));
        let user = Credentials::new(5, 5, net_raw());
        assert_eq!(transform(&user, &PLAIN).unwrap().credentials.permitted, CapabilitySet::EMPTY);
    }

    #[test]
    fn set_user_id_gives_root_unless_forbidden() {
        let after = transform(&user(), &SET_UID_ROOT).unwrap();
        assert_eq!((after.credentials.uid, after.credentials.euid, after.credentials.suid), (1000, 0, 0));
        assert!(after.secure && after.changed_id && after.credentials.effective == CapabilitySet::FULL);
        let nosuid = Identity { no_set_id: true, ..SET_UID_ROOT };
        assert_eq!(transform(&user(), &nosuid).unwrap().credentials, user());
        let held = Credentials { no_new_privileges: true, ..user() };
        assert_eq!(transform(&held, &SET_UID_ROOT).unwrap().credentials, held);
    }

    #[test]
    fn file_capabilities_are_bounded() {
        let mut value = vec![1, 0, 0, 2];
        value.extend((1_u32 << 13).to_le_bytes());
        value.extend([0; 12]);
        let capabilities = FileCapabilities::parse(&value);
        let ping = Identity { capabilities, ..PLAIN };
        let after = transform(&user(), &ping).unwrap();
        assert_eq!((after.credentials.effective, after.secure), (net_raw(), true));
        let bound = Credentials { bounding: CapabilitySet::EMPTY, ..user() };
        assert_eq!(transform(&bound, &ping), Err(Errno::EPERM));
        assert_eq!(FileCapabilities::parse(&value[..8]), None);
    }

    #[test]
    fn ambient_capabilities_survive_plain_files_only() {
        let mut ambient = user();
        ambient.permitted = net_raw();
        ambient.inheritable = net_raw();
        ambient.ambient = net_raw();
        assert_eq!(transform(&ambient, &PLAIN).unwrap().credentials.effective, net_raw());
        let other = Identity { uid: 7, mode: 0o4755, ..PLAIN };
        assert_eq!(transform(&ambient, &other).unwrap().credentials.effective, CapabilitySet::EMPTY);
    }
}
