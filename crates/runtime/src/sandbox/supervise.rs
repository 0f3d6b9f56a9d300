//! Watching a sandbox until nothing of it is left.

use std::os::fd::AsFd;

use host::spawn::Child;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Signal, WaitId, WaitIdOptions, WaitIdStatus, WaitOptions, WaitStatus, pidfd_send_signal, waitid, waitpid,
};
use sentry::control::{Event, ExitStatus, ReceiveError};

use super::Witness;
use super::launch::Sandbox;
use super::signals::Forwarded;
use crate::error::{Error, Trying, printable};

/// How long a gofer has for what a sentry that is gone has left to it.
const LAST_REQUESTS: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// Passes signals on and waits for the end. However it comes, no process of the sandbox is left after.
pub(crate) fn until_the_end(
    id: &str,
    sandbox: Sandbox,
    signals: &Forwarded,
    witness: &mut dyn Witness,
) -> Result<ExitStatus, Error> {
    let outcome = watch(&sandbox, signals, witness);
    // What the sentry has said counts; what it did not say shows in how it ended.
    if !matches!(outcome, Ok(End::Exited(_) | End::Failed(_) | End::Silent)) {
        kill(&sandbox.init);
    }
    if matches!(outcome, Ok(End::Exited(_))) {
        // What the container did last may have failed for that.
        if let Some(status) = ended(&sandbox.gofer).filter(|status| status.exit_status() != Some(0)) {
            let how = in_words(status.exit_status(), status.terminating_signal());
            tracing::error!("{id}: the gofer {how} before the container ended");
        }
        // Nobody asks it for files any more: it ends while the sandbox is taken apart.
        kill(&sandbox.gofer);
    }
    let init = reap(&sandbox.init);
    // What a sentry that was killed has sent is done still.
    if !matches!(outcome, Ok(End::GoferGone)) {
        let mut ending = [PollFd::new(&sandbox.gofer.pidfd, PollFlags::IN)];
        let _ = poll(&mut ending, Some(&LAST_REQUESTS));
    }
    let gofer = end(&sandbox.gofer);
    match outcome? {
        End::Exited(status) => Ok(status),
        End::Failed(message) => Err(Error::Message(printable(&message))),
        End::GoferGone => {
            Err(Error::Message(format!("{id}: the gofer {}, the sandbox was ended", described(gofer))))
        }
        End::Silent => {
            Err(Error::Message(format!("{id}: the sentry {}, the sandbox was ended", described(init))))
        }
        End::Malformed(error) => Err(Error::Message(format!("{id}: {error}, the sandbox was ended"))),
    }
}

/// Waits for what the sentry says first. Nothing if it ended without a word.
pub(crate) fn first_word(sandbox: &Sandbox) -> Result<Option<Event>, Error> {
    let mut watched =
        [PollFd::new(&sandbox.control, PollFlags::IN), PollFd::new(&sandbox.init.pidfd, PollFlags::IN)];
    rustix::io::retry_on_intr(|| poll(&mut watched, None)).trying("wait for the sandbox")?;
    let [said, _] = watched.map(|fd| !fd.revents().is_empty());
    Ok(if said { sandbox.control.receive().ok() } else { None })
}

/// Ends a sandbox that has said nothing sensible. The error says how it ended by itself, or who did.
pub(crate) fn silence(id: &str, sandbox: Sandbox) -> Error {
    // Whichever went first took the other along: the gofer that failed by itself is the cause.
    let gofer = waitpid(Some(sandbox.gofer.pid), WaitOptions::NOHANG).ok().flatten();
    let init = end(&sandbox.init);
    match gofer {
        Some((_, status)) if status.exit_status() != Some(0) => {
            Error::Message(format!("{id}: the gofer {}, the sandbox was ended", described(Some(status))))
        }
        _ => {
            end(&sandbox.gofer);
            Error::Message(format!("{id}: the sentry {}, the sandbox was ended", described(init)))
        }
    }
}

/// How the watch ended.
enum End {
    Exited(ExitStatus),
    Failed(String),
    /// The sandbox ended without a word.
    Silent,
    GoferGone,
    Malformed(ReceiveError),
}

fn watch(sandbox: &Sandbox, signals: &Forwarded, witness: &mut dyn Witness) -> Result<End, Error> {
    let mut gofer_done = false;
    let mut rest = Some(&host::text::REST);
    loop {
        let mut watched = [
            PollFd::new(&sandbox.control, PollFlags::IN),
            PollFd::new(&sandbox.init.pidfd, PollFlags::IN),
            // A process that has ended stays readable: one that is done is not looked at again.
            PollFd::new(&sandbox.gofer.pidfd, if gofer_done { PollFlags::empty() } else { PollFlags::IN }),
            PollFd::new(signals, PollFlags::IN),
        ];
        let ready = rustix::io::retry_on_intr(|| poll(&mut watched, rest)).trying("wait for the sandbox")?;
        if ready == 0 {
            host::text::let_go();
            rest = None;
            continue;
        }
        let [said, init_ended, gofer_ended, signalled] = watched.map(|fd| !fd.revents().is_empty());
        if said {
            match sandbox.control.receive() {
                Ok(Event::Exited(status)) => return Ok(End::Exited(status)),
                Ok(Event::Failed { message }) => return Ok(End::Failed(message)),
                Ok(Event::Started { .. }) => witness.started()?,
                Ok(event) => tracing::debug!("the sentry says {event:?}"),
                // Init is about to end too, and tells how the sentry did.
                Err(ReceiveError::Closed) => return Ok(End::Silent),
                Err(error) => return Ok(End::Malformed(error)),
            }
        } else if init_ended {
            return Ok(End::Silent);
        } else if gofer_ended {
            if ended(&sandbox.gofer).is_none_or(|status| status.exit_status() != Some(0)) {
                return Ok(End::GoferGone);
            }
            // It ends so when the sentry has closed its connections, which is about to say why.
            gofer_done = true;
        } else if signalled {
            while let Some(request) = signals.next()? {
                // A sentry that is gone will be noticed; one that does not listen must not stop us.
                if let Err(error) = sandbox.control.send(&request) {
                    tracing::debug!("a signal was lost: {error}");
                }
            }
        }
    }
}

/// How a child has ended, if it has. It is left to be reaped.
fn ended(child: &Child) -> Option<WaitIdStatus> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    waitid(WaitId::PidFd(child.pidfd.as_fd()), options).ok().flatten()
}

fn kill(child: &Child) {
    let _ = pidfd_send_signal(child.pidfd.as_fd(), Signal::KILL);
}

/// Kills a child if it has not ended by itself, and says how it ended.
pub(crate) fn end(child: &Child) -> Option<WaitStatus> {
    if let Ok(Some((_, status))) = waitpid(Some(child.pid), WaitOptions::NOHANG) {
        return Some(status);
    }
    kill(child);
    reap(child)
}

fn reap(child: &Child) -> Option<WaitStatus> {
    rustix::io::retry_on_intr(|| waitpid(Some(child.pid), WaitOptions::empty()))
        .ok()
        .flatten()
        .map(|(_, status)| status)
}

/// "was killed by signal 9" or "ended with exit code 1". Init reports a sentry's signal as a shell does.
fn described(status: Option<WaitStatus>) -> String {
    match status {
        Some(status) => in_words(status.exit_status(), status.terminating_signal()),
        None => in_words(None, None),
    }
}

fn in_words(code: Option<i32>, signal: Option<i32>) -> String {
    match (code, signal) {
        (Some(code @ 129..), _) => format!("was killed by signal {}", code - 128),
        (Some(code), _) => format!("ended unexpectedly with exit code {code}"),
        (_, Some(signal)) => format!("was killed by signal {signal}"),
        _ => "is gone".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_told_in_words() {
        assert_eq!(in_words(None, Some(9)), "was killed by signal 9");
        assert_eq!(in_words(Some(137), None), "was killed by signal 9");
        assert_eq!(in_words(Some(1), None), "ended unexpectedly with exit code 1");
    }
}
