//! What the sentry still reads of the host's /proc.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;

use abi::Errno;
use rustix::fs::{Mode, OFlags, openat};

/// The host's /proc, as the sandbox's pid namespace sees it.
pub(super) struct HostProc(OwnedFd);

impl HostProc {
    pub(super) const fn new(directory: OwnedFd) -> Self {
        Self(directory)
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
