//! `casemate run`.

use crate::command_line::{Global, Run};
use crate::config::load::load;
use crate::config::translate::{RootWrites, translate};
use crate::error::Error;
use crate::log::Log;
use crate::{sandbox, state};

/// Runs a bundle in the foreground. Returns the exit code for the caller's shell.
pub(crate) fn execute(global: &Global, arguments: &Run, log: &Log) -> Result<u8, Error> {
    let root = global.state_root.clone().unwrap_or_else(state::default_root);
    let entry = state::create(&root, &arguments.id)?;
    let config = load(&arguments.bundle)?;
    let plan = translate(&config, &arguments.id, RootWrites::AsConfigured)?;
    let code = sandbox::run(plan, global, log)?;
    drop(entry);
    Ok(code)
}
