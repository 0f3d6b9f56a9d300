//! Interrupts lose nothing and double nothing, wherever they find the guest.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::supervisor::{Exit, Task, World, build};

/// Interrupts the task until its process ends, each time waiting until the interruption has come. Returns how often.
pub(crate) fn interrupt_until_end(world: &World, task: &Arc<Task>, pause: Duration, most: u64) -> u64 {
    let mut count = 0;
    while count < most && !world.has_ended(task.tgid) {
        let before = task.interrupts.load(Ordering::Acquire);
        task.thread().interrupt();
        let deadline = Instant::now() + Duration::from_secs(30);
        while task.interrupts.load(Ordering::Acquire) == before && !world.has_ended(task.tgid) {
            assert!(Instant::now() < deadline, "interrupt {count} of {} is lost", task.describe());
            std::thread::yield_now();
        }
        count += 1;
        if !pause.is_zero() {
            std::thread::sleep(pause);
        }
    }
    count
}

fn finish(world: Arc<World>, task: Arc<Task>) {
    assert_eq!(world.wait(task.tgid), Exit::Code(0), "{}", world.output());
    drop(task);
    world.finish();
}

#[test]
pub(crate) fn no_call_is_lost_or_doubled() {
    let Some(program) = build::guest("basic") else { return };
    let mut interrupts = 0;
    // A program may be through before this thread has had its share of the processor.
    while interrupts <= 10 {
        let world = World::new(&program);
        let task = world.start(&["calls", "20000"]);
        interrupts += interrupt_until_end(&world, &task, Duration::ZERO, u64::MAX);
        assert_eq!(world.counted(), 20_000);
        finish(world, task);
    }
}

#[test]
pub(crate) fn interrupts_from_another_thread_all_arrive() {
    let Some(program) = build::guest("basic") else { return };
    let world = World::new(&program);
    let task = world.start(&["calls", "10000000"]);
    assert_eq!(interrupt_until_end(&world, &task, Duration::ZERO, 3000), 3000);
    task.end_process(Exit::Code(0));
    finish(world, task);
}

#[test]
pub(crate) fn twenty_thousand_interrupts_in_a_row_all_arrive() {
    let Some(program) = build::guest("basic") else { return };
    let world = World::new(&program);
    let task = world.start(&["calls", "10000000"]);
    // Each asks for the next, as soon as the guest goes on.
    task.chain.store(20_000, Ordering::Relaxed);
    task.thread().interrupt();
    world.until("20,000 interrupts", |_| (task.interrupts.load(Ordering::Relaxed) > 20_000).then_some(()));
    task.end_process(Exit::Code(0));
    finish(world, task);
}

#[test]
pub(crate) fn a_parked_call_ends_once_and_the_interruption_follows() {
    let Some(program) = build::guest("basic") else { return };
    let world = World::new(&program);
    let task = world.start(&["parks", "1000"]);
    for round in 0..1000 {
        world.until("a parked call", |_| (task.is_parked() || round == 1000).then_some(()));
        // Either order is the kernel's to choose.
        if round % 2 == 0 {
            task.thread().interrupt();
            task.unpark();
        } else {
            task.unpark();
            task.thread().interrupt();
        }
    }
    assert!(task.interrupts.load(Ordering::Relaxed) >= 500);
    finish(world, task);
}

#[test]
pub(crate) fn a_native_futex_wait_is_interrupted() {
    let Some(program) = build::guest("basic") else { return };
    let world = World::new(&program);
    let task = world.start(&["waits", "2000"]);
    interrupt_until_end(&world, &task, Duration::ZERO, u64::MAX);
    assert_eq!(world.counted(), 2000);
    finish(world, task);
}

#[test]
pub(crate) fn three_threads_are_interrupted_at_once() {
    let Some(program) = build::guest("basic") else { return };
    let world = World::new(&program);
    let task = world.start(&["three", "5000"]);
    let deadline = Instant::now() + Duration::from_secs(60);
    while !world.has_ended(task.tgid) && Instant::now() < deadline {
        for task in world.live() {
            if let Some(thread) = task.try_thread() {
                thread.interrupt();
            }
        }
        std::thread::yield_now();
    }
    assert_eq!(world.counted(), 15_000);
    finish(world, task);
}

#[test]
pub(crate) fn forks_under_interrupts_make_no_phantoms() {
    let Some(program) = build::guest("basic") else { return };
    for mode in ["slow", "quick"] {
        let world = World::new(&program);
        let task = world.start(&["fork_loop", "200", mode]);
        while !world.has_ended(task.tgid) {
            for task in world.live() {
                if let Some(thread) = task.try_thread() {
                    thread.interrupt();
                }
            }
            std::thread::sleep(Duration::from_micros(20));
        }
        finish(world, task);
    }
}
