//! `casemate list`.

use super::output;
use crate::command_line::{Global, List, ListFormat};
use crate::error::Error;
use crate::state::{Root, State, Status};
use crate::user_names;

/// Shows all containers.
pub(crate) fn execute(global: &Global, arguments: &List) -> Result<(), Error> {
    let containers = Root::of(global).containers()?;
    if arguments.quiet {
        return output::text(containers.iter().map(|container| format!("{}\n", container.id())).collect());
    }
    let states: Vec<State<'_>> = containers
        .iter()
        .map(|container| {
            // One that cannot be asked must not hide the others.
            let status = container.status().unwrap_or_else(|error| {
                tracing::warn!("{}: {error}", container.id());
                Status::Stopped
            });
            State::of(&container.record, status).with_owner(user_names::of(container.record.owner))
        })
        .collect();
    match arguments.format {
        ListFormat::Json => output::line(&states),
        ListFormat::Table => {
            let heads = ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"].map(str::to_owned).to_vec();
            let rows = states.iter().map(|state| {
                vec![
                    state.id.to_owned(),
                    state.pid.to_string(),
                    state.status.name().to_owned(),
                    state.bundle.display().to_string(),
                    state.created.to_owned(),
                    state.owner.clone(),
                ]
            });
            output::table(&std::iter::once(heads).chain(rows).collect::<Vec<_>>())
        }
    }
}
