//! A process of the container: who it is, and how it is started.

use std::sync::Arc;

use abi::Errno;
use kernel::exec::Strings;
use kernel::limits::{Limit, Limits, Resource};
use kernel::namespace::Namespaces;
use kernel::pids::Reservation;
use kernel::seccomp::{Filters, Instruction, Program, Seccomp};
use kernel::spawn::{self, Spawn};
use kernel::task::Attributes;
use kernel::task::scheduling::{Deadline, SCHED_DEADLINE, Scheduling, is_fair};
use kernel::{ExitStatus as Ended, FsContext, Kernel, ThreadGroup};
use std::sync::atomic::Ordering;
use vfs::caller::At;
use vfs::path::Path;
use vfs::resolve::Lookup;
use vfs::{CapabilitySet, Credentials, FdTable, Terminal};

use super::paths;
use crate::control::ExitStatus;
use crate::failure::{Failure, Trying};
use crate::spec::{ProcessSpec, SchedulingSpec, SeccompSpec};

/// Where programs are looked for without a `PATH`, as the kernel does when it starts them.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

pub(super) fn credentials(process: &ProcessSpec) -> Credentials {
    let sets = process.capabilities;
    Credentials {
        groups: process.groups.clone().into(),
        permitted: CapabilitySet(sets.permitted),
        effective: CapabilitySet(sets.effective),
        inheritable: CapabilitySet(sets.inheritable),
        bounding: CapabilitySet(sets.bounding),
        ambient: CapabilitySet(sets.ambient),
        no_new_privileges: process.no_new_privileges,
        ..Credentials::new(process.uid, process.gid, CapabilitySet::EMPTY)
    }
}

/// The filter of a container's processes.
pub(super) fn seccomp(spec: Option<&SeccompSpec>) -> Result<Seccomp, Failure> {
    let Some(spec) = spec else { return Ok(Seccomp::Off) };
    let instructions: Vec<_> =
        spec.filter.iter().map(|word| Instruction::from_bytes(word.to_le_bytes())).collect();
    let filters = Program::new(&instructions).and_then(|program| Filters::with(None, program, spec.logs));
    filters.map(|filters| Seccomp::Filtered(Arc::new(filters))).trying("use the filter of system calls")
}

fn limits(process: &ProcessSpec) -> Limits {
    let mut limits = Limits::default();
    for limit in &process.rlimits {
        if let Some(resource) = Resource::from_number(limit.resource) {
            limits.set(resource, Limit::new(limit.soft, limit.hard));
        }
    }
    limits
}

/// How a process is scheduled, and its other settings.
fn attributes(process: &ProcessSpec, seccomp: Seccomp, personality: u32) -> Result<Attributes, Failure> {
    let asked = process.scheduling;
    let deadline = Deadline {
        runtime: asked.runtime,
        deadline: asked.deadline,
        period: asked.period,
        flags: asked.deadline_flags,
    };
    if asked.policy == SCHED_DEADLINE && !deadline.is_sound() {
        let problem = "process.scheduler: runtime, deadline and period do not fit into each other";
        return Err(Failure::Message(format!("{problem}: {}", Errno::EINVAL.description())));
    }
    let SchedulingSpec { policy, priority, reset_on_fork, .. } = asked;
    Ok(Attributes {
        scheduling: Scheduling { policy, priority, reset_on_fork, deadline },
        nice: if is_fair(policy) { asked.nice } else { 0 },
        io_priority: process.io_priority,
        personality,
        seccomp,
        ..Attributes::default()
    })
}

/// What a process begins with besides what describes it.
pub(super) struct Beginning {
    pub(super) seccomp: Seccomp,
    /// personality(2).
    pub(super) personality: u32,
    /// The first one's, which was kept for it.
    pub(super) id: Option<Reservation>,
    /// A hook's file.
    pub(super) program: Option<String>,
}

/// Where a process is started.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) kernel: &'a Arc<Kernel>,
    /// The container's number.
    pub(super) container: u32,
    /// The container's namespaces.
    pub(super) namespaces: &'a Arc<Namespaces>,
}

impl<'a> Place<'a> {
    /// In the sandbox's first container.
    pub(super) fn first(kernel: &'a Arc<Kernel>, namespaces: &'a Arc<Namespaces>) -> Self {
        Self { kernel, container: 0, namespaces }
    }
}

/// Starts a process, and waits until its program runs.
pub(super) fn start(
    place: Place<'_>,
    process: &ProcessSpec,
    fs: FsContext,
    files: Arc<FdTable>,
    credentials: Arc<Credentials>,
    terminal: Option<Arc<dyn Terminal>>,
    beginning: Beginning,
) -> Result<Arc<ThreadGroup>, Failure> {
    let bytes = |list: &[String]| list.iter().map(|text| text.clone().into_bytes()).collect();
    let Beginning { seccomp, personality, id, program } = beginning;
    let attributes = attributes(process, seccomp, personality)?;
    let what = Spawn {
        container: place.container,
        namespaces: Arc::clone(place.namespaces),
        strings: Strings { arguments: bytes(&process.args), environment: bytes(&process.env) },
        fs,
        files,
        credentials: (*credentials).clone(),
        limits: limits(process),
        terminal,
        attributes,
        id,
        program: program.map(String::into_bytes),
    };
    let started = spawn::spawn(place.kernel, what).trying("start a process")?;
    started.group.oom_score_adjustment.store(process.oom_score_adj, Ordering::Relaxed);
    started.wait().map_err(|errno| cannot_execute(process, errno))?;
    Ok(started.group)
}

/// Looks for the program without starting it, so that a container whose program is missing is not created.
pub(super) fn find_program(context: &FsContext, process: &ProcessSpec) -> Result<(), Failure> {
    let name = process.args.first().map_or("", String::as_str);
    let credentials = Arc::new(credentials(process));
    let found = paths::as_user(context, &credentials, |caller| {
        let try_at =
            |path: &str| caller.find_executable(&At::here(path.as_bytes()), Lookup::FOLLOW).map(drop);
        if name.contains('/') {
            return try_at(name);
        }
        let path = process.env.iter().find_map(|entry| entry.strip_prefix("PATH="));
        let mut failure = Errno::ENOENT;
        for directory in path.unwrap_or(DEFAULT_PATH).split(':') {
            let directory = if directory.is_empty() { "." } else { directory };
            match try_at(&format!("{directory}/{name}")) {
                Err(Errno::ENOENT | Errno::ENOTDIR) => {}
                Err(Errno::EACCES) => failure = Errno::EACCES,
                found => return found,
            }
        }
        Err(failure)
    });
    found.map_err(|errno| cannot_execute(process, errno))
}

/// Where a further process begins. It must be there already.
pub(super) fn working_directory(context: &FsContext, process: &ProcessSpec) -> Result<Path, Failure> {
    let credentials = Arc::new(credentials(process));
    paths::as_user(context, &credentials, |caller| caller.find_directory(&At::here(process.cwd.as_bytes())))
        .map_err(|errno| {
            Failure::Message(format!("cannot enter process.cwd {:?}: {}", process.cwd, errno.description()))
        })
}

pub(super) fn status(ended: Ended) -> ExitStatus {
    match ended {
        Ended::Exited(code) => ExitStatus::Code(code),
        Ended::Signaled { signal, .. } => ExitStatus::Signal(signal),
    }
}

/// Why a program did not start, as runc words it.
fn cannot_execute(process: &ProcessSpec, errno: Errno) -> Failure {
    let name = process.args.first().map_or("", String::as_str);
    let reason = match errno {
        Errno::ENOENT if !name.contains('/') => "executable file not found in $PATH",
        Errno::ENOEXEC => {
            "exec format error: not a program of this machine, nor a script with an interpreter"
        }
        other => other.description(),
    };
    Failure::Message(format!("process.args: exec {name:?}: {reason}"))
}
