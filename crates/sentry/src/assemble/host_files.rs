//! What the sentry still reads of the host's /proc.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::sync::Weak;

use abi::Errno;
use kernel::Kernel;
use rustix::fs::{Mode, OFlags, openat};

/// Size of a page, in KiB.
const PAGE: u64 = 4;

/// The host's /proc, as the sandbox's pid namespace sees it.
pub(super) struct HostProc {
    directory: OwnedFd,
    kernel: Weak<Kernel>,
}

impl HostProc {
    pub(super) const fn new(directory: OwnedFd, kernel: Weak<Kernel>) -> Self {
        Self { directory, kernel }
    }

    /// What the processes of the sandbox have in memory, in KiB. What several share counts for each.
    fn resident(&self) -> u64 {
        let Some(kernel) = self.kernel.upgrade() else { return 0 };
        let groups = kernel.pids.groups();
        let texts = groups.iter().filter_map(|g| g.representative()?.memory().host_text("statm").ok());
        texts.filter_map(|text| text.split_whitespace().nth(1)?.parse::<u64>().ok()).sum::<u64>() * PAGE
    }
}

/// The host's memory as a sandbox sees that may use only a part of it: all in KiB, as in the file.
fn limited(text: &str, limit: u64, resident: u64) -> String {
    let free = limit.saturating_sub(resident);
    let line = |line: &str| {
        let Some((name, value)) = line.split_once(':') else { return line.to_owned() + "\n" };
        let number = value.split_whitespace().next().and_then(|word| word.parse::<u64>().ok());
        let most = match name {
            "MemFree" | "MemAvailable" => free,
            _ => limit,
        };
        match number {
            Some(number) if value.ends_with("kB") && !name.starts_with("Vmalloc") => {
                format!("{:<16}{:>8} kB\n", format!("{name}:"), number.min(most))
            }
            _ => line.to_owned() + "\n",
        }
    };
    text.lines().map(line).collect()
}

impl proc::HostFiles for HostProc {
    fn read(&self, name: &str) -> Result<Vec<u8>, Errno> {
        let errno = |e: rustix::io::Errno| Errno::from_raw(e.raw_os_error());
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file = openat(&self.directory, name, flags, Mode::empty()).map_err(errno)?;
        let mut text = Vec::new();
        if let Err(error) = File::from(file).read_to_end(&mut text) {
            return Err(Errno::from_raw(error.raw_os_error().unwrap_or(0)));
        }
        if name == "meminfo"
            && let Some(limit) = host::machine::memory_limit()
        {
            let text = String::from_utf8_lossy(&text);
            return Ok(limited(&text, limit / 1024, self.resident()).into_bytes());
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_all_the_memory_there_is() {
        let text = "MemTotal:       24000000 kB\nMemFree:        20000000 kB\nDirty:                12 kB\nHugePages_Total:       0\n";
        let expected = "MemTotal:         100000 kB\nMemFree:           90000 kB\nDirty:                12 kB\nHugePages_Total:       0\n";
        assert_eq!(limited(text, 100_000, 10_000), expected);
    }
}
