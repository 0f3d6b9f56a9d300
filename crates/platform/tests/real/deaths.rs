//! Kills at any moment: every thread has one last stop, and nothing is left.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use platform::stubs::StubPlatform;
use platform::{Observer, Platform, Stop};

use crate::supervisor::{Exit, World, build, children, descriptors};

/// Kills of each kind of guest: with those of `fallbacks`, some 3,000.
const ROUNDS: u64 = 120;

/// Kills the host process behind a task, as somebody outside would.
fn kill_from_outside(stat: &str) {
    let pid: i32 = stat.split(' ').next().unwrap().parse().unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
}

fn kill_at_random_moments(arguments: &[&str]) {
    let Some(program) = build::guest("basic") else { return };
    let world = World::new(&program);
    for round in 0..ROUNDS {
        let task = world.start(arguments);
        std::thread::sleep(Duration::from_micros(200 + (round * 7919) % 3000));
        if round % 4 == 3 {
            task.thread().kill_process();
        } else if let Ok(stat) = task.thread().memory().host_text("stat") {
            kill_from_outside(&stat);
        }
        assert_eq!(world.wait(task.tgid), Exit::Signal(9));
    }
    world.finish();
}

#[test]
pub(crate) fn a_calling_guest_is_killed() {
    kill_at_random_moments(&["calls", "1000000000"]);
}

#[test]
pub(crate) fn a_parked_guest_is_killed() {
    kill_at_random_moments(&["parks", "1000000000"]);
}

#[test]
pub(crate) fn a_guest_in_a_futex_is_killed() {
    kill_at_random_moments(&["waits", "1000000000"]);
}

#[test]
pub(crate) fn a_guest_with_threads_is_killed() {
    kill_at_random_moments(&["three", "1000000000"]);
}

#[test]
pub(crate) fn a_forking_guest_is_killed() {
    kill_at_random_moments(&["fork_loop", "1000000000"]);
    kill_at_random_moments(&["fork_loop", "1000000000", "quick"]);
}

/// Waits until there are at most so many descriptors: threads that have just let go of the platform may still hold a part of it.
fn settle_at(most: usize) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while descriptors() > most {
        assert!(Instant::now() < deadline, "there are {} descriptors, and not at most {most}", descriptors());
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
pub(crate) fn nothing_is_left_behind() {
    let Some(program) = build::guest("basic") else { return };
    let guard = crate::supervisor::alone();
    let before = descriptors();
    let world = World::in_company(&program);
    for _ in 0..20 {
        let r = world.run(&["forks"]);
        assert_eq!(r, (Exit::Code(0), "ok\n".to_owned()));
    }
    let idle = descriptors();
    for _ in 0..20 {
        assert_eq!(world.run(&["execs"]).0, Exit::Code(0));
    }
    // Descriptors of the pool come and go; those of dead images must not stay.
    settle_at(idle + 4);
    world.finish();
    assert_eq!(children(), []);
    settle_at(before);
    drop(guard);
}

#[test]
pub(crate) fn a_platform_that_is_dropped_takes_its_guests_with_it() {
    let Some(program) = build::guest("basic") else { return };
    let guard = crate::supervisor::alone();
    let world = World::in_company(&program);
    for _ in 0..3 {
        world.start(&["three", "1000000000"]);
    }
    std::thread::sleep(Duration::from_millis(20));
    world.platform.lock().unwrap().take();
    assert_eq!(children(), []);
    world.finish();
    drop(guard);
}

/// Has the last reference to the platform, and lets go of it at the guest's end.
struct Holder(Mutex<Option<Arc<StubPlatform>>>, Sender<()>);

impl Observer for Holder {
    fn stopped(&self, stop: Stop) {
        if matches!(stop, Stop::Gone(_)) {
            drop(self.0.lock().unwrap().take());
            self.1.send(()).unwrap();
        }
    }
}

#[test]
fn an_observer_may_be_the_last_to_hold_the_platform() {
    let Some(program) = build::guest("basic") else { return };
    let guard = crate::supervisor::alone();
    let world = World::in_company(&program);
    let platform = world.platform.lock().unwrap().take().unwrap();
    let (sender, receiver) = channel();
    let holder = Arc::new(Holder(Mutex::default(), sender));
    let thread = platform.create_process(Arc::clone(&holder) as Arc<dyn Observer>).unwrap();
    *holder.0.lock().unwrap() = Some(platform);
    thread.kill_process();
    receiver.recv_timeout(Duration::from_secs(30)).unwrap();
    for _ in 0..30_000 {
        if children().is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(children(), []);
    drop(guard);
}

#[test]
pub(crate) fn two_hundred_processes_at_once() {
    let Some(program) = build::guest("basic") else { return };
    let world = World::new(&program);
    assert_eq!(world.run(&["many_processes"]), (Exit::Code(0), "ok\n".to_owned()));
    world.finish();
}
