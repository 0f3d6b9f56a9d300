//! A process of the host that is remembered: its id alone could be another's by now.

use std::fs;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

/// A process id with the time it was started at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    /// In clock ticks since the host's boot: field 22 of proc_pid_stat(5).
    start: u64,
}

impl Process {
    /// Remembers one that runs.
    pub(crate) fn of(pid: Pid) -> Self {
        let pid = pid.as_raw_nonzero().get();
        Self { pid, start: stat(pid).map_or(0, |stat| stat.start) }
    }

    /// Whether it still runs. What has ended and was not waited for does not.
    pub(crate) fn runs(&self) -> bool {
        stat(self.pid).is_some_and(|stat| stat.start == self.start && !matches!(stat.state, 'Z' | 'X'))
    }

    /// Whether it, or a child of it, was stopped by a signal: it does nothing until it is told to go on.
    pub(crate) fn stands_still(&self) -> bool {
        let path = format!("/proc/{0}/task/{0}/children", self.pid);
        let children = fs::read_to_string(path).unwrap_or_default();
        let children = children.split_whitespace().filter_map(|pid| pid.parse().ok());
        let stopped = |pid| stat(pid).is_some_and(|stat| stat.state == 'T');
        self.runs() && std::iter::once(self.pid).chain(children).any(stopped)
    }

    /// Kills it, if it still runs.
    pub(crate) fn kill(&self) {
        let Some(pid) = Pid::from_raw(self.pid) else { return };
        // In this order: the descriptor then stands for the process that was looked at.
        if let Ok(pidfd) = pidfd_open(pid, PidfdFlags::empty())
            && self.runs()
        {
            let _ = pidfd_send_signal(&pidfd, Signal::KILL);
        }
    }
}

struct Stat {
    state: char,
    start: u64,
}

fn stat(pid: i32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before it may hold anything, spaces and parentheses too.
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?.chars().next()?;
    Some(Stat { state, start: fields.nth(18)?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_told_from_a_later_one_of_its_id() {
        let own = Process::of(rustix::process::getpid());
        assert!(own.start > 0 && own.runs());
        let other = Process { start: own.start + 1, ..own };
        assert!(!other.runs());
        other.kill();
    }

    #[test]
    fn one_that_was_stopped_stands_still() {
        let mut child = std::process::Command::new("sleep").arg("100").spawn().unwrap();
        let pid = Pid::from_child(&child);
        let process = Process::of(pid);
        let becomes = |still| {
            let limit = std::time::Instant::now() + std::time::Duration::from_secs(10);
            while process.stands_still() != still && std::time::Instant::now() < limit {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            process.stands_still() == still
        };
        assert!(!process.stands_still());
        rustix::process::kill_process(pid, Signal::STOP).unwrap();
        assert!(becomes(true) && process.runs());
        rustix::process::kill_process(pid, Signal::CONT).unwrap();
        assert!(becomes(false));
        process.kill();
        child.wait().unwrap();
        assert!(!process.stands_still());
    }

    #[test]
    fn a_zombie_does_not_run() {
        let mut child = std::process::Command::new("sleep").arg("100").spawn().unwrap();
        let process = Process::of(Pid::from_child(&child));
        assert!(process.runs());
        process.kill();
        let limit = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while process.runs() && std::time::Instant::now() < limit {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        assert!(!process.runs());
        child.wait().unwrap();
    }
}
