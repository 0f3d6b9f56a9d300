//! Pid 1 of a sandbox: waits for the end of the sentry or of the runtime, and ends. The host then kills whatever is left in
//! the pid namespace, without a chance for anything to escape it.

use std::io::Write;
use std::os::fd::OwnedFd;
use std::process::ExitCode;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, WaitOptions, pidfd_open, waitpid};

use crate::boot::Document;
use crate::failure::{Failure, Trying};
use crate::{filter, privileges};

/// Waits. `life` is a pipe whose other end only the runtime holds.
///
/// The exit code is the sentry's, or 128 plus the signal that killed it, or 1 if the runtime ended first.
pub(crate) fn watch(document: &Document, sentry: Pid, life: &OwnedFd) -> Result<ExitCode, Failure> {
    let pidfd = pidfd_open(sentry, PidfdFlags::empty()).trying("watch the sentry")?;
    let id = &document.container.id;
    privileges::keep_only(privileges::INIT)?;
    filter::install(filter::INIT, document.report_denied_calls)?;
    loop {
        let mut watched = [PollFd::new(&pidfd, PollFlags::IN), PollFd::new(life, PollFlags::IN)];
        rustix::io::retry_on_intr(|| poll(&mut watched, None)).trying("wait for the sentry")?;
        let [sentry_ended, runtime_ended] = watched.map(|fd| !fd.revents().is_empty());
        if sentry_ended {
            return Ok(ExitCode::from(status_of(sentry)?));
        }
        if runtime_ended {
            let _ = writeln!(
                std::io::stderr(),
                "casemate: {id}: the runtime process is gone, ending the sandbox"
            );
            return Ok(ExitCode::FAILURE);
        }
    }
}

fn status_of(sentry: Pid) -> Result<u8, Failure> {
    let ended = waitpid(Some(sentry), WaitOptions::empty()).trying("learn how the sentry ended")?;
    let code = ended.and_then(|(_, status)| {
        status.exit_status().or_else(|| status.terminating_signal().map(|signal| signal.saturating_add(128)))
    });
    Ok(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
