//! What shall happen for a signal: `struct sigaction` and `stack_t`.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::SignalSet;

/// `sa_handler` for the default action.
pub const SIG_DFL: u64 = 0;
/// `sa_handler` for "ignore".
pub const SIG_IGN: u64 = 1;

bitflags::bitflags! {
    /// `sa_flags` of sigaction(2).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct ActionFlags: u64 {
        /// SIGCHLD not for stops of children.
        const NOCLDSTOP = 0x1;
        /// Children leave no zombies.
        const NOCLDWAIT = 0x2;
        /// The handler wants a `siginfo_t` (it always gets one).
        const SIGINFO = 0x4;
        /// Asks whether a bit is supported: never stored.
        const UNSUPPORTED = 0x400;
        /// Keep tag bits of fault addresses (there are none on x86-64).
        const EXPOSE_TAGBITS = 0x800;
        /// The field `restorer` is valid.
        const RESTORER = 0x0400_0000;
        /// Run on the alternate stack.
        const ONSTACK = 0x0800_0000;
        /// Restart system calls.
        const RESTART = 0x1000_0000;
        /// Do not block the signal in its own handler.
        const NODEFER = 0x4000_0000;
        /// Back to the default at delivery.
        const RESETHAND = 0x8000_0000;
    }
}

/// The kernel's `struct sigaction` (x86-64), as rt_sigaction(2) passes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SigAction {
    /// Address of the handler, [`SIG_DFL`] or [`SIG_IGN`].
    pub handler: u64,
    /// `SA_*` bits.
    pub flags: u64,
    /// Where the handler returns to, with `SA_RESTORER`.
    pub restorer: u64,
    /// What is blocked while the handler runs.
    pub mask: SignalSet,
}

impl SigAction {
    /// The flags that are known.
    #[must_use]
    pub const fn known_flags(&self) -> ActionFlags {
        ActionFlags::from_bits_truncate(self.flags)
    }
}

bitflags::bitflags! {
    /// `ss_flags` of sigaltstack(2).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct AltStackFlags: u32 {
        /// The thread is on the alternate stack (reported; accepted and ignored when set).
        /// Run on the alternate stack.
        const ONSTACK = 1;
        /// There is no alternate stack.
        const DISABLE = 2;
        /// The stack is forgotten while a handler runs on it.
        const AUTODISARM = 0x8000_0000;
    }
}

/// `stack_t`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct AltStack {
    /// Its lowest address.
    pub base: u64,
    /// [`AltStackFlags`].
    pub flags: u32,
    /// Zero.
    pub padding: u32,
    /// Its size in bytes.
    pub size: u64,
}
