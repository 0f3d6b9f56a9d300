//! `casemate list`.

use std::thread;

use super::output;
use crate::command_line::{Global, List, ListFormat};
use crate::error::Error;
use crate::state::{Container, Root, State, Status};
use crate::user_names;

/// How many containers are asked at once: one that does not answer delays these, and no others after them.
const AT_ONCE: usize = 64;

/// What some are at. One that cannot be asked does not hide the others.
fn statuses(containers: &[Container]) -> Vec<Status> {
    let status = |container: &Container| {
        container.status().unwrap_or_else(|error| {
            tracing::warn!("{}: {error}", container.id());
            container.last_known()
        })
    };
    if let [container] = containers {
        return vec![status(container)];
    }
    thread::scope(|scope| {
        let asked: Vec<_> =
            containers.iter().map(|container| scope.spawn(move || status(container))).collect();
        let answers = asked.into_iter().zip(containers);
        answers.map(|(answer, container)| answer.join().unwrap_or_else(|_| container.last_known())).collect()
    })
}

/// Shows all containers.
pub(crate) fn execute(global: &Global, arguments: &List) -> Result<(), Error> {
    let containers = Root::of(global).containers()?;
    if arguments.quiet {
        return output::text(containers.iter().map(|container| format!("{}\n", container.id())).collect());
    }
    let states: Vec<State<'_>> = containers
        .chunks(AT_ONCE)
        .flat_map(|some| some.iter().zip(statuses(some)))
        .map(|(container, status)| {
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
