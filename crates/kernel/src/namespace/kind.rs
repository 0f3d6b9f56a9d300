//! The kinds of namespaces.

use abi::clone::CloneFlags;

/// The kinds that a kernel has, by their names in /proc/PID/ns, with the inode numbers of the first of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the kinds of namespaces(7)")]
pub enum Kind {
    Cgroup,
    Ipc,
    Mount,
    Network,
    Pid,
    Time,
    User,
    Uts,
}

impl Kind {
    /// All, with names, flags and the inode numbers that Linux gives the initial ones.
    const TABLE: &'static [(Self, &'static str, CloneFlags, u32)] = &[
        (Self::Cgroup, "cgroup", CloneFlags::NEWCGROUP, 0xefff_fffb),
        (Self::Ipc, "ipc", CloneFlags::NEWIPC, 0xefff_ffff),
        (Self::Mount, "mnt", CloneFlags::NEWNS, 0xeffe_ffff),
        (Self::Network, "net", CloneFlags::NEWNET, 0xeffe_fffe),
        (Self::Pid, "pid", CloneFlags::NEWPID, 0xefff_fffc),
        (Self::Time, "time", CloneFlags::NEWTIME, 0xefff_fffa),
        (Self::User, "user", CloneFlags::NEWUSER, 0xefff_fffd),
        (Self::Uts, "uts", CloneFlags::NEWUTS, 0xefff_fffe),
    ];

    /// All of them, in the order of their names.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::TABLE.iter().map(|row| row.0)
    }

    fn row(self) -> (&'static str, CloneFlags, u32) {
        let row = Self::TABLE.iter().find(|row| row.0 == self);
        row.map_or(("", CloneFlags::empty(), 0), |row| (row.1, row.2, row.3))
    }

    /// Its name in /proc/PID/ns.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// Its `CLONE_NEW*` flag.
    #[must_use]
    pub fn flag(self) -> CloneFlags {
        self.row().1
    }

    /// The inode number of a namespace of this kind with an id: 1 is the first one.
    pub(super) fn number(self, id: u64) -> u32 {
        const LATER: u32 = 0xf000_0000;
        match u32::try_from(id) {
            Ok(1) => self.row().2,
            Ok(id) => LATER | (id << 3 | self as u32) & !LATER,
            Err(_) => LATER,
        }
    }
}
