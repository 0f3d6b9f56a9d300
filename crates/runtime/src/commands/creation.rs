//! What `create` and `run` have in common: from a bundle to a sandbox whose container waits to be started.

use std::os::fd::OwnedFd;
use std::path::Path;

use crate::command_line::{Create, Global};
use crate::config::load::load;
use crate::config::translate::{RootWrites, translate};
use crate::error::{Error, Trying};
use crate::log::Log;
use crate::sandbox::{Launch, Sandbox, console};
use crate::state::{self, Entry, Holder, Process, Record, Root};

/// A container that is being created.
pub(super) struct Creation {
    pub(super) entry: Entry,
    pub(super) record: Record,
}

impl Creation {
    /// Takes the name, reads the configuration, and describes the sandbox.
    pub(super) fn begin<'a>(
        global: &'a Global,
        log: &'a Log,
        arguments: &Create,
        preserved: Vec<OwnedFd>,
        attached: bool,
    ) -> Result<(Self, Launch<'a>), Error> {
        let entry = Root::of(global).create(&arguments.id)?;
        let config = load(&arguments.bundle)?;
        let mut plan = translate(&config, &arguments.id, RootWrites::AsConfigured)?;
        let rootfs = plan.exports.first().map(|root| root.path.clone()).unwrap_or_default();
        let record = Record {
            id: arguments.id.clone(),
            bundle: config.bundle,
            rootfs,
            created: state::now(),
            owner: rustix::process::geteuid().as_raw(),
            holder: Holder::Creator,
            init: None,
            gofer: None,
            spec: config.spec,
        };
        entry.write(&record)?;
        let socket = arguments.process.console_socket.as_deref();
        let mut descriptors = console::standard(&mut plan.container.process, socket, attached)?;
        descriptors.extend(preserved);
        let launch = Launch { plan, global, log, listener: entry.listen()?, descriptors, attached };
        Ok((Self { entry, record }, launch))
    }

    /// The sandbox stands.
    pub(super) fn created(&mut self, sandbox: &Sandbox, arguments: &Create) -> Result<(), Error> {
        self.record.init = Some(Process::of(sandbox.init.pid));
        self.record.gofer = Some(Process::of(sandbox.gofer.pid));
        self.entry.write(&self.record)?;
        write_pid_file(arguments.process.pid_file.as_deref(), sandbox.init.pid.as_raw_nonzero().get())
    }

    /// From now on the container is there until it is deleted.
    pub(super) fn stays(mut self) -> Result<(), Error> {
        self.record.holder = Holder::Nobody;
        self.entry.write(&self.record)?;
        self.entry.stays();
        Ok(())
    }
}

/// Tells engines which process to wait for.
pub(super) fn write_pid_file(path: Option<&Path>, pid: i32) -> Result<(), Error> {
    let Some(path) = path else { return Ok(()) };
    // Relative to where we were called, and never seen in part.
    let path = std::path::absolute(path).trying_on("find", path)?;
    state::write_atomically(&path, pid.to_string().as_bytes())
}
