//! Options of wait4(2) and waitid(2).
#![expect(missing_docs, reason = "the options of waitid(2) by their names")]

bitflags::bitflags! {
    /// Options of wait4(2) and waitid(2).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct WaitOptions: u32 {
        const NOHANG = 1;
        /// `WUNTRACED` of wait4(2).
        const STOPPED = 2;
        const EXITED = 4;
        const CONTINUED = 8;
        const NOWAIT = 0x0100_0000;
        const NOTHREAD = 0x2000_0000;
        const ALL = 0x4000_0000;
        const CLONE = 0x8000_0000;
    }
}

/// `P_ALL` of waitid(2).
pub const P_ALL: u32 = 0;
/// `P_PID`.
pub const P_PID: u32 = 1;
/// `P_PGID`.
pub const P_PGID: u32 = 2;
/// `P_PIDFD`.
pub const P_PIDFD: u32 = 3;
