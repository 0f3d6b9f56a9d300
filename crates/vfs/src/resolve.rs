//! Flags that steer the walk of a path.

use abi::Errno;

bitflags::bitflags! {
    /// `RESOLVE_*` of openat2(2).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Resolve: u64 {
        /// Mountpoints are not crossed.
        const NO_XDEV = 0x01;
        /// Magic links are not followed.
        const NO_MAGICLINKS = 0x02;
        /// No symbolic link is followed.
        const NO_SYMLINKS = 0x04;
        /// The walk must stay below where it starts.
        const BENEATH = 0x08;
        /// Where it starts is the root of the walk.
        const IN_ROOT = 0x10;
        /// Only what is known already is used.
        const CACHED = 0x20;
    }

    /// How the end of a path is treated.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Lookup: u32 {
        /// A symbolic link at the end is followed.
        const FOLLOW = 1;
        /// An empty path means the base itself (`AT_EMPTY_PATH`).
        const EMPTY = 2;
    }
}

impl Resolve {
    /// Whether the walk is confined to where it starts.
    #[must_use]
    pub const fn is_scoped(self) -> bool {
        self.intersects(Self::BENEATH.union(Self::IN_ROOT))
    }
}

bitflags::bitflags! {
    /// `AT_*` flags that the *at calls share.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct AtFlags: u32 {
        /// Do not follow a symbolic link at the end.
        const SYMLINK_NOFOLLOW = 0x100;
        /// unlinkat: remove a directory. faccessat: `AT_EACCESS`, use the effective ids.
        const REMOVEDIR = 0x200;
        /// linkat: follow a symbolic link at the end.
        const SYMLINK_FOLLOW = 0x400;
        /// Accepted and without effect: there are no automounts.
        const NO_AUTOMOUNT = 0x800;
        /// An empty path means the descriptor itself.
        const EMPTY_PATH = 0x1000;
        /// statx: attributes as they are known.
        const STATX_FORCE_SYNC = 0x2000;
        /// statx: no round trip.
        const STATX_DONT_SYNC = 0x4000;
    }
}

impl AtFlags {
    /// The flags of a call that knows only `known`.
    ///
    /// # Errors
    /// `EINVAL` for others.
    pub fn parse(bits: u32, known: Self) -> Result<Self, Errno> {
        Self::from_bits(bits).filter(|flags| known.contains(*flags)).ok_or(Errno::EINVAL)
    }

    /// How the end of the path is treated in calls that follow links unless told otherwise.
    #[must_use]
    pub fn lookup(self) -> Lookup {
        let mut lookup = Lookup::empty();
        lookup.set(Lookup::FOLLOW, !self.contains(Self::SYMLINK_NOFOLLOW));
        lookup.set(Lookup::EMPTY, self.contains(Self::EMPTY_PATH));
        lookup
    }
}
