//! Interfaces as netdevice(7) shows them.
#![expect(missing_docs, reason = "the names of netdevice(7)")]

pub const FIONREAD: u32 = 0x541b;
pub const TIOCOUTQ: u32 = 0x5411;
pub const SIOCATMARK: u32 = 0x8905;
pub const SIOCGIFNAME: u32 = 0x8910;
pub const SIOCGIFCONF: u32 = 0x8912;
pub const SIOCGIFFLAGS: u32 = 0x8913;
pub const SIOCSIFFLAGS: u32 = 0x8914;
pub const SIOCGIFADDR: u32 = 0x8915;
pub const SIOCGIFBRDADDR: u32 = 0x8919;
pub const SIOCGIFNETMASK: u32 = 0x891b;
pub const SIOCGIFMETRIC: u32 = 0x891d;
pub const SIOCGIFMTU: u32 = 0x8921;
pub const SIOCGIFHWADDR: u32 = 0x8927;
pub const SIOCGIFINDEX: u32 = 0x8933;
pub const SIOCGIFTXQLEN: u32 = 0x8942;

/// The size of an interface's name with its NUL.
pub const IFNAMSIZ: usize = 16;
/// The size of `struct ifreq`.
pub const IFREQ_SIZE: usize = 40;

pub const IFF_UP: u32 = 0x1;
pub const IFF_LOOPBACK: u32 = 0x8;
pub const IFF_RUNNING: u32 = 0x40;
pub const IFF_LOWER_UP: u32 = 0x1_0000;

pub const ARPHRD_LOOPBACK: u16 = 772;
