//! `casemate kill`.

use sentry::control::{Event, Recipients, Request};

use crate::command_line::{Global, Kill};
use crate::error::Error;
use crate::state::{self, Root, Status};

const SIGKILL: i32 = 9;

/// Sends a signal to a container.
pub(crate) fn execute(global: &Global, arguments: &Kill) -> Result<(), Error> {
    let container = Root::of(global).open(&arguments.id)?;
    match container.status() {
        // All processes of one that has ended have been sent the signal.
        Ok(Status::Stopped) if arguments.all => return Ok(()),
        Ok(Status::Stopped | Status::Creating) => return Err(Error::NotRunning),
        Ok(_) => {}
        // A sentry that does not answer is killed all the same.
        Err(error) if arguments.signal != SIGKILL => return Err(error),
        Err(error) => {
            tracing::warn!("{error}: its processes are killed from outside");
            return container.kill();
        }
    }
    if arguments.signal == 0 {
        return Ok(());
    }
    let to = if arguments.all { Recipients::All } else { Recipients::Process };
    match container.ask(&Request::Kill { number: arguments.signal, to })? {
        Event::Done => Ok(()),
        other => Err(state::unexpected(&other)),
    }
}
