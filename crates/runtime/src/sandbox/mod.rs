//! A sandbox as its runtime sees it: started, watched, ended.

pub(crate) mod attached;
mod connections;
pub(crate) mod console;
pub(crate) mod descriptors;
mod join;
mod launch;
mod signals;
mod supervise;
pub(crate) mod terminal;
mod users;

use sentry::control::{Event, ExitStatus, Request};

use crate::error::{Error, Trying};
pub(crate) use launch::{Joined, Launch, Sandbox, memory_file};
pub(crate) use signals::Forwarded;
pub(crate) use supervise::end;

/// Who takes part in a container's beginning. What fails there ends the container.
pub(crate) trait Witness {
    /// The container stands, and its program was not started.
    fn created(&mut self, sandbox: &Sandbox) -> Result<(), Error>;
    /// Its program runs.
    fn started(&mut self) -> Result<(), Error>;
}

/// Nobody.
pub(crate) struct Nobody;

impl Witness for Nobody {
    fn created(&mut self, _: &Sandbox) -> Result<(), Error> {
        Ok(())
    }

    fn started(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// Runs a container in a sandbox of its own until it ends. Returns the exit code for the caller's shell.
pub(crate) fn run(id: &str, launch: Launch<'_>, witness: &mut dyn Witness) -> Result<u8, Error> {
    // First, so that no signal is lost between here and the container's start.
    let signals = Forwarded::divert()?;
    let terminal = terminal::Modes::save();
    let own_terminal = launch.plan.container.process.terminal;
    let sandbox = create(id, launch)?;
    let raw = own_terminal.then(terminal::Raw::start);
    let start = |sandbox: &Sandbox| sandbox.control.send(&Request::Start).trying("start the container");
    if let Err(error) = witness.created(&sandbox).and_then(|()| start(&sandbox)) {
        drop(raw);
        abandon(sandbox);
        return Err(error);
    }
    let outcome = supervise::until_the_end(id, sandbox, &signals, witness);
    drop(raw);
    // A program that ends by itself may leave the terminal as it likes, as stty(1) does.
    if !matches!(outcome, Ok(ExitStatus::Code(_))) {
        terminal.restore();
    }
    outcome.map(ExitStatus::shell_code)
}

/// Starts a sandbox and waits until its container can be started. If that fails nothing is left.
pub(crate) fn create(id: &str, mut launch: Launch<'_>) -> Result<Sandbox, Error> {
    if let Some(pod) = launch.pod.take() {
        return join::join(launch, pod);
    }
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

/// Kills a sandbox and waits until nothing of it is left.
pub(crate) fn abandon(sandbox: Sandbox) {
    end(&sandbox.init);
    end(&sandbox.gofer);
}
