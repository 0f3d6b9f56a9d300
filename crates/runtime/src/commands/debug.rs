//! `casemate debug`.

use sentry::control::{Event, Request};
use serde_json::{Map, Value};

use super::output;
use crate::command_line::{Debug, Global, ListFormat};
use crate::error::{Error, printable};
use crate::state::{self, Root, Status};

/// Shows what the platform of a running sandbox has counted.
pub(crate) fn execute(global: &Global, arguments: &Debug) -> Result<(), Error> {
    let container = Root::of(global).open(&arguments.id)?;
    if container.status()? == Status::Stopped {
        return Err(Error::NotRunning);
    }
    let channel = container.connect()?.ok_or(Error::NotRunning)?;
    let counters = match state::ask(&channel, &Request::Counters)? {
        Event::Counters(counters) => counters,
        other => return Err(state::unexpected(&other)),
    };
    match arguments.format {
        ListFormat::Json => {
            let members = counters.into_iter().map(|(name, value)| (name, Value::from(value)));
            output::line(&members.collect::<Map<_, _>>())
        }
        ListFormat::Table => {
            let row = |(name, value): (String, u64)| vec![printable(&name), value.to_string()];
            output::table(&counters.into_iter().map(row).collect::<Vec<_>>())
        }
    }
}
