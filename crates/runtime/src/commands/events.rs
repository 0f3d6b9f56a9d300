//! `casemate events`.

use std::time::{Duration, Instant};

use sentry::control::{Event, Request};
use serde_json::json;

use super::{output, ps};
use crate::cgroups::{self, Stats};
use crate::command_line::{Events, Global};
use crate::error::Error;
use crate::state::{self, Container, Root, Status};

/// How often it is looked whether memory has run out, or the container has ended.
const LOOK: Duration = Duration::from_millis(100);

/// Shows what a container uses: once, or at intervals until it ends, and meanwhile when its memory runs out.
pub(crate) fn execute(global: &Global, arguments: &Events) -> Result<(), Error> {
    let container = Root::of(global).open(&arguments.id)?;
    if container.status()? == Status::Stopped {
        return Err(Error::NotRunning);
    }
    if arguments.stats {
        return show(&container);
    }
    let mut kills = container.record.cgroups.kills();
    let mut next = Instant::now() + arguments.interval;
    loop {
        let now = Instant::now();
        if now < next {
            std::thread::sleep(LOOK.min(next - now));
        }
        let seen = container.record.cgroups.kills();
        if seen > kills {
            output::line(&json!({"type": "oom", "id": container.id()}))?;
            kills = seen;
        }
        if !container.lives() {
            return Ok(());
        }
        if Instant::now() >= next {
            match show(&container) {
                Err(Error::NotRunning | Error::Closed) => return Ok(()),
                Err(_) if !container.lives() => return Ok(()),
                shown => shown?,
            }
            next = Instant::now() + arguments.interval;
        }
    }
}

fn show(container: &Container) -> Result<(), Error> {
    let mut stats = if container.record.pod.is_some() {
        // What it uses is in its sandbox's groups, with what the others use.
        match container.ask(&Request::Used)? {
            Event::Used(used) => Stats::of_processes(&used),
            other => return Err(state::unexpected(&other)),
        }
    } else if container.record.cgroups.is_empty() {
        return Err(Error::Message(cgroups::none(container.id())));
    } else {
        cgroups::stats(&container.record.cgroups)
    };
    // The host's groups count the sandbox's own threads too.
    stats.pids.current = u64::try_from(ps::processes(container)?.len()).unwrap_or(0);
    let resources = container.record.resources();
    let limit = resources.and_then(|resources| resources.pids().as_ref()).map(|pids| pids.limit());
    stats.pids.limit = limit.and_then(|limit| u64::try_from(limit).ok()).unwrap_or(0);
    output::line(&json!({"type": "stats", "id": container.id(), "data": stats}))
}
