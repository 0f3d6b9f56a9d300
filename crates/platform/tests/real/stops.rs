//! Stops from outside (SIGSTOP, the freezers of both cgroup versions) double no call and lose none.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::supervisor::{Exit, Task, World, build};

const ROUNDS: u64 = 60;

/// The host process behind a task.
fn host_pid(task: &Task) -> Option<Pid> {
    let stat = task.thread().memory().host_text("stat").ok()?;
    Pid::from_raw(stat.split(' ').next()?.parse().ok()?)
}

/// Has a guest stopped and continued while it makes calls that are counted, and while the kernel interrupts it.
fn stop_and_go_on(mode: &str, count: u64, mut stop: impl FnMut(Pid, bool)) {
    let Some(program) = build::guest("basic") else { return };
    let world = World::new(&program);
    let task = world.start(&[mode, &count.to_string()]);
    let pid = host_pid(&task).unwrap();
    let mut stops = 0;
    for round in 0..ROUNDS {
        if world.has_ended(task.tgid) {
            break;
        }
        stops += 1;
        stop(pid, true);
        if let (0, Some(thread)) = (round % 3, task.try_thread()) {
            thread.interrupt();
        }
        std::thread::sleep(Duration::from_micros(300 + (round * 7919) % 900));
        stop(pid, false);
        unpark_for(&task, Duration::from_micros(200 + (round * 6007) % 900));
    }
    while !world.has_ended(task.tgid) {
        unpark_for(&task, Duration::from_millis(1));
    }
    assert_eq!(world.wait(task.tgid), Exit::Code(0), "{}", world.output());
    assert!(stops >= ROUNDS / 3, "it ended after {stops} stops");
    if mode == "calls" {
        assert_eq!(world.counted(), count);
    }
    drop(task);
    world.finish();
}

/// Lets time pass, and ends the call that the task is parked in, if it is.
fn unpark_for(task: &Arc<Task>, time: Duration) {
    if task.is_parked() {
        task.unpark();
    }
    std::thread::sleep(time);
}

fn by_signal(pid: Pid, stop: bool) {
    let _ = kill_process(pid, if stop { Signal::STOP } else { Signal::CONT });
}

#[test]
pub(crate) fn a_calling_guest_is_stopped_and_continued() {
    stop_and_go_on("calls", 30_000, by_signal);
}

#[test]
pub(crate) fn a_parked_guest_is_stopped_and_continued() {
    stop_and_go_on("parks", 60, by_signal);
}

/// A cgroup of this test's own with a freezer, if there can be one.
struct Freezer {
    group: PathBuf,
    file: &'static str,
    words: [&'static str; 2],
}

impl Freezer {
    /// The unified hierarchy (cgroup v2).
    fn unified() -> Result<Self, String> {
        let places = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].map(Path::new);
        let root = places.into_iter().find(|place| place.join("cgroup.controllers").exists());
        Self::make(root.ok_or("no cgroup v2 below /sys/fs/cgroup")?, "cgroup.freeze", ["0", "1"])
    }

    /// The freezer hierarchy of cgroup v1.
    fn legacy() -> Result<Self, String> {
        let root = Path::new("/sys/fs/cgroup/freezer");
        if !root.join("cgroup.procs").exists() {
            return Err(String::from("no cgroup v1 freezer at /sys/fs/cgroup/freezer"));
        }
        Self::make(root, "freezer.state", ["THAWED", "FROZEN"])
    }

    fn make(root: &Path, file: &'static str, words: [&'static str; 2]) -> Result<Self, String> {
        let group = root.join(format!("casemate-test-{}-{file}", std::process::id()));
        std::fs::create_dir(&group).map_err(|error| format!("no cgroup can be made: {error}"))?;
        let this = Self { group, file, words };
        if this.group.join(file).exists() { Ok(this) } else { Err(format!("cgroups here have no {file}")) }
    }

    fn set(&self, pid: Pid, freeze: bool) {
        let _ = std::fs::write(self.group.join("cgroup.procs"), pid.as_raw_nonzero().to_string());
        std::fs::write(self.group.join(self.file), self.words[usize::from(freeze)]).unwrap();
    }
}

impl Drop for Freezer {
    fn drop(&mut self) {
        let _ = std::fs::write(self.group.join(self.file), self.words[0]);
        // The guest may still be on its way out of it.
        for _ in 0..200 {
            if std::fs::remove_dir(&self.group).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn frozen(freezer: Result<Freezer, String>) {
    match freezer {
        Ok(freezer) => {
            stop_and_go_on("calls", 30_000, |pid, freeze| freezer.set(pid, freeze));
            stop_and_go_on("parks", 60, |pid, freeze| freezer.set(pid, freeze));
        }
        Err(reason) => eprintln!("skipped: {reason}"),
    }
}

#[test]
fn the_freezer_of_the_unified_hierarchy_doubles_nothing() {
    frozen(Freezer::unified());
}

#[test]
fn the_freezer_of_the_old_hierarchy_doubles_nothing() {
    frozen(Freezer::legacy());
}
