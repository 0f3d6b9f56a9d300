//! What lies on the stack while a handler runs (x86-64): `struct rt_sigframe`.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{AltStack, Siginfo, SignalSet};

bitflags::bitflags! {
    /// `uc_flags`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct UContextFlags: u64 {
        /// The floating-point state has the XSAVE form.
        const FP_XSTATE = 1;
        /// `ss` of the context was saved.
        const SIGCONTEXT_SS = 2;
        /// `ss` is restored as it is.
        const STRICT_RESTORE_SS = 4;
    }
}

/// `struct sigcontext`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
#[expect(missing_docs, reason = "each field is the register of that name, or as the header has it")]
pub struct SigContext {
    pub r8: u64,
    pub r9: u64,
    pub r10: u64,
    pub r11: u64,
    pub r12: u64,
    pub r13: u64,
    pub r14: u64,
    pub r15: u64,
    pub rdi: u64,
    pub rsi: u64,
    pub rbp: u64,
    pub rbx: u64,
    pub rdx: u64,
    pub rax: u64,
    pub rcx: u64,
    pub rsp: u64,
    pub rip: u64,
    pub eflags: u64,
    pub cs: u16,
    pub gs: u16,
    pub fs: u16,
    pub ss: u16,
    pub err: u64,
    pub trapno: u64,
    pub oldmask: u64,
    pub cr2: u64,
    /// Address of the floating-point state, or 0.
    pub fpstate: u64,
    pub reserved: [u64; 8],
}

/// `struct ucontext`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct UContext {
    /// [`UContextFlags`].
    pub flags: u64,
    /// Zero.
    pub link: u64,
    /// The alternate stack.
    pub stack: AltStack,
    /// Registers.
    pub context: SigContext,
    /// What was blocked.
    pub mask: SignalSet,
}

/// `struct rt_sigframe`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct RtFrame {
    /// Return address: the restorer.
    pub pretcode: u64,
    /// Third argument of the handler.
    pub ucontext: UContext,
    /// Second argument of the handler.
    pub info: Siginfo,
}

/// `magic1` of [`FpSoftware`].
pub const FP_XSTATE_MAGIC1: u32 = 0x4650_5853;
/// What follows the XSAVE image.
pub const FP_XSTATE_MAGIC2: u32 = 0x4650_5845;
/// Size of the image that FXSAVE makes.
pub const FXSAVE_SIZE: usize = 512;

/// `struct _fpx_sw_bytes`: the last 48 bytes of the FXSAVE image, which the processor does not use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct FpSoftware {
    /// [`FP_XSTATE_MAGIC1`] if there is more than the FXSAVE image.
    pub magic1: u32,
    /// Bytes of everything, with the magic number at the end.
    pub extended_size: u32,
    /// Which components there are.
    pub xfeatures: u64,
    /// Bytes of the XSAVE image.
    pub xstate_size: u32,
    /// Zero.
    pub padding: [u32; 7],
}

impl FpSoftware {
    /// Where it lies in the image.
    pub const OFFSET: usize = FXSAVE_SIZE - size_of::<Self>();
}

const _: () = {
    assert!(size_of::<SigContext>() == 256);
    assert!(size_of::<UContext>() == 304);
    assert!(size_of::<RtFrame>() == 440);
    assert!(size_of::<FpSoftware>() == 48);
    assert!(size_of::<Siginfo>() == 128);
};
