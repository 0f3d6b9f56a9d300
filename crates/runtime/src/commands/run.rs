//! `casemate run`.

use std::os::fd::OwnedFd;

use sentry::control::{Event, Request};

use super::creation::Creation;
use crate::command_line::{Global, Run};
use crate::error::Error;
use crate::log::Log;
use crate::{sandbox, state};

/// Runs a bundle. Returns the exit code for the caller's shell.
pub(crate) fn execute(
    global: &Global,
    arguments: &Run,
    preserved: Vec<OwnedFd>,
    log: &Log,
) -> Result<u8, Error> {
    if arguments.detach {
        return detached(global, arguments, preserved, log).map(|()| 0);
    }
    let (mut creation, launch) = Creation::begin(global, log, &arguments.create, preserved, true)?;
    let code = sandbox::run(&arguments.create.id, launch, &mut creation.at(&arguments.create))?;
    if arguments.keep {
        creation.stays()?;
    }
    Ok(code)
}

fn detached(global: &Global, arguments: &Run, preserved: Vec<OwnedFd>, log: &Log) -> Result<(), Error> {
    let create = &arguments.create;
    let (mut creation, launch) = Creation::begin(global, log, create, preserved, false)?;
    let sandbox = sandbox::create(&create.id, launch)?;
    let started = creation.created(&sandbox, create).and_then(|()| {
        match state::ask_at_length(&sandbox.control, &Request::Start)? {
            Event::Started { .. } => creation.started(),
            other => Err(state::unexpected(&other)),
        }
    });
    match started.and_then(|()| creation.stays()).and_then(|()| sandbox.detach()) {
        Ok(()) => Ok(()),
        Err(error) => {
            sandbox::abandon(sandbox);
            creation.fails();
            Err(error)
        }
    }
}
