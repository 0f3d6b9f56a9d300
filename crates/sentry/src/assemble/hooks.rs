//! Hooks that are programs of the container: run before its first process, as that would be.

use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use abi::signal::{SI_USER, Siginfo, Signal};
use kernel::executor;
use kernel::signal::{self, Origin, Target};
use vfs::io::{SliceSource, VecSink};
use vfs::{FdTable, File, OpenFile, OpenFlags, Owner};

use super::container::Container;
use super::process::{self, Beginning};
use crate::control::ExitStatus;
use crate::failure::{Failure, Trying};
use crate::spec::{ContainerSpec, HookSpec, ProcessSpec};

/// How much of what a hook writes to standard error is told.
const TOLD: usize = 1024;

/// Runs a container's hooks, one after the other, up to the first that fails.
pub(super) fn run(container: &Container, spec: &ContainerSpec) -> Result<(), Failure> {
    for hook in &spec.start_hooks {
        one(container, &spec.process, hook)
            .map_err(|failure| Failure::Message(format!("{}: {}: {failure}", hook.place, hook.path)))?;
    }
    Ok(())
}

fn one(container: &Container, like: &ProcessSpec, hook: &HookSpec) -> Result<(), Failure> {
    let process =
        ProcessSpec { args: hook.args.clone(), env: hook.env.clone(), terminal: false, ..like.clone() };
    let credentials = Arc::new(process::credentials(&process));
    let owner = Owner { uid: process.uid, gid: process.gid };
    let open = |end: Arc<pipe::PipeEnd>, flags| {
        OpenFile::new(end as Arc<dyn File>, None, flags, Arc::clone(&credentials))
    };
    let (stdin, state) = pipe::pair(owner, false);
    let state = open(state, OpenFlags::WRONLY | OpenFlags::NONBLOCK);
    // What does not fit into a pipe is more than anybody reads.
    state.write(&mut SliceSource::new(hook.state.as_bytes())).trying("write its input")?;
    drop(state);
    let (said, output) = pipe::pair(owner, false);
    let said = open(said, OpenFlags::empty() | OpenFlags::NONBLOCK);
    let output = open(output, OpenFlags::WRONLY);
    let files = FdTable::new();
    for file in [open(stdin, OpenFlags::empty()), Arc::clone(&output), output] {
        files.install(file, false, 0, usize::MAX).trying("install descriptors")?;
    }
    let beginning = Beginning { program: Some(hook.path.clone()), ..container.beginning() };
    let (place, context) = (container.place(), container.context.clone());
    let group = process::start(place, &process, context, files, credentials, None, beginning)?;
    let end = container.end_of(group.pid);
    let limit = hook.timeout.map(Duration::from_secs);
    let ended = match limit {
        Some(limit) => end.recv_timeout(limit),
        None => end.recv().map_err(|_| RecvTimeoutError::Disconnected),
    };
    let words = match ended {
        Ok(ExitStatus::Code(0)) => return Ok(()),
        Ok(ExitStatus::Code(code)) => format!("ended with exit code {code}"),
        Ok(ExitStatus::Signal(number)) => format!("was killed by signal {number}"),
        Err(RecvTimeoutError::Timeout) => {
            let info = Siginfo::user(Signal::SIGKILL, SI_USER, 0, 0);
            executor::turn(|| {
                let _ = signal::send(Target::Group(&group), info, Origin::Outside);
            });
            format!("did not end within {} seconds", hook.timeout.unwrap_or(0))
        }
        Err(RecvTimeoutError::Disconnected) => "was lost".to_owned(),
    };
    let mut told = VecSink::new(TOLD);
    // It need not have said anything.
    let _ = said.read(&mut told);
    let told = String::from_utf8_lossy(&told.data).trim().to_owned();
    Err(Failure::Message(if told.is_empty() { words } else { format!("{words}: {told}") }))
}
