//! The guests' vDSO (vdso(7)): the functions by which C libraries read the clock without a system call.
//!
//! What it tells is what the sentry tells, because both ask the host's vDSO, which stays in every guest process at a place of the stub's
//! that guests are not shown. So the host's kernel alone decides when the processor's time stamps can be trusted, and how
//! they become seconds. What guests link to, and what lies in their memory and on their stacks, is this file and nothing of
//! the host's: the same on every host.
//!
//! A thread that is stopped has left the host's part: the stub sees to that (`host_clock.rs`).
//!
//! It has no variables, no relocations, and uses no vector registers, as the kernel's own.
#![no_std]

mod arch;
mod interface;

use arch::{data, syscall};

const CLOCK_REALTIME: i32 = 0;
const CLOCK_REALTIME_COARSE: i32 = 5;

/// The clocks of which the host's vDSO may know more than a call does: `CLOCK_REALTIME`, `_MONOTONIC`, `_MONOTONIC_RAW`,
/// `_REALTIME_COARSE`, `_MONOTONIC_COARSE`, `_BOOTTIME` and `_TAI`. The others are the sentry's, CPU times above all.
const HOST_CLOCKS: u32 = 1 << 0 | 1 << 1 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 11;

/// `struct timespec`, and `struct timeval` with microseconds.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Time {
    seconds: i64,
    fraction: i64,
}

type HostFunction = unsafe extern "C" fn(i32, *mut Time) -> i32;

/// The host's function at this address, for this clock.
fn host_function(address: u64, clock: i32) -> Option<HostFunction> {
    if address == 0 || !(0..32).contains(&clock) || HOST_CLOCKS >> clock & 1 == 0 {
        return None;
    }
    // SAFETY: the sentry has put it there. A guest that has replaced its page harms itself.
    Some(unsafe { core::mem::transmute::<usize, HostFunction>(address as usize) })
}

/// A clock of the host, on this stack: the caller's pointer is used by nothing but this file.
fn ask(function: HostFunction, clock: i32) -> Result<Time, i32> {
    let mut time = Time { seconds: 0, fraction: 0 };
    // SAFETY: the host writes the structure.
    match unsafe { function(clock, &raw mut time) } {
        0 => Ok(time),
        error => Err(error),
    }
}

/// clock_gettime(2).
///
/// # Safety
/// `time` must be the caller's to write, or the caller gets a fault.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __vdso_clock_gettime(clock: i32, time: *mut Time) -> i32 {
    const CLOCK_GETTIME: u64 = 228;
    let Some(function) = host_function(data().clock_gettime, clock) else {
        return syscall(CLOCK_GETTIME, clock as u64, time.addr() as u64) as i32;
    };
    match ask(function, clock) {
        Ok(now) => {
            // SAFETY: by the caller's promise.
            unsafe { time.write(now) };
            0
        }
        Err(error) => error,
    }
}

/// clock_getres(2).
///
/// # Safety
/// As [`__vdso_clock_gettime`]; `resolution` may be null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __vdso_clock_getres(clock: i32, resolution: *mut Time) -> i32 {
    const CLOCK_GETRES: u64 = 229;
    let Some(function) = host_function(data().clock_getres, clock) else {
        return syscall(CLOCK_GETRES, clock as u64, resolution.addr() as u64) as i32;
    };
    match ask(function, clock) {
        Ok(value) => {
            if !resolution.is_null() {
                // SAFETY: by the caller's promise.
                unsafe { resolution.write(value) };
            }
            0
        }
        Err(error) => error,
    }
}

/// gettimeofday(2). The time zone is Greenwich's, as the sentry has it.
///
/// # Safety
/// As [`__vdso_clock_gettime`]; both pointers may be null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __vdso_gettimeofday(time: *mut Time, zone: *mut [i32; 2]) -> i32 {
    const GETTIMEOFDAY: u64 = 96;
    let function = host_function(data().clock_gettime, CLOCK_REALTIME);
    let Some(Ok(now)) = function.map(|function| ask(function, CLOCK_REALTIME)) else {
        return syscall(GETTIMEOFDAY, time.addr() as u64, zone.addr() as u64) as i32;
    };
    // SAFETY: by the caller's promise.
    unsafe {
        if !time.is_null() {
            time.write(Time { fraction: now.fraction / 1000, ..now });
        }
        if !zone.is_null() {
            zone.write([0; 2]);
        }
    }
    0
}

/// time(2): the seconds of the coarse clock, which files are stamped with.
///
/// # Safety
/// As [`__vdso_clock_gettime`]; `at` may be null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __vdso_time(at: *mut i64) -> i64 {
    const TIME: u64 = 201;
    let function = host_function(data().clock_gettime, CLOCK_REALTIME_COARSE);
    let Some(Ok(now)) = function.map(|function| ask(function, CLOCK_REALTIME_COARSE)) else {
        return syscall(TIME, at.addr() as u64, 0);
    };
    if !at.is_null() {
        // SAFETY: by the caller's promise.
        unsafe { at.write(now.seconds) };
    }
    now.seconds
}

/// getcpu(2): the processor, and the node of memory it belongs to.
///
/// # Safety
/// As [`__vdso_clock_gettime`]; both pointers may be null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __vdso_getcpu(processor: *mut u32, node: *mut u32, _: *mut u8) -> i32 {
    let place = arch::place();
    // SAFETY: by the caller's promise.
    unsafe {
        if !processor.is_null() {
            processor.write(place & 0xfff);
        }
        if !node.is_null() {
            node.write(place >> 12);
        }
    }
    0
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    arch::die()
}
