//! The registers of a guest thread.

/// General registers, in the order of `struct sigcontext` (x86-64), and the vector state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// General registers.
    pub registers: Registers,
    /// FS segment base (thread pointer).
    pub fs_base: u64,
    /// GS segment base.
    pub gs_base: u64,
    /// The vector state as in a signal frame: the FXSAVE image, and what XSAVE appends to it, with the software-reserved bytes
    /// that say how much (`struct _fpstate` of the host's headers). Empty: the state a new program starts with.
    pub extended: Vec<u8>,
}

/// The general registers of x86-64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is the register of that name")]
pub struct Registers {
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
    pub ss: u16,
}
