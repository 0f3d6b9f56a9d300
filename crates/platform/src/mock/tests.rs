//! The mock keeps the platform's rules.

use super::*;
use crate::{CloneMemory, CloneRequest, Gone, Memory, Order, Resume, Source, SyscallArgs};

#[derive(Default)]
struct Log(Mutex<Vec<Stop>>);

impl Observer for Log {
    fn stopped(&self, stop: Stop) {
        self.0.lock().push(stop);
    }
}

fn call(number: u64) -> SyscallArgs {
    SyscallArgs { number, args: [0; 6], ip: 0 }
}

fn start() -> (MockPlatform, Arc<Log>, Arc<MockThread>) {
    let platform = MockPlatform::new();
    let log = Arc::new(Log::default());
    platform.create_process(log.clone()).unwrap();
    let thread = platform.threads().pop().unwrap();
    (platform, log, thread)
}

#[test]
fn a_stop_reaches_the_observer_only_while_the_thread_runs() {
    let (platform, log, thread) = start();
    thread.stop(Stop::Syscall(call(39)));
    platform.run();
    assert!(log.0.lock().is_empty(), "the thread had not been resumed");
    thread.resume(Resume::Context);
    thread.stop(Stop::Syscall(call(39)));
    platform.run();
    assert!(matches!(log.0.lock().as_slice(), [Stop::Syscall(c)] if c.number == 39));
    thread.resume(Resume::Return(7));
    assert!(matches!(thread.take_resume().as_slice(), [Resume::Context, Resume::Return(7)]));
}

#[test]
fn orders_change_memory_and_stop_at_the_first_failure() {
    let (platform, log, thread) = start();
    let map =
        |address| Order::Map { address, length: 8192, protection: 3, flags: 0x12, source: Source::Anonymous };
    thread.perform(vec![map(0x20_0000), map(RESERVED.start), map(0x40_0000)]);
    platform.run();
    let got = log.0.lock().pop().unwrap();
    assert!(matches!(got, Stop::Performed(r) if r == [Ok(0x20_0000), Err(Errno::EINVAL)]));
    let memory = thread.mock_memory();
    assert_eq!(memory.write(0x20_1ffe, &[1, 2, 3, 4]), Ok(2));
    let mut bytes = [0; 2];
    assert_eq!(memory.read(0x20_1ffe, &mut bytes), Ok(2));
    assert_eq!(bytes, [1, 2]);
    assert_eq!(memory.read(0x40_0000, &mut bytes), Err(Errno::EFAULT));
}

#[test]
fn a_forked_child_has_a_copy_and_a_vforked_one_the_same_memory() {
    let (platform, log, thread) = start();
    thread.mock_memory().map(0x10_0000, 4096);
    for memory in [CloneMemory::Copy, CloneMemory::Shared] {
        thread.clone_with(CloneRequest::new(log.clone(), memory));
    }
    platform.run();
    let children = platform.threads();
    thread.mock_memory().write(0x10_0000, &[9]).unwrap();
    let mut byte = [0];
    children[1].memory().read(0x10_0000, &mut byte).unwrap();
    assert_eq!(byte, [0]);
    children[2].memory().read(0x10_0000, &mut byte).unwrap();
    assert_eq!(byte, [9]);
    assert_ne!(children[1].memory().id(), thread.memory().id());
}

#[test]
fn gone_is_the_last_stop_and_comes_once() {
    let (platform, log, thread) = start();
    thread.resume(Resume::Context);
    thread.kill_process();
    thread.kill_process();
    thread.stop(Stop::Syscall(call(1)));
    platform.run();
    let stops = log.0.lock();
    assert!(matches!(stops.as_slice(), [Stop::Gone(Gone { last: true, signal: Some(9) })]));
}

#[test]
fn an_interrupt_while_stopped_follows_the_answer() {
    let (platform, log, thread) = start();
    thread.resume(Resume::Context);
    thread.stop(Stop::Syscall(call(0)));
    platform.run();
    thread.interrupt();
    platform.run();
    assert_eq!(log.0.lock().len(), 1);
    thread.resume(Resume::Return(3));
    platform.run();
    assert!(matches!(log.0.lock().last(), Some(Stop::Interrupted)));
    assert_eq!(thread.registers().map(|r| r.rax), Ok(3));
}
