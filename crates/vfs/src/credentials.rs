//! Who a task is, and what it may do: credentials(7) and capabilities(7).

use std::sync::Arc;

use abi::Errno;

use crate::user::NO_ID;
use crate::{Attributes, FileKind, UserNamespace};

macro_rules! capabilities {
    ($($name:ident = $number:literal, $spelling:literal;)*) => {
        /// A capability, as capabilities(7) describes it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        #[expect(missing_docs, reason = "each is the capability of that name in capabilities(7)")]
        pub enum Capability { $($name = $number,)* }

        impl Capability {
            /// All, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name with its prefix, as OCI configurations spell it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $spelling,)* }
            }
        }
    };
}

capabilities! {
    Chown = 0, "CAP_CHOWN";
    DacOverride = 1, "CAP_DAC_OVERRIDE";
    DacReadSearch = 2, "CAP_DAC_READ_SEARCH";
    Fowner = 3, "CAP_FOWNER";
    Fsetid = 4, "CAP_FSETID";
    Kill = 5, "CAP_KILL";
    Setgid = 6, "CAP_SETGID";
    Setuid = 7, "CAP_SETUID";
    Setpcap = 8, "CAP_SETPCAP";
    LinuxImmutable = 9, "CAP_LINUX_IMMUTABLE";
    NetBindService = 10, "CAP_NET_BIND_SERVICE";
    NetBroadcast = 11, "CAP_NET_BROADCAST";
    NetAdmin = 12, "CAP_NET_ADMIN";
    NetRaw = 13, "CAP_NET_RAW";
    IpcLock = 14, "CAP_IPC_LOCK";
    IpcOwner = 15, "CAP_IPC_OWNER";
    SysModule = 16, "CAP_SYS_MODULE";
    SysRawio = 17, "CAP_SYS_RAWIO";
    SysChroot = 18, "CAP_SYS_CHROOT";
    SysPtrace = 19, "CAP_SYS_PTRACE";
    SysPacct = 20, "CAP_SYS_PACCT";
    SysAdmin = 21, "CAP_SYS_ADMIN";
    SysBoot = 22, "CAP_SYS_BOOT";
    SysNice = 23, "CAP_SYS_NICE";
    SysResource = 24, "CAP_SYS_RESOURCE";
    SysTime = 25, "CAP_SYS_TIME";
    SysTtyConfig = 26, "CAP_SYS_TTY_CONFIG";
    Mknod = 27, "CAP_MKNOD";
    Lease = 28, "CAP_LEASE";
    AuditWrite = 29, "CAP_AUDIT_WRITE";
    AuditControl = 30, "CAP_AUDIT_CONTROL";
    Setfcap = 31, "CAP_SETFCAP";
    MacOverride = 32, "CAP_MAC_OVERRIDE";
    MacAdmin = 33, "CAP_MAC_ADMIN";
    Syslog = 34, "CAP_SYSLOG";
    WakeAlarm = 35, "CAP_WAKE_ALARM";
    BlockSuspend = 36, "CAP_BLOCK_SUSPEND";
    AuditRead = 37, "CAP_AUDIT_READ";
    Perfmon = 38, "CAP_PERFMON";
    Bpf = 39, "CAP_BPF";
    CheckpointRestore = 40, "CAP_CHECKPOINT_RESTORE";
}

/// A set of capabilities, bit n for capability n.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CapabilitySet(pub u64);

impl CapabilitySet {
    /// None.
    pub const EMPTY: Self = Self(0);
    /// All that Linux defines.
    pub const FULL: Self = Self((1 << 41) - 1);

    /// Whether a capability is in it.
    #[must_use]
    pub const fn has(self, capability: Capability) -> bool {
        self.0 & (1 << capability as u8) != 0
    }

    /// The set with one more.
    #[must_use]
    pub const fn with(self, capability: Capability) -> Self {
        Self(self.0 | (1 << capability as u8))
    }

    /// What is in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in this one and not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether all of this is in the other.
    #[must_use]
    pub const fn is_subset(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }
}

/// The credentials of a task: replaced as a whole, never changed in place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields are the identifiers and sets of credentials(7) and capabilities(7)"
)]
pub struct Credentials {
    pub uid: u32,
    pub euid: u32,
    pub suid: u32,
    pub fsuid: u32,
    pub gid: u32,
    pub egid: u32,
    pub sgid: u32,
    pub fsgid: u32,
    /// Supplementary groups.
    pub groups: Arc<[u32]>,
    pub permitted: CapabilitySet,
    pub effective: CapabilitySet,
    pub inheritable: CapabilitySet,
    pub bounding: CapabilitySet,
    pub ambient: CapabilitySet,
    /// `SECBIT_*` of prctl(2) `PR_SET_SECUREBITS`.
    pub securebits: u32,
    pub no_new_privileges: bool,
    /// The user namespace that the capabilities hold in. All ids are those of the initial one.
    pub user: Arc<UserNamespace>,
}

impl Credentials {
    /// Root with these capabilities.
    #[must_use]
    pub fn root(capabilities: CapabilitySet) -> Self {
        Self::new(0, 0, capabilities)
    }

    /// A user with these capabilities in the permitted, effective and bounding sets.
    #[must_use]
    pub fn new(uid: u32, gid: u32, capabilities: CapabilitySet) -> Self {
        Self {
            uid,
            euid: uid,
            suid: uid,
            fsuid: uid,
            gid,
            egid: gid,
            sgid: gid,
            fsgid: gid,
            groups: Arc::from([]),
            permitted: capabilities,
            effective: capabilities,
            inheritable: CapabilitySet::EMPTY,
            bounding: capabilities,
            ambient: CapabilitySet::EMPTY,
            securebits: 0,
            no_new_privileges: false,
            user: UserNamespace::initial(),
        }
    }

    /// The same user in a user namespace that it has just made or entered: with all capabilities there, and none elsewhere.
    #[must_use]
    pub fn in_new_namespace(self, user: Arc<UserNamespace>) -> Self {
        Self {
            permitted: CapabilitySet::FULL,
            effective: CapabilitySet::FULL,
            inheritable: CapabilitySet::EMPTY,
            bounding: CapabilitySet::FULL,
            ambient: CapabilitySet::EMPTY,
            securebits: 0,
            user,
            ..self
        }
    }

    /// Whether the capability is effective for what belongs to the whole machine: in the initial user namespace.
    #[must_use]
    pub fn has(&self, capability: Capability) -> bool {
        self.user.is_initial() && self.effective.has(capability)
    }

    /// Whether the capability is effective in the caller's own user namespace.
    #[must_use]
    pub const fn has_here(&self, capability: Capability) -> bool {
        self.effective.has(capability)
    }

    /// Whether the capability is effective in a user namespace: that of what is used. Those who made a user namespace, and who are
    /// privileged in one above it, have all capabilities in it.
    #[must_use]
    pub fn has_in(&self, capability: Capability, namespace: &UserNamespace) -> bool {
        let mut at = namespace;
        while *at != *self.user {
            match &at.parent {
                Some(parent) if at.level > self.user.level => {
                    if **parent == *self.user && at.owner == self.euid {
                        return true;
                    }
                    at = parent;
                }
                _ => return false,
            }
        }
        self.effective.has(capability)
    }

    /// Whether the capability is effective over an inode: its user and group must exist in the caller's user namespace.
    #[must_use]
    pub fn has_over(&self, capability: Capability, attributes: &Attributes) -> bool {
        self.effective.has(capability) && self.knows(attributes)
    }

    /// Whether a user is root in the caller's user namespace.
    #[must_use]
    pub fn is_root(&self, uid: u32) -> bool {
        if self.user.is_initial() { uid == 0 } else { self.user.uid_within(uid) == Some(0) }
    }

    /// Whether the user and the group of an inode exist in the caller's user namespace.
    fn knows(&self, attributes: &Attributes) -> bool {
        let owner = attributes.owner;
        let known = self.user.is_initial() && attributes.has_owner();
        known || self.user.uid_within(owner.uid).is_some() && self.user.gid_within(owner.gid).is_some()
    }

    /// `EPERM` unless the capability is effective in the initial user namespace.
    ///
    /// # Errors
    /// `EPERM`.
    pub fn need(&self, capability: Capability) -> Result<(), Errno> {
        if self.has(capability) { Ok(()) } else { Err(Errno::EPERM) }
    }

    /// `EPERM` unless the capability is effective in the caller's own user namespace.
    ///
    /// # Errors
    /// `EPERM`.
    pub const fn need_here(&self, capability: Capability) -> Result<(), Errno> {
        if self.has_here(capability) { Ok(()) } else { Err(Errno::EPERM) }
    }

    /// `EPERM` unless the capability is effective in a user namespace.
    ///
    /// # Errors
    /// `EPERM`.
    pub fn need_in(&self, capability: Capability, namespace: &UserNamespace) -> Result<(), Errno> {
        if self.has_in(capability, namespace) { Ok(()) } else { Err(Errno::EPERM) }
    }

    /// Whether the group is the filesystem group or one of the supplementary ones.
    #[must_use]
    pub fn in_group(&self, gid: u32) -> bool {
        self.fsgid == gid || self.groups.contains(&gid)
    }

    /// Whether the caller may access an inode so: path_resolution(7), "Permissions", with the capabilities that override it.
    ///
    /// # Errors
    /// `EACCES`, `EPERM` to write to what is immutable.
    pub fn check(&self, attributes: &Attributes, access: Access) -> Result<(), Errno> {
        attributes.allows(access)?;
        let wanted = access.bits();
        let class = if attributes.owner.uid == self.fsuid {
            attributes.mode >> 6
        } else if self.in_group(attributes.owner.gid) {
            attributes.mode >> 3
        } else {
            attributes.mode
        };
        if class & 7 & wanted == wanted { Ok(()) } else { self.overrides(attributes, access) }
    }

    /// Whether a capability gives an access that the permissions do not.
    pub(crate) fn overrides(&self, attributes: &Attributes, access: Access) -> Result<(), Errno> {
        let directory = attributes.kind == FileKind::Directory;
        let executable = directory || attributes.mode & 0o111 != 0;
        if self.has_over(Capability::DacOverride, attributes)
            && (executable || !access.contains(Access::EXECUTE))
        {
            return Ok(());
        }
        let harmless = if directory { Access::READ | Access::EXECUTE } else { Access::READ };
        if self.has_over(Capability::DacReadSearch, attributes) && harmless.contains(access) {
            return Ok(());
        }
        Err(Errno::EACCES)
    }

    /// Whether the caller owns the inode or may act as if.
    #[must_use]
    pub fn owns(&self, attributes: &Attributes) -> bool {
        let uid = attributes.owner.uid;
        uid == self.fsuid
            || self.effective.has(Capability::Fowner)
                && (self.user.is_initial() && uid != NO_ID || self.user.uid_within(uid).is_some())
    }
}

bitflags::bitflags! {
    /// Kinds of access, with the bits of access(2) and of the mode.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Access: u32 {
        /// Execute, or search a directory.
        const EXECUTE = 1;
        /// Write.
        const WRITE = 2;
        /// Read.
        const READ = 4;
    }
}
