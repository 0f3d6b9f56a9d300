//! Parents and children on the mock platform.

use std::sync::Arc;

use abi::Errno;
use abi::clone::CloneFlags;
use abi::signal::{ActionFlags, SigAction, Siginfo, Signal, SignalSet};
use platform::{ProgramBreak, Resume, SyscallArgs};

use super::CloneRequest;
use crate::children::{Which, wait};
use crate::executor::poll_once;
use crate::memory::UserPtr;
use crate::task::Work;
use crate::testing::{Guest, IP, MEMORY, Machine};
use crate::{Task, signal};

const CLONE: u64 = 56;
/// A clone in whose course a signal comes.
const DISTURBED: u64 = 57;
const TID_AT: u64 = MEMORY + 0x100;

fn dispatch(task: &Arc<Task>, args: &SyscallArgs) -> Work {
    let task = Arc::clone(task);
    let [flags, ..] = args.args;
    let disturbed = args.number == DISTURBED;
    Work::Later(Box::pin(async move {
        let request = CloneRequest {
            flags: CloneFlags::from_bits_truncate(flags),
            exit_signal: 17,
            stack: 0,
            tls: 0,
            parent_tid: 0,
            child_tid: TID_AT,
            pidfd: 0,
            control_group: None,
            ids: crate::clone::Ids::default(),
        };
        let outcome = super::clone(&task, request).await;
        if disturbed {
            signal::send_to_task(&task, Siginfo::kernel(Signal::SIGUSR1));
        }
        outcome
    }))
}

fn machine() -> (Machine, Guest) {
    let machine = Machine::new(dispatch);
    let guest = machine.process(10);
    (machine, guest)
}

fn tid_at(task: &Task) -> i32 {
    UserPtr::<i32>::new(TID_AT).read(&*task.memory()).unwrap()
}

fn returned(guest: &Guest) -> u64 {
    assert!(guest.thread.is_running());
    guest.registers().rax
}

#[test]
fn a_fork_returns_at_once_and_its_child_has_a_memory_of_its_own() {
    let (machine, parent) = machine();
    let lent = ProgramBreak { start: 0, at: 77, limit: 0 };
    parent.task.memory().set_break(&lent).unwrap();
    machine.trap(&parent, CLONE, [CloneFlags::CHILD_SETTID.bits(), 0, 0, 0, 0, 0]);
    let id = i32::try_from(returned(&parent)).unwrap();
    let child = machine.kernel.task(id).unwrap();
    let thread = machine.platform.threads().pop().unwrap();
    assert!(thread.is_running());
    assert!(matches!(thread.take_resume()[..], [Resume::Return(0)]));
    assert_eq!((tid_at(&child), tid_at(&parent.task)), (id, 0));
    assert_eq!(child.space().heap().end, 77);
    assert_eq!(child.group.parent(), 10);
}

#[test]
fn a_thread_shares_the_memory_and_the_process() {
    let (machine, parent) = machine();
    let flags = CloneFlags::VM | CloneFlags::SIGHAND | CloneFlags::THREAD | CloneFlags::CHILD_SETTID;
    machine.trap(&parent, CLONE, [flags.bits(), 0, 0, 0, 0, 0]);
    let id = i32::try_from(returned(&parent)).unwrap();
    let child = machine.kernel.task(id).unwrap();
    assert!(Arc::ptr_eq(&child.group, &parent.task.group));
    assert_eq!((child.space().memory.id(), tid_at(&parent.task)), (parent.task.space().memory.id(), id));
}

#[test]
fn what_the_host_cannot_make_leaves_no_trace() {
    let thread = CloneFlags::VM | CloneFlags::SIGHAND | CloneFlags::THREAD;
    for flags in [CloneFlags::empty(), thread, CloneFlags::VM | CloneFlags::VFORK] {
        let (machine, parent) = machine();
        parent.thread.refuse_clone(Errno::ENOMEM);
        machine.trap(&parent, CLONE, [flags.bits(), 0, 0, 0, 0, 0]);
        assert_eq!(returned(&parent), Errno::ENOMEM.to_return(), "{flags:?}");
        assert_eq!((machine.kernel.pids.task_count(), parent.task.group.tasks().len()), (1, 1));
        assert_eq!(machine.kernel.pids.groups().len(), 1);
        let waited = poll_once(wait(&parent.task, Which::Any, abi::wait::WaitOptions::EXITED));
        assert!(matches!(waited, Some(Err(Errno::ECHILD))), "{flags:?}");
        machine.trap(&parent, CLONE, [flags.bits(), 0, 0, 0, 0, 0]);
        assert_eq!(machine.kernel.pids.task_count(), 2, "{flags:?}");
    }
}

#[test]
fn a_signal_that_comes_first_is_handled_before_there_is_a_child() {
    let (machine, parent) = machine();
    let action = SigAction {
        handler: 0x4000,
        flags: ActionFlags::RESTORER.bits(),
        restorer: 0x5000,
        mask: SignalSet::EMPTY,
    };
    parent.task.group.signals.with_actions(|a| a.set(Signal::SIGUSR1, action));
    machine.trap(&parent, DISTURBED, [0; 6]);
    assert_eq!(parent.registers().rip, 0x4000);
    assert_eq!(machine.kernel.pids.task_count(), 1);
    let saved = UserPtr::<abi::signal::RtFrame>::new(parent.registers().rsp);
    let frame = saved.read(&*parent.task.memory()).unwrap();
    let context = frame.ucontext.context;
    assert_eq!((context.rip, context.rax), (IP - 2, DISTURBED), "the call is made again");
}
