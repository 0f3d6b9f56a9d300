//! Options of tmpfs(5).

use abi::Errno;
use vfs::Credentials;

/// What a tmpfs is mounted with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Bytes for content.
    pub size: u64,
    /// Inodes.
    pub inodes: u64,
    /// Permissions of the root directory.
    pub mode: u32,
    /// Its user.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
}

/// Which options a text named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) size: Option<u64>,
    pub(crate) inodes: Option<u64>,
    mode: Option<u32>,
    uid: Option<u32>,
    gid: Option<u32>,
}

impl Options {
    /// The defaults on a machine (or in a sandbox) with so much memory: half of it for content, an inode for every page of that.
    #[must_use]
    pub const fn for_memory(bytes: u64) -> Self {
        Self { size: bytes / 2, inodes: bytes / 2 / 4096, mode: 0o1777, uid: 0, gid: 0 }
    }

    /// The defaults, changed by options as mount(2) takes them: `size=64m,mode=755`.
    ///
    /// # Errors
    /// `EINVAL` for an unknown option or a bad value.
    pub fn parse(text: &[u8], memory: u64) -> Result<Self, Errno> {
        let defaults = Self::for_memory(memory);
        let given = Given::parse(text, memory)?;
        Ok(Self {
            size: given.size.unwrap_or(defaults.size),
            inodes: given.inodes.unwrap_or(defaults.inodes),
            mode: given.mode.unwrap_or(defaults.mode),
            uid: given.uid.unwrap_or(defaults.uid),
            gid: given.gid.unwrap_or(defaults.gid),
        })
    }
}

impl Options {
    /// As somebody means them whose user namespace numbers users in its own way. Where there is no root, the root directory is the caller's.
    ///
    /// # Errors
    /// `EINVAL` for users and groups that do not exist there.
    pub fn given_by(self, credentials: &Credentials) -> Result<Self, Errno> {
        let known = |id: Option<u32>, own: u32, named: u32| match id {
            Some(id) => Ok(id),
            None if named == 0 => Ok(own),
            None => Err(Errno::EINVAL),
        };
        let user = &credentials.user;
        Ok(Self {
            uid: known(user.uid(self.uid), credentials.fsuid, self.uid)?,
            gid: known(user.gid(self.gid), credentials.fsgid, self.gid)?,
            ..self
        })
    }
}

impl Given {
    pub(crate) fn parse(text: &[u8], memory: u64) -> Result<Self, Errno> {
        let text = str::from_utf8(text).map_err(|_| Errno::EINVAL)?;
        let mut given = Self::default();
        for option in text.split(',').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            match name {
                "size" => given.size = Some(size(value, memory)?),
                "nr_blocks" => given.size = Some(number(value)?.checked_mul(4096).ok_or(Errno::EINVAL)?),
                "nr_inodes" => given.inodes = Some(number(value)?),
                "mode" => given.mode = Some(octal(value)?),
                "uid" => given.uid = Some(value.parse().map_err(|_| Errno::EINVAL)?),
                "gid" => given.gid = Some(value.parse().map_err(|_| Errno::EINVAL)?),
                // Placement on the host, which has no bearing on what a guest sees.
                "inode32" | "inode64" | "noswap" => {}
                "huge" if HUGE.contains(&value) => {}
                "mpol" if is_policy(value) => {}
                _ => return Err(Errno::EINVAL),
            }
        }
        Ok(given)
    }
}

/// When files get huge pages.
const HUGE: [&str; 4] = ["never", "always", "within_size", "advise"];

/// Whether it names a policy for the nodes of memory, of which there is one here: tmpfs(5), "mpol".
fn is_policy(text: &str) -> bool {
    let (policy, nodes) = text.split_once(':').map_or((text, None), |(policy, nodes)| (policy, Some(nodes)));
    let (policy, flag) = policy.split_once('=').map_or((policy, None), |(policy, flag)| (policy, Some(flag)));
    let flagged = flag.is_none_or(|flag| matches!(flag, "static" | "relative") && nodes.is_some());
    let placed = match policy {
        "default" | "local" => nodes.is_none(),
        "prefer" | "interleave" => nodes.is_none_or(|nodes| nodes == "0"),
        "bind" => nodes == Some("0"),
        _ => false,
    };
    flagged && placed
}

/// Zero means "no limit".
fn size(text: &str, memory: u64) -> Result<u64, Errno> {
    let bytes = match text.strip_suffix('%') {
        Some(percent) => {
            let percent: u64 = percent.parse().map_err(|_| Errno::EINVAL)?;
            (memory / 100).checked_mul(percent).ok_or(Errno::EINVAL)?
        }
        None => scaled(text)?,
    };
    Ok(if bytes == 0 { u64::MAX } else { bytes.checked_next_multiple_of(4096).ok_or(Errno::EINVAL)? })
}

fn number(text: &str) -> Result<u64, Errno> {
    scaled(text).map(|n| if n == 0 { u64::MAX } else { n })
}

/// A number with a suffix: `k`, `m`, `g`, `t`.
fn scaled(text: &str) -> Result<u64, Errno> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match text.get(digits.len()..).unwrap_or_default() {
        "" => 0,
        "k" | "K" => 10,
        "m" | "M" => 20,
        "g" | "G" => 30,
        "t" | "T" => 40,
        _ => return Err(Errno::EINVAL),
    };
    let number: u64 = digits.parse().map_err(|_| Errno::EINVAL)?;
    number.checked_mul(1 << shift).ok_or(Errno::EINVAL)
}

fn octal(text: &str) -> Result<u32, Errno> {
    u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777).ok_or(Errno::EINVAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_suffixes_and_percentages() {
        let parse = |text: &[u8]| Options::parse(text, 1 << 30);
        assert_eq!(parse(b"size=64k,mode=0755").map(|o| (o.size, o.mode)), Ok((65_536, 0o755)));
        assert_eq!(parse(b"size=50%").map(|o| o.size >> 20), Ok(512));
        assert_eq!(parse(b"size=1000").map(|o| o.size), Ok(4096));
        assert_eq!(parse(b"nr_inodes=1k").map(|o| o.inodes), Ok(1024));
        assert_eq!(parse(b"size=0").map(|o| o.size), Ok(u64::MAX));
        assert_eq!(parse(b"").map(|o| o.size), Ok(1 << 29));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            &b"size=x"[..],
            b"size=1q",
            b"colour=red",
            b"mode=99",
            b"uid=-1",
            b"size=99999999999t",
            b"huge=",
            b"huge=1",
            b"huge=force",
            b"mpol=near",
            b"mpol=bind",
            b"mpol=local:0",
            b"mpol=bind:0-",
        ] {
            assert_eq!(
                Options::parse(text, 1 << 30),
                Err(Errno::EINVAL),
                "{}",
                String::from_utf8_lossy(text)
            );
        }
    }
}
