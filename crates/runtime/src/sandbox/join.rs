//! Starting a container in the sandbox of another: a gofer of its own, and what stands for it on the host.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::pipe::{PipeFlags, pipe_with};
use sentry::control::{Event, Request};
use sentry::spec::Further;

use super::attached;
use super::connections::Connections;
use super::launch::{Joined, Launch, Sandbox, Starter, memory_file};
use super::supervise::end;
use super::users::Users;
use crate::error::{Error, Trying};
use crate::state;

/// Starts it, as far as it can be without its program. If that fails nothing is left.
pub(super) fn join(mut launch: Launch<'_>, joined: Joined) -> Result<Sandbox, Error> {
    let Joined { sandbox: pod, pids, own } = joined;
    let gone = || Error::Message(format!("the sandbox of container {:?} has ended", pod.id()));
    let channel = pod.connect()?.ok_or_else(gone)?;
    let program = File::open("/proc/self/exe").trying_on("open", "/proc/self/exe")?;
    let (life_read, life) = pipe_with(PipeFlags::CLOEXEC).trying("make a pipe")?;
    let connections = Connections::open(&launch.plan)?;
    let users = Users::of_caller();
    let (document, mappings) = launch.for_gofer(users)?;
    let log = launch.log.descriptor().unwrap_or(rustix::stdio::stderr());
    let starter = Starter { program: program.as_fd(), log, users, cgroups: &launch.cgroups };
    let gofer = starter.gofer(&document, mappings.as_ref(), life, connections.of_gofer)?;
    let gofer = gofer.finish().trying("start the gofer")?;
    drop(life_read);

    let id = launch.plan.container.id.clone();
    let watched = launch.plan.container.process.console.watch;
    let (container, descriptors) = (launch.plan.container, launch.descriptors.len());
    let further = Further { container, descriptors, pids, own };
    let made = (|| {
        let document = memory_file(&further)?;
        let given = launch.descriptors.iter().chain(&connections.of_sentry).map(AsFd::as_fd);
        let all: Vec<BorrowedFd<'_>> = std::iter::once(document.as_fd()).chain(given).collect();
        channel.send_with(&Request::Create, &all).trying("create the container in its sandbox")?;
        match state::answer(&channel)? {
            Event::Created => {}
            other => return Err(state::unexpected(&other)),
        }
        // The first connection is for whoever waits: the container lives as long as that is open.
        let control = pod.connect()?.ok_or_else(gone)?;
        match state::ask(&control, &Request::Select { id })? {
            Event::Done => {}
            other => return Err(state::unexpected(&other)),
        }
        let terminal = launch.descriptors.first().filter(|_| watched);
        let init = attached::leave(&channel, terminal, |pid| launch.cgroups.enter(pid))?;
        Ok((init, control))
    })();
    match made {
        Ok((init, control)) => Ok(Sandbox { init, gofer, control, life: None }),
        Err(error) => {
            end(&gofer);
            Err(error)
        }
    }
}
