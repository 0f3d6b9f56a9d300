//! The machine that the sandbox runs on.

/// Bytes of memory: sysinfo(2).
#[must_use]
pub fn memory() -> u64 {
    let info = rustix::system::sysinfo();
    u64::from(info.mem_unit).saturating_mul(info.totalram)
}
