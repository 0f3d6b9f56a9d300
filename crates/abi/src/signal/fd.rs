//! What is read from a signalfd.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{SI_KERNEL, SI_TIMER, Siginfo, Signal, SignalSet};

/// `struct signalfd_siginfo`, 128 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
#[expect(missing_docs, reason = "the fields of signalfd(2) by their names, without the prefix ssi_")]
pub struct SignalFdInfo {
    pub signo: u32,
    pub errno: i32,
    pub code: i32,
    pub pid: u32,
    pub uid: u32,
    pub fd: i32,
    pub tid: u32,
    pub band: u32,
    pub overrun: u32,
    pub trapno: u32,
    pub status: i32,
    pub int: i32,
    pub ptr: u64,
    pub utime: u64,
    pub stime: u64,
    pub addr: u64,
    pub addr_lsb: u16,
    padding2: u16,
    pub syscall: i32,
    pub call_addr: u64,
    pub arch: u32,
    padding: [u32; 7],
}

const _: () = assert!(size_of::<SignalFdInfo>() == 128);

/// Signals whose positive codes describe a fault.
const FAULTS: SignalSet =
    SignalSet::of(&[Signal::SIGSEGV, Signal::SIGBUS, Signal::SIGILL, Signal::SIGTRAP, Signal::SIGFPE]);

impl From<&Siginfo> for SignalFdInfo {
    /// Which fields are filled depends on signal and code, as in the kernel.
    fn from(info: &Siginfo) -> Self {
        let base =
            Self { signo: info.signo.cast_unsigned(), errno: info.errno, code: info.code, ..Self::default() };
        let signal = info.signal();
        let by_kernel = info.code > 0 && info.code < SI_KERNEL;
        let pid = info.pid().cast_unsigned();
        match signal {
            Some(Signal::SIGCHLD) if by_kernel => {
                let (utime, stime) = info.times();
                Self { pid, uid: info.uid(), status: info.status(), utime, stime, ..base }
            }
            Some(Signal::SIGIO) if by_kernel => {
                let [a, b, c, d, ..] = info.address().to_le_bytes();
                Self { band: u32::from_le_bytes([a, b, c, d]), fd: info.status(), ..base }
            }
            Some(signal) if by_kernel && FAULTS.has(signal) => Self { addr: info.address(), ..base },
            _ if info.code == SI_TIMER => {
                Self { tid: pid, overrun: info.uid(), int: info.status(), ptr: info.value(), ..base }
            }
            _ if info.code < 0 => {
                Self { pid, uid: info.uid(), int: info.status(), ptr: info.value(), ..base }
            }
            _ => Self { pid, uid: info.uid(), ..base },
        }
    }
}
