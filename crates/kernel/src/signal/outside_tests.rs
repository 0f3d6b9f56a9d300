//! Masks that the guest changes without the kernel, on the mock platform.

use std::sync::Arc;

use abi::signal::{ActionFlags, SigAction, Siginfo, Signal, SignalSet};
use platform::{Facts, Resume, SyscallArgs};

use super::{send_to_group, send_to_task, set_blocked, sigreturn};
use crate::clone::CloneRequest;
use crate::task::Work;
use crate::testing::{Guest, MEMORY, Machine};
use crate::{Outcome, Task};

const RT_SIGPROCMASK: u64 = 14;
const SIGRETURN: u64 = 15;
const FORK: u64 = 57;
const HANDLER: u64 = 0x4000;
const USR1: SignalSet = SignalSet(1 << 9);

fn dispatch(task: &Arc<Task>, args: &SyscallArgs) -> Work {
    let [mask, ..] = args.args;
    let task = Arc::clone(task);
    match args.number {
        RT_SIGPROCMASK => {
            set_blocked(&task, SignalSet(mask));
            Work::Done(Ok(Outcome::Value(0)))
        }
        SIGRETURN => Work::Done(sigreturn(&task).map(|()| Outcome::Context)),
        _ => Work::Later(Box::pin(async move {
            let request = CloneRequest {
                flags: abi::clone::CloneFlags::empty(),
                exit_signal: 17,
                stack: 0,
                tls: 0,
                parent_tid: 0,
                child_tid: MEMORY,
                pidfd: 0,
                control_group: None,
                ids: crate::clone::Ids::default(),
            };
            crate::clone::clone(&task, request).await
        })),
    }
}

fn machine() -> (Machine, Guest) {
    let machine = Machine::new(dispatch);
    let guest = hot(&machine, machine.process(10));
    (machine, guest)
}

/// Has a guest make a fast call, with an empty mask, so that its mask lies outside.
fn hot(machine: &Machine, guest: Guest) -> Guest {
    let action = SigAction {
        handler: HANDLER,
        flags: ActionFlags::RESTORER.bits(),
        restorer: 0x5000,
        mask: SignalSet::EMPTY,
    };
    guest.task.group.signals.with_actions(|a| a.set(Signal::SIGUSR1, action));
    guest.thread.set_fast(true);
    machine.call(&guest, RT_SIGPROCMASK, [0; 6]);
    assert!(guest.thread.facts().is_some());
    guest.answers();
    guest
}

fn usr1() -> Siginfo {
    Siginfo::kernel(Signal::SIGUSR1)
}

fn is_in_handler(guest: &Guest) -> bool {
    guest.thread.is_running() && guest.registers().rip == HANDLER
}

fn outside(guest: &Guest) -> SignalSet {
    SignalSet(guest.thread.facts().unwrap().signal_mask)
}

#[test]
fn a_cold_thread_keeps_its_mask_here() {
    let machine = Machine::new(dispatch);
    let guest = machine.process(10);
    machine.call(&guest, RT_SIGPROCMASK, [USR1.0, 0, 0, 0, 0, 0]);
    assert!(guest.thread.facts().is_none());
    assert_eq!(guest.task.signals.blocked(), USR1);
}

#[test]
fn what_the_guest_blocks_by_itself_waits_until_it_unblocks_it() {
    let (machine, guest) = machine();
    guest.thread.change_mask(USR1.0);
    assert_eq!(guest.task.signals.blocked(), USR1, "everybody sees it");
    send_to_task(&guest.task, usr1());
    machine.platform.run();
    assert!(!is_in_handler(&guest) && guest.thread.is_running());
    guest.thread.change_mask(USR1.0 | 1);
    machine.platform.run();
    assert!(!is_in_handler(&guest), "it is blocked still");
    guest.thread.change_mask(0);
    machine.platform.run();
    assert!(is_in_handler(&guest));
    assert_eq!(outside(&guest), USR1, "a handler blocks its own signal");
    assert_eq!(guest.task.signals.pending(), SignalSet::EMPTY);
    // The handler changes the mask that it runs with, and comes back.
    guest.thread.change_mask(USR1.0 | 2);
    let mut context = guest.thread.mock_context();
    context.registers.rsp += 8;
    guest.thread.set_mock_context(context);
    machine.trap(&guest, SIGRETURN, [0; 6]);
    assert_eq!(outside(&guest), SignalSet::EMPTY);
    guest.answers();
    guest.thread.change_mask(7);
    machine.platform.run();
    assert!(guest.answers().is_empty(), "nothing waits, so nobody is asked");
}

#[test]
fn the_guest_cannot_block_what_must_not_be_blocked() {
    let (machine, guest) = machine();
    guest.thread.change_mask(u64::MAX);
    assert!(!guest.task.signals.blocked().has(Signal::SIGKILL));
    send_to_group(&guest.task.group, Siginfo::kernel(Signal::SIGKILL));
    machine.settle();
    assert!(!guest.thread.is_running());
    assert!(guest.task.is_leaving());
}

#[test]
fn a_signal_of_the_process_finds_another_thread_if_the_chosen_one_blocks_it_meanwhile() {
    let (machine, first) = machine();
    let second = hot(&machine, machine.thread(&first.task.group, 11));
    second.thread.change_mask(USR1.0);
    send_to_group(&first.task.group, usr1());
    // The first one was interrupted, and blocks it before that takes effect; the other one is free by now.
    first.thread.change_mask(USR1.0);
    second.thread.change_mask(0);
    machine.settle();
    assert!(is_in_handler(&second) && !is_in_handler(&first));
}

#[test]
fn a_signal_that_nobody_wants_stays_for_who_wants_it_first() {
    let (machine, first) = machine();
    let second = hot(&machine, machine.thread(&first.task.group, 11));
    first.thread.change_mask(USR1.0);
    second.thread.change_mask(USR1.0);
    send_to_group(&first.task.group, usr1());
    machine.settle();
    assert!(!is_in_handler(&first) && !is_in_handler(&second));
    second.thread.change_mask(0);
    machine.settle();
    assert!(is_in_handler(&second) && !is_in_handler(&first));
}

#[test]
fn a_child_has_its_parents_mask_and_its_own_ids() {
    let (machine, parent) = machine();
    parent.thread.change_mask(USR1.0);
    machine.trap(&parent, FORK, [0; 6]);
    let id = parent.registers().rax;
    let thread = machine.platform.threads().pop().unwrap();
    let facts = thread.facts().unwrap();
    assert_eq!(
        facts,
        Facts { signal_mask: USR1.0, process: id, thread: id, ..parent.thread.facts().unwrap() }
    );
    let child = Guest { task: machine.kernel.task(i32::try_from(id).unwrap()).unwrap(), thread };
    send_to_task(&child.task, usr1());
    machine.platform.run();
    assert!(!is_in_handler(&child));
    child.thread.change_mask(0);
    machine.platform.run();
    assert!(is_in_handler(&child) && !is_in_handler(&parent));
}

#[test]
fn changed_credentials_are_published() {
    let (_machine, guest) = machine();
    guest.thread.change_mask(USR1.0);
    let mut credentials = vfs::Credentials::clone(&guest.task.credentials());
    credentials.euid = 1000;
    guest.task.set_credentials(credentials);
    let facts = guest.thread.facts().unwrap();
    assert_eq!((facts.user, facts.effective_user, facts.signal_mask), (0, 1000, USR1.0));
}

#[test]
fn storms_lose_nothing() {
    let (machine, guest) = machine();
    let mut handled = 0;
    for round in 0_u64..500 {
        if round.is_multiple_of(3) {
            guest.thread.change_mask(USR1.0);
        }
        send_to_task(&guest.task, usr1());
        if round.is_multiple_of(2) {
            machine.platform.run();
            assert!(!round.is_multiple_of(3) || !is_in_handler(&guest), "round {round}");
        }
        guest.thread.change_mask(0);
        machine.settle_at_once();
        assert!(is_in_handler(&guest), "round {round}");
        handled += 1;
        let mut context = guest.thread.mock_context();
        context.registers.rsp += 8;
        guest.thread.set_mock_context(context);
        machine.trap(&guest, SIGRETURN, [0; 6]);
        assert!(matches!(guest.answers()[..], [.., Resume::Context]));
    }
    assert_eq!(handled, 500);
}
