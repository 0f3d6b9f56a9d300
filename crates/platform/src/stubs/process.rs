//! One host process that carries guest threads.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use abi::Errno;
use parking_lot::{Mutex, RwLock};

use super::calls::{self, Death, Direction};
use super::patching::Texts;
use super::policy::Births;
use super::shared::Shared;
use super::slots::Slots;
use super::thread::StubThread;

/// A memory, which several processes may share.
pub(super) struct Space {
    pub(super) id: u64,
    pub(super) slots: Slots,
    pub(super) texts: Texts,
}

/// A stub process. Its number stays its own until it is reaped, which takes the `life` lock for writing: whoever
/// uses the number holds the lock for reading.
pub(super) struct Process {
    pub(super) shared: Arc<Shared>,
    /// The host's pid.
    pub(super) pid: i32,
    pub(super) space: Arc<Space>,
    life: RwLock<Option<Death>>,
    /// Who wants to know when it has been reaped.
    mourners: Mutex<Vec<Waker>>,
    pub(super) threads: Mutex<Threads>,
    /// Where its children start.
    pub(super) births: Mutex<Births>,
}

/// The threads of a process.
#[derive(Default)]
pub(super) struct Threads {
    /// Those that have not been told that they are gone.
    pub(super) present: Vec<Arc<StubThread>>,
    /// The main thread, if it has ended before the others: the host's thread waits until they have, because
    /// the memory of a process without a main thread cannot be reached.
    pub(super) parked: Option<Arc<StubThread>>,
}

impl Process {
    pub(super) fn new(shared: Arc<Shared>, pid: i32, space: Arc<Space>) -> Self {
        Self {
            shared,
            pid,
            space,
            life: RwLock::new(None),
            mourners: Mutex::default(),
            threads: Mutex::default(),
            births: Mutex::default(),
        }
    }

    pub(super) fn is_dead(&self) -> bool {
        self.life.read().is_some()
    }

    /// Runs `act` with the pid while it is certain to be this process's.
    pub(super) fn alive<T>(&self, act: impl FnOnce(i32) -> Result<T, Errno>) -> Result<T, Errno> {
        let life = self.life.read();
        match *life {
            None => act(self.pid),
            Some(_) => Err(Errno::ESRCH),
        }
    }

    /// Reaps it. Returns nothing if that has been done.
    pub(super) fn reap(&self) -> Option<Death> {
        let mut life = self.life.write();
        if life.is_some() {
            return None;
        }
        let death = calls::reap(self.pid).unwrap_or_default();
        *life = Some(death);
        drop(life);
        core::mem::take(&mut *self.mourners.lock()).into_iter().for_each(Waker::wake);
        Some(death)
    }

    /// As [`crate::Thread::peak_resident`].
    pub(super) fn peak_resident(&self, waker: Option<&Waker>) -> Option<u64> {
        let mut mourners = self.mourners.lock();
        let death = *self.life.read();
        if death.is_none()
            && let Some(waker) = waker
            && !mourners.iter().any(|known| known.will_wake(waker))
        {
            mourners.push(waker.clone());
        }
        death.map(|death| death.peak_resident)
    }

    /// Kills it, unless it has been reaped.
    pub(super) fn kill(&self) {
        // If it was dead already nothing is left to be done.
        let _ = self.alive(|pid| {
            calls::kill_group(pid);
            Ok(())
        });
    }

    /// Copies between the bytes and the pieces, stopping short where memory ends.
    pub(super) fn transfer(&self, direction: Direction<'_>, pieces: &[(u64, usize)]) -> Result<usize, Errno> {
        self.alive(|pid| calls::transfer(pid, direction, pieces))
    }

    /// Fills `into` from the pieces.
    ///
    /// # Errors
    /// `ESRCH` if the process is gone, or has broken its own memory, which comes to the same.
    pub(super) fn read_exactly(&self, pieces: &[(u64, usize)], into: &mut [u8]) -> Result<(), Errno> {
        let length = into.len();
        match self.transfer(Direction::Read(into), pieces) {
            Ok(done) if done == length => Ok(()),
            _ => Err(Errno::ESRCH),
        }
    }

    /// Writes all of `from` to the pieces.
    ///
    /// # Errors
    /// As [`Self::read_exactly`].
    pub(super) fn write_exactly(&self, pieces: &[(u64, usize)], from: &[u8]) -> Result<(), Errno> {
        match self.transfer(Direction::Write(from), pieces) {
            Ok(done) if done == from.len() => Ok(()),
            _ => Err(Errno::ESRCH),
        }
    }

    /// CPU time, user and system, of the process so far or in its whole life.
    pub(super) fn cpu_time(&self) -> (Duration, Duration) {
        if let Some(death) = *self.life.read() {
            return death.cpu_time;
        }
        let time = self.alive(|pid| self.split_cpu_time(calls::cpu_clock(pid)?, &format!("{pid}/stat")));
        time.unwrap_or_default()
    }

    /// CPU time of one of its threads.
    pub(super) fn cpu_time_of(&self, tid: i32) -> (Duration, Duration) {
        let time = self.alive(|pid| {
            let sum = self.shared.procfs.run_time(&format!("{pid}/task/{tid}/schedstat"))?;
            self.split_cpu_time(sum, &format!("{pid}/task/{tid}/stat"))
        });
        time.unwrap_or_default()
    }

    /// The exact sum, split as the clock ticks have sampled it. Without a tick all of it is the user's, as in Linux.
    fn split_cpu_time(&self, sum: Duration, file: &str) -> Result<(Duration, Duration), Errno> {
        const TICK: Duration = Duration::from_millis(10);
        if sum < TICK {
            return Ok((sum, Duration::ZERO));
        }
        let (user, system) = self.shared.procfs.cpu_time(file)?;
        let sampled = user + system;
        if sampled.is_zero() {
            return Ok((sum, Duration::ZERO));
        }
        let system = sum.mul_f64(system.as_secs_f64() / sampled.as_secs_f64());
        Ok((sum.saturating_sub(system), system))
    }
}
