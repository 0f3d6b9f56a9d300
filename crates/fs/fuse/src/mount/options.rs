//! The options of a mount: mount.fuse(8), "Low-level".

use abi::Errno;
use vfs::{Fd, FileKind, MountOption};

/// The options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// `fd`: the open device.
    pub(crate) fd: Fd,
    /// `rootmode`: the type of the root, and its mode until the server tells.
    pub(crate) root_mode: u32,
    /// `user_id`: who mounted it, and may use it.
    pub(crate) user: u32,
    /// `group_id`.
    pub(crate) group: u32,
    /// `allow_other`: everybody may use it.
    pub(crate) allow_other: bool,
    /// `default_permissions`: modes are checked here, not by the server.
    pub(crate) default_permissions: bool,
    /// `max_read`: bytes that READ may ask for.
    pub(crate) max_read: u32,
    /// What comes behind `fuse.` in the type's name.
    pub(crate) subtype: Vec<u8>,
    given: Given,
}

/// Which of those that must be given were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Given {
    fd: bool,
    root_mode: bool,
    user: bool,
    group: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            fd: Fd(-1),
            root_mode: 0,
            user: 0,
            group: 0,
            allow_other: false,
            default_permissions: false,
            max_read: u32::MAX,
            subtype: Vec::new(),
            given: Given::default(),
        }
    }
}

fn number(text: &[u8], radix: u32) -> Result<u32, Errno> {
    let text = std::str::from_utf8(text).map_err(|_| Errno::EINVAL)?;
    u32::from_str_radix(text, radix).map_err(|_| Errno::EINVAL)
}

impl Options {
    /// The options of a mount of this type.
    ///
    /// # Errors
    /// `EINVAL` for unknown ones, values that make no sense, and if one of `fd`, `rootmode`, `user_id` and `group_id` is missing.
    pub(crate) fn parse(kind: &[u8], options: &[MountOption]) -> Result<Self, Errno> {
        let mut parsed = Self::default();
        if let Some(at) = kind.iter().position(|byte| *byte == b'.') {
            parsed.subtype = kind.get(at.saturating_add(1)..).unwrap_or_default().to_vec();
        }
        options.iter().try_for_each(|option| parsed.take(option))?;
        let Given { fd, root_mode, user, group } = parsed.given;
        if fd && root_mode && user && group { Ok(parsed) } else { Err(Errno::EINVAL) }
    }

    /// Takes one option over.
    ///
    /// # Errors
    /// `EINVAL`.
    pub(crate) fn take(&mut self, option: &MountOption) -> Result<(), Errno> {
        let value = option.value.as_deref().ok_or(Errno::EINVAL);
        match option.key.as_slice() {
            b"fd" => {
                self.fd = Fd(i32::try_from(number(value?, 10)?).map_err(|_| Errno::EINVAL)?);
                self.given.fd = true;
            }
            b"rootmode" => {
                let mode = number(value?, 8)?;
                FileKind::from_mode(mode).ok_or(Errno::EINVAL)?;
                self.root_mode = mode;
                self.given.root_mode = true;
            }
            b"user_id" => {
                self.user = number(value?, 10)?;
                self.given.user = true;
            }
            b"group_id" => {
                self.group = number(value?, 10)?;
                self.given.group = true;
            }
            b"allow_other" => self.allow_other = true,
            b"default_permissions" => self.default_permissions = true,
            b"max_read" => self.max_read = number(value?, 10)?,
            b"subtype" if self.subtype.is_empty() => self.subtype = value?.to_vec(),
            // Of mounts of block devices only, as Linux has it: they are understood and refused.
            b"blksize" => return Err(Errno::EINVAL),
            // The VFS sees to these.
            b"ro" | b"rw" | b"source" => {}
            _ => return Err(Errno::EINVAL),
        }
        Ok(())
    }

    /// As /proc/mounts shows them. `checks_modes` if modes are checked here: the server may have asked for that too.
    pub(crate) fn shown(&self, checks_modes: bool) -> String {
        let mut shown = format!(",user_id={},group_id={}", self.user, self.group);
        if checks_modes {
            shown.push_str(",default_permissions");
        }
        if self.allow_other {
            shown.push_str(",allow_other");
        }
        if self.max_read != u32::MAX {
            shown.push_str(&format!(",max_read={}", self.max_read));
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &[u8]) -> Result<Options, Errno> {
        Options::parse(b"fuse.test", &MountOption::split(text))
    }

    #[test]
    fn all_four_must_be_there_and_make_sense() {
        let options =
            parse(b"fd=3,rootmode=40000,user_id=1000,group_id=100,allow_other,max_read=65536").unwrap();
        assert_eq!((options.fd, options.root_mode, options.user), (Fd(3), 0o40_000, 1000));
        assert_eq!(options.shown(false), ",user_id=1000,group_id=100,allow_other,max_read=65536");
        assert_eq!(options.subtype, b"test");
        for bad in [
            &b"rootmode=40000,user_id=0,group_id=0"[..],
            b"fd=3,user_id=0,group_id=0",
            b"fd=3,rootmode=40000,user_id=0",
            b"fd=-1,rootmode=40000,user_id=0,group_id=0",
            b"fd=3,rootmode=0,user_id=0,group_id=0",
            b"fd=3,rootmode=49,user_id=0,group_id=0",
            b"fd=3,rootmode=40000,user_id=0,group_id=0,blksize=512",
            b"fd=3,rootmode=40000,user_id=0,group_id=0,unknown",
            b"fd,rootmode=40000,user_id=0,group_id=0",
        ] {
            assert_eq!(parse(bad), Err(Errno::EINVAL), "{}", String::from_utf8_lossy(bad));
        }
    }
}
