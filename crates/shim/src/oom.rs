//! Learning that processes of a container were killed because memory has run out, from its control group.

use std::fs::{self, File};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

use crate::log;

/// Where control groups are mounted.
const MOUNT: &str = "/sys/fs/cgroup";
/// The stack of a thread that waits, in bytes.
const STACK: usize = 128 << 10;

/// A memory group, by the file that counts kills, and by what becomes readable when they do.
#[derive(Debug)]
struct Group {
    counter: PathBuf,
    notified: OwnedFd,
    /// Whether the number counts. Version 1 tells before it kills, and of nothing else; version 2 tells of every change.
    counts: bool,
}

/// Calls back for each time, from a thread of its own, as long as the group of the process is there. A container in the shim's own group
/// has none to watch.
pub(crate) fn watch(pid: i32, told: impl Fn() + Send + 'static) {
    let Some(group) = Group::of(pid) else { return };
    let started =
        std::thread::Builder::new().name("oom".to_owned()).stack_size(STACK).spawn(move || group.wait(told));
    if let Err(error) = started {
        log::warn(&format!("nobody watches the memory of a container: {error}"));
    }
}

impl Group {
    fn of(pid: i32) -> Option<Self> {
        let groups = |pid: &str| fs::read_to_string(format!("/proc/{pid}/cgroup")).ok();
        let (theirs, ours) = (groups(&pid.to_string())?, groups("self")?);
        if let Some(path) = path(&theirs, "memory") {
            return if Some(path) == self::path(&ours, "memory") { None } else { version_1(path) };
        }
        let path = path(&theirs, "")?;
        if Some(path) == self::path(&ours, "") { None } else { version_2(path) }
    }

    fn wait(&self, told: impl Fn()) {
        let mut before = 0;
        let mut buffer = [0; 4096];
        loop {
            match rustix::io::retry_on_intr(|| rustix::io::read(&self.notified, &mut buffer)) {
                Ok(count) if count > 0 => {}
                _ => return,
            }
            // It is also told of its own end.
            let Ok(text) = fs::read_to_string(&self.counter) else { return };
            let now = kills(&text);
            if now > before || !self.counts {
                told();
            }
            before = now;
        }
    }
}

/// The group of a controller in a text such as `/proc/self/cgroup`.
fn path<'a>(groups: &'a str, controller: &str) -> Option<&'a str> {
    groups.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let mut controllers = parts.next()?.split(',');
        controllers.any(|name| name == controller).then_some(())?;
        parts.next()
    })
}

fn version_1(path: &str) -> Option<Group> {
    let directory = Path::new(MOUNT).join("memory").join(path.trim_start_matches('/'));
    let notified = eventfd(0, EventfdFlags::CLOEXEC).ok()?;
    let counter = directory.join("memory.oom_control");
    let control = File::open(&counter).ok()?;
    let line = format!("{} {}", notified.as_raw_fd(), control.as_raw_fd());
    fs::write(directory.join("cgroup.event_control"), line).ok()?;
    Some(Group { counter, notified, counts: false })
}

fn version_2(path: &str) -> Option<Group> {
    let counter = Path::new(MOUNT).join(path.trim_start_matches('/')).join("memory.events");
    let notified = inotify::init(CreateFlags::CLOEXEC).ok()?;
    inotify::add_watch(&notified, &counter, WatchFlags::MODIFY).ok()?;
    Some(Group { counter, notified, counts: true })
}

/// `oom_kill` in a text of names and numbers.
fn kills(text: &str) -> u64 {
    let number = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
    number.and_then(|number| number.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_kills_are_found() {
        let groups = "9:name=systemd:/x\n4:cpu,memory:/a:b\n0::/two\n";
        assert_eq!(path(groups, "memory"), Some("/a:b"));
        assert_eq!(path(groups, "mem"), None);
        assert_eq!(path(groups, ""), Some("/two"));
        assert_eq!(kills("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"), 3);
        assert_eq!(kills("low 0\noom 1\noom_kill 2\noom_group_kill 0\n"), 2);
        assert_eq!(kills(""), 0);
    }
}
