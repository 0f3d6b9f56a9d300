//! Asynchronous I/O: io_submit(2).
#![expect(missing_docs, reason = "names and fields are those of linux/aio_abi.h")]

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

pub const IOCB_CMD_PREAD: u16 = 0;
pub const IOCB_CMD_PWRITE: u16 = 1;
pub const IOCB_CMD_FSYNC: u16 = 2;
pub const IOCB_CMD_FDSYNC: u16 = 3;
pub const IOCB_CMD_POLL: u16 = 5;
pub const IOCB_CMD_PREADV: u16 = 7;
pub const IOCB_CMD_PWRITEV: u16 = 8;

pub const IOCB_FLAG_RESFD: u32 = 1;
pub const IOCB_FLAG_IOPRIO: u32 = 2;

/// `struct iocb`.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Iocb {
    pub data: u64,
    pub key: u32,
    pub rw_flags: u32,
    pub opcode: u16,
    pub priority: i16,
    pub fd: i32,
    pub buffer: u64,
    pub count: u64,
    pub offset: i64,
    pub reserved: u64,
    pub flags: u32,
    pub event_fd: i32,
}

/// Where the key lies in it.
pub const IOCB_KEY: u64 = core::mem::offset_of!(Iocb, key) as u64;

/// `struct io_event`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct IoEvent {
    pub data: u64,
    pub object: u64,
    pub result: i64,
    pub result2: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_have_the_sizes_of_the_kernels() {
        assert_eq!((size_of::<Iocb>(), size_of::<IoEvent>(), IOCB_KEY), (64, 32, 8));
    }
}
