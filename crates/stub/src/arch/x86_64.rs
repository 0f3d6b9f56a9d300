//! x86-64: system calls, entry points, the signal frame.

mod gate;
mod sigreturn;

use core::arch::{asm, global_asm};

use crate::interface::is_noticed;

pub use gate::{Part, copy, is_deferred, part, place, processor, set_gs, touch};
pub use sigreturn::{
    Registers, UserContext, clear_vector, leave_returned, load_vector, save_vector, vector_layout,
};

/// System call numbers that the stub makes on its own account.
pub mod nr {
    pub const READ: u64 = 0;
    pub const WRITE: u64 = 1;
    pub const CLOSE: u64 = 3;
    pub const MMAP: u64 = 9;
    pub const MPROTECT: u64 = 10;
    pub const MUNMAP: u64 = 11;
    pub const RT_SIGACTION: u64 = 13;
    pub const RT_SIGPROCMASK: u64 = 14;
    pub const RT_SIGRETURN: u64 = 15;
    pub const SCHED_YIELD: u64 = 24;
    pub const MREMAP: u64 = 25;
    pub const MSYNC: u64 = 26;
    pub const MINCORE: u64 = 27;
    pub const MSEAL: u64 = 462;
    pub const MADVISE: u64 = 28;
    pub const CLONE: u64 = 56;
    pub const EXIT: u64 = 60;
    pub const SETPGID: u64 = 109;
    pub const SETGROUPS: u64 = 116;
    pub const SETRESUID: u64 = 117;
    pub const SETRESGID: u64 = 119;
    pub const CAPSET: u64 = 126;
    pub const SIGALTSTACK: u64 = 131;
    pub const PRCTL: u64 = 157;
    pub const ARCH_PRCTL: u64 = 158;
    pub const EXIT_GROUP: u64 = 231;
    pub const PRLIMIT64: u64 = 302;
    pub const SECCOMP: u64 = 317;
    pub const CLOSE_RANGE: u64 = 436;
}

/// The `ucontext` of a signal frame (`arch/x86/include/uapi/asm/ucontext.h`), and the frame's first word before it.
#[repr(C)]
pub struct Ucontext {
    flags: u64,
    link: u64,
    pub stack_start: u64,
    stack_flags: u64,
    pub stack_size: u64,
    /// `r8` to `r15`, `rdi`, `rsi`, `rbp`, `rbx`, `rdx`, `rax`, `rcx`, `rsp`, `rip`, `eflags`.
    registers: [u64; 18],
    segments: u64,
    pub error: u64,
    pub trap: u64,
    oldmask: u64,
    cr2: u64,
    pub vector_state: u64,
}

impl Ucontext {
    pub fn set_result(&mut self, value: u64) {
        self.registers[13] = value;
    }

    pub fn set_stack_pointer(&mut self, value: u64) {
        self.registers[15] = value;
    }

    pub fn instruction_pointer(&self) -> u64 {
        self.registers[16]
    }

    /// Whether the thread stops after each instruction.
    pub fn steps(&self) -> bool {
        self.registers[17] & TRAP_FLAG != 0
    }

    pub fn set_steps(&mut self, on: bool) {
        self.registers[17] = self.registers[17] & !TRAP_FLAG | if on { TRAP_FLAG } else { 0 };
    }

    /// The system call that was about to be made: number and arguments, with the stack pointer for a sixth that only mmap(2) has.
    pub fn call(&self) -> (u64, [u64; 6]) {
        let [r8, r9, r10, _, _, _, _, _, rdi, rsi, _, _, rdx, rax, _, rsp, rip, _] = self.registers;
        let fifth = if is_noticed(rax) { rip } else { r8 };
        (rax, [rdi, rsi, rdx, r10, fifth, if rax == nr::MMAP { r9 } else { rsp }])
    }
}

const TRAP_FLAG: u64 = 0x100;

/// The head of `siginfo_t`.
#[repr(C)]
pub struct Siginfo {
    signal: i32,
    errno: i32,
    pub code: i32,
    pad: i32,
    pub address: u64,
}

/// Bytes from the start of the frame, where the stack pointer is when a handler starts, to the `ucontext`.
pub const FRAME_TO_CONTEXT: u64 = 8;

/// A system call with six arguments.
///
/// # Safety
/// The call must be one that does not break what this program relies on.
pub unsafe fn syscall(number: u64, args: [u64; 6]) -> u64 {
    let result;
    // SAFETY: by the caller's promise; the kernel preserves all registers but these.
    unsafe {
        asm!("syscall", inlateout("rax") number => result, in("rdi") args[0], in("rsi") args[1], in("rdx") args[2],
             in("r10") args[3], in("r8") args[4], in("r9") args[5], lateout("rcx") _, lateout("r11") _,
             options(nostack));
    }
    result
}

/// clone(2) of a child on a signal frame of its own at `stack` (or in a copy of this memory, on this stack, if that is 0).
/// The former does not return in the child: it goes to [`crate::clone::child`].
///
/// # Safety
/// `stack` must be 0 or the start of a complete signal frame.
pub unsafe fn clone(flags: u64, stack: u64, child_tid: u64, tls: u64, token: u64) -> u64 {
    let result;
    // SAFETY: the parent and a copy see an ordinary system call; a child on another stack never comes back here.
    unsafe {
        asm!("syscall",
             "test rax, rax",
             "jnz 2f",
             "test rsi, rsi",
             "jz 2f",
             "lea rdi, [rsp + 8]",
             "mov rbx, rdi",
             "mov rsi, r9",
             "sub rsp, 8",
             "and rsp, -16",
             "call {child}",
             "mov rsp, rbx",
             "mov eax, 15",
             "syscall",
             "ud2",
             "2:",
             child = sym crate::clone::child,
             inlateout("rax") crate::arch::nr::CLONE => result, in("rdi") flags, in("rsi") stack, in("rdx") 0u64,
             in("r10") child_tid, in("r8") tls, in("r9") token, lateout("rcx") _, lateout("r11") _);
    }
    result
}

/// Ends the process with a fault that no handler gets. For states that cannot be, and for a sentry that is gone.
pub fn die() -> ! {
    // SAFETY: an invalid instruction touches nothing.
    unsafe { asm!("2: ud2", "jmp 2b", options(noreturn)) }
}

/// The segment bases: FS, GS.
pub fn bases(fsgsbase: bool) -> [u64; 2] {
    let (mut fs, mut gs) = (0u64, 0u64);
    if fsgsbase {
        // SAFETY: reads two registers; the caller knows that the instructions exist.
        unsafe { asm!("rdfsbase {}", "rdgsbase {}", out(reg) fs, out(reg) gs, options(nomem, nostack)) }
    } else {
        const GET_FS: u64 = 0x1003;
        const GET_GS: u64 = 0x1004;
        // SAFETY: the kernel writes to these two variables.
        unsafe {
            syscall(nr::ARCH_PRCTL, [GET_FS, (&raw mut fs).addr() as u64, 0, 0, 0, 0]);
            syscall(nr::ARCH_PRCTL, [GET_GS, (&raw mut gs).addr() as u64, 0, 0, 0, 0]);
        }
    }
    [fs, gs]
}

/// Loads the segment bases. Without the instructions the kernel refuses addresses that are not canonical; with them it
/// would be a fault, so they are cut to user space first.
pub fn set_bases(fsgsbase: bool, [fs, gs]: [u64; 2]) {
    if fsgsbase {
        let cut = |base: u64| base & 0x7fff_ffff_ffff;
        // SAFETY: the stub itself uses neither segment.
        unsafe {
            asm!("wrfsbase {}", "wrgsbase {}", in(reg) cut(fs), in(reg) cut(gs), options(nomem, nostack))
        }
    } else {
        const SET_GS: u64 = 0x1001;
        const SET_FS: u64 = 0x1002;
        // SAFETY: as above.
        unsafe {
            syscall(nr::ARCH_PRCTL, [SET_FS, fs, 0, 0, 0, 0]);
            syscall(nr::ARCH_PRCTL, [SET_GS, gs, 0, 0, 0, 0]);
        }
    }
}

global_asm!(
    ".globl _start",
    "_start:",
    "mov rdi, rsp",
    "lea rsp, [rip + {stack} + {stack_size}]",
    "xor ebp, ebp",
    "call {start}",
    "ud2",
    // What a handler returns to.
    ".globl stub_restorer",
    "stub_restorer:",
    "mov eax, 15",
    "syscall",
    "ud2",
    // A new stub gets its first signal frame here.
    ".globl stub_fresh",
    "stub_fresh:",
    "int3",
    ".globl stub_fresh_end",
    "stub_fresh_end:",
    "ud2",
    stack = sym crate::zygote::STACK,
    stack_size = const crate::zygote::STACK_SIZE,
    start = sym crate::zygote::start,
);

unsafe extern "C" {
    /// The signal handlers' return address.
    pub safe fn stub_restorer();
    /// Raises SIGTRAP and does not return.
    pub safe fn stub_fresh() -> !;
    /// Where that leaves the instruction pointer.
    pub safe fn stub_fresh_end();
}
