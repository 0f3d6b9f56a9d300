//! `siginfo_t`.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{Signal, SignalSet};

/// `si_code`: by kill(2).
pub const SI_USER: i32 = 0;
/// `si_code`: by the kernel.
pub const SI_KERNEL: i32 = 0x80;
/// `si_code`: by sigqueue(3).
pub const SI_QUEUE: i32 = -1;
/// `si_code`: by a POSIX timer.
pub const SI_TIMER: i32 = -2;
/// `si_code`: by a message queue.
pub const SI_MESGQ: i32 = -3;
/// `si_code`: by asynchronous I/O.
pub const SI_ASYNCIO: i32 = -4;
/// `si_code`: by queued SIGIO.
pub const SI_SIGIO: i32 = -5;
/// `si_code`: by tkill(2) or tgkill(2).
pub const SI_TKILL: i32 = -6;
/// `si_code` of SIGCHLD: exited.
pub const CLD_EXITED: i32 = 1;
/// `si_code` of SIGCHLD: killed by a signal.
pub const CLD_KILLED: i32 = 2;
/// `si_code` of SIGCHLD: killed by a signal, with a core dump.
pub const CLD_DUMPED: i32 = 3;
/// `si_code` of SIGCHLD: a traced child trapped.
pub const CLD_TRAPPED: i32 = 4;
/// `si_code` of SIGCHLD: stopped by a signal.
pub const CLD_STOPPED: i32 = 5;
/// `si_code` of SIGCHLD: continued by SIGCONT.
pub const CLD_CONTINUED: i32 = 6;
/// `si_code` of SIGIO: data to read.
pub const POLL_IN: i32 = 1;

/// `siginfo_t`, 128 bytes. What lies in the union depends on signal and code: the constructors know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Siginfo {
    /// `si_signo`.
    pub signo: i32,
    /// `si_errno`.
    pub errno: i32,
    /// `si_code`.
    pub code: i32,
    padding: i32,
    fields: [u64; 14],
}

/// Two 32-bit fields side by side.
const fn pair(low: u32, high: u32) -> u64 {
    (low as u64) | ((high as u64) << 32)
}

impl Siginfo {
    /// Its bytes, as words.
    #[must_use]
    pub const fn words(self) -> [u64; 16] {
        zerocopy::transmute!(self)
    }

    fn build(signal: Signal, code: i32, first: &[u64]) -> Self {
        let mut fields = [0; 14];
        for (to, from) in fields.iter_mut().zip(first) {
            *to = *from;
        }
        Self { signo: signal.number(), errno: 0, code, padding: 0, fields }
    }

    /// From a process: `SI_USER` or `SI_TKILL`.
    #[must_use]
    pub fn user(signal: Signal, code: i32, pid: i32, uid: u32) -> Self {
        Self::build(signal, code, &[pair(pid.cast_unsigned(), uid)])
    }

    /// From the kernel, without particulars: `SI_KERNEL`.
    #[must_use]
    pub fn kernel(signal: Signal) -> Self {
        Self::build(signal, SI_KERNEL, &[])
    }

    /// With a value: `SI_QUEUE`, `SI_MESGQ`.
    #[must_use]
    pub fn queue(signal: Signal, code: i32, pid: i32, uid: u32, value: u64) -> Self {
        Self::build(signal, code, &[pair(pid.cast_unsigned(), uid), value])
    }

    /// From a POSIX timer: `SI_TIMER`.
    #[must_use]
    pub fn timer(signal: Signal, id: i32, overrun: i32, value: u64) -> Self {
        Self::build(signal, SI_TIMER, &[pair(id.cast_unsigned(), overrun.cast_unsigned()), value])
    }

    /// SIGCHLD. `status` is an exit code or a signal's number; times in clock ticks.
    #[must_use]
    pub fn child(code: i32, pid: i32, uid: u32, status: i32, utime: i64, stime: i64) -> Self {
        let fields = [
            pair(pid.cast_unsigned(), uid),
            pair(status.cast_unsigned(), 0),
            utime.cast_unsigned(),
            stime.cast_unsigned(),
        ];
        Self::build(Signal::SIGCHLD, code, &fields)
    }

    /// The same particulars for another signal (clone(2) lets the child choose its exit signal).
    #[must_use]
    pub const fn with_signal(mut self, signal: Signal) -> Self {
        self.signo = signal.number();
        self
    }

    /// Whether it tells of a process that sent it, or of a child: `si_pid` and `si_uid`.
    #[must_use]
    pub const fn names_sender(&self) -> bool {
        let of_process = matches!(self.code, SI_USER | SI_TKILL | SI_QUEUE | SI_MESGQ);
        of_process || self.code > 0 && self.code <= CLD_CONTINUED && self.signo == Signal::SIGCHLD.number()
    }

    /// The same particulars of another sender.
    #[must_use]
    pub fn with_sender(mut self, pid: i32, uid: u32) -> Self {
        if let Some(first) = self.fields.first_mut() {
            *first = pair(pid.cast_unsigned(), uid);
        }
        self
    }

    /// A fault of an instruction.
    #[must_use]
    pub fn fault(signal: Signal, code: i32, address: u64) -> Self {
        Self::build(signal, code, &[address])
    }

    /// Readiness of a file: SIGIO, SIGURG.
    #[must_use]
    pub fn poll(signal: Signal, code: i32, band: i64, fd: i32) -> Self {
        Self::build(signal, code, &[band.cast_unsigned(), u64::from(fd.cast_unsigned())])
    }

    /// A system call that a filter refused: SIGSYS, `SYS_SECCOMP`.
    #[must_use]
    pub fn syscall(address: u64, number: i32, arch: u32, errno: i32) -> Self {
        let mut info = Self::build(Signal::SIGSYS, 1, &[address, pair(number.cast_unsigned(), arch)]);
        info.errno = errno;
        info
    }

    fn field(&self, index: usize) -> u64 {
        self.fields.get(index).copied().unwrap_or_default()
    }

    /// The signal, unless a guest wrote nonsense.
    #[must_use]
    pub const fn signal(&self) -> Option<Signal> {
        match Signal::new(self.signo) {
            Ok(signal) => Some(signal),
            Err(_) => None,
        }
    }

    /// `si_pid` (also the timer's id).
    #[must_use]
    pub fn pid(&self) -> i32 {
        let [a, b, c, d, ..] = self.field(0).to_le_bytes();
        i32::from_le_bytes([a, b, c, d])
    }

    /// `si_uid` (also the timer's overrun count).
    #[must_use]
    pub fn uid(&self) -> u32 {
        let [.., a, b, c, d] = self.field(0).to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    }

    /// `si_status` of SIGCHLD; the low half of the second field, `si_fd` of SIGIO and `si_int`.
    #[must_use]
    pub fn status(&self) -> i32 {
        let [a, b, c, d, ..] = self.field(1).to_le_bytes();
        i32::from_le_bytes([a, b, c, d])
    }

    /// `si_value`.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.field(1)
    }

    /// `si_addr` of faults, `si_band` of SIGIO.
    #[must_use]
    pub fn address(&self) -> u64 {
        self.field(0)
    }

    /// `si_utime` and `si_stime` of SIGCHLD.
    #[must_use]
    pub fn times(&self) -> (u64, u64) {
        (self.field(2), self.field(3))
    }
}

impl core::fmt::Display for Siginfo {
    /// As strace(1) shows it, as far as the code tells what there is.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.signal() {
            Some(signal) => write!(f, "{{si_signo={signal}, si_code={}", self.code)?,
            None => write!(f, "{{si_signo={}, si_code={}", self.signo, self.code)?,
        }
        match (self.signal(), self.code) {
            (_, SI_TIMER) => write!(f, ", si_timerid={}, si_overrun={}}}", self.pid(), self.uid()),
            (Some(Signal::SIGCHLD), 1..=6) => {
                write!(f, ", si_pid={}, si_uid={}, si_status={}}}", self.pid(), self.uid(), self.status())
            }
            (_, code) if code <= 0 => write!(f, ", si_pid={}, si_uid={}}}", self.pid(), self.uid()),
            (Some(signal), code) if SignalSet::SYNCHRONOUS.has(signal) && code < SI_KERNEL => {
                write!(f, ", si_addr={:#x}}}", self.address())
            }
            _ => f.write_str("}"),
        }
    }
}
