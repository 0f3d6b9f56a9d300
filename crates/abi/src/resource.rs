//! `struct rusage`, `struct rlimit` and `struct tms`.
#![expect(missing_docs, reason = "the fields are those of getrusage(2), getrlimit(2) and times(2)")]

use crate::time::Timeval;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `struct rusage`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Rusage {
    pub user: Timeval,
    pub system: Timeval,
    /// KiB.
    pub max_resident: i64,
    pub shared_text: i64,
    pub unshared_data: i64,
    pub unshared_stack: i64,
    pub minor_faults: i64,
    pub major_faults: i64,
    pub swaps: i64,
    pub blocks_in: i64,
    pub blocks_out: i64,
    pub messages_sent: i64,
    pub messages_received: i64,
    pub signals: i64,
    pub voluntary_switches: i64,
    pub involuntary_switches: i64,
}

/// `struct rlimit` (the 64-bit one).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Rlimit {
    pub soft: u64,
    pub hard: u64,
}

/// `struct tms`, in clock ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Tms {
    pub user: i64,
    pub system: i64,
    pub children_user: i64,
    pub children_system: i64,
}

/// `struct sysinfo`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Sysinfo {
    /// Seconds.
    pub uptime: i64,
    /// With 16 fractional bits.
    pub loads: [u64; 3],
    pub total_ram: u64,
    pub free_ram: u64,
    pub shared_ram: u64,
    pub buffer_ram: u64,
    pub total_swap: u64,
    pub free_swap: u64,
    pub processes: u16,
    pub padding: [u8; 6],
    pub total_high: u64,
    pub free_high: u64,
    pub unit: u32,
    pub end: [u8; 4],
}

/// The longest name in `struct utsname`, without its NUL.
pub const UTS_LENGTH: usize = 64;

/// `struct utsname`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Utsname {
    pub system: [u8; 65],
    pub node: [u8; 65],
    pub release: [u8; 65],
    pub version: [u8; 65],
    pub machine: [u8; 65],
    pub domain: [u8; 65],
}
