//! epoll(7): the structure and flags of `include/uapi/linux/eventpoll.h`.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `struct epoll_event`: packed on x86-64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C, packed)]
pub struct EpollEvent {
    /// `EPOLL*` bits.
    pub events: u32,
    /// The watcher's own.
    pub data: u64,
}

/// `epoll_ctl` operation: adds a descriptor.
pub const EPOLL_CTL_ADD: i32 = 1;
/// `epoll_ctl` operation: removes a descriptor.
pub const EPOLL_CTL_DEL: i32 = 2;
/// `epoll_ctl` operation: changes the events of a descriptor.
pub const EPOLL_CTL_MOD: i32 = 3;

/// Wakes only one of the epoll instances that watch so.
pub const EPOLLEXCLUSIVE: u32 = 1 << 28;
/// Keeps the system from suspending.
pub const EPOLLWAKEUP: u32 = 1 << 29;
/// Reports once, and then nothing until the next `EPOLL_CTL_MOD`.
pub const EPOLLONESHOT: u32 = 1 << 30;
/// Reports changes, not states.
pub const EPOLLET: u32 = 1 << 31;

/// `epoll_create1` flag.
pub const EPOLL_CLOEXEC: u32 = 0o2_000_000;
