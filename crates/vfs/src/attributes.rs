//! What stat(2) tells of an inode, and what chmod(2), chown(2), truncate(2) and utimensat(2) change.

use abi::Errno;

use crate::InodeFlags;
use crate::user::NO_ID;

/// The type of an inode: the `S_IFMT` bits of its mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A character device.
    CharacterDevice,
    /// A block device.
    BlockDevice,
    /// A FIFO.
    Fifo,
    /// A socket.
    Socket,
    /// An inode without a type, as anon_inode files have.
    Anonymous,
}

impl FileKind {
    /// The `S_IFMT` bits.
    #[must_use]
    pub const fn mode_bits(self) -> u32 {
        match self {
            Self::Regular => 0o100_000,
            Self::Directory => 0o040_000,
            Self::Symlink => 0o120_000,
            Self::CharacterDevice => 0o020_000,
            Self::BlockDevice => 0o060_000,
            Self::Fifo => 0o010_000,
            Self::Socket => 0o140_000,
            Self::Anonymous => 0,
        }
    }

    /// The kind that the `S_IFMT` bits of `mode` name, if they name one.
    #[must_use]
    pub const fn from_mode(mode: u32) -> Option<Self> {
        Some(match mode & 0o170_000 {
            0o100_000 => Self::Regular,
            0o040_000 => Self::Directory,
            0o120_000 => Self::Symlink,
            0o020_000 => Self::CharacterDevice,
            0o060_000 => Self::BlockDevice,
            0o010_000 => Self::Fifo,
            0o140_000 => Self::Socket,
            _ => return None,
        })
    }

    /// The kind that a `DT_*` number names; [`Self::Anonymous`] for all others.
    #[must_use]
    pub const fn from_directory_type(number: u8) -> Self {
        match number {
            1 => Self::Fifo,
            2 => Self::CharacterDevice,
            4 => Self::Directory,
            6 => Self::BlockDevice,
            8 => Self::Regular,
            10 => Self::Symlink,
            12 => Self::Socket,
            _ => Self::Anonymous,
        }
    }

    /// The `DT_*` number of getdents64(2).
    #[must_use]
    pub const fn directory_type(self) -> u8 {
        match self {
            Self::Fifo => 1,
            Self::CharacterDevice => 2,
            Self::Directory => 4,
            Self::BlockDevice => 6,
            Self::Regular => 8,
            Self::Symlink => 10,
            Self::Socket => 12,
            Self::Anonymous => 0,
        }
    }
}

/// A device number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Device {
    /// Major number (12 bits in Linux's kernel, 32 in its interface).
    pub major: u32,
    /// Minor number.
    pub minor: u32,
}

impl Device {
    /// `st_dev` of anonymous inodes. The numbers of this and the next three are never given to a mounted filesystem.
    pub const ANONYMOUS: Self = Self::new(0, 1);
    /// `st_dev` of pipes.
    pub const PIPES: Self = Self::new(0, 2);
    /// `st_dev` of sockets.
    pub const SOCKETS: Self = Self::new(0, 3);
    /// `st_dev` of imported host files.
    pub const HOST: Self = Self::new(0, 4);

    /// A device number.
    #[must_use]
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    /// The encoding of `st_dev` and `st_rdev` (makedev(3)).
    #[must_use]
    pub const fn encode(self) -> u64 {
        let (major, minor) = (self.major as u64, self.minor as u64);
        (minor & 0xff) | ((major & 0xfff) << 8) | ((minor & !0xff) << 12) | ((major & !0xfff) << 32)
    }

    /// The inverse of [`Self::encode`].
    #[must_use]
    pub const fn decode(number: u64) -> Self {
        let major = ((number >> 8) & 0xfff) | ((number >> 32) & 0xffff_f000);
        let minor = (number & 0xff) | ((number >> 12) & 0xffff_ff00);
        let low = 0xffff_ffff;
        #[expect(clippy::cast_possible_truncation, reason = "masked to 32 bits")]
        Self { major: (major & low) as u32, minor: (minor & low) as u32 }
    }
}

/// A point in time: seconds since 1970-01-01 UTC, which may be negative, and nanoseconds below 1,000,000,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// Seconds.
    pub seconds: i64,
    /// Nanoseconds.
    pub nanoseconds: u32,
}

impl Timestamp {
    /// The host's time of day now.
    #[must_use]
    pub fn now() -> Self {
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or_else(
            |_| Self::default(),
            |d| Self {
                seconds: i64::try_from(d.as_secs()).unwrap_or(i64::MAX),
                nanoseconds: d.subsec_nanos(),
            },
        )
    }
}

/// Who owns an inode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// User id, as the initial user namespace of the sandbox sees it.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

/// What is known of an inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Inode number, unique within the filesystem.
    pub inode: u64,
    /// Type.
    pub kind: FileKind,
    /// Permission, set-ID and sticky bits (07777).
    pub mode: u32,
    /// Hard links.
    pub links: u64,
    /// Owner.
    pub owner: Owner,
    /// For device nodes: which device.
    pub device: Device,
    /// Bytes.
    pub size: u64,
    /// 512-byte blocks in use.
    pub blocks: u64,
    /// Preferred size of I/O, bytes.
    pub block_size: u32,
    /// Last access.
    pub accessed: Timestamp,
    /// Last change of content.
    pub modified: Timestamp,
    /// Last change of the inode.
    pub changed: Timestamp,
    /// Creation, where the filesystem keeps it.
    pub born: Option<Timestamp>,
    /// What everybody is forbidden to do to it, where the filesystem keeps that.
    pub flags: Option<InodeFlags>,
}

impl Attributes {
    /// Whether both user and group are somebody: through an idmapped mount they may be nobody.
    #[must_use]
    pub const fn has_owner(&self) -> bool {
        self.owner.uid != NO_ID && self.owner.gid != NO_ID
    }

    /// Nothing if both are somebody: what belongs to nobody is not changed, because its owner would be stored with it.
    ///
    /// # Errors
    /// `EOVERFLOW`.
    pub(crate) const fn need_owner(&self) -> Result<(), Errno> {
        if self.has_owner() { Ok(()) } else { Err(Errno::EOVERFLOW) }
    }
}

/// How to set one of the times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeChange {
    /// To now.
    Now,
    /// To this time.
    To(Timestamp),
}

/// What to change. Whether the caller may is checked by the VFS, before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AttributeChange {
    /// New permission bits (07777).
    pub mode: Option<u32>,
    /// New user.
    pub uid: Option<u32>,
    /// New group.
    pub gid: Option<u32>,
    /// New size of a regular file.
    pub size: Option<u64>,
    /// New access time.
    pub accessed: Option<TimeChange>,
    /// New modification time.
    pub modified: Option<TimeChange>,
}

impl AttributeChange {
    /// Carries the change out on attributes that are kept in memory. The change time moves too, unless nothing is to change.
    pub fn apply(&self, to: &mut Attributes) {
        if *self == Self::default() {
            return;
        }
        let now = Timestamp::now();
        let time = |change: TimeChange| match change {
            TimeChange::Now => now,
            TimeChange::To(at) => at,
        };
        to.mode = self.mode.unwrap_or(to.mode);
        to.owner.uid = self.uid.unwrap_or(to.owner.uid);
        to.owner.gid = self.gid.unwrap_or(to.owner.gid);
        to.size = self.size.unwrap_or(to.size);
        to.accessed = self.accessed.map_or(to.accessed, time);
        to.modified = self.modified.map_or(to.modified, time);
        to.changed = now;
    }
}

/// What stat(2) or statx(2) wants to know, for filesystems that have to ask somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusQuery {
    /// `STATX_*` bits.
    pub fields: u32,
    /// How new it has to be.
    pub freshness: Freshness,
}

/// How new attributes have to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Freshness {
    /// As the filesystem thinks right.
    #[default]
    Usual,
    /// `AT_STATX_FORCE_SYNC`: of now.
    Forced,
    /// `AT_STATX_DONT_SYNC`: what is known, even if it is outdated.
    Known,
}

impl Default for StatusQuery {
    fn default() -> Self {
        Self { fields: abi::file::STATX_BASIC_STATS, freshness: Freshness::Usual }
    }
}
