//! `casemate create`.

use std::os::fd::OwnedFd;

use super::creation::Creation;
use crate::command_line::{Create, Global};
use crate::error::Error;
use crate::log::Log;
use crate::sandbox;

/// Creates a container that waits to be started.
pub(crate) fn execute(
    global: &Global,
    arguments: &Create,
    preserved: Vec<OwnedFd>,
    log: &Log,
) -> Result<(), Error> {
    let (mut creation, launch) = Creation::begin(global, log, arguments, preserved, false)?;
    let sandbox = sandbox::create(&arguments.id, launch)?;
    // Killed between the last two, it is a container that has ended; the other way round nobody would know of it.
    let finished =
        creation.created(&sandbox, arguments).and_then(|()| creation.stays()).and_then(|()| sandbox.detach());
    if let Err(error) = finished {
        sandbox::abandon(sandbox);
        creation.fails();
        return Err(error);
    }
    Ok(())
}
