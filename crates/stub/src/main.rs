//! The stub: what runs beside guest code in its process.
//!
//! A static program at a fixed address, executed once as the *zygote*, of which every guest process is a descendant. It
//! installs signal handlers; a signal brings a guest thread into [`handler`], which rings: a system call with a number that
//! does not exist, which the filter turns into a notification to the sentry. The sentry's answer is a result for the
//! guest or a command: host calls to make in this address space, a clone, the end. Then `rt_sigreturn` lets the guest go on.
//!
//! Rules that the rest relies on:
//! - The handlers run with all signals blocked. So nothing nests, an interrupt that finds a thread in here stays
//!   pending until the guest's next instruction, and a fault in here kills the process.
//! - A frame and a mailbox lie in private memory of the process: a fork copies them, and the child just goes on in here.
//! - There is no variable that is written after the zygote's start but the program break ([`heap`]), and no allocation, and no panic.
//! - The guest can read, write, unmap and jump into all of this. It gains nothing: the filter decides, not this code.
//!
//! Patched call sites come in through the [`gate`], which is no signal handler: its rules are its own.
#![no_std]
#![no_main]
#![deny(unsafe_op_in_unsafe_fn)]

mod arch;
mod clone;
mod enter;
mod gate;
mod handler;
mod heap;
mod host_clock;
#[expect(dead_code, reason = "some of it is for the sentry")]
mod interface;
mod local;
mod marshal;
mod memory;
mod orders;
mod sigreturn;
mod window;
mod zygote;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    arch::die()
}
