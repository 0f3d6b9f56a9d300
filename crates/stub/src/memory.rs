//! The functions that the compiler calls on its own.

/// memcpy(3).
///
/// # Safety
/// As the C function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
    // SAFETY: by the caller's promise.
    unsafe {
        core::arch::asm!("rep movsb", inout("rdi") to => _, inout("rsi") from => _, inout("rcx") length => _,
                         options(nostack, preserves_flags));
    }
    to
}

/// memmove(3).
///
/// # Safety
/// As the C function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
    if to.addr().wrapping_sub(from.addr()) >= length {
        // SAFETY: by the caller's promise; copying from the front overtakes nothing.
        return unsafe { memcpy(to, from, length) };
    }
    // SAFETY: by the caller's promise.
    unsafe {
        core::arch::asm!("std", "rep movsb", "cld", inout("rdi") to.wrapping_add(length).wrapping_sub(1) => _,
                         inout("rsi") from.wrapping_add(length).wrapping_sub(1) => _, inout("rcx") length => _,
                         options(nostack));
    }
    to
}

/// memset(3).
///
/// # Safety
/// As the C function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memset(to: *mut u8, byte: i32, length: usize) -> *mut u8 {
    // SAFETY: by the caller's promise.
    unsafe {
        core::arch::asm!("rep stosb", inout("rdi") to => _, in("eax") byte, inout("rcx") length => _,
                         options(nostack, preserves_flags));
    }
    to
}
