//! x86-64: where the registers lie in a stub's signal frame, and what the processor offers.

use crate::Registers;

/// One past the highest address of user space with four levels of page tables.
pub(in crate::stubs) const USER_END: u64 = 0x7fff_ffff_f000;
/// Lowest address that an unprivileged process may map by default (`vm.mmap_min_addr`).
pub(in crate::stubs) const USER_START: u64 = 0x1_0000;

/// From the `ucontext` to the machine context.
pub(in crate::stubs) const MACHINE: u64 = 40;
/// Words of the machine context up to and including the pointer to the vector state.
pub(in crate::stubs) const MACHINE_WORDS: usize = 24;
/// Words that [`encode`] gives: the registers and the segments.
pub(in crate::stubs) const REGISTER_WORDS: usize = 19;
/// Index of `rax`.
pub(in crate::stubs) const RESULT_WORD: u64 = 13;
/// Index of the pointer to the vector state.
pub(in crate::stubs) const VECTOR_WORD: u64 = 23;
/// From the start of the frame, which is a new thread's stack pointer, to the `ucontext`.
pub(in crate::stubs) const FRAME_TO_CONTEXT: u64 = 8;

/// Bytes of the vector state that every processor has: the FXSAVE image.
pub(in crate::stubs) const VECTOR_MINIMUM: usize = 512;
/// Where its software-reserved bytes begin: a magic number, then the whole size.
const SOFTWARE_RESERVED: usize = 464;
const EXTENDED_MAGIC: u32 = 0x4650_5853;

/// The user's code and stack segments, and the interrupt flag that is always set.
const USER_CS: u16 = 0x33;
const USER_SS: u16 = 0x2b;

/// The machine context's words as registers.
pub(in crate::stubs) fn decode(words: &[u64; MACHINE_WORDS]) -> Registers {
    let [
        r8,
        r9,
        r10,
        r11,
        r12,
        r13,
        r14,
        r15,
        rdi,
        rsi,
        rbp,
        rbx,
        rdx,
        rax,
        rcx,
        rsp,
        rip,
        eflags,
        segments,
        ..,
    ] = *words;
    let [cs0, cs1, _, _, _, _, ss0, ss1] = segments.to_le_bytes();
    Registers {
        r8,
        r9,
        r10,
        r11,
        r12,
        r13,
        r14,
        r15,
        rdi,
        rsi,
        rbp,
        rbx,
        rdx,
        rax,
        rcx,
        rsp,
        rip,
        eflags,
        cs: u16::from_le_bytes([cs0, cs1]),
        ss: u16::from_le_bytes([ss0, ss1]),
    }
}

/// Registers as the machine context's first words.
pub(in crate::stubs) fn encode(r: &Registers) -> [u64; REGISTER_WORDS] {
    let cs = if r.cs == 0 { USER_CS } else { r.cs };
    let ss = if r.ss == 0 { USER_SS } else { r.ss };
    let segments = u64::from(cs) | u64::from(ss) << 48;
    [
        r.r8, r.r9, r.r10, r.r11, r.r12, r.r13, r.r14, r.r15, r.rdi, r.rsi, r.rbp, r.rbx, r.rdx, r.rax,
        r.rcx, r.rsp, r.rip, r.eflags, segments,
    ]
}

/// Bytes of the whole vector state, from its first [`VECTOR_MINIMUM`] bytes.
pub(in crate::stubs) fn vector_size(start: &[u8]) -> usize {
    let word = |at: usize| -> Option<u32> {
        let bytes = start.get(at..at + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    };
    match (word(SOFTWARE_RESERVED), word(SOFTWARE_RESERVED + 4)) {
        (Some(EXTENDED_MAGIC), Some(size)) => {
            usize::try_from(size).unwrap_or(VECTOR_MINIMUM).max(VECTOR_MINIMUM)
        }
        _ => VECTOR_MINIMUM,
    }
}

/// Whether `rdfsbase` and its like work in user space (`AT_HWCAP2`).
pub(in crate::stubs) fn has_segment_instructions() -> bool {
    const HWCAP2_FSGSBASE: u64 = 2;
    auxiliary(libc::AT_HWCAP2) & HWCAP2_FSGSBASE != 0
}

/// Bytes of the largest signal frame (`AT_MINSIGSTKSZ`), which holds the vector state.
pub(in crate::stubs) fn signal_frame_size() -> u64 {
    const AT_MINSIGSTKSZ: libc::c_ulong = 51;
    const OLD_KERNELS: u64 = 4096;
    match auxiliary(AT_MINSIGSTKSZ) {
        0 => OLD_KERNELS,
        size => size,
    }
}

fn auxiliary(what: libc::c_ulong) -> u64 {
    // SAFETY: reads the process's own auxiliary vector.
    unsafe { libc::getauxval(what) }
}
