//! From a process in new namespaces to a running kernel: the order in which rights are used and given up.

use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;
use std::sync::Arc;

use gofer::{Ids, Reach};
use host::process::{Fork, fork};
use serde::{Deserialize, Serialize};

use crate::control::{Channel, Event, ExitStatus};
use crate::failure::{Failure, Trying};
use crate::spec::ContainerSpec;
use crate::window::{self, Window};
use crate::{assemble, direct, filter, init, isolation, modes, privileges};

/// What the runtime tells a sandbox, as JSON in a sealed memory file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// The container to run.
    pub container: ContainerSpec,
    /// How many connections to the gofer were handed over, with the files that layers lie in.
    pub connections: usize,
    /// How many descriptors of the first process were handed over besides the standard ones.
    pub further_descriptors: usize,
    /// User and group for stubs, in the sandbox's user namespace. Without one they run as the sentry's own, because
    /// an unprivileged user has no other to give.
    pub stub_user: Option<u32>,
    /// Whether the sentry works on the files of gofers that hand them over, and if so how its user namespace shows their ids: those that a gofer
    /// sees are inside, those that the sentry sees outside.
    pub direct: Option<Ids>,
    /// What of the host guests may reach through what lies in their trees.
    pub reach: Reach,
    /// Whether guest system calls are logged.
    pub strace: bool,
    /// Whether hot call sites of programs are patched.
    pub patching: bool,
    /// Whether host calls that the sentry's filter does not list are only logged, for debugging.
    pub report_denied_calls: bool,
}

/// Everything that a sandbox's process was started with.
#[derive(Debug)]
pub struct Boot {
    /// What to run.
    pub document: Document,
    /// Descriptors of the container's first process, from 0 on: those that the runtime was given, at least three.
    pub descriptors: Vec<OwnedFd>,
    /// The channel to the runtime that creates the container.
    pub control: Channel,
    /// Where other runtimes connect: a listening socket.
    pub listener: OwnedFd,
    /// What the sandbox lives with.
    pub life: Life,
    /// One socket per file system that the gofer serves, and then one file per layer that lies in one.
    pub connections: Vec<OwnedFd>,
}

/// What the sandbox ends with.
#[derive(Debug)]
pub struct Life {
    /// A pipe whose other end the runtime holds. It ends when the runtime does; a byte says that the runtime is about to leave and the
    /// sandbox goes on without it.
    pub runtime: OwnedFd,
    /// A pipe that ends when the gofer does.
    pub gofer: OwnedFd,
}

/// What the kernel is assembled from.
#[derive(Debug)]
pub(crate) struct Materials {
    /// As in [`Boot`].
    pub(crate) document: Document,
    /// As in [`Boot`].
    pub(crate) descriptors: Vec<OwnedFd>,
    /// As in [`Boot`].
    pub(crate) listener: OwnedFd,
    /// As in [`Boot`].
    pub(crate) connections: Vec<OwnedFd>,
    /// Directory: `/proc` of the sandbox's pid namespace.
    pub(crate) proc: OwnedFd,
    /// Readable when the window of the first process's terminal has another size.
    pub(crate) resized: Option<OwnedFd>,
}

/// Turns the calling process, which is the first in its namespaces, has one thread and is root of its user namespace, into init and
/// sentry of a sandbox. Returns in both, with the process's exit code.
#[must_use]
pub fn enter(boot: Boot) -> ExitCode {
    let Boot { document, descriptors, control, listener, life, connections } = boot;
    // Before the sentry can say anything, upon which the runtime may change them.
    let terminal = modes::Standard::note();
    let prepared = isolation::open_proc()
        .and_then(|proc| isolation::empty_root().map(|()| proc))
        .and_then(|proc| window::pipe(&document).map(|resized| (proc, resized)))
        .and_then(|prepared| fork().trying("fork the sentry").map(|side| (prepared, side)));
    match prepared {
        Err(failure) => report(&control, Err(&failure)),
        Ok(((proc, resized), Fork::Child)) => {
            drop(life);
            let resized = resized.map(|(sentry, _)| sentry);
            if resized.is_some() {
                // The terminal's signals are for pid 1 alone. Elsewhere they would be ignored anyway.
                let _ = rustix::process::setpgid(None, None);
            }
            sentry(
                Materials { document, descriptors, listener, connections, proc, resized },
                &Arc::new(control),
            )
        }
        Ok(((proc, resized), Fork::Parent(pid))) => {
            let window = resized.zip(descriptors.first()).and_then(|((_, sentry), terminal)| {
                let watched = Window::watch(terminal, sentry);
                watched
                    .inspect_err(|failure| tracing::warn!("the window's size is not followed: {failure}"))
                    .ok()
            });
            drop((descriptors, control, listener, connections, proc));
            init::watch(&document, pid, &life, (window.as_ref(), &terminal)).unwrap_or_else(|failure| {
                tracing::error!("{failure}");
                ExitCode::FAILURE
            })
        }
    }
}

/// The sentry's life. Until the zygote exists there must be no second thread.
fn sentry(materials: Materials, control: &Arc<Channel>) -> ExitCode {
    let (report_only, reach) = (materials.document.report_denied_calls, materials.document.reach);
    // Each file that a guest has open may need one.
    let started = host::descriptors::make_room(materials.proc.as_fd())
        .trying("raise the descriptor limit")
        .and_then(|()| {
            host::reopen::keep_descriptors(materials.proc.as_fd()).trying("keep sight of its descriptors")
        })
        .and_then(|()| assemble::fork_zygote(&materials))
        .and_then(|zygote| {
            if materials.document.direct.is_some() {
                direct::prepare(materials.proc.as_fd())?;
                privileges::keep_only(privileges::SENTRY | privileges::FILES)?;
                filter::install(&filter::with_files(reach), report_only)?;
            } else {
                privileges::keep_only(privileges::SENTRY)?;
                filter::install(&filter::sentry(reach), report_only)?;
            }
            Ok(zygote)
        });
    match started {
        Err(failure) => report(control, Err(&failure)),
        Ok(zygote) => {
            let outcome = assemble::run(zygote, materials, control);
            report(control, outcome.as_ref().copied())
        }
    }
}

/// Tells the runtime how it ended. The exit code is the container's: whoever waits for init learns it even if no runtime listens.
fn report(control: &Channel, outcome: Result<ExitStatus, &Failure>) -> ExitCode {
    let (event, code) = match outcome {
        Ok(status) => (Event::Exited(status), ExitCode::from(status.shell_code())),
        Err(failure) => (Event::Failed { message: failure.to_string() }, ExitCode::FAILURE),
    };
    if let Err(error) = control.send(&event) {
        tracing::debug!("no runtime was told {event:?}: {error}");
    }
    code
}
