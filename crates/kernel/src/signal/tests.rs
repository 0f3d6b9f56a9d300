//! Signals from the sender to the handler and back, on the mock platform.

use std::sync::Arc;
use std::time::{Duration, Instant};

use abi::Errno;
use abi::signal::{
    ActionFlags, AltStack, AltStackFlags, RtFrame, SI_QUEUE, SI_USER, SIG_IGN, SigAction, Siginfo, Signal,
    SignalSet,
};
use platform::{Fault, Resume, Stop, SyscallArgs};

use super::{Origin, Target, altstack, send, send_to_group, send_to_task, set_blocked, sigreturn};
use crate::memory::UserPtr;
use crate::task::Work;
use crate::testing::{Guest, IP, MEMORY, Machine, STACK};
use crate::{ExitStatus, Outcome, Task, wait};

/// Calls of the test's kernel.
const VALUE: u64 = 1;
const SLEEP: u64 = 2;
const PAUSE: u64 = 3;
const SUSPEND: u64 = 4;
const SIGRETURN: u64 = 15;
const TIMED: u64 = 5;
const BUG: u64 = 6;

const HANDLER: u64 = 0x4000;
const RESTORER: u64 = 0x5000;
/// Where the test's kernel notes when a timed call may end.
const FAR: Duration = Duration::from_secs(3600);

fn dispatch(task: &Arc<Task>, args: &SyscallArgs) -> Work {
    let task = Arc::clone(task);
    let [first, ..] = args.args;
    match args.number {
        VALUE => Work::Done(Ok(Outcome::Value(first))),
        SLEEP => Work::Later(Box::pin(async move {
            wait::sleep_until(&task, Instant::now() + FAR).await.map(Outcome::from)
        })),
        PAUSE => Work::Later(Box::pin(async move {
            wait::sleep_until(&task, Instant::now() + FAR).await.map_err(|_| Errno::ERESTARTNOHAND)?;
            Ok(Outcome::Value(0))
        })),
        SUSPEND => {
            super::set_blocked_for_call(&task, SignalSet(first));
            Work::Later(Box::pin(async move {
                wait::sleep_until(&task, Instant::now() + FAR).await.map_err(|_| Errno::ERESTARTNOHAND)?;
                Ok(Outcome::Value(0))
            }))
        }
        TIMED => Work::Later(Box::pin(async move {
            let deadline = task.deadline(Duration::from_millis(first));
            let left = deadline.map(|d| d.saturating_duration_since(Instant::now()));
            let _ = wait::condition(&task, deadline, || Err::<(), _>(Errno::EAGAIN))
                .await
                .map_err(|e| if e == Errno::ERESTARTSYS { task.restart_at(deadline) } else { e });
            if task.interrupted() {
                return Err(task.restart_at(deadline));
            }
            Ok(Outcome::Value(u64::try_from(left.unwrap_or_default().as_millis()).unwrap()))
        })),
        SIGRETURN => Work::Done(sigreturn(&task).map(|()| Outcome::Context)),
        BUG => panic!("on purpose"),
        _ => Work::Done(Err(Errno::ENOSYS)),
    }
}

fn machine() -> (Machine, Guest) {
    let machine = Machine::new(dispatch);
    let guest = machine.process(10);
    (machine, guest)
}

fn handle(guest: &Guest, signal: Signal, flags: ActionFlags) {
    let flags = (flags | ActionFlags::RESTORER).bits();
    let action = SigAction { handler: HANDLER, flags, restorer: RESTORER, mask: SignalSet::EMPTY };
    guest.task.group.signals.with_actions(|a| a.set(signal, action));
}

fn user(signal: Signal) -> Siginfo {
    Siginfo::user(signal, SI_USER, 77, 88)
}

/// The frame that the guest's stack pointer points to.
fn frame(guest: &Guest) -> RtFrame {
    UserPtr::<RtFrame>::new(guest.registers().rsp).read(&*guest.task.memory()).unwrap()
}

fn assert_in_handler(guest: &Guest, signal: Signal) {
    let registers = guest.registers();
    assert!(guest.thread.is_running());
    assert_eq!(registers.rip, HANDLER);
    assert_eq!(registers.rdi, u64::from(signal.number().cast_unsigned()));
    assert_eq!(registers.rax, 0);
}

/// The handler returns: through the restorer.
fn come_back(machine: &Machine, guest: &Guest) {
    let mut context = guest.thread.mock_context();
    context.registers.rsp += 8;
    context.registers.rip = RESTORER + 9;
    context.registers.rax = SIGRETURN;
    guest.thread.set_mock_context(context);
    machine.trap(guest, SIGRETURN, [0; 6]);
    // The mock drops what a guest does while another thread of the kernel has it stopped.
    while guest.registers().rip == RESTORER + 9 && guest.registers().rax == SIGRETURN {
        machine.trap(guest, SIGRETURN, [0; 6]);
    }
}

#[test]
fn a_running_guest_is_interrupted_and_comes_back_as_it_was() {
    let (machine, guest) = machine();
    handle(&guest, Signal::SIGUSR1, ActionFlags::SIGINFO);
    let before = guest.registers();
    send_to_group(&guest.task.group, user(Signal::SIGUSR1));
    machine.platform.run();
    assert_in_handler(&guest, Signal::SIGUSR1);
    let at = guest.registers().rsp;
    assert_eq!((at + 8) % 16, 0);
    assert!(at + 440 <= STACK - 128, "the red zone is left alone");
    let frame = frame(&guest);
    assert_eq!(frame.pretcode, RESTORER);
    assert_eq!(frame.info, user(Signal::SIGUSR1));
    assert_eq!(frame.ucontext.context.rip, IP);
    assert_eq!(frame.ucontext.flags, 6, "no vector state was given");
    assert_eq!((guest.registers().rsi, guest.registers().rdx), (at + 312, at + 8));
    assert!(guest.task.signals.blocked().has(Signal::SIGUSR1));
    come_back(&machine, &guest);
    assert_eq!(guest.registers(), before);
    assert_eq!(guest.task.signals.blocked(), SignalSet::EMPTY);
}

#[test]
fn a_waiting_call_fails_with_eintr_or_runs_again() {
    for (flags, rax, rip) in
        [(ActionFlags::empty(), Errno::EINTR.to_return(), IP), (ActionFlags::RESTART, SLEEP, IP - 2)]
    {
        for light in [true, false] {
            let (machine, guest) = machine();
            handle(&guest, Signal::SIGUSR1, flags);
            if light {
                machine.call(&guest, SLEEP, [0; 6]);
            } else {
                machine.trap(&guest, SLEEP, [0; 6]);
            }
            assert!(guest.answers().is_empty());
            send_to_group(&guest.task.group, user(Signal::SIGUSR1));
            machine.settle();
            assert_in_handler(&guest, Signal::SIGUSR1);
            assert_eq!(frame(&guest).ucontext.context.rax, rax, "light: {light}");
            assert_eq!(frame(&guest).ucontext.context.rip, rip);
        }
    }
}

#[test]
fn a_call_that_is_cut_short_for_nothing_goes_on_waiting() {
    let (machine, guest) = machine();
    machine.call(&guest, PAUSE, [0; 6]);
    guest.task.kick();
    machine.settle();
    assert!(guest.answers().is_empty(), "the guest heard nothing of it");
    handle(&guest, Signal::SIGUSR1, ActionFlags::RESTART);
    send_to_group(&guest.task.group, user(Signal::SIGUSR1));
    machine.settle();
    assert_in_handler(&guest, Signal::SIGUSR1);
    assert_eq!(
        frame(&guest).ucontext.context.rax,
        Errno::EINTR.to_return(),
        "SA_RESTART makes no difference"
    );
}

#[test]
fn a_restarted_wait_keeps_its_deadline() {
    let (machine, guest) = machine();
    machine.call(&guest, TIMED, [2000, 0, 0, 0, 0, 0]);
    std::thread::sleep(Duration::from_millis(40));
    // Stopping and going on is what restarts a call without a handler.
    send_to_group(&guest.task.group, user(Signal::SIGSTOP));
    machine.settle();
    send_to_group(&guest.task.group, user(Signal::SIGCONT));
    let answers = std::cell::RefCell::new(Vec::new());
    eventually(|| {
        machine.settle();
        answers.borrow_mut().extend(guest.answers());
        !answers.borrow().is_empty()
    });
    match answers.borrow().as_slice() {
        [Resume::Return(left)] => assert!(*left <= 1960, "{left} ms were left at the second start"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn ignored_signals_disturb_nobody_and_fatal_ones_end_the_process() {
    let (machine, guest) = machine();
    machine.call(&guest, SLEEP, [0; 6]);
    send_to_group(&guest.task.group, user(Signal::SIGCHLD));
    assert!(guest.task.group.signals.pending().is_empty());
    send_to_group(&guest.task.group, user(Signal::SIGTERM));
    machine.settle();
    assert_eq!(guest.task.group.exiting(), Some(ExitStatus::Signaled { signal: 15, core_dumped: false }));
}

#[test]
fn a_blocked_signal_waits_for_its_unblocking() {
    let (machine, guest) = machine();
    handle(&guest, Signal::SIGUSR1, ActionFlags::empty());
    set_blocked(&guest.task, SignalSet::of(&[Signal::SIGUSR1, Signal::SIGKILL]));
    assert_eq!(guest.task.signals.blocked(), SignalSet::of(&[Signal::SIGUSR1]));
    send_to_group(&guest.task.group, user(Signal::SIGUSR1));
    machine.settle();
    assert!(guest.answers().is_empty());
    machine.call(&guest, VALUE, [5, 0, 0, 0, 0, 0]);
    assert!(matches!(guest.answers().as_slice(), [Resume::Return(5)]));
    set_blocked(&guest.task, SignalSet::EMPTY);
    machine.call(&guest, VALUE, [6, 0, 0, 0, 0, 0]);
    machine.settle();
    assert_in_handler(&guest, Signal::SIGUSR1);
    assert_eq!(frame(&guest).ucontext.context.rax, 6, "the call had its result");
}

#[test]
fn sigsuspend_handles_with_its_mask_and_returns_to_the_old_one() {
    let (machine, guest) = machine();
    let old = SignalSet::of(&[Signal::SIGUSR1, Signal::SIGHUP]);
    handle(&guest, Signal::SIGUSR1, ActionFlags::empty());
    set_blocked(&guest.task, old);
    send_to_group(&guest.task.group, user(Signal::SIGUSR1));
    machine.call(&guest, SUSPEND, [0, 0, 0, 0, 0, 0]);
    machine.settle();
    assert_in_handler(&guest, Signal::SIGUSR1);
    assert_eq!(frame(&guest).ucontext.mask, old);
    assert_eq!(
        guest.task.signals.blocked(),
        SignalSet::of(&[Signal::SIGUSR1]),
        "SIGHUP is open in the handler"
    );
    come_back(&machine, &guest);
    assert_eq!(guest.task.signals.blocked(), old);
    assert_eq!(guest.registers().rax, Errno::EINTR.to_return());
}

#[test]
fn realtime_signals_come_in_order_and_handlers_nest() {
    let (machine, guest) = machine();
    let low = Signal::new(40).unwrap();
    let high = Signal::new(41).unwrap();
    for signal in [low, high] {
        handle(&guest, signal, ActionFlags::SIGINFO);
    }
    set_blocked(&guest.task, SignalSet::of(&[low, high]));
    for value in 1..=2 {
        send_to_task(&guest.task, Siginfo::queue(high, SI_QUEUE, 1, 0, value));
        send_to_task(&guest.task, Siginfo::queue(low, SI_QUEUE, 1, 0, value));
    }
    set_blocked(&guest.task, SignalSet::EMPTY);
    guest.task.kick();
    machine.settle();
    // The last frame pushed runs first: the higher number, as on Linux.
    let mut seen = Vec::new();
    for _ in 0..4 {
        let frame = frame(&guest);
        seen.push((frame.info.signo, frame.info.value()));
        come_back(&machine, &guest);
    }
    assert_eq!(seen, [(41, 1), (41, 2), (40, 1), (40, 2)]);
}

#[test]
fn a_handler_on_the_alternate_stack() {
    let (machine, guest) = machine();
    handle(&guest, Signal::SIGUSR1, ActionFlags::ONSTACK);
    handle(&guest, Signal::SIGUSR2, ActionFlags::ONSTACK);
    let stack = AltStack { base: MEMORY + 0x1000, flags: 0, padding: 0, size: 0x2000 };
    altstack::set(&guest.task, STACK, &stack).unwrap();
    send_to_task(&guest.task, user(Signal::SIGUSR1));
    machine.settle();
    let first = guest.registers().rsp;
    assert!((stack.base..stack.base + stack.size).contains(&first));
    assert_eq!(frame(&guest).ucontext.stack, stack);
    assert_eq!(altstack::get(&guest.task, first).flags, AltStackFlags::ONSTACK.bits());
    assert_eq!(altstack::set(&guest.task, first, &stack), Err(Errno::EPERM));
    send_to_task(&guest.task, user(Signal::SIGUSR2));
    machine.settle();
    assert!(guest.registers().rsp < first, "the second goes below the first");
    come_back(&machine, &guest);
    come_back(&machine, &guest);
    assert_eq!(guest.registers().rsp, STACK);
}

#[test]
fn autodisarm_forgets_the_stack_and_the_frame_brings_it_back() {
    let (machine, guest) = machine();
    handle(&guest, Signal::SIGUSR1, ActionFlags::ONSTACK);
    let flags = AltStackFlags::AUTODISARM.bits();
    let stack = AltStack { base: MEMORY + 0x1000, flags, padding: 0, size: 0x2000 };
    altstack::set(&guest.task, STACK, &stack).unwrap();
    send_to_task(&guest.task, user(Signal::SIGUSR1));
    machine.settle();
    assert_eq!(altstack::get(&guest.task, guest.registers().rsp).flags, AltStackFlags::DISABLE.bits());
    come_back(&machine, &guest);
    assert_eq!(altstack::get(&guest.task, STACK), stack);
}

#[test]
fn a_stack_without_room_is_a_segmentation_fault() {
    let (machine, guest) = machine();
    handle(&guest, Signal::SIGUSR1, ActionFlags::empty());
    let mut context = guest.thread.mock_context();
    context.registers.rsp = 0x50;
    guest.thread.set_mock_context(context);
    send_to_task(&guest.task, user(Signal::SIGUSR1));
    machine.settle();
    assert_eq!(guest.task.group.exiting(), Some(ExitStatus::Signaled { signal: 11, core_dumped: false }));
}

#[test]
fn a_fault_reaches_its_handler_and_kills_if_blocked() {
    let (machine, guest) = machine();
    handle(&guest, Signal::SIGSEGV, ActionFlags::SIGINFO);
    let fault = Fault { signal: 11, code: 1, address: 0x123, trap: 14, error: 6 };
    guest.thread.stop(Stop::Fault(fault));
    machine.settle();
    assert_in_handler(&guest, Signal::SIGSEGV);
    let saved = frame(&guest);
    assert_eq!((saved.info.code, saved.info.address()), (1, 0x123));
    let context = saved.ucontext.context;
    assert_eq!((context.trapno, context.err, context.cr2), (14, 6, 0x123));
    guest.thread.stop(Stop::Fault(fault));
    machine.settle();
    assert_eq!(guest.task.group.exiting(), Some(ExitStatus::Signaled { signal: 11, core_dumped: false }));
}

#[test]
fn a_native_futex_wait_is_cut_short_only_if_it_must() {
    // FUTEX_WAIT without timeout; with one; FUTEX_WAKE.
    for (command, timeout, flags, fails) in [
        (0, 0, ActionFlags::empty(), true),
        (0, 0, ActionFlags::RESTART, false),
        (0, MEMORY, ActionFlags::RESTART, true),
        (128, 0, ActionFlags::empty(), true),
        (137, 0, ActionFlags::empty(), true),
        (1, 0, ActionFlags::empty(), false),
    ] {
        let (machine, guest) = machine();
        handle(&guest, Signal::SIGUSR1, flags);
        let code = MEMORY + 0x10;
        guest.task.memory().write(code, &[0x0f, 0x05]).unwrap();
        let mut context = guest.thread.mock_context();
        context.registers.rip = code;
        context.registers.rax = 202;
        context.registers.rsi = command;
        context.registers.r10 = timeout;
        guest.thread.set_mock_context(context);
        send_to_task(&guest.task, user(Signal::SIGUSR1));
        machine.settle();
        let saved = frame(&guest).ucontext.context;
        let expected = if fails { (code + 2, Errno::EINTR.to_return()) } else { (code, 202) };
        assert_eq!((saved.rip, saved.rax), expected, "{command} {timeout:#x} {flags:?}");
    }
}

#[test]
fn a_signal_for_the_process_goes_to_a_thread_that_wants_it() {
    let (machine, leader) = machine();
    let other = machine.thread(&leader.task.group, 11);
    handle(&leader, Signal::SIGUSR1, ActionFlags::empty());
    set_blocked(&leader.task, SignalSet::of(&[Signal::SIGUSR1]));
    send_to_group(&leader.task.group, user(Signal::SIGUSR1));
    machine.settle();
    assert_in_handler(&other, Signal::SIGUSR1);
    assert_eq!(leader.registers().rip, IP);
    // Now both block it, and the first to unblock it takes it.
    send_to_group(&leader.task.group, user(Signal::SIGUSR1));
    machine.settle();
    assert!(leader.task.group.signals.pending().has(Signal::SIGUSR1));
    set_blocked(&leader.task, SignalSet::EMPTY);
    leader.task.kick();
    machine.settle();
    assert_in_handler(&leader, Signal::SIGUSR1);
}

#[test]
fn a_stop_holds_all_threads_and_the_parent_hears_of_it_once() {
    let (machine, parent) = machine();
    let child = machine.child(20, &parent);
    let second = machine.thread(&child.task.group, 21);
    machine.call(&second, PAUSE, [0; 6]);
    handle(&parent, Signal::SIGCHLD, ActionFlags::empty());
    send_to_group(&child.task.group, user(Signal::SIGSTOP));
    machine.settle();
    assert!(child.task.signals.is_stopped() && second.task.signals.is_stopped());
    assert!(!child.thread.is_running());
    let told = frame(&parent).info;
    assert_eq!((told.code, told.pid(), told.status()), (5, 20, 19));
    // Other signals wait; SIGCONT lets both go on.
    handle(&child, Signal::SIGUSR1, ActionFlags::empty());
    send_to_task(&child.task, user(Signal::SIGUSR1));
    machine.settle();
    assert!(!child.thread.is_running());
    send_to_group(&child.task.group, user(Signal::SIGCONT));
    machine.settle();
    assert_in_handler(&child, Signal::SIGUSR1);
    assert!(!second.task.signals.is_stopped() && second.answers().is_empty(), "its call waits on");
}

#[test]
fn a_stopped_process_can_be_killed() {
    let (machine, guest) = machine();
    send_to_group(&guest.task.group, user(Signal::SIGSTOP));
    machine.settle();
    assert!(guest.task.signals.is_stopped());
    send_to_group(&guest.task.group, user(Signal::SIGTERM));
    machine.settle();
    assert_eq!(guest.task.group.exiting(), None);
    send_to_group(&guest.task.group, user(Signal::SIGKILL));
    machine.settle();
    assert_eq!(guest.task.group.exiting(), Some(ExitStatus::KILLED));
}

#[test]
fn init_survives_what_it_does_not_handle() {
    let (machine, guest) = machine();
    let group = &guest.task.group;
    group.signals.protect();
    for signal in [Signal::SIGTERM, Signal::SIGKILL, Signal::SIGSTOP] {
        send(Target::Group(group), user(signal), Origin::Inside).unwrap();
        machine.settle();
    }
    assert_eq!(group.exiting(), None);
    assert!(!guest.task.signals.is_stopped());
    handle(&guest, Signal::SIGTERM, ActionFlags::empty());
    send(Target::Group(group), user(Signal::SIGTERM), Origin::Inside).unwrap();
    machine.settle();
    assert_in_handler(&guest, Signal::SIGTERM);
    send(Target::Group(group), user(Signal::SIGKILL), Origin::Outside).unwrap();
    machine.settle();
    assert_eq!(group.exiting(), Some(ExitStatus::KILLED));
}

#[test]
fn resethand_and_ignored_while_pending() {
    let (machine, guest) = machine();
    handle(&guest, Signal::SIGUSR1, ActionFlags::RESETHAND | ActionFlags::NODEFER);
    send_to_task(&guest.task, user(Signal::SIGUSR1));
    machine.settle();
    assert_in_handler(&guest, Signal::SIGUSR1);
    assert_eq!(guest.task.signals.blocked(), SignalSet::EMPTY);
    assert_eq!(guest.task.group.signals.action(Signal::SIGUSR1).handler, 0);
    guest.task.group.signals.with_actions(|a| {
        a.set(Signal::SIGUSR1, SigAction { handler: SIG_IGN, ..SigAction::default() });
    });
    send_to_task(&guest.task, user(Signal::SIGUSR1));
    machine.settle();
    assert_eq!(guest.task.group.exiting(), None);
}

#[test]
fn the_quota_bounds_queued_realtime_signals() {
    let (_machine, guest) = machine();
    let rt = Signal::new(50).unwrap();
    set_blocked(&guest.task, SignalSet::of(&[rt]));
    let limit = crate::limits::Limit::new(3, 3);
    guest.task.group.limits.lock().set(crate::limits::Resource::Sigpending, limit);
    let queue = |value| {
        let info = Siginfo::queue(rt, SI_QUEUE, 1, 0, value);
        send(Target::Task(&guest.task), info, Origin::Inside)
    };
    assert_eq!((0..4).map(queue).collect::<Vec<_>>(), [Ok(()), Ok(()), Ok(()), Err(Errno::EAGAIN)]);
    for value in 0..3 {
        assert_eq!(super::take_one_of(&guest.task, SignalSet::of(&[rt])).map(|i| i.value()), Ok(value));
    }
    assert_eq!(queue(9), Ok(()), "places are given back");
}

#[test]
fn signals_between_two_threads_are_never_lost() {
    const COUNT: u32 = 100;
    let (machine, guest) = machine();
    handle(&guest, Signal::SIGUSR1, ActionFlags::empty());
    let task = Arc::clone(&guest.task);
    let sender = std::thread::spawn(move || {
        for _ in 0..COUNT {
            send_to_task(&task, user(Signal::SIGUSR1));
            while !task.signals.pending().is_empty() {
                std::thread::yield_now();
            }
        }
    });
    let mut handled = 0;
    let started = Instant::now();
    while handled < COUNT {
        assert!(
            started.elapsed() < Duration::from_secs(100),
            "a signal was lost after {handled}: pending {:?}, blocked {:?}, attention {}, {:?}",
            guest.task.signals.pending(),
            guest.task.signals.blocked(),
            guest.task.signals.wants_attention(),
            guest.registers()
        );
        if guest.registers().rip == HANDLER && guest.thread.is_running() {
            handled += 1;
            come_back(&machine, &guest);
        } else if guest.thread.is_running() {
            machine.call(&guest, VALUE, [1, 0, 0, 0, 0, 0]);
        }
        machine.platform.run();
        // The others need the processor too.
        std::thread::sleep(Duration::from_micros(50));
    }
    sender.join().unwrap();
}

#[test]
fn a_panic_kills_the_process_that_caused_it() {
    let (machine, guest) = machine();
    let other = machine.process(30);
    machine.call(&guest, BUG, [0; 6]);
    assert_eq!(guest.task.group.exiting(), Some(ExitStatus::KILLED));
    machine.call(&other, VALUE, [4, 0, 0, 0, 0, 0]);
    assert!(matches!(other.answers().as_slice(), [Resume::Return(4)]));
}

#[test]
fn a_posix_timer_rests_while_its_signal_is_blocked() {
    use crate::time::posix::{self, Notify};
    let (machine, guest) = machine();
    let rt = Signal::new(50).unwrap();
    set_blocked(&guest.task, SignalSet::of(&[rt]));
    let clock = crate::time::Clock::Host(host::clock::HostClock::Monotonic);
    let id = posix::create(&guest.task, clock, Some(Notify::Process(rt, 5))).unwrap();
    let timer = posix::find(&guest.task.group, id).unwrap();
    timer.set(Duration::from_millis(1), Duration::from_millis(1), false);
    // Once it has sent its signal, the clock alone counts.
    let sent = || eventually(|| guest.task.group.signals.queued() == 1);
    assert!(sent());
    std::thread::sleep(Duration::from_millis(30));
    assert_eq!(guest.task.group.signals.queued(), 1);
    let info = super::take_one_of(&guest.task, SignalSet::of(&[rt])).unwrap();
    assert_eq!((info.pid(), info.value()), (id, 5));
    assert!(info.uid() >= 20, "{} overruns", info.uid());
    assert_eq!(timer.overrun().cast_unsigned(), info.uid());
    assert!(sent(), "it goes on once its signal was taken");
    drop(timer);
    posix::delete(&guest.task.group, id).unwrap();
    assert!(guest.task.group.signals.pending().is_empty());
    assert_eq!(machine.kernel.signal_quota.used(0), 0);
}

#[test]
fn a_posix_timer_that_is_gone_sends_nothing() {
    use crate::time::posix::{self, Notify};
    let (_machine, guest) = machine();
    let rt = Signal::new(50).unwrap();
    set_blocked(&guest.task, SignalSet::of(&[rt]));
    for _ in 0..20 {
        let clock = crate::time::Clock::Host(host::clock::HostClock::Monotonic);
        let id = posix::create(&guest.task, clock, Some(Notify::Process(rt, 5))).unwrap();
        posix::find(&guest.task.group, id).unwrap().set(Duration::from_millis(1), Duration::ZERO, false);
        posix::delete(&guest.task.group, id).unwrap();
    }
    std::thread::sleep(Duration::from_millis(20));
    assert!(guest.task.group.signals.pending().is_empty());
}

/// Whether something comes true within a time that is long enough on any machine.
fn eventually(done: impl Fn() -> bool) -> bool {
    let end = std::time::Instant::now() + Duration::from_secs(20);
    while !done() && std::time::Instant::now() < end {
        std::thread::sleep(Duration::from_millis(1));
    }
    done()
}
