//! `casemate ps`.

use sentry::control::{Event, ProcessEntry, Request};

use super::output;
use crate::command_line::{Global, ListFormat, Ps};
use crate::error::{Error, printable};
use crate::state::{self, Container, Root, Status};
use crate::user_names;

/// The most processes that are taken from a sentry.
const MOST: usize = 40_000;

/// Shows the processes of a container, with their ids in it.
pub(crate) fn execute(global: &Global, arguments: &Ps) -> Result<(), Error> {
    let container = Root::of(global).open(&arguments.id)?;
    if container.status()? == Status::Stopped {
        return Err(Error::NotRunning);
    }
    let processes = processes(&container)?;
    match arguments.format {
        ListFormat::Json => output::line(&processes.iter().map(|process| process.pid).collect::<Vec<_>>()),
        ListFormat::Table => {
            let heads = ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"];
            let heads = heads.map(str::to_owned).to_vec();
            let rows = processes.iter().map(row);
            output::table(&std::iter::once(heads).chain(rows).collect::<Vec<_>>())
        }
    }
}

/// All processes of a container.
pub(super) fn processes(container: &Container) -> Result<Vec<ProcessEntry>, Error> {
    let channel = container.connect()?.ok_or(Error::NotRunning)?;
    let mut all = Vec::new();
    let mut event = state::ask(&channel, &Request::Processes)?;
    loop {
        match event {
            Event::Processes { list, more } => {
                all.extend(list);
                if !more || all.len() > MOST {
                    return Ok(all);
                }
            }
            other => return Err(state::unexpected(&other)),
        }
        event = state::answer(&channel)?;
    }
}

fn row(process: &ProcessEntry) -> Vec<String> {
    let seconds = process.used / 1000;
    vec![
        user_names::of(process.uid),
        process.pid.to_string(),
        process.parent.to_string(),
        // Percent of a processor over its whole life, as ps(1).
        (process.used / 10 / process.age.max(1)).to_string(),
        state::ago(process.age),
        process.terminal.map_or_else(|| "?".to_owned(), |number| format!("pts/{number}")),
        format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60),
        printable(&process.command),
    ]
}
