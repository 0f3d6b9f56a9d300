//! Waiting for children: the commands that the shim runs, and the processes that these leave behind, which are the shim's because it is
//! their subreaper. All are waited for in one place, so that none takes away what another one waits for.

use std::collections::HashMap;
use std::io;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use rustix::process::{WaitOptions, WaitStatus, wait};

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exit {
    /// As a shell counts: the code, or 128 plus the signal.
    pub(crate) status: u32,
    pub(crate) at: SystemTime,
}

/// Collects ends.
#[derive(Debug, Default)]
pub(crate) struct Reaper {
    table: Mutex<Table>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Table {
    /// Processes that somebody waits for, and how they ended.
    watched: HashMap<i32, Option<Exit>>,
    /// Others that ended while commands ran that may have left them.
    unclaimed: HashMap<i32, Exit>,
    /// How many such commands run.
    adoptions: usize,
    /// How many commands were ever started.
    started: u64,
}

/// From before a command runs until its caller knows which process it has left.
#[derive(Debug)]
pub(crate) struct Adoption<'a>(&'a Reaper);

impl Reaper {
    /// Starts collecting.
    pub(crate) fn start() -> io::Result<Arc<Self>> {
        let reaper = Arc::new(Self::default());
        let own = Arc::clone(&reaper);
        std::thread::Builder::new().name("reaper".to_owned()).spawn(move || own.collect())?;
        Ok(reaper)
    }

    /// Starts a command, to be waited for with [`Self::wait`].
    pub(crate) fn spawn(&self, command: &mut Command) -> io::Result<(i32, Child)> {
        // Locked until its id is known: it may end at once.
        let mut table = self.lock();
        let child = command.spawn()?;
        let pid = i32::try_from(child.id()).unwrap_or(0);
        table.unclaimed.remove(&pid);
        table.watched.insert(pid, None);
        table.started += 1;
        self.changed.notify_all();
        Ok((pid, child))
    }

    /// Waits for a process that was started or claimed. Once.
    pub(crate) fn wait(&self, pid: i32) -> Exit {
        let mut table = self.lock();
        loop {
            match table.watched.get(&pid) {
                Some(&Some(exit)) => {
                    table.watched.remove(&pid);
                    return exit;
                }
                Some(None) => {}
                // Nobody's: as if killed.
                None => return Exit { status: 137, at: SystemTime::now() },
            }
            table = self.changed.wait(table).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// To be called before a command that leaves a process behind.
    pub(crate) fn adoption(&self) -> Adoption<'_> {
        self.lock().adoptions += 1;
        Adoption(self)
    }

    fn collect(&self) {
        loop {
            let started = self.lock().started;
            match wait(WaitOptions::empty()) {
                Ok(Some((pid, status))) => self.ended(pid.as_raw_nonzero().get(), status),
                Ok(None) | Err(rustix::io::Errno::INTR) => {}
                // No children: only a new command can change that.
                Err(_) => {
                    let mut table = self.lock();
                    while table.started == started {
                        table = self.changed.wait(table).unwrap_or_else(PoisonError::into_inner);
                    }
                }
            }
        }
    }

    fn ended(&self, pid: i32, status: WaitStatus) {
        let code = status.exit_status().or_else(|| status.terminating_signal().map(|signal| 128 + signal));
        let exit = Exit {
            status: code.and_then(|code| u32::try_from(code).ok()).unwrap_or(255),
            at: SystemTime::now(),
        };
        let mut table = self.lock();
        if let Some(slot) = table.watched.get_mut(&pid) {
            *slot = Some(exit);
        } else if table.adoptions > 0 {
            table.unclaimed.insert(pid, exit);
        }
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Adoption<'_> {
    /// The command has left this process: it can be waited for, even if it has ended already.
    pub(crate) fn claim(&self, pid: i32) {
        let mut table = self.0.lock();
        let ended = table.unclaimed.remove(&pid);
        table.watched.insert(pid, ended);
    }
}

impl Drop for Adoption<'_> {
    fn drop(&mut self) {
        let mut table = self.0.lock();
        table.adoptions -= 1;
        if table.adoptions == 0 {
            table.unclaimed.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;

    /// One test: there is one set of children in a process.
    #[test]
    fn commands_and_what_they_leave_are_waited_for() {
        rustix::process::set_child_subreaper(Some(rustix::process::getpid())).unwrap();
        let reaper = Reaper::start().unwrap();
        let shell = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]).stdout(Stdio::piped());
            command
        };
        let (pid, _child) = reaper.spawn(&mut shell("exit 7")).unwrap();
        assert_eq!(reaper.wait(pid).status, 7);
        let (pid, _child) = reaper.spawn(&mut shell("kill -9 $$")).unwrap();
        assert_eq!(reaper.wait(pid).status, 137);

        for script in ["sh -c 'exit 5' & echo $!", "sh -c 'sleep 0.2; exit 5' >&- & echo $!"] {
            let adoption = reaper.adoption();
            let (pid, child) = reaper.spawn(&mut shell(script)).unwrap();
            let left = std::io::read_to_string(child.stdout.unwrap()).unwrap().trim().parse().unwrap();
            assert_eq!(reaper.wait(pid).status, 0);
            adoption.claim(left);
            drop(adoption);
            assert_eq!(reaper.wait(left).status, 5, "{script}");
        }
        assert_eq!(reaper.wait(1).status, 137, "nobody's");
    }
}
