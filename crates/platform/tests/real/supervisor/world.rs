//! All guests of a test.

use std::cell::Cell;
use std::collections::HashMap;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use platform::stubs::{Mechanisms, Options, StubPlatform, Zygote};
use platform::{Fault, Gone};

use super::company;
use super::task::Task;

/// How a guest process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Code(i32),
    Signal(i32),
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) output: Vec<u8>,
    /// Guest processes that have ended: pid, parent, how.
    pub(crate) ended: Vec<(u64, u64, Exit)>,
    /// Tasks in wait4: pid of the waiter.
    pub(crate) waiting: Vec<Arc<Task>>,
    /// Calls counted by the guest's own number 1000.
    pub(crate) counted: HashMap<u64, u64>,
    pub(crate) live: HashMap<u64, Arc<Task>>,
    pub(crate) gone: Vec<(u64, Gone)>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) parked: Vec<Arc<Task>>,
    pub(crate) protocol_errors: Vec<String>,
}

thread_local! {
    static WITHHELD: Cell<Mechanisms> = const { Cell::new(Mechanisms::empty()) };
    static PATCHING: Cell<bool> = const { Cell::new(false) };
}

/// Runs a test in whose worlds hot call sites are patched.
pub(crate) fn patching(test: impl FnOnce()) {
    PATCHING.set(true);
    test();
    PATCHING.set(false);
}

/// Runs a test whose worlds do without some of what the host has.
pub(crate) fn without(withheld: Mechanisms, test: impl FnOnce()) {
    WITHHELD.set(withheld);
    test();
    WITHHELD.set(Mechanisms::empty());
}

/// A platform and what its guests have done.
pub(crate) struct World {
    pub(crate) platform: Mutex<Option<Arc<StubPlatform>>>,
    pub(crate) state: Mutex<State>,
    pub(crate) changed: Condvar,
    pub(crate) next_pid: AtomicU64,
    pub(crate) program: PathBuf,
    pub(crate) file: Arc<OwnedFd>,
    /// Total stops seen, and how many of them were Gone; every thread must get exactly one of those.
    pub(crate) made: AtomicU64,
    _company: Option<company::Guest>,
}

impl World {
    /// A world among those of other tests.
    pub(crate) fn new(program: &Path) -> Arc<Self> {
        Self::make(program, Some(company::join()), None)
    }

    /// A world for a test that is [`company::alone`].
    pub(crate) fn in_company(program: &Path) -> Arc<Self> {
        Self::make(program, None, None)
    }

    /// A world whose stubs run as this user and group.
    pub(crate) fn with_identity(program: &Path, identity: Option<(u32, u32)>) -> Arc<Self> {
        Self::make(program, Some(company::join()), identity)
    }

    fn make(program: &Path, company: Option<company::Guest>, identity: Option<(u32, u32)>) -> Arc<Self> {
        let procfs = File::open("/proc").unwrap().into();
        let zygote =
            Zygote::start(Options { procfs, identity, withheld: WITHHELD.get(), patching: PATCHING.get() })
                .unwrap();
        let path = std::env::temp_dir().join(format!("platform-test-{}-{:p}", std::process::id(), &zygote));
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&path).unwrap();
        file.set_len(1 << 16).unwrap();
        std::fs::remove_file(path).unwrap();
        Arc::new(Self {
            platform: Mutex::new(Some(Arc::new(StubPlatform::start(zygote).unwrap()))),
            state: Mutex::default(),
            changed: Condvar::new(),
            next_pid: AtomicU64::new(100),
            program: program.to_owned(),
            file: Arc::new(file.into()),
            made: AtomicU64::new(0),
            _company: company,
        })
    }

    pub(crate) fn platform(&self) -> Option<Arc<StubPlatform>> {
        self.platform.lock().unwrap().clone()
    }

    pub(crate) fn has_ended(&self, pid: u64) -> bool {
        self.state.lock().unwrap().ended.iter().any(|(ended, ..)| *ended == pid)
    }

    /// Calls of [`super::task::own::COUNT`], in all.
    pub(crate) fn counted(&self) -> u64 {
        self.state.lock().unwrap().counted.values().sum()
    }

    pub(crate) fn output(&self) -> String {
        String::from_utf8_lossy(&self.state.lock().unwrap().output).into_owned()
    }

    pub(crate) fn live(&self) -> Vec<Arc<Task>> {
        self.state.lock().unwrap().live.values().cloned().collect()
    }

    pub(crate) fn pid(&self) -> u64 {
        self.next_pid.fetch_add(1, Ordering::Relaxed)
    }

    /// Starts the program as a new guest process.
    pub(crate) fn start(self: &Arc<Self>, arguments: &[&str]) -> Arc<Task> {
        let pid = self.pid();
        let task = Task::new(Arc::clone(self), pid, pid, 0);
        let arguments: Vec<String> =
            std::iter::once("guest").chain(arguments.iter().copied()).map(str::to_owned).collect();
        task.execute(arguments).unwrap();
        task
    }

    /// Waits for a process to end.
    pub(crate) fn wait(&self, pid: u64) -> Exit {
        self.until(&format!("end of {pid}"), |state| {
            state.ended.iter().find(|(ended, ..)| *ended == pid).map(|(_, _, exit)| *exit)
        })
    }

    pub(crate) fn until<T>(&self, what: &str, mut look: impl FnMut(&mut State) -> Option<T>) -> T {
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut state = self.state.lock().unwrap();
        loop {
            if let Some(found) = look(&mut state) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let live: Vec<String> = state.live.values().map(|t| t.describe()).collect();
                panic!(
                    "no {what} in time; output: {:?}; errors {:?}; live: {live:#?}",
                    String::from_utf8_lossy(&state.output),
                    state.protocol_errors
                );
            }
            state = self.changed.wait_timeout(state, left.min(Duration::from_millis(100))).unwrap().0;
        }
    }

    /// Runs the program with these arguments to its end. Returns how it ended and what it wrote.
    pub(crate) fn run(self: &Arc<Self>, arguments: &[&str]) -> (Exit, String) {
        let task = self.start(arguments);
        let exit = self.wait(task.pid);
        let output = core::mem::take(&mut self.state.lock().unwrap().output);
        (exit, String::from_utf8_lossy(&output).into_owned())
    }

    /// Waits until every host thread has had its last stop, then closes the platform.
    pub(crate) fn finish(mut self: Arc<Self>) {
        self.until("last stops", |state| {
            let unannounced = |task: &Arc<Task>| task.try_thread().is_none();
            (state.gone.len() as u64 >= self.made.load(Ordering::Relaxed)
                && state.live.values().all(unannounced))
            .then_some(())
        });
        let mut state = self.state.lock().unwrap();
        state.live.clear();
        assert_eq!(
            state.gone.len() as u64,
            self.made.load(Ordering::Relaxed),
            "each thread has one last stop"
        );
        assert_eq!(state.protocol_errors, Vec::<String>::new());
        state.parked.clear();
        state.waiting.clear();
        drop(state);
        // Observers that are being left may hold it for a moment longer.
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            match Arc::try_unwrap(self) {
                Ok(world) => return drop(world),
                Err(again) => self = again,
            }
            assert!(Instant::now() < deadline, "the world is still held {} times", Arc::strong_count(&self));
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
