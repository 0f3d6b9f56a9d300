//! Flags of a mount.

bitflags::bitflags! {
    /// What a mount restricts, with the `MS_*` numbers of mount(2).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct MountFlags: u32 {
        /// Nothing can be changed.
        const RDONLY = 1;
        /// Set-ID bits and file capabilities have no effect.
        const NOSUID = 2;
        /// Device nodes cannot be opened.
        const NODEV = 4;
        /// Nothing can be executed.
        const NOEXEC = 8;
        /// Symbolic links are not followed.
        const NOSYMFOLLOW = 0x100;
        /// Access times are not kept.
        const NOATIME = 0x400;
        /// Access times of directories are not kept.
        const NODIRATIME = 0x800;
        /// Access times are kept as far as other times make them interesting (the default).
        const RELATIME = 1 << 21;
        /// Access times are kept always.
        const STRICTATIME = 1 << 24;
    }
}

bitflags::bitflags! {
    /// What of a mount only those may change who are privileged where it comes from, and not those in a user namespace that it was copied to.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct MountLocks: u32 {
        /// That it is mounted where it is, and so covers what is below.
        const PLACE = 1;
        /// That it is read-only.
        const RDONLY = 2;
        /// That set-ID bits have no effect.
        const NOSUID = 4;
        /// That devices cannot be opened.
        const NODEV = 8;
        /// That nothing can be executed.
        const NOEXEC = 16;
        /// How access times are kept.
        const TIMES = 32;
    }
}

impl MountLocks {
    const FLAGS: [(Self, MountFlags); 4] = [
        (Self::RDONLY, MountFlags::RDONLY),
        (Self::NOSUID, MountFlags::NOSUID),
        (Self::NODEV, MountFlags::NODEV),
        (Self::NOEXEC, MountFlags::NOEXEC),
    ];

    /// Those of a mount with these flags that comes to a less privileged place.
    #[must_use]
    pub fn of(flags: MountFlags) -> Self {
        let set = Self::FLAGS.into_iter().filter(|(_, flag)| flags.contains(*flag));
        set.fold(Self::TIMES, |all, (lock, _)| all | lock)
    }

    /// Whether flags may become others.
    #[must_use]
    pub fn allow(self, old: MountFlags, new: MountFlags) -> bool {
        let times = |flags: MountFlags| flags.with_default_times().intersection(MountFlags::TIMES);
        let kept = |(lock, flag): &(Self, MountFlags)| !self.contains(*lock) || new.contains(*flag);
        Self::FLAGS.iter().all(kept) && (!self.contains(Self::TIMES) || times(old) == times(new))
    }
}

impl MountFlags {
    /// All that concern access times.
    pub const TIMES: Self =
        Self::NOATIME.union(Self::NODIRATIME).union(Self::RELATIME).union(Self::STRICTATIME);

    /// As /proc/mounts spells them: `rw,nosuid,relatime`.
    #[must_use]
    pub fn options(self) -> String {
        let mut text = String::from(if self.contains(Self::RDONLY) { "ro" } else { "rw" });
        for (flag, word) in [
            (Self::NOSUID, ",nosuid"),
            (Self::NODEV, ",nodev"),
            (Self::NOEXEC, ",noexec"),
            (Self::NOATIME, ",noatime"),
            (Self::NODIRATIME, ",nodiratime"),
            (Self::RELATIME, ",relatime"),
            (Self::NOSYMFOLLOW, ",nosymfollow"),
        ] {
            if self.contains(flag) {
                text.push_str(word);
            }
        }
        text
    }

    /// The flags with the default for access times filled in, as mount(2) does.
    #[must_use]
    pub const fn with_default_times(self) -> Self {
        if self.intersects(Self::NOATIME.union(Self::STRICTATIME)) {
            self.difference(Self::RELATIME)
        } else {
            self.union(Self::RELATIME)
        }
    }
}
