//! Memory of the machine, as far as a container should know it.

use abi::Errno;

use crate::System;

/// Fields of the host's meminfo that a guest sees. The rest tells of the host's own kernel.
const SHOWN: &[&str] = &[
    "MemTotal",
    "MemFree",
    "MemAvailable",
    "Buffers",
    "Cached",
    "SwapCached",
    "Active",
    "Inactive",
    "Active(anon)",
    "Inactive(anon)",
    "Active(file)",
    "Inactive(file)",
    "Unevictable",
    "Mlocked",
    "SwapTotal",
    "SwapFree",
    "Dirty",
    "Writeback",
    "AnonPages",
    "Mapped",
    "Shmem",
    "KReclaimable",
    "Slab",
    "SReclaimable",
    "SUnreclaim",
    "PageTables",
    "CommitLimit",
    "Committed_AS",
    "VmallocTotal",
    "HugePages_Total",
    "HugePages_Free",
    "Hugepagesize",
];

/// The host's memory, which is what a guest may use as long as no limit is set.
pub(crate) fn meminfo(system: &System) -> Result<Vec<u8>, Errno> {
    let text = system.host.read("meminfo")?;
    let text = String::from_utf8_lossy(&text);
    let shown = text.lines().filter(|line| line.split(':').next().is_some_and(|name| SHOWN.contains(&name)));
    Ok(shown.fold(String::new(), |all, line| all + line + "\n").into_bytes())
}

/// Swap areas: a guest has none.
#[expect(clippy::unnecessary_wraps, reason = "the signature of all generators")]
pub(crate) fn swaps(_: &System) -> Result<Vec<u8>, Errno> {
    Ok(b"Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n".to_vec())
}

/// The counters that vmstat(8) and top(1) read, from the same source as meminfo.
pub(crate) fn vmstat(system: &System) -> Result<Vec<u8>, Errno> {
    let text = system.host.read("meminfo")?;
    let text = String::from_utf8_lossy(&text);
    let pages = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let kib: u64 = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0);
        kib / 4
    };
    let rows = [
        ("nr_free_pages", "MemFree"),
        ("nr_anon_pages", "AnonPages"),
        ("nr_mapped", "Mapped"),
        ("nr_shmem", "Shmem"),
    ];
    let shown: String = rows.iter().map(|(name, of)| format!("{name} {}\n", pages(of))).collect();
    Ok(shown.into_bytes())
}
