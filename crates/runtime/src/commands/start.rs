//! `casemate start`.

use sentry::control::Event;

use crate::command_line::{Global, Id};
use crate::error::Error;
use crate::hooks::Moment;
use crate::state::{self, Root, Status};

/// Runs the program of a container that was created.
pub(crate) fn execute(global: &Global, arguments: &Id) -> Result<(), Error> {
    let container = Root::of(global).open(&arguments.id)?;
    match container.status()? {
        Status::Created => {}
        Status::Stopped => return Err(Error::refused("start a container that has stopped")),
        Status::Running => return Err(Error::refused("start an already running container")),
        status => {
            return Err(Error::Message(format!("cannot start a container in the {} state", status.name())));
        }
    }
    match container.start()? {
        Event::Started { .. } => {}
        other => return Err(state::unexpected(&other)),
    }
    let hooks = container.record.run_hooks(Moment::Poststart, Status::Running);
    if hooks.is_err() {
        // As runc does: a container whose hooks failed does not go on.
        container.kill()?;
    }
    hooks
}
