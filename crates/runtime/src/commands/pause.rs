//! `casemate pause` and `casemate resume`.

use sentry::control::{Event, Request};

use crate::command_line::{Global, Id};
use crate::error::Error;
use crate::state::{self, Root, Status};

/// Stops all processes of a container where they are.
pub(crate) fn pause(global: &Global, arguments: &Id) -> Result<(), Error> {
    change(global, arguments, Status::Running, &Request::Pause)
}

/// Lets them go on.
pub(crate) fn resume(global: &Global, arguments: &Id) -> Result<(), Error> {
    change(global, arguments, Status::Paused, &Request::Resume)
}

fn change(global: &Global, arguments: &Id, wanted: Status, request: &Request) -> Result<(), Error> {
    let container = Root::of(global).open(&arguments.id)?;
    match container.status()? {
        status if status == wanted => {}
        Status::Stopped | Status::Created | Status::Creating => return Err(Error::NotRunning),
        Status::Running => return Err(Error::Message("container not paused".to_owned())),
        Status::Paused => return Err(Error::Message("container paused".to_owned())),
    }
    match container.ask(request)? {
        Event::Done => Ok(()),
        other => Err(state::unexpected(&other)),
    }
}
