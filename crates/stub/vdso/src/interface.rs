//! What the vDSO and the sentry agree on.

/// The page before the first of the vDSO's text, which guests can only read.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct Data {
    /// The host's `__vdso_clock_gettime` in this process, or 0: then every clock is read by a call.
    pub clock_gettime: u64,
    /// The host's `__vdso_clock_getres`, likewise.
    pub clock_getres: u64,
}

/// Bytes of the page.
pub const DATA_SIZE: u64 = 4096;
