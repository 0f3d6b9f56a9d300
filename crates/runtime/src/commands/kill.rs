//! `casemate kill`.

use sentry::control::{Event, Recipients, Request};

use crate::command_line::{Global, Kill};
use crate::error::Error;
use crate::state::{self, Root, Status};

const SIGKILL: i32 = 9;

/// Sends a signal to a container.
pub(crate) fn execute(global: &Global, arguments: &Kill) -> Result<(), Error> {
    let container = Root::of(global).open(&arguments.id)?;
    let from_outside = |error: Error| {
        tracing::warn!("{error}: its processes are killed from outside");
        container.kill()
    };
    match container.status() {
        // All processes of one that has ended have been sent the signal.
        Ok(Status::Stopped) if arguments.all => return Ok(()),
        Ok(Status::Stopped | Status::Creating) => return Err(Error::NotRunning),
        Ok(_) => {}
        // A sentry that does not answer is killed all the same.
        Err(error) if arguments.signal != SIGKILL => return Err(error),
        Err(error) => return from_outside(error),
    }
    if arguments.signal == 0 {
        return Ok(());
    }
    let to = if arguments.all { Recipients::All } else { Recipients::Process };
    match container.ask(&Request::Kill { number: arguments.signal, to }) {
        Ok(Event::Done) => Ok(()),
        Ok(other) => Err(state::unexpected(&other)),
        Err(error @ Error::StandsStill(_)) if arguments.signal == SIGKILL => from_outside(error),
        Err(error) => Err(error),
    }
}
