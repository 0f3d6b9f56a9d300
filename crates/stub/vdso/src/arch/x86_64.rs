//! x86-64.

use core::arch::{asm, global_asm};

use crate::interface::Data;

/// What the sentry has left in the page before this file's first.
pub fn data() -> &'static Data {
    let at: *const Data;
    // SAFETY: the linker script places the symbol; the page is mapped as long as this is, and changes only while the guest is stopped.
    unsafe {
        asm!("lea {}, [rip + vdso_data]", out(reg) at, options(nomem, nostack, preserves_flags));
        &*at
    }
}

/// A system call of the guest's with two arguments.
pub fn syscall(number: u64, first: u64, second: u64) -> i64 {
    let result: i64;
    // SAFETY: a call that the guest has asked for.
    unsafe {
        asm!("syscall", inlateout("rax") number.cast_signed() => result, in("rdi") first, in("rsi") second,
             lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    result
}

/// The number of the processor, and above twelve bits that of its node, as Linux leaves them in a segment's limit.
pub fn place() -> u32 {
    let value: u32;
    /// `__CPUNODE_SEG`.
    const SEGMENT: u32 = 0x7b;
    // SAFETY: reads a limit.
    unsafe { asm!("lsl {:e}, {:e}", out(reg) value, in(reg) SEGMENT, options(nomem, nostack)) };
    value
}

/// For states that cannot be.
pub fn die() -> ! {
    // SAFETY: an invalid instruction touches nothing.
    unsafe { asm!("2: ud2", "jmp 2b", options(noreturn)) }
}

// The names that vdso(7) does not mention, but the kernel's file has.
global_asm!(
    ".weak clock_gettime, clock_getres, gettimeofday, time, getcpu",
    ".set clock_gettime, __vdso_clock_gettime",
    ".set clock_getres, __vdso_clock_getres",
    ".set gettimeofday, __vdso_gettimeofday",
    ".set time, __vdso_time",
    ".set getcpu, __vdso_getcpu",
);
