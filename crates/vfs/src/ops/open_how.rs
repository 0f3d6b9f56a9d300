//! Arguments of open(2) and openat2(2).

use abi::Errno;

use crate::OpenFlags;
use crate::resolve::Resolve;

/// How to open, checked for sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenHow {
    /// Access mode and flags.
    pub flags: OpenFlags,
    /// Permissions of a file that is made.
    pub mode: u32,
    /// Restrictions of the walk.
    pub resolve: Resolve,
}

impl OpenHow {
    /// As open(2) and openat(2) take them: unknown flags are ignored.
    ///
    /// # Errors
    /// `EINVAL` for combinations without sense.
    pub fn lenient(flags: u32, mode: u32) -> Result<Self, Errno> {
        let flags = OpenFlags::from_bits_truncate(flags) | OpenFlags::LARGEFILE;
        let flags = if flags.contains(OpenFlags::PATH) { flags & PATH_FLAGS } else { flags };
        Self { flags, mode: mode & 0o7777, resolve: Resolve::empty() }.checked()
    }

    /// As openat2(2) takes them: everything unknown or without effect is refused.
    ///
    /// # Errors
    /// `EINVAL`, `EAGAIN` for a cached walk that would have to make or cut something.
    pub fn strict(flags: u64, mode: u64, resolve: u64) -> Result<Self, Errno> {
        let flags = u32::try_from(flags).ok().and_then(OpenFlags::from_bits).ok_or(Errno::EINVAL)?;
        let resolve = Resolve::from_bits(resolve).ok_or(Errno::EINVAL)?;
        let makes = flags.intersects(OpenFlags::CREAT | OpenFlags::TMPFILE);
        let mode = u32::try_from(mode).ok().filter(|m| m & !0o7777 == 0).ok_or(Errno::EINVAL)?;
        let confined = Resolve::BENEATH | Resolve::IN_ROOT;
        let senseless = !makes && mode != 0
            || resolve.contains(confined)
            || flags.contains(OpenFlags::PATH) && !PATH_FLAGS.contains(flags);
        if senseless {
            return Err(Errno::EINVAL);
        }
        let changes = OpenFlags::CREAT | OpenFlags::TRUNC | OpenFlags::TMPFILE;
        if resolve.contains(Resolve::CACHED) && flags.intersects(changes) {
            return Err(Errno::EAGAIN);
        }
        Self { flags, mode, resolve }.checked()
    }

    /// For the kernel's own opens.
    #[must_use]
    pub const fn read_only() -> Self {
        Self { flags: OpenFlags::empty(), mode: 0, resolve: Resolve::empty() }
    }

    fn checked(self) -> Result<Self, Errno> {
        let flags = self.flags;
        if flags.contains(OpenFlags::TMPFILE) {
            let wrong = !flags.contains(OpenFlags::DIRECTORY) || flags.contains(OpenFlags::CREAT);
            if wrong || !flags.writes() {
                return Err(Errno::EINVAL);
            }
        } else if flags.contains(OpenFlags::DIRECTORY | OpenFlags::CREAT) {
            return Err(Errno::EINVAL);
        }
        Ok(self)
    }
}

/// The flags that have a meaning with `O_PATH`.
const PATH_FLAGS: OpenFlags =
    OpenFlags::PATH.union(OpenFlags::DIRECTORY).union(OpenFlags::NOFOLLOW).union(OpenFlags::CLOEXEC);
