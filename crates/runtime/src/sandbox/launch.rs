//! Starting the processes of a sandbox: gofer and sentry, at the same time.

use std::ffi::CStr;
use std::fs::File;
use std::io::{Seek, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use abi::Errno;
use gofer::Ids;
use host::spawn::{Child, Namespaces, Spawn, Starting, SupplementaryGroups};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::pipe::{PipeFlags, pipe_with};
use sentry::control::Channel;
use sentry::spec::{OwnSpec, PidsOf};
use serde::Serialize;

use super::connections::Connections;
use super::users::Users;
use crate::cgroups::Cgroups;
use crate::children::{self, GoferDocument, SandboxDocument};
use crate::command_line::{Global, Toggle};
use crate::config::Plan;
use crate::error::{Error, Trying};
use crate::log::Log;
use crate::state::Container;

/// A running sandbox.
#[derive(Debug)]
pub(crate) struct Sandbox {
    /// Init; everything else in its pid namespace ends with it.
    pub(crate) init: Child,
    /// Serves its files.
    pub(crate) gofer: Child,
    /// To the sentry.
    pub(crate) control: Channel,
    /// Closed when this process ends, which ends the sandbox unless [`Sandbox::detach`] was called. A container in another's has none: it
    /// ends with `init`.
    pub(super) life: Option<OwnedFd>,
}

/// A sandbox that gets one more container.
pub(crate) struct Joined {
    /// Whose it is.
    pub(crate) sandbox: Container,
    pub(crate) pids: PidsOf,
    pub(crate) own: OwnSpec,
}

/// What a sandbox is started from.
pub(crate) struct Launch<'a> {
    pub(crate) plan: Plan,
    pub(crate) global: &'a Global,
    pub(crate) log: &'a Log,
    /// Where its sentry takes further connections.
    pub(crate) listener: OwnedFd,
    /// Descriptors of the first process: the standard ones, and those after them.
    pub(crate) descriptors: Vec<OwnedFd>,
    /// Whether it ends with this process, however that ends.
    pub(crate) attached: bool,
    /// The control groups that its processes are in.
    pub(crate) cgroups: Cgroups,
    /// The sandbox that it is started in, if not one of its own.
    pub(crate) pod: Option<Joined>,
}

impl Launch<'_> {
    /// Starts the sandbox. If that fails nothing is left.
    pub(crate) fn start(mut self) -> Result<Sandbox, Error> {
        let program = File::open("/proc/self/exe").trying_on("open", "/proc/self/exe")?;
        let pipe = || pipe_with(PipeFlags::CLOEXEC).trying("make a pipe");
        let ((life_read, life), (gofer_read, gofer_life)) = (pipe()?, pipe()?);
        let (control, control_of_sentry) = Channel::pair().trying("make a control channel")?;
        let connections = Connections::open(&self.plan)?;
        let log_file = self.log.descriptor().unwrap_or(rustix::stdio::stderr());
        let users = Users::of_caller();
        let (for_gofer, mappings) = self.for_gofer(users)?;
        let starter = Starter { program: program.as_fd(), log: log_file, users, cgroups: &self.cgroups };

        let direct_ids =
            for_gofer.hands_over.then(|| users.of_direct_sentry(mappings.as_ref())).transpose()?;
        let (mappings_of_sentry, seen) = direct_ids.map_or((None, None), |(own, seen)| (own, Some(seen)));
        let gofer = starter.gofer(&for_gofer, mappings.as_ref(), gofer_life, connections.of_gofer)?;

        let (standard, further) = split(&self.descriptors)?;
        let document = memory_file(&SandboxDocument {
            log: self.log.options(),
            sentry: sentry::Document {
                container: self.plan.container,
                connections: connections.of_sentry.len(),
                further_descriptors: further.len(),
                stub_user: users.stub(),
                direct: seen,
                reach: for_gofer.reach,
                strace: self.global.strace,
                patching: self.global.patch == Toggle::On && self.plan.patching,
                report_denied_calls: self.global.debug,
            },
        })?;
        // In the order of the numbers in `children`.
        let own = [control_of_sentry.as_fd(), self.listener.as_fd(), gofer_read.as_fd()].into_iter();
        let others = own.chain(further.iter().chain(&connections.of_sentry).map(AsFd::as_fd));
        let descriptors = Descriptors {
            standard,
            document: document.as_fd(),
            life: life_read.as_fd(),
            others: others.collect(),
        };
        let namespaces = match &self.plan.network {
            Some(network) => join_network(network).map(|()| Namespaces::SANDBOX.with_callers_network())?,
            None => Namespaces::SANDBOX,
        };
        let started = "start the sentry in namespaces of its own";
        let init = starter
            .begin(children::SANDBOX, descriptors, namespaces, mappings_of_sentry.as_ref())
            .trying(started)?;
        let gofer = gofer.finish().trying("start the gofer")?;
        match init.finish() {
            Ok(init) => Ok(Sandbox { init, gofer, control, life: Some(life) }),
            Err(error) => {
                super::supervise::end(&gofer);
                Err(error).trying(started)
            }
        }
    }

    /// What the gofer is told, and the mappings of its own user namespace if it gets them. The plan has no exports any more then.
    pub(super) fn for_gofer(&mut self, users: Users) -> Result<(GoferDocument, Option<Ids>), Error> {
        let mut exports = std::mem::take(&mut self.plan.exports);
        let mappings = users.take_mappings(&mut exports)?;
        let document = GoferDocument {
            log: self.log.options(),
            exports,
            hands_over: self.global.directfs == Toggle::On,
            reach: self.global.reach(),
            attached: self.attached,
        };
        Ok((document, mappings))
    }
}

impl Sandbox {
    /// From now on the sandbox does not end with this process.
    pub(crate) fn detach(&self) -> Result<(), Error> {
        let Some(life) = &self.life else { return Ok(()) };
        rustix::io::write(life, &[1]).map(drop).trying("leave the sandbox")
    }
}

/// Puts this process into a network namespace of the host: what it starts inherits it.
fn join_network(path: &Path) -> Result<(), Error> {
    use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
    let namespace = File::open(path).trying_on("open the network namespace", path)?;
    move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
        .trying_on("join the network namespace", path)
}

fn split(descriptors: &[OwnedFd]) -> Result<([BorrowedFd<'_>; 3], &[OwnedFd]), Error> {
    match descriptors {
        [stdin, stdout, stderr, further @ ..] => {
            Ok(([stdin.as_fd(), stdout.as_fd(), stderr.as_fd()], further))
        }
        _ => Err(Errno::EBADF).trying("hand over standard input and output"),
    }
}

/// What all processes of a sandbox are started with.
pub(super) struct Starter<'a> {
    pub(super) program: BorrowedFd<'a>,
    pub(super) log: BorrowedFd<'a>,
    pub(super) users: Users,
    pub(super) cgroups: &'a Cgroups,
}

/// What one of them gets, in the order of the numbers in `children`.
struct Descriptors<'a> {
    standard: [BorrowedFd<'a>; 3],
    document: BorrowedFd<'a>,
    life: BorrowedFd<'a>,
    others: Vec<BorrowedFd<'a>>,
}

impl Starter<'_> {
    /// Starts a gofer that serves these sockets, in a user namespace with these mappings if there are any.
    pub(super) fn gofer(
        &self,
        document: &GoferDocument,
        mappings: Option<&Ids>,
        life: OwnedFd,
        sockets: Vec<OwnedFd>,
    ) -> Result<Starting, Error> {
        let null = File::open("/dev/null").trying_on("open", "/dev/null")?;
        let document = memory_file(document)?;
        let descriptors = Descriptors {
            standard: [null.as_fd(), rustix::stdio::stderr(), rustix::stdio::stderr()],
            document: document.as_fd(),
            life: life.as_fd(),
            others: sockets.iter().map(AsFd::as_fd).collect(),
        };
        let begun = self.begin(children::GOFER, descriptors, self.users.gofer_namespaces(), mappings);
        begun.trying("start the gofer")
    }

    fn begin(
        &self,
        name: &CStr,
        given: Descriptors<'_>,
        namespaces: Namespaces,
        mappings: Option<&Ids>,
    ) -> Result<Starting, Errno> {
        let fixed = given.standard.into_iter().chain([given.document, given.life, self.log]);
        let descriptors: Vec<BorrowedFd<'_>> = fixed.chain(given.others).collect();
        let own_users = namespaces.has_users();
        let groups = match self.users {
            Users::Apart => SupplementaryGroups::Drop,
            Users::Caller => SupplementaryGroups::Keep,
        };
        let spawn = Spawn {
            program: self.program,
            arguments: &[name],
            environment: &[],
            descriptors: &descriptors,
            namespaces,
            become_root: own_users.then_some(groups),
        };
        spawn.begin(|pid| {
            self.cgroups.enter(pid)?;
            match mappings {
                Some(mappings) => self.users.write_mappings(pid, mappings),
                None if own_users => self.users.write_maps(pid),
                None => Ok(()),
            }
        })
    }
}

/// A memory file that holds a document and cannot be changed any more.
pub(crate) fn memory_file<D: Serialize>(document: &D) -> Result<OwnedFd, Error> {
    let fd = memfd_create("casemate", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)
        .trying("make a memory file")?;
    let mut file = File::from(fd);
    let text = serde_json::to_vec(document)
        .map_err(|error| Error::Message(format!("cannot describe a sandbox: {error}")))?;
    file.write_all(&text).and_then(|()| file.rewind()).trying("fill a memory file")?;
    let seals = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
    fcntl_add_seals(&file, seals).trying("seal a memory file")?;
    Ok(file.into())
}
