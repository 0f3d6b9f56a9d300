//! Starting a process from outside: the first one of a container, and those that `exec` adds to it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use abi::Errno;
use parking_lot::{Condvar, Mutex};
use platform::SyscallArgs;
use vfs::caller::At;
use vfs::resolve::Lookup;
use vfs::{Credentials, FdTable, Terminal};

use crate::exec::{self, Program, Strings};
use crate::fs_context::SharedFs;
use crate::limits::Limits;
use crate::namespace::Namespaces;
use crate::pids::Reservation;
use crate::signal::{GroupSignals, TaskSignals};
use crate::task::{Attributes, Parts};
use crate::{AddressSpace, FsContext, Kernel, Outcome, Task, ThreadGroup, executor, exit};

/// Where programs are looked for without a `PATH`.
const DEFAULT_PATH: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What to start.
pub struct Spawn {
    /// Which container of the sandbox it belongs to: 0 for the first.
    pub container: u32,
    /// The namespaces that it is in.
    pub namespaces: Arc<Namespaces>,
    /// Arguments and environment. The first argument names the program; without a slash it is looked for in `PATH`.
    pub strings: Strings,
    /// Root, working directory, umask and mounts.
    pub fs: FsContext,
    /// Descriptors.
    pub files: Arc<FdTable>,
    /// Who it is.
    pub credentials: Credentials,
    /// Resource limits.
    pub limits: Limits,
    /// The controlling terminal of its session.
    pub terminal: Option<Arc<dyn Terminal>>,
    /// Its settings, the filter of its system calls among them.
    pub attributes: Attributes,
    /// Its id, if that was taken before.
    pub id: Option<Reservation>,
    /// The file to execute, if the first argument does not name it.
    pub program: Option<Vec<u8>>,
}

/// A process on its way to its first program.
pub struct Started {
    /// The process.
    pub group: Arc<ThreadGroup>,
    result: Arc<Waiting>,
}

#[derive(Default)]
struct Waiting {
    result: Mutex<Option<Result<(), Errno>>>,
    known: Condvar,
}

impl Waiting {
    fn set(&self, result: Result<(), Errno>) {
        self.result.lock().get_or_insert(result);
        self.known.notify_all();
    }
}

/// Tells whoever waits that the process went down before its program stood, if nothing else was told.
struct Teller(Arc<Waiting>);

impl Drop for Teller {
    fn drop(&mut self) {
        self.0.set(Err(Errno::EAGAIN));
    }
}

impl Started {
    /// Waits, on a thread that is none of the kernel's, until the program runs.
    ///
    /// # Errors
    /// Those of execve(2); the process is gone then.
    pub fn wait(&self) -> Result<(), Errno> {
        let mut result = self.result.result.lock();
        loop {
            match *result {
                Some(known) => return known,
                None => self.result.known.wait(&mut result),
            }
        }
    }
}

/// Starts a process without parent, in a process group and a session of its own. The first one of its pid namespace is init: what is orphaned
/// becomes its child, signals that it has no handler for do not reach it from inside, and its end ends all others.
///
/// # Errors
/// `EAGAIN` with too many threads, `ENOMEM` if init has ended.
pub fn spawn(kernel: &Arc<Kernel>, what: Spawn) -> Result<Started, Errno> {
    let pids = &what.namespaces.pids;
    let reservation = match what.id {
        Some(reservation) => reservation,
        None => kernel.pids.reserve(kernel, pids, what.container, &[])?,
    };
    let pid = reservation.id;
    let group =
        ThreadGroup::new(Arc::clone(kernel), (pid, pids), GroupSignals::default(), what.limits, 17, true);
    group.container.store(what.container, Ordering::Relaxed);
    if group.is_init() {
        group.signals.protect();
    }
    let task = Task::new(Parts {
        tid: pid,
        group: Arc::clone(&group),
        signals: TaskSignals::default(),
        files: what.files,
        fs: SharedFs::new(what.fs),
        space: AddressSpace::none(),
        credentials: Arc::new(what.credentials),
        namespaces: what.namespaces,
        attributes: what.attributes,
    });
    group.add_task(&task)?;
    kernel.pids.enter_child(&task, 0, 0, || Ok(()))?;
    crate::control_group::enter_from_outside(&task, what.container);
    if let Some(terminal) = what.terminal {
        kernel.pids.set_terminal(&task, terminal, false)?;
    }
    let result = Arc::new(Waiting::default());
    let teller = Teller(Arc::clone(&result));
    let starter = Arc::clone(&task);
    let (strings, program) = (what.strings, what.program);
    let call = Box::pin(async move {
        let outcome = match program {
            Some(path) => run(&starter, path, strings).await,
            None => search(&starter, strings).await,
        };
        match outcome {
            Ok(outcome) => {
                teller.0.set(Ok(()));
                Ok(outcome)
            }
            Err(errno) => {
                teller.0.set(Err(errno));
                exit::release(&starter, true);
                Ok(Outcome::Ended)
            }
        }
    });
    let nothing = SyscallArgs { number: crate::strace::NO_CALL, args: [0; 6], ip: 0 };
    executor::turn(|| task.carry_out(nothing, call));
    Ok(Started { group, result })
}

/// Executes the program that the first argument names, as execvp(3) finds it.
async fn search(task: &Arc<Task>, strings: Strings) -> Result<Outcome, Errno> {
    let name = strings.arguments.first().cloned().filter(|n| !n.is_empty()).ok_or(Errno::ENOENT)?;
    if name.contains(&b'/') {
        return run(task, name, strings).await;
    }
    let path = strings.environment.iter().find_map(|v| v.strip_prefix(b"PATH="));
    let path = path.unwrap_or(DEFAULT_PATH).to_vec();
    let mut failure = Errno::ENOENT;
    for directory in path.split(|b| *b == b':') {
        let directory: &[u8] = if directory.is_empty() { b"." } else { directory };
        let candidate = [directory, b"/", &name].concat();
        match run(task, candidate, strings.clone()).await {
            Err(Errno::ENOENT | Errno::ENOTDIR) => {}
            Err(Errno::EACCES) => failure = Errno::EACCES,
            done => return done,
        }
    }
    Err(failure)
}

async fn run(task: &Arc<Task>, path: Vec<u8>, strings: Strings) -> Result<Outcome, Errno> {
    let program =
        Program { at: At::here(&path), lookup: Lookup::FOLLOW, name: path.clone(), vanishes: false, strings };
    exec::execute(task, program).await
}
