//! Which arguments of a call point to memory, and how much of it: what the gate carries through a window.
//!
//! A call that is not here goes through without any memory, and the sentry reaches into the guest for what it needs; so it does for pieces
//! that find no room. A piece must be memory that the call reads or writes in any case, or at worst: an input of which nothing
//! is read costs a copy, and an output is found writable or not before the call is made.

use crate::interface::extent::{INPUT, OUTPUT, STRING};

/// A piece of memory.
#[derive(Clone, Copy)]
pub struct Piece {
    /// Which argument has its address.
    pub arg: u8,
    /// [`crate::interface::extent`] bits.
    pub kind: u8,
    /// Bytes.
    pub length: Length,
}

/// How long a piece is.
#[derive(Clone, Copy)]
pub enum Length {
    /// So many bytes.
    Bytes(u16),
    /// As many as this argument says.
    Argument(u8),
    /// As many items as this argument says, of this size.
    Items(u8, u8),
}

const fn path(arg: u8) -> Piece {
    Piece { arg, kind: (INPUT | STRING) as u8, length: Length::Bytes(4096) }
}

const fn input(arg: u8, length: Length) -> Piece {
    Piece { arg, kind: INPUT as u8, length }
}

const fn output(arg: u8, length: Length) -> Piece {
    Piece { arg, kind: OUTPUT as u8, length }
}

const fn both(arg: u8, length: Length) -> Piece {
    Piece { arg, kind: (INPUT | OUTPUT) as u8, length }
}

/// The pieces of a call, by its number on x86-64.
pub fn pieces(number: u64) -> &'static [Piece] {
    use Length::{Argument, Bytes, Items};
    match number {
        // read, pread64, getdents64, getrandom (its buffer is the first argument), recvfrom's data.
        0 | 17 | 217 => const { &[output(1, Argument(2))] },
        318 => const { &[output(0, Argument(1))] },
        45 => const { &[output(1, Argument(2))] },
        // write, pwrite64, sendto's data.
        1 | 18 | 44 => const { &[input(1, Argument(2))] },
        // readv, writev, preadv, pwritev: the array; sendmsg, recvmsg: the header.
        19 | 20 | 295 | 296 => const { &[input(1, Items(2, 16))] },
        46 | 47 => const { &[input(1, Bytes(56))] },
        // open, access, chdir, mkdir, rmdir, unlink, chmod.
        2 | 21 | 80 | 83 | 84 | 87 | 90 => const { &[path(0)] },
        // openat, mkdirat, unlinkat, faccessat, faccessat2.
        257 | 258 | 263 | 269 | 439 => const { &[path(1)] },
        // stat, lstat; fstat; newfstatat; statx.
        4 | 6 => const { &[path(0), output(1, Bytes(144))] },
        5 => const { &[output(1, Bytes(144))] },
        262 => const { &[path(1), output(2, Bytes(144))] },
        332 => const { &[path(1), output(4, Bytes(256))] },
        // readlink, readlinkat, getcwd.
        89 => const { &[path(0), output(1, Argument(2))] },
        267 => const { &[path(1), output(2, Argument(3))] },
        79 => const { &[output(0, Argument(1))] },
        // rename, renameat, renameat2.
        82 => const { &[path(0), path(1)] },
        264 | 316 => const { &[path(1), path(3)] },
        // poll; ppoll.
        7 => const { &[both(0, Items(1, 8))] },
        271 => const { &[both(0, Items(1, 8)), input(2, Bytes(16)), input(3, Bytes(8))] },
        // epoll_wait and epoll_pwait; epoll_ctl.
        232 | 281 => const { &[output(1, Items(2, 12))] },
        233 => const { &[input(3, Bytes(12))] },
        // rt_sigaction, rt_sigprocmask.
        13 => const { &[input(1, Bytes(32)), output(2, Bytes(32))] },
        14 => const { &[input(1, Bytes(8)), output(2, Bytes(8))] },
        // nanosleep, clock_nanosleep: what is left is written only after an interruption, by other means.
        35 => const { &[input(0, Bytes(16))] },
        230 => const { &[input(2, Bytes(16))] },
        // clock_gettime, gettimeofday.
        228 => const { &[output(1, Bytes(16))] },
        96 => const { &[output(0, Bytes(16))] },
        // pipe, pipe2, wait4's status, getrusage, times, uname, sysinfo, getrlimit, setrlimit, prlimit64.
        22 | 293 => const { &[output(0, Bytes(8))] },
        61 => const { &[output(1, Bytes(4))] },
        98 => const { &[output(1, Bytes(144))] },
        100 => const { &[output(0, Bytes(32))] },
        63 => const { &[output(0, Bytes(390))] },
        99 => const { &[output(0, Bytes(112))] },
        97 => const { &[output(1, Bytes(16))] },
        160 => const { &[input(1, Bytes(16))] },
        302 => const { &[input(2, Bytes(16)), output(3, Bytes(16))] },
        _ => &[],
    }
}
