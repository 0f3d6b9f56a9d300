//! `casemate delete`.

use crate::command_line::{Delete, Global};
use crate::error::Error;
use crate::state::{Container, Root, Status};

/// Removes a container.
pub(crate) fn execute(global: &Global, arguments: &Delete) -> Result<(), Error> {
    let container = match Root::of(global).open(&arguments.id) {
        Err(Error::NoSuchContainer(_)) if arguments.force => return Ok(()),
        other => other?,
    };
    if arguments.force {
        container.kill()?;
        let left = container.released()?;
        return left.map_or(Ok(()), Container::remove);
    }
    match container.status()? {
        Status::Stopped => {}
        // One that never ran has nothing to lose.
        Status::Created => container.kill()?,
        status => {
            let id = container.id();
            return Err(Error::Message(format!(
                "cannot delete container {id} that is not stopped: {}",
                status.name()
            )));
        }
    }
    container.remove()
}
