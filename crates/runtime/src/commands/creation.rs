//! What `create` and `run` have in common: from a bundle to a sandbox whose container waits to be started.

use std::os::fd::OwnedFd;
use std::path::Path;

use sentry::spec::LimitSpec;

use super::membership;
use crate::cgroups::Cgroups;
use crate::command_line::{Create, Global};
use crate::config::layers::Layers;
use crate::config::load::load;
use crate::config::translate::translate;
use crate::error::{Error, Trying};
use crate::hooks::Moment;
use crate::log::Log;
use crate::sandbox::{Launch, Sandbox, Witness, console, descriptors};
use crate::state::{self, Entry, Holder, Process, Record, Root, Status};
use crate::systemd::Placeholder;

/// A container that is being created. Dropping it gives back all that it holds, unless it stays.
pub(super) struct Creation {
    entry: Entry,
    record: Record,
    /// Keeps the control groups until the container's processes are in them.
    placeholder: Option<Placeholder>,
}

impl Creation {
    /// Takes the name, reads the configuration, makes the control groups, and describes the sandbox.
    pub(super) fn begin<'a>(
        global: &'a Global,
        log: &'a Log,
        arguments: &Create,
        preserved: Vec<OwnedFd>,
        attached: bool,
    ) -> Result<(Self, Launch<'a>), Error> {
        let root = Root::of(global);
        let entry = root.create(&arguments.id)?;
        let config = load(&arguments.bundle)?;
        let mut plan = translate(&config, &arguments.id)?
            .layered(global.overlay2.as_ref().unwrap_or(&Layers::None), Some(entry.directory()))?
            .keeping(global.file_access.access(), global.file_access_mounts.access());
        let rootfs = plan.exports.first().map(|root| root.path.clone()).unwrap_or_default();
        let record = Record {
            id: arguments.id.clone(),
            bundle: config.bundle,
            rootfs,
            created: state::now(),
            owner: rustix::process::geteuid().as_raw(),
            holder: Holder::Creator,
            pod: plan.pod.as_ref().map(|pod| pod.sandbox.clone()),
            init: None,
            gofer: None,
            cgroups: Cgroups::plan(&config.spec, &arguments.id)?,
            spec: config.spec,
        };
        // Before anything of it exists: whoever finds the record of a creator that was killed knows what to remove.
        entry.write(&record)?;
        let mut creation = Self { entry, record, placeholder: None };
        let resources = creation.record.resources().cloned();
        let rootless = global.rootless.applies();
        creation.placeholder = creation.record.cgroups.make(&arguments.id, resources.as_ref(), rootless)?;
        let pod = match &plan.pod {
            None => None,
            Some(_) if attached => {
                let message = "a container of a pod does not run in the foreground: create and start it";
                return Err(Error::Message(message.to_owned()));
            }
            Some(place) => Some(membership::of(&root, place)?),
        };
        let limits = LimitSpec { threads: None, ..plan.container.limits };
        if pod.is_some() && limits != LimitSpec::default() {
            tracing::warn!(
                "limits of memory and processors of a container in another's sandbox do not hold: only the pod's do"
            );
        }
        plan.container.process.env.extend(descriptors::activation());
        let socket = arguments.process.console_socket.as_deref();
        let mut descriptors = console::standard(&mut plan.container.process, socket, attached)?;
        descriptors.extend(preserved);
        let launch = Launch {
            plan,
            global,
            log,
            listener: creation.entry.listen()?,
            descriptors,
            attached,
            cgroups: creation.record.cgroups.clone(),
            pod,
        };
        Ok((creation, launch))
    }

    /// The sandbox stands.
    pub(super) fn created(&mut self, sandbox: &Sandbox, arguments: &Create) -> Result<(), Error> {
        self.placeholder = None;
        self.record.init = Some(Process::of(sandbox.init.pid));
        self.record.gofer = Some(Process::of(sandbox.gofer.pid));
        self.entry.write(&self.record)?;
        self.record.run_hooks(Moment::CreateRuntime, Status::Creating)?;
        self.record.run_hooks(Moment::CreateContainer, Status::Creating)?;
        write_pid_file(arguments.process.pid_file.as_deref(), sandbox.init.pid.as_raw_nonzero().get())
    }

    /// The program runs.
    pub(super) fn started(&self) -> Result<(), Error> {
        self.entry.was_started()?;
        self.record.run_hooks(Moment::Poststart, Status::Running)
    }

    /// From now on the container is there until it is deleted.
    pub(super) fn stays(&mut self) -> Result<(), Error> {
        self.record.holder = Holder::Nobody;
        self.entry.write(&self.record)?;
        self.entry.stays();
        Ok(())
    }

    /// The container could not be finished after all.
    pub(super) fn fails(&mut self) {
        self.entry.leaves();
    }
}

/// A creation in the foreground.
pub(super) struct InForeground<'a> {
    creation: &'a mut Creation,
    arguments: &'a Create,
}

impl Creation {
    /// For [`crate::sandbox::run`].
    pub(super) fn at<'a>(&'a mut self, arguments: &'a Create) -> InForeground<'a> {
        InForeground { creation: self, arguments }
    }
}

impl Witness for InForeground<'_> {
    fn created(&mut self, sandbox: &Sandbox) -> Result<(), Error> {
        self.creation.created(sandbox, self.arguments)
    }

    fn started(&mut self) -> Result<(), Error> {
        self.creation.started()
    }
}

impl Drop for Creation {
    fn drop(&mut self) {
        if !self.entry.will_stay() {
            self.record.destroy();
        }
    }
}

/// Tells engines which process to wait for.
pub(super) fn write_pid_file(path: Option<&Path>, pid: i32) -> Result<(), Error> {
    let Some(path) = path else { return Ok(()) };
    // Relative to where we were called, and never seen in part.
    let path = std::path::absolute(path).trying_on("find", path)?;
    state::write_atomically(&path, pid.to_string().as_bytes())
}
