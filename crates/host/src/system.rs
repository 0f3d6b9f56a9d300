//! The machine's memory and load: sysinfo(2).

use rustix::system::sysinfo;

/// What the host says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Load averages of 1, 5 and 15 minutes, with 16 fractional bits.
    pub loads: [u64; 3],
    /// Bytes of memory.
    pub total_memory: u64,
    /// Bytes that are free.
    pub free_memory: u64,
    /// Bytes in shared memory.
    pub shared_memory: u64,
    /// Bytes in buffers.
    pub buffers: u64,
}

/// Asks the host.
#[must_use]
pub fn machine() -> Machine {
    let info = sysinfo();
    let unit = u64::from(info.mem_unit);
    let bytes = |count: u64| count.saturating_mul(unit);
    Machine {
        loads: info.loads,
        total_memory: bytes(info.totalram),
        free_memory: bytes(info.freeram),
        shared_memory: bytes(info.sharedram),
        buffers: bytes(info.bufferram),
    }
}
