//! The signal handler: ring, then do as the sentry says.

use crate::arch::{self, Siginfo, Ucontext, syscall};
use crate::gate::{self, Found};
use crate::interface::{Mailbox, RING, TRAP_NUMBER, TRAP_SHIFT, answer, reason};
use crate::{clone, host_clock, orders, sigreturn, window, zygote};

const SIGTRAP: i32 = 5;
const SIGURG: i32 = 23;
const SIGSYS: i32 = 31;
const ENOSYS: u64 = 38u64.wrapping_neg();

/// Rings and returns the answer. With nobody left to answer the process ends.
pub fn ring(why: u64, args: [u64; 6]) -> u64 {
    // SAFETY: a call that no kernel has: it only reaches the sentry.
    let answer = unsafe { syscall(RING | why, args) };
    // The sentry never answers this one; the kernel does once the listener is closed.
    if answer == ENOSYS {
        arch::die();
    }
    answer
}

/// The mailbox of the slot whose signal stack the frame names.
pub fn mailbox(frame: &Ucontext) -> *mut Mailbox {
    core::ptr::with_exposed_provenance_mut((frame.stack_start + frame.stack_size) as usize)
}

/// All signals come here, with all signals blocked, on the slot's stack.
pub extern "C" fn handle(signal: i32, info: &Siginfo, frame: &mut Ucontext) {
    let signal = match gate::settle(signal, frame) {
        Found::Guest => signal,
        Found::Interrupted => SIGURG,
        Found::Settled => return,
        Found::Refused => return refused(frame),
    };
    let signal = match host_clock::leave(signal, frame) {
        Found::Guest => signal,
        Found::Interrupted => SIGURG,
        Found::Settled | Found::Refused => return,
    };
    if signal == SIGSYS && sigreturn::divert(frame) {
        return;
    }
    save_bases(frame);
    let at = (&raw const *frame).addr() as u64;
    let answer = match signal {
        SIGSYS => {
            let (number, args) = frame.call();
            ring(reason::TRAP | number << TRAP_SHIFT & TRAP_NUMBER, args)
        }
        SIGURG => ring(reason::INTERRUPTED, [at, 0, 0, 0, 0, 0]),
        SIGTRAP if frame.instruction_pointer() == arch::stub_fresh_end as *const () as u64 => {
            zygote::hello(frame)
        }
        _ => {
            let what = u64::from(signal as u32) | u64::from(info.code as u32) << 32;
            ring(reason::FAULT, [at, what, info.address, frame.trap, frame.error, 0])
        }
    };
    serve(frame, answer);
}

/// A handler could not be started: to the sentry that is a fault, as Linux makes of it.
fn refused(frame: &mut Ucontext) {
    const SIGSEGV: u64 = 11;
    const SI_KERNEL: u64 = 0x80;
    save_bases(frame);
    let at = (&raw const *frame).addr() as u64;
    let answer = ring(reason::FAULT, [at, SIGSEGV | SI_KERNEL << 32, 0, 0, 0, 0]);
    serve(frame, answer);
}

/// Puts the guest's segment bases where the sentry finds them. A GS base that is the stub's stands for the guest's 0.
pub fn save_bases(frame: &Ucontext) {
    let [fs, gs] = arch::bases(zygote::fsgsbase());
    let gs = if gate::is_ours(gs) { 0 } else { gs };
    // SAFETY: the slot is mapped; if the guest has unmapped it the process dies, as it deserves.
    unsafe { (*mailbox(frame)).bases = [fs, gs] };
}

/// Loads the bases that the sentry has left.
fn load_bases(frame: &Ucontext) {
    // SAFETY: as in `save_bases`.
    let [fs, gs] = unsafe { (*mailbox(frame)).bases };
    let fast = zygote::fsgsbase();
    let gs = if gs == 0 && fast { gate::page(frame).addr() as u64 } else { gs };
    arch::set_bases(fast, [fs, gs]);
}

/// Follows the sentry's answers until one lets the guest go on.
pub fn serve(frame: &mut Ucontext, mut answer: u64) {
    let at = (&raw const *frame).addr() as u64;
    let mailbox = mailbox(frame);
    loop {
        if answer & !answer::COMMAND_BITS != answer::COMMAND {
            frame.set_result(answer);
            return;
        }
        if answer & answer::BASES != 0 {
            load_bases(frame);
        }
        if answer & answer::ORDERS != 0 {
            // SAFETY: as in `save_bases`.
            let done = orders::carry_out(unsafe { &mut *mailbox });
            if answer & answer::FINAL != 0 {
                frame.set_result(done.last);
                return;
            }
            let [first, second, third, fourth] = done.results;
            answer = ring(reason::PERFORMED, [at, done.count, first, second, third, fourth]);
        } else if answer & answer::CLONE != 0 {
            // SAFETY: as in `save_bases`.
            let record = unsafe { (*mailbox).clone };
            let result = clone::make(frame, &record);
            if result == 0 {
                window::close_all(record.windows);
                answer = clone::report_child(frame, record.token);
                continue;
            }
            // SAFETY: as in `save_bases`.
            unsafe { (*mailbox).clone.result = result };
            if answer & answer::CLONE_RETURNS != 0 && (result as i64) > 0 {
                frame.set_result(record.parent_returns);
                return;
            }
            answer = ring(reason::CLONED, [at, result, 0, 0, 0, 0]);
        } else if answer & answer::EXIT != 0 {
            // SAFETY: ends this thread, with the sentry's consent.
            unsafe { syscall(arch::nr::EXIT, [0; 6]) };
            arch::die();
        } else {
            return;
        }
    }
}
