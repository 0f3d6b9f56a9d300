//! Signals: numbers, sets, dispositions, `siginfo_t` and the frame of a handler, as signal(7) and the headers
//! `asm-generic/siginfo.h`, `asm/sigcontext.h` and `asm/ucontext.h` define them.

mod action;
mod fd;
mod frame;
mod info;
mod number;
mod set;

pub use action::{ActionFlags, AltStack, AltStackFlags, SIG_DFL, SIG_IGN, SigAction};
pub use fd::SignalFdInfo;
pub use frame::{
    FP_XSTATE_MAGIC1, FP_XSTATE_MAGIC2, FXSAVE_SIZE, FpSoftware, RtFrame, SigContext, UContext, UContextFlags,
};
pub use info::{
    CLD_CONTINUED, CLD_DUMPED, CLD_EXITED, CLD_KILLED, CLD_STOPPED, CLD_TRAPPED, POLL_IN, SI_ASYNCIO,
    SI_KERNEL, SI_MESGQ, SI_QUEUE, SI_SIGIO, SI_TIMER, SI_TKILL, SI_USER, Siginfo,
};
pub use number::Signal;
pub use set::SignalSet;
