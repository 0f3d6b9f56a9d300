//! `casemate tar`.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;

use sentry::archive;
use sentry::control::{Event, Request};

use crate::command_line::{Global, TarRootfsUpper};
use crate::config::layers::ARCHIVE;
use crate::error::{Error, Trying};
use crate::state::{self, Container, Root, Status};

/// Writes the layer of a container's root as an archive. The sandbox's kernel writes it: now, or at the container's end if it was told to keep it.
pub(crate) fn execute(global: &Global, arguments: &TarRootfsUpper) -> Result<(), Error> {
    let container = Root::of(global).open(&arguments.id)?;
    match container.status()? {
        Status::Creating => return Err(Error::NotRunning),
        Status::Stopped => return copy_kept(&container, arguments),
        _ => {}
    }
    let channel = container.connect()?.ok_or(Error::NotRunning)?;
    let file = destination(arguments)?;
    let to = file.as_ref().map_or(rustix::stdio::stdout(), AsFd::as_fd);
    channel.send_with(&Request::Archive, &[to]).trying("ask for the archive")?;
    match state::answer(&channel)? {
        Event::Done => Ok(()),
        other => Err(state::unexpected(&other)),
    }
}

/// Where the archive goes, if not to the standard output.
fn destination(arguments: &TarRootfsUpper) -> Result<Option<File>, Error> {
    arguments.file.as_ref().map(|path| File::create(path).trying_on("make", path)).transpose()
}

/// The archive of a container that has ended.
fn copy_kept(container: &Container, arguments: &TarRootfsUpper) -> Result<(), Error> {
    let path = container.directory().join(ARCHIVE);
    let Some(mut kept) = archive::kept(&path).trying_on("read", &path)? else {
        let message = "the container has ended, and what it wrote was not kept: that takes --overlay2 with \",archive\" behind the choice";
        return Err(Error::Message(message.to_owned()));
    };
    let copied = match destination(arguments)? {
        Some(mut file) => io::copy(&mut kept, &mut file),
        None => io::copy(&mut kept, &mut io::stdout()),
    };
    copied.trying("write the archive").map(|_| ())
}
