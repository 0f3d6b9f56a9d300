//! What the sentry still reads of the host's /proc.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;

use abi::Errno;
use rustix::fs::{Mode, OFlags, openat};

/// Memory that a machine is taken to have if it does not say, in bytes.
const MEMORY_UNKNOWN: u64 = 1 << 30;

/// The host's /proc, as the sandbox's pid namespace sees it.
pub(super) struct HostProc(OwnedFd);

impl HostProc {
    pub(super) const fn new(directory: OwnedFd) -> Self {
        Self(directory)
    }

    /// The machine's memory in bytes.
    pub(super) fn memory(&self) -> u64 {
        let text = proc::HostFiles::read(self, "meminfo").unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
        let kib: Option<u64> = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        kib.map_or(MEMORY_UNKNOWN, |kib| kib.saturating_mul(1024))
    }
}

impl proc::HostFiles for HostProc {
    fn read(&self, name: &str) -> Result<Vec<u8>, Errno> {
        let errno = |e: rustix::io::Errno| Errno::from_raw(e.raw_os_error());
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file = openat(&self.0, name, flags, Mode::empty()).map_err(errno)?;
        let mut text = Vec::new();
        match File::from(file).read_to_end(&mut text) {
            Ok(_) => Ok(text),
            Err(error) => Err(Errno::from_raw(error.raw_os_error().unwrap_or(0))),
        }
    }
}
