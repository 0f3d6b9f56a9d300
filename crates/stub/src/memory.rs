//! The two functions that the compiler calls on its own.

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
