//! Processors: what they are, and what the sandbox used of them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use abi::Errno;

use crate::System;
use crate::task::times::{ticks, used_by_all};

/// The processors are the host's: what CPUID tells the guest anyway. There are no more of them than the guest may use.
pub(crate) fn cpuinfo(system: &System) -> Result<Vec<u8>, Errno> {
    let all = system.host.read("cpuinfo")?;
    Ok(first_processors(&all, host::machine::processors()).to_vec())
}

/// The first entries of `/proc/cpuinfo`, which empty lines part.
fn first_processors(text: &[u8], count: usize) -> &[u8] {
    let ends = text.windows(2).enumerate().filter(|(_, pair)| *pair == b"\n\n");
    let end = ends.map(|(at, _)| at + 2).nth(count.saturating_sub(1));
    text.get(..end.unwrap_or(text.len())).unwrap_or(text)
}

/// How many processors the guest may use.
pub(crate) fn count() -> u64 {
    host::machine::processors() as u64
}

/// Time that the sandbox's processes used; the rest since it started is idle time.
#[expect(clippy::unnecessary_wraps, reason = "the signature of all generators")]
pub(crate) fn stat(system: &System) -> Result<Vec<u8>, Errno> {
    let cpus = count();
    let used = used_by_all(&system.kernel);
    let up = system.kernel.started.elapsed();
    let (user, kernel) = (ticks(used.user), ticks(used.system));
    let idle = ticks(up).saturating_mul(cpus).saturating_sub(user).saturating_sub(kernel);
    let mut text = format!("cpu  {user} 0 {kernel} {idle} 0 0 0 0 0 0\n");
    for cpu in 0..cpus {
        // Which processor ran what is not accounted; each gets its share.
        let (user, kernel, idle) = (user / cpus, kernel / cpus, idle / cpus);
        text.push_str(&format!("cpu{cpu} {user} 0 {kernel} {idle} 0 0 0 0 0 0\n"));
    }
    let booted =
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).saturating_sub(up).as_secs();
    let (forked, running) = (system.kernel.pids.last_id(), system.kernel.pids.task_count().min(1));
    text.push_str(&format!(
        "intr 0\nctxt 0\nbtime {booted}\nprocesses {forked}\nprocs_running {running}\nprocs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n"
    ));
    Ok(text.into_bytes())
}
