//! The host's /proc, through a descriptor: the sentry's own root is empty.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use abi::Errno;
use rustix::fs::{Mode, OFlags};

use crate::Mapping;

/// The longest file that is read: maps of a process with very many mappings.
const LIMIT: usize = 64 << 20;

/// The directory /proc of the pid namespace that the stubs are in.
pub(super) struct Procfs(OwnedFd);

impl Procfs {
    pub(super) fn new(directory: OwnedFd) -> Self {
        Self(directory)
    }

    /// The text of a file below /proc.
    ///
    /// # Errors
    /// As open(2) and read(2); `EFBIG` for more than any sane process has.
    pub(super) fn read(&self, path: &str) -> Result<String, Errno> {
        let errno = |e: rustix::io::Errno| Errno::from_raw(e.raw_os_error());
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file = rustix::fs::openat(&self.0, path, flags, Mode::empty()).map_err(errno)?;
        let mut text = Vec::new();
        loop {
            let length = text.len();
            text.resize(length + 65536, 0);
            let space = text.get_mut(length..).unwrap_or_default();
            let got = rustix::io::read(file.as_fd(), space).map_err(errno)?;
            text.truncate(length + got);
            if got == 0 {
                break;
            }
            if text.len() > LIMIT {
                return Err(Errno::EFBIG);
            }
        }
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// Time on a processor from a `schedstat` file.
    ///
    /// # Errors
    /// As [`Self::cpu_time`].
    pub(super) fn run_time(&self, path: &str) -> Result<Duration, Errno> {
        let text = self.read(path)?;
        let nanos = text.split(' ').next().and_then(|f| f.parse().ok()).ok_or(Errno::EIO)?;
        Ok(Duration::from_nanos(nanos))
    }

    /// Whether the thread of a `stat` file runs or could.
    ///
    /// # Errors
    /// As [`Self::cpu_time`].
    pub(super) fn is_running(&self, path: &str) -> Result<bool, Errno> {
        let text = self.read(path)?;
        let (_, rest) = text.rsplit_once(") ").ok_or(Errno::EIO)?;
        Ok(rest.starts_with('R'))
    }

    /// Where in the host's kernel a thread sleeps, by its directory; nothing for one that runs or could.
    ///
    /// # Errors
    /// As [`Self::cpu_time`].
    pub(super) fn waits_for(&self, directory: &str) -> Result<Option<String>, Errno> {
        if self.is_running(&format!("{directory}/stat"))? {
            return Ok(None);
        }
        self.read(&format!("{directory}/wchan")).map(Some)
    }

    /// User and system time from a `stat` file.
    ///
    /// # Errors
    /// As [`Self::read`]; `EIO` for a file of another form.
    pub(super) fn cpu_time(&self, path: &str) -> Result<(Duration, Duration), Errno> {
        let text = self.read(path)?;
        // The name, in parentheses, may hold anything; user and system time are fields 14 and 15 of the whole.
        let (_, rest) = text.rsplit_once(')').ok_or(Errno::EIO)?;
        let mut fields = rest.split_whitespace().skip(11);
        let per_second = rustix::param::clock_ticks_per_second().max(1);
        let mut ticks = || -> Result<Duration, Errno> {
            let ticks: u64 = fields.next().and_then(|f| f.parse().ok()).ok_or(Errno::EIO)?;
            Ok(Duration::from_nanos(ticks.saturating_mul(1_000_000_000 / per_second)))
        };
        Ok((ticks()?, ticks()?))
    }
}

/// The lines of a `maps` file (proc_pid_maps(5)).
pub(super) fn parse_maps(text: &str) -> Vec<Mapping> {
    text.lines().filter_map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<Mapping> {
    let mut rest = line;
    let mut field = || {
        let trimmed = rest.trim_start();
        let (field, after) = trimmed.split_once(' ').unwrap_or((trimmed, ""));
        rest = after;
        field
    };
    let (start, end) = field().split_once('-')?;
    let flags = field().as_bytes();
    let offset = u64::from_str_radix(field(), 16).ok()?;
    let (major, minor) = field().split_once(':')?;
    let inode: u64 = field().parse().ok()?;
    let (major, minor) = (u32::from_str_radix(major, 16).ok()?, u32::from_str_radix(minor, 16).ok()?);
    let bit = |at: usize, letter: u8, bit: u32| if flags.get(at) == Some(&letter) { bit } else { 0 };
    Some(Mapping {
        start: u64::from_str_radix(start, 16).ok()?,
        end: u64::from_str_radix(end, 16).ok()?,
        protection: bit(0, b'r', 1) | bit(1, b'w', 2) | bit(2, b'x', 4),
        shared: flags.get(3) == Some(&b's'),
        offset,
        host_file: (inode != 0).then(|| (rustix::fs::makedev(major, minor), inode)),
        host_name: rest.trim_start().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_maps_is_understood() {
        let text = "7f00-8000 r-xp 00002000 fd:01 1234   /usr/lib/a file (deleted)\n\
                    8000-9000 rw-s 00000000 00:01 77 /memfd:x\n\
                    7ffd1000-7ffd2000 r--p 00000000 00:00 0                          [vvar]\n\
                    nonsense\n";
        let maps = parse_maps(text);
        assert_eq!(maps.len(), 3);
        assert_eq!(
            (maps[0].start, maps[0].end, maps[0].protection, maps[0].offset),
            (0x7f00, 0x8000, 5, 0x2000)
        );
        assert_eq!(maps[0].host_file, Some((rustix::fs::makedev(0xfd, 1), 1234)));
        assert_eq!(maps[0].host_name, "/usr/lib/a file (deleted)");
        assert!(maps[1].shared && !maps[0].shared);
        assert_eq!((maps[2].host_file, maps[2].host_name.as_str()), (None, "[vvar]"));
    }

    #[test]
    fn own_cpu_time_is_read() {
        let procfs = Procfs::new(rustix::fs::open("/proc", OFlags::DIRECTORY, Mode::empty()).unwrap());
        while procfs.cpu_time("self/stat").unwrap().0 < Duration::from_millis(20) {
            std::hint::black_box([0u8; 4096]);
        }
    }
}
