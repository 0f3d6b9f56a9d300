//! A process of a container that was started over a connection: watched until it ends.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};

use abi::Errno;
use host::spawn::{Child, Namespaces, Spawn};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::Pid;
use sentry::control::{Channel, Event, ExitStatus, ReceiveError};

use super::Forwarded;
use crate::children;
use crate::error::{Error, Trying, printable};

/// What becomes of processes whose container ends under them.
const KILLED: ExitStatus = ExitStatus::Signal(9);

/// Passes signals on and waits for the end of the connection's process.
pub(crate) fn until_the_end(channel: &Channel, signals: &Forwarded) -> Result<ExitStatus, Error> {
    loop {
        let mut watched = [PollFd::new(channel, PollFlags::IN), PollFd::new(signals, PollFlags::IN)];
        rustix::io::retry_on_intr(|| poll(&mut watched, None)).trying("wait for the process")?;
        let [said, signalled] = watched.map(|fd| !fd.revents().is_empty());
        if said {
            match channel.receive() {
                Ok(Event::Exited(status)) => return Ok(status),
                Ok(Event::Failed { message }) => return Err(Error::Message(printable(&message))),
                Ok(event) => tracing::debug!("the sentry says {event:?}"),
                Err(ReceiveError::Closed) => return Ok(KILLED),
                Err(error) => return Err(Error::Message(error.to_string())),
            }
        }
        while signalled && let Some(request) = signals.next()? {
            if let Err(error) = channel.send(&request) {
                tracing::debug!("a signal was lost: {error}");
            }
        }
    }
}

/// Leaves a process that stands for the connection's on the host: it waits for its end, passes signals on to it, and ends as it does.
/// A terminal that is given becomes its controlling one, so that it hears of changes of the window. `prepare` runs before it begins.
pub(crate) fn leave(
    channel: &Channel,
    terminal: Option<&OwnedFd>,
    prepare: impl FnOnce(Pid) -> Result<(), Errno>,
) -> Result<Child, Error> {
    let program = File::open("/proc/self/exe").trying_on("open", "/proc/self/exe")?;
    let null = File::options().read(true).write(true).open("/dev/null").trying_on("open", "/dev/null")?;
    let null = null.as_fd();
    let mut descriptors = vec![null, null, null, channel.as_fd()];
    descriptors.extend(terminal.map(AsFd::as_fd));
    let spawn = Spawn {
        program: program.as_fd(),
        arguments: &[children::WAITER],
        environment: &[],
        descriptors: &descriptors,
        namespaces: Namespaces::NONE,
        become_root: None,
    };
    spawn.start(prepare).trying("leave a process that waits for the program")
}
