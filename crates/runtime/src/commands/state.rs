//! `casemate state`.

use super::output;
use crate::command_line::{Global, Id};
use crate::error::Error;
use crate::state::{Root, State};

/// Writes the state of a container.
pub(crate) fn execute(global: &Global, arguments: &Id) -> Result<(), Error> {
    let container = Root::of(global).open(&arguments.id)?;
    output::pretty(&State::of(&container.record, container.status()?))
}
