//! Waiting for children: the commands that the shim runs, and the processes that these leave behind, which are the shim's because it is
//! their subreaper. All are waited for in one place, so that none takes away what another one waits for.

use std::collections::HashMap;
use std::io;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use rustix::process::{Pid, WaitId, WaitIdOptions, WaitOptions, WaitStatus, wait, waitid};

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exit {
    /// As a shell counts: the code, or 128 plus the signal.
    pub(crate) status: u32,
    pub(crate) at: SystemTime,
}

impl Exit {
    fn of(status: WaitStatus) -> Self {
        let code = status.exit_status().or_else(|| status.terminating_signal().map(|signal| 128 + signal));
        Self { status: code.and_then(|code| u32::try_from(code).ok()).unwrap_or(255), at: SystemTime::now() }
    }

    /// Of a process whose end somebody else has seen: as if killed.
    fn unknown() -> Self {
        Self { status: 137, at: SystemTime::now() }
    }
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
                None => return Exit::unknown(),
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
            match waitid(WaitId::All, WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
                Ok(_) => self.reap(),
                Err(rustix::io::Errno::INTR) => {}
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

    /// A child has ended. Locked from before it is gone until that is known.
    fn reap(&self) {
        let mut table = self.lock();
        if let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            table.ended(pid.as_raw_nonzero().get(), Exit::of(status));
            self.changed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn ended(&mut self, pid: i32, exit: Exit) {
        if let Some(slot) = self.watched.get_mut(&pid) {
            *slot = Some(exit);
        } else if self.adoptions > 0 {
            self.unclaimed.insert(pid, exit);
        }
    }
}

impl Adoption<'_> {
    /// The command, which has ended, has left this process: it can be waited for, even if it has ended already.
    pub(crate) fn claim(&self, pid: i32) {
        let mut table = self.0.lock();
        let ended = table.unclaimed.remove(&pid).or_else(|| (!is_child(pid)).then(Exit::unknown));
        table.watched.insert(pid, ended);
    }
}

/// Whether it is a child that has not been waited for: the command may have done that.
fn is_child(pid: i32) -> bool {
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    Pid::from_raw(pid)
        .is_some_and(|pid| !matches!(waitid(WaitId::Pid(pid), look), Err(rustix::io::Errno::CHILD)))
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
    use std::time::Duration;

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

        let left_by = |script: &str, pause: u64| {
            let adoption = reaper.adoption();
            let (pid, child) = reaper.spawn(&mut shell(script)).unwrap();
            let left = std::io::read_to_string(child.stdout.unwrap()).unwrap().trim().parse().unwrap();
            assert_eq!(reaper.wait(pid).status, 0);
            std::thread::sleep(Duration::from_millis(pause));
            adoption.claim(left);
            drop(adoption);
            reaper.wait(left).status
        };
        assert_eq!(left_by("sh -c 'sleep 0.2; exit 5' >&- & echo $!", 0), 5, "ends after it was claimed");
        assert_eq!(left_by("sh -c 'sleep 0.1; exit 6' >&- & echo $!", 300), 6, "ends before");
        assert_eq!(left_by("sh -c 'exit 7' >&- & echo $!; wait", 0), 137, "its parent has waited for it");
        assert_eq!(reaper.wait(1).status, 137, "nobody's");
    }
}
