//! `casemate wait`.

use sentry::control::Request;

use crate::command_line::{Global, Id};
use crate::error::{Error, Trying};
use crate::sandbox::{Forwarded, attached};
use crate::state::Root;

/// Waits for the end of a container. Returns its exit code.
pub(crate) fn execute(global: &Global, arguments: &Id) -> Result<u8, Error> {
    let container = Root::of(global).open(&arguments.id)?;
    let channel = container.connect()?.ok_or(Error::NotRunning)?;
    channel.send(&Request::Wait).trying("wait for the container")?;
    // Signals are ours alone: the container is not our child.
    attached::until_the_end(&channel, &Forwarded::none()?).map(sentry::control::ExitStatus::shell_code)
}
