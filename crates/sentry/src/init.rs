//! Pid 1 of a sandbox: waits for the end of the sentry or of the runtime, and ends. The host then kills whatever is left in
//! the pid namespace, without a chance for anything to escape it.

use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, WaitOptions, pidfd_open, waitpid};

use crate::boot::{Document, Life};
use crate::failure::{Failure, Trying};
use crate::modes::Standard;
use crate::window::Window;
use crate::{filter, privileges};

/// How long a sentry whose gofer is gone has to end by itself: it may be ending anyway.
const GRACE: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// Waits.
///
/// The exit code is the sentry's, or 128 plus the signal that killed it, or 1 if something else ended the sandbox.
pub(crate) fn watch(
    document: &Document,
    sentry: Pid,
    life: &Life,
    (window, terminal): (Option<&Window>, &Standard),
) -> Result<ExitCode, Failure> {
    let pidfd = pidfd_open(sentry, PidfdFlags::empty()).trying("watch the sentry")?;
    let id = &document.container.id;
    terminal.go_on_in_the_background();
    privileges::keep_only(privileges::INIT)?;
    filter::install(filter::INIT, document.report_denied_calls)?;
    let mut detached = false;
    let mut rest = Some(&host::text::REST);
    loop {
        let companion = if detached { life.gofer.as_fd() } else { life.runtime.as_fd() };
        let mut watched =
            [PollFd::new(&pidfd, PollFlags::IN), PollFd::new(&companion, PollFlags::IN)].to_vec();
        watched.extend(window.map(|window| PollFd::new(window, PollFlags::IN)));
        let ready = rustix::io::retry_on_intr(|| poll(&mut watched, rest)).trying("wait for the sentry")?;
        if ready == 0 {
            host::text::let_go();
            rest = None;
            continue;
        }
        let mut spoke = watched.iter().map(|fd| !fd.revents().is_empty());
        let [sentry_ended, companion_spoke, resized] = [(); 3].map(|()| spoke.next().unwrap_or(false));
        if let Some(window) = window.filter(|_| resized) {
            window.pass_on();
        }
        if sentry_ended {
            return Ok(ExitCode::from(status_of(sentry)?));
        }
        if companion_spoke && detached {
            let mut watched = [PollFd::new(&pidfd, PollFlags::IN)];
            let ended = rustix::io::retry_on_intr(|| poll(&mut watched, Some(&GRACE)));
            if ended.trying("wait for the sentry")? > 0 {
                return Ok(ExitCode::from(status_of(sentry)?));
            }
            return Ok(ends(id, "the gofer is gone"));
        }
        if companion_spoke {
            detached = left(&life.runtime)?;
            if !detached {
                terminal.put_back();
                return Ok(ends(id, "the runtime process is gone"));
            }
        }
    }
}

/// Whether the runtime has said that it leaves.
fn left(runtime: &OwnedFd) -> Result<bool, Failure> {
    let mut byte = [0];
    let read = rustix::io::retry_on_intr(|| rustix::io::read(runtime, &mut byte));
    Ok(read.trying("hear the runtime")? == 1)
}

fn ends(id: &str, why: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "casemate: {id}: {why}, ending the sandbox");
    ExitCode::FAILURE
}

fn status_of(sentry: Pid) -> Result<u8, Failure> {
    let ended = waitpid(Some(sentry), WaitOptions::empty()).trying("learn how the sentry ended")?;
    let code = ended.and_then(|(_, status)| {
        status.exit_status().or_else(|| status.terminating_signal().map(|signal| signal.saturating_add(128)))
    });
    Ok(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
