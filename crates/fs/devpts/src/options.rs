//! Options of mount(8) for devpts.

use std::fmt::Write as _;

use abi::Errno;
use vfs::Credentials;

/// What an instance is mounted with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Owner of new terminals, if it is not whoever makes them.
    pub uid: Option<u32>,
    /// Group of new terminals, likewise.
    pub gid: Option<u32>,
    /// Permissions of new terminals.
    pub mode: u32,
    /// Permissions of `ptmx`.
    pub ptmx_mode: u32,
    /// How many terminals the instance has at most.
    pub max: u32,
}

/// As many as Linux has numbers for.
const MOST: u32 = 1 << 20;

impl Default for Options {
    fn default() -> Self {
        Self { uid: None, gid: None, mode: 0o600, ptmx_mode: 0, max: MOST }
    }
}

impl Options {
    /// Reads options as mount(2) takes them. Every mount is an instance of its own, so `newinstance` says nothing new.
    ///
    /// # Errors
    /// `EINVAL` for an unknown option or a bad value.
    pub fn parse(text: &[u8]) -> Result<Self, Errno> {
        let text = str::from_utf8(text).map_err(|_| Errno::EINVAL)?;
        let mut options = Self::default();
        for option in text.split(',').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            match name {
                "uid" => options.uid = Some(number(value, 10)?),
                "gid" => options.gid = Some(number(value, 10)?),
                "mode" => options.mode = number(value, 8)? & 0o7777,
                "ptmxmode" => options.ptmx_mode = number(value, 8)? & 0o7777,
                "max" => options.max = number(value, 10).and_then(limit)?,
                "newinstance" if value.is_empty() => {}
                _ => return Err(Errno::EINVAL),
            }
        }
        Ok(options)
    }

    /// As somebody means them whose user namespace numbers users in its own way.
    ///
    /// # Errors
    /// `EINVAL` for users and groups that do not exist there.
    pub fn given_by(self, credentials: &Credentials) -> Result<Self, Errno> {
        let user = &credentials.user;
        let uid = self.uid.map(|uid| user.uid(uid).ok_or(Errno::EINVAL)).transpose()?;
        let gid = self.gid.map(|gid| user.gid(gid).ok_or(Errno::EINVAL)).transpose()?;
        Ok(Self { uid, gid, ..self })
    }

    /// As /proc/mounts shows them.
    pub(crate) fn shown(&self) -> String {
        let mut text = String::new();
        for (name, id) in [("uid", self.uid), ("gid", self.gid)] {
            if let Some(id) = id {
                let _ = write!(text, ",{name}={id}");
            }
        }
        let _ = write!(text, ",mode={:03o},ptmxmode={:03o}", self.mode, self.ptmx_mode);
        if self.max < MOST {
            let _ = write!(text, ",max={}", self.max);
        }
        text
    }
}

fn number(text: &str, radix: u32) -> Result<u32, Errno> {
    u32::from_str_radix(text, radix).map_err(|_| Errno::EINVAL)
}

fn limit(max: u32) -> Result<u32, Errno> {
    if max <= MOST { Ok(max) } else { Err(Errno::EINVAL) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_and_shown() {
        let options = Options::parse(b"newinstance,ptmxmode=0666,mode=0620,gid=5,max=7").unwrap();
        assert_eq!(options.shown(), ",gid=5,mode=620,ptmxmode=666,max=7");
        assert_eq!(Options::default().shown(), ",mode=600,ptmxmode=000");
        for text in [&b"colour=red"[..], b"mode=9", b"gid=", b"max=2000000", b"newinstance=1"] {
            assert_eq!(Options::parse(text), Err(Errno::EINVAL));
        }
    }
}
