//! Starting the processes of a sandbox: gofer and sentry, at the same time.

use std::ffi::CStr;
use std::fs::File;
use std::io::{Seek, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use abi::Errno;
use host::spawn::{Child, Namespaces, Spawn, SupplementaryGroups};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::pipe::{PipeFlags, pipe_with};
use sentry::control::Channel;
use serde::Serialize;

use super::users::Users;
use crate::children::{self, GoferDocument, SandboxDocument};
use crate::command_line::Global;
use crate::config::Plan;
use crate::error::{Error, Trying};
use crate::log::Log;

/// A running sandbox.
#[derive(Debug)]
pub(crate) struct Sandbox {
    /// Init; everything else in its pid namespace ends with it.
    pub(crate) init: Child,
    /// Serves its files.
    pub(crate) gofer: Child,
    /// To the sentry.
    pub(crate) control: Channel,
    /// Closed when this process ends, which ends the sandbox.
    _life: OwnedFd,
}

/// Starts a sandbox. If that fails nothing is left.
pub(crate) fn launch(plan: Plan, global: &Global, log: &Log) -> Result<Sandbox, Error> {
    let program = File::open("/proc/self/exe").trying_on("open", "/proc/self/exe")?;
    let (life_read, life) = pipe_with(PipeFlags::CLOEXEC).trying("make a pipe")?;
    let (control, control_of_sentry) = Channel::pair().trying("make a control channel")?;
    let (server_ends, client_ends) = connections(plan.exports.len())?;
    let users = Users::of_caller();
    let log_file = log.descriptor().unwrap_or(rustix::stdio::stderr());
    let null = File::open("/dev/null").trying_on("open", "/dev/null")?;
    let starter = Starter { program: program.as_fd(), life: life_read.as_fd(), log: log_file, users };

    let gofer_document = document(&GoferDocument { log: log.options(), exports: plan.exports })?;
    let standard = [null.as_fd(), rustix::stdio::stderr(), rustix::stdio::stderr()];
    let gofer = starter
        .start(
            children::GOFER,
            standard,
            gofer_document.as_fd(),
            server_ends.iter().map(AsFd::as_fd),
            users.gofer_namespaces(),
        )
        .trying("start the gofer")?;

    let sentry_document = document(&SandboxDocument {
        log: log.options(),
        sentry: sentry::Document {
            container: plan.container,
            connections: client_ends.len(),
            stub_user: users.stub(),
            strace: global.strace,
            report_denied_calls: global.debug,
        },
    })?;
    let standard = [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()];
    let sockets = std::iter::once(control_of_sentry.as_fd()).chain(client_ends.iter().map(AsFd::as_fd));
    let init =
        starter.start(children::SANDBOX, standard, sentry_document.as_fd(), sockets, Namespaces::SANDBOX);
    match init {
        Ok(init) => Ok(Sandbox { init, gofer, control, _life: life }),
        Err(error) => {
            super::supervise::end(&gofer);
            Err(error).trying("start the sentry in namespaces of its own")
        }
    }
}

/// What all processes of a sandbox are started with.
struct Starter<'a> {
    program: BorrowedFd<'a>,
    life: BorrowedFd<'a>,
    log: BorrowedFd<'a>,
    users: Users,
}

impl<'a> Starter<'a> {
    fn start(
        &self,
        name: &CStr,
        standard: [BorrowedFd<'a>; 3],
        document: BorrowedFd<'a>,
        sockets: impl Iterator<Item = BorrowedFd<'a>>,
        namespaces: Namespaces,
    ) -> Result<Child, Errno> {
        // In the order of the numbers in `children`.
        let fixed = standard.into_iter().chain([document, self.life, self.log]);
        let descriptors: Vec<BorrowedFd<'_>> = fixed.chain(sockets).collect();
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
        spawn.start(|pid| if own_users { self.users.write_maps(pid) } else { Ok(()) })
    }
}

/// Pairs of connected sockets: the gofer's ends and the sentry's.
fn connections(count: usize) -> Result<(Vec<OwnedFd>, Vec<OwnedFd>), Error> {
    let mut pairs = Vec::with_capacity(count);
    for _ in 0..count {
        let pair = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None);
        pairs.push(pair.trying("make a connection to the gofer")?);
    }
    Ok(pairs.into_iter().unzip())
}

/// A memory file that holds a document and cannot be changed any more.
fn document<D: Serialize>(document: &D) -> Result<OwnedFd, Error> {
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
