//! `casemate tar`.

use std::fs::File;
use std::os::fd::AsFd;

use sentry::control::{Event, Request};

use crate::command_line::{Global, TarRootfsUpper};
use crate::error::{Error, Trying};
use crate::state::{self, Root, Status};

/// Writes the layer of a container's root as an archive. The sandbox's kernel writes it, and so it ends with the sandbox.
pub(crate) fn execute(global: &Global, arguments: &TarRootfsUpper) -> Result<(), Error> {
    let container = Root::of(global).open(&arguments.id)?;
    if matches!(container.status()?, Status::Stopped | Status::Creating) {
        return Err(Error::NotRunning);
    }
    let channel = container.connect()?.ok_or(Error::NotRunning)?;
    let file = match &arguments.file {
        Some(path) => Some(File::create(path).trying_on("make", path)?),
        None => None,
    };
    let to = file.as_ref().map_or(rustix::stdio::stdout(), AsFd::as_fd);
    channel.send_with(&Request::Archive, &[to]).trying("ask for the archive")?;
    match state::answer(&channel)? {
        Event::Done => Ok(()),
        other => Err(state::unexpected(&other)),
    }
}
