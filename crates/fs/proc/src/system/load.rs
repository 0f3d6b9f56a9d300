//! Load and uptime.

use abi::Errno;

use super::cpu::count;
use crate::System;
use crate::task::times::used_by_all;

/// The machine's load averages, with the sandbox's own numbers of threads and its last process id.
pub(crate) fn loadavg(system: &System) -> Result<Vec<u8>, Errno> {
    let host = system.host.read("loadavg")?;
    let host = String::from_utf8_lossy(&host);
    let averages: Vec<&str> = host.split_whitespace().take(3).collect();
    let (threads, last) = (system.kernel.pids.task_count(), system.kernel.pids.last_id());
    Ok(format!("{} 1/{threads} {last}\n", averages.join(" ")).into_bytes())
}

/// Seconds since the sandbox started, and processor seconds that it did not use.
#[expect(clippy::unnecessary_wraps, reason = "the signature of all generators")]
pub(crate) fn uptime(system: &System) -> Result<Vec<u8>, Errno> {
    let up = system.kernel.started.elapsed();
    let used = used_by_all(&system.kernel);
    let cpus = u32::try_from(count()).unwrap_or(1);
    let idle = up.saturating_mul(cpus).saturating_sub(used.user).saturating_sub(used.system);
    Ok(format!("{:.2} {:.2}\n", up.as_secs_f64(), idle.as_secs_f64()).into_bytes())
}
