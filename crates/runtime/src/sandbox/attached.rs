//! A process of a container that was started over a connection: watched until it ends.

use rustix::event::{PollFd, PollFlags, poll};
use sentry::control::{Channel, Event, ExitStatus, ReceiveError};

use super::Forwarded;
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
