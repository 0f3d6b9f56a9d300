//! Delivery: starting a handler, and coming back from it.

use std::sync::Arc;

use abi::Errno;
use abi::signal::{ActionFlags, AltStack, SI_KERNEL, Siginfo, Signal, SignalSet};
use platform::{HandlerStart, SyscallArgs, Thread};

use super::state::Fault;
use super::{Delivery, altstack, arch, force, force_fatal, mask, restart};
use crate::Task;

/// How a call that has ended shows in the registers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    /// The registers are as they shall be.
    None,
    /// This value.
    Value(u64),
    /// Cut short: it fails with `EINTR` or runs again.
    CutShort(SyscallArgs, Errno),
}

/// Where a stopped thread stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pause {
    /// What its call has to say.
    pub(crate) answer: Answer,
    /// Whether it was interrupted in guest code, and so perhaps in a native futex wait.
    pub(crate) interrupted: bool,
}

/// Starts a handler: the thread's registers become those at its entry. If there is no room for the frame, SIGSEGV is raised instead.
///
/// # Errors
/// `ESRCH` if the thread is gone.
pub(crate) fn deliver(
    task: &Arc<Task>,
    thread: &dyn Thread,
    pause: Pause,
    delivery: &Delivery,
) -> Result<(), Errno> {
    let memory = task.memory();
    let mut context = thread.context()?;
    let restarts = delivery.action.known_flags().contains(ActionFlags::RESTART);
    match pause.answer {
        Answer::None if pause.interrupted => {
            arch::fails_with_eintr(&*memory, &mut context.registers, restarts);
        }
        Answer::None => {}
        Answer::Value(value) => arch::set_result(&mut context.registers, value),
        Answer::CutShort(args, errno) if restart::after_handler(errno, &delivery.action) => {
            arch::rewind(&mut context.registers, &args);
        }
        Answer::CutShort(..) => arch::set_result(&mut context.registers, Errno::EINTR.to_return()),
    }
    let (blocked, stack, fault) = {
        let mut state = task.signals.state.lock();
        let now = state.mask.get();
        (state.saved.unwrap_or(now), state.alt_stack, state.fault)
    };
    match arch::enter_handler(thread, &context, delivery, blocked, &stack, &fault) {
        Ok(()) => {
            task.publish_for_handlers();
            entered(task, delivery);
            return Ok(());
        }
        Err(Errno::ESRCH) => return Err(Errno::ESRCH),
        Err(_) if delivery.signal == Signal::SIGSEGV => force_fatal(task, Signal::SIGSEGV),
        Err(_) => force(task, Siginfo::kernel(Signal::SIGSEGV)),
    }
    thread.set_registers(&context.registers)
}

/// Has the stub start a handler behind a call, and build the frame: the kernel does not see the registers. Returns false if another signal came of it.
pub(crate) fn deliver_behind(
    task: &Arc<Task>,
    thread: &Arc<dyn Thread>,
    answer: Answer,
    delivery: &Delivery,
) -> bool {
    let flags = delivery.action.known_flags();
    if !flags.contains(ActionFlags::RESTORER) {
        match delivery.signal {
            Signal::SIGSEGV => force_fatal(task, Signal::SIGSEGV),
            _ => force(task, Siginfo::kernel(Signal::SIGSEGV)),
        }
        return false;
    }
    let (value, again) = match answer {
        Answer::None => (0, false),
        Answer::Value(value) => (value, false),
        Answer::CutShort(args, errno) if restart::after_handler(errno, &delivery.action) => {
            (args.number, true)
        }
        Answer::CutShort(..) => (Errno::EINTR.to_return(), false),
    };
    let mut blocked = delivery.action.mask;
    if !flags.contains(ActionFlags::NODEFER) {
        blocked.insert(delivery.signal);
    }
    let (stack, fault) = {
        let shared = task.group.signals.state.lock();
        let mut own = task.signals.state.lock();
        // With more to come the thread is interrupted as soon as it is in the handler.
        if (shared.pending.set() | own.pending.set()).is_empty() {
            own.mask.withdraw();
            task.signals.clear_attention();
        } else {
            own.mask.announce();
        }
        (own.alt_stack, own.fault)
    };
    let AltStack { base, flags: mode, size, .. } = stack.to_frame();
    let start = HandlerStart {
        value,
        again,
        handler: delivery.action.handler,
        restorer: delivery.action.restorer,
        blocked: blocked.without(SignalSet::UNBLOCKABLE).0,
        alternate: flags.contains(ActionFlags::ONSTACK),
        stack: [base, mode.into(), size],
        fault: [fault.error, fault.trap, fault.address],
        signal: u64::from(delivery.signal.number().cast_unsigned()),
        info: delivery.info.words(),
    };
    task.release(thread, |thread| thread.start_handler(&start));
    true
}

/// The handler will run: what it wants blocked is blocked.
fn entered(task: &Arc<Task>, delivery: &Delivery) {
    let mut blocked = {
        let mut state = task.signals.state.lock();
        state.saved = None;
        state.alt_stack = state.alt_stack.entered();
        state.mask.get()
    };
    blocked = blocked | delivery.action.mask;
    if !delivery.action.known_flags().contains(ActionFlags::NODEFER) {
        blocked.insert(delivery.signal);
    }
    mask::set_blocked(task, blocked);
}

/// Coming back from a handler: rt_sigreturn(2). The registers become those of the frame. A bad frame raises SIGSEGV.
///
/// # Errors
/// `ESRCH` if the thread is gone.
pub fn sigreturn(task: &Arc<Task>) -> Result<(), Errno> {
    let thread = task.thread().ok_or(Errno::ESRCH)?;
    let sp = thread.stack_pointer()?;
    if restore(task, &*thread, sp).is_err() {
        force(task, Siginfo::kernel(Signal::SIGSEGV));
    }
    Ok(())
}

fn restore(task: &Arc<Task>, thread: &dyn Thread, sp: u64) -> Result<(), Errno> {
    let frame = arch::read_frame(&*task.memory(), sp)?;
    thread.restore(&frame.registers, frame.extended)?;
    mask::set_blocked(task, frame.mask);
    // As Linux: the stack of the handler counts, and whatever is wrong with the description is ignored.
    let _ = altstack::set(task, sp, &frame.stack);
    Ok(())
}

/// Guest code faulted: the signal cannot be escaped.
pub(crate) fn fault(task: &Arc<Task>, fault: &platform::Fault) {
    let Ok(signal) = Signal::new(fault.signal) else { return };
    {
        let mut state = task.signals.state.lock();
        // Only page faults have an address of their own; the register keeps the last one's.
        let address = if fault.trap == PAGE_FAULT { fault.address } else { state.fault.address };
        state.fault = Fault { trap: fault.trap, error: fault.error, address };
    }
    let info = match fault.code {
        SI_KERNEL => Siginfo::kernel(signal),
        code => Siginfo::fault(signal, code, fault.address),
    };
    force(task, info);
}

const PAGE_FAULT: u64 = 14;
