//! A sandbox as its runtime sees it: started, watched, ended.

pub(crate) mod attached;
pub(crate) mod console;
pub(crate) mod descriptors;
mod launch;
mod signals;
mod supervise;
pub(crate) mod terminal;
mod users;

use sentry::control::{Event, ExitStatus, Request};

use crate::error::{Error, Trying};
pub(crate) use launch::{Launch, Sandbox, memory_file};
pub(crate) use signals::Forwarded;
pub(crate) use supervise::end;

/// Runs a container in a sandbox of its own until it ends. Once it has been created `created` is told of it, and may stop it. Returns the
/// exit code for the caller's shell.
pub(crate) fn run(
    id: &str,
    launch: Launch<'_>,
    created: impl FnOnce(&Sandbox) -> Result<(), Error>,
) -> Result<u8, Error> {
    // First, so that no signal is lost between here and the container's start.
    let signals = Forwarded::divert()?;
    let terminal = terminal::Modes::save();
    let own_terminal = launch.plan.container.process.terminal;
    let sandbox = create(id, launch)?;
    let raw = own_terminal.then(terminal::Raw::start);
    if let Err(error) = created(&sandbox).and_then(|()| start(&sandbox)) {
        drop(raw);
        abandon(sandbox);
        return Err(error);
    }
    let outcome = supervise::until_the_end(id, sandbox, &signals);
    drop(raw);
    // A program that ends by itself may leave the terminal as it likes, as stty(1) does.
    if !matches!(outcome, Ok(ExitStatus::Code(_))) {
        terminal.restore();
    }
    outcome.map(ExitStatus::shell_code)
}

/// Starts a sandbox and waits until its container can be started. If that fails nothing is left.
pub(crate) fn create(id: &str, launch: Launch<'_>) -> Result<Sandbox, Error> {
    let sandbox = launch.start()?;
    match supervise::first_word(&sandbox)? {
        Some(Event::Created) => Ok(sandbox),
        Some(Event::Failed { message }) => {
            abandon(sandbox);
            Err(Error::Message(crate::error::printable(&message)))
        }
        _ => Err(supervise::silence(id, sandbox)),
    }
}

fn start(sandbox: &Sandbox) -> Result<(), Error> {
    sandbox.control.send(&Request::Start).trying("start the container")
}

/// Kills a sandbox and waits until nothing of it is left.
pub(crate) fn abandon(sandbox: Sandbox) {
    end(&sandbox.init);
    end(&sandbox.gofer);
}
