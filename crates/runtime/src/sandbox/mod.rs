//! A sandbox as its runtime sees it: started, watched, ended.

mod launch;
mod signals;
mod supervise;
mod terminal;
mod users;

use sentry::control::ExitStatus;

use crate::command_line::Global;
use crate::config::Plan;
use crate::error::Error;
use crate::log::Log;

/// Runs a container in a sandbox of its own until it ends. Returns the exit code for the caller's shell.
pub(crate) fn run(plan: Plan, global: &Global, log: &Log) -> Result<u8, Error> {
    let id = plan.container.id.clone();
    // First, so that no signal is lost between here and the container's start.
    let signals = signals::Forwarded::divert()?;
    let terminal = terminal::Modes::save();
    let sandbox = launch::launch(plan, global, log)?;
    let outcome = supervise::until_the_end(&id, sandbox, &signals);
    // A program that ends by itself may leave the terminal as it likes, as stty(1) does.
    if !matches!(outcome, Ok(ExitStatus::Code(_))) {
        terminal.restore();
    }
    outcome.map(ExitStatus::shell_code)
}
