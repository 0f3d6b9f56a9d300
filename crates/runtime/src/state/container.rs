//! A container as later commands find it.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use oci_spec::runtime::Spec;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FlockOperation, flock};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with};
use sentry::control::{self, Channel, Event, Request};
use serde::{Serialize, Serializer};

use super::{Holder, Record, Root, short_address};
use crate::error::{Error, Trying};

/// How long a sentry may take to answer what takes no time.
const PATIENCE: Duration = Duration::from_secs(20);
/// A file in a container's directory that says that its program was started, for when nobody else can.
const STARTED: &str = "started";

/// A container's status, as the OCI runtime specification names it, with runc's `paused`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Creating,
    Created,
    Running,
    Paused,
    Stopped,
}

impl Status {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
        }
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A container that has a record.
#[derive(Debug)]
pub(crate) struct Container {
    root: Root,
    directory: PathBuf,
    pub(crate) record: Record,
}

impl Container {
    pub(super) fn new(root: Root, directory: PathBuf, record: Record) -> Self {
        Self { root, directory, record }
    }

    pub(crate) fn id(&self) -> &str {
        &self.record.id
    }

    /// Its directory, which is there until it is deleted.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn spec(&self) -> &Spec {
        &self.record.spec
    }

    /// What it is at.
    pub(crate) fn status(&self) -> Result<Status, Error> {
        let Some(init) = self.record.init else {
            // Without a process it is about to have one, or its creator was killed.
            return Ok(if self.record.holder == Holder::Creator {
                Status::Creating
            } else {
                Status::Stopped
            });
        };
        if !init.runs() {
            return Ok(Status::Stopped);
        }
        let channel = match self.connect() {
            Err(error @ Error::StandsStill(_)) => {
                tracing::warn!("{error}");
                return Ok(self.last_known());
            }
            other => other?,
        };
        let Some(channel) = channel else { return Ok(Status::Stopped) };
        match ask(&channel, &Request::Status) {
            Ok(Event::Status(control::Status::Created)) => Ok(Status::Created),
            Ok(Event::Status(control::Status::Running)) => Ok(Status::Running),
            Ok(Event::Status(control::Status::Paused)) => Ok(Status::Paused),
            Ok(other) => Err(unexpected(&other)),
            Err(_) if !init.runs() => Ok(Status::Stopped),
            // It has closed its end: it is on its way out.
            Err(Error::Closed) => Ok(Status::Stopped),
            Err(error) => Err(error),
        }
    }

    /// What it is at, as far as that is known without its sentry: whether it was paused is not.
    pub(crate) fn last_known(&self) -> Status {
        match self.lives() {
            true if self.directory.join(STARTED).exists() => Status::Running,
            true => Status::Created,
            false => Status::Stopped,
        }
    }

    /// Whether the process that stands for it is there, which costs nothing to ask.
    pub(crate) fn lives(&self) -> bool {
        self.record.init.is_some_and(|init| init.runs())
    }

    /// A connection to its sentry. Nothing if there is no sentry any more, or it has ended there. One that stands still is not asked.
    pub(crate) fn connect(&self) -> Result<Option<Channel>, Error> {
        let Some(sandbox) = &self.record.pod else { return self.connect_to_own() };
        let sandbox = match self.root.open(sandbox) {
            Err(Error::NoSuchContainer(_)) => return Ok(None),
            other => other?,
        };
        let Some(channel) = sandbox.connect_to_own()? else { return Ok(None) };
        match ask(&channel, &Request::Select { id: self.id().to_owned() }) {
            Ok(Event::Done) => Ok(Some(channel)),
            Ok(Event::Absent) | Err(Error::Closed) => Ok(None),
            Ok(other) => Err(unexpected(&other)),
            Err(error) => Err(error),
        }
    }

    /// To the sentry whose first container it is.
    fn connect_to_own(&self) -> Result<Option<Channel>, Error> {
        use rustix::io::Errno;
        if self.record.init.is_some_and(|init| init.stands_still()) {
            return Err(Error::StandsStill(self.id().to_owned()));
        }
        let directory = File::open(&self.directory).trying_on("open", &self.directory)?;
        let address = short_address(&directory)?;
        let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
            .trying("make a socket")?;
        // Where many others wait already.
        set_socket_timeout(&socket, Timeout::Send, Some(PATIENCE)).trying("limit how long to wait")?;
        match rustix::io::retry_on_intr(|| connect(&socket, &address)) {
            Ok(()) => Ok(Some(Channel::new(socket))),
            Err(Errno::CONNREFUSED | Errno::NOENT) => Ok(None),
            Err(Errno::AGAIN) => Err(unanswered()),
            Err(error) => Err(error).trying("reach the sandbox"),
        }
    }

    /// Has its program run, after its hooks, which take as long as they take.
    pub(crate) fn start(&self) -> Result<Event, Error> {
        let channel = self.connect()?.ok_or(Error::NotRunning)?;
        let answer = ask_at_length(&channel, &Request::Start)?;
        was_started(&self.directory)?;
        Ok(answer)
    }

    /// Has its sentry do something.
    pub(crate) fn ask(&self, request: &Request) -> Result<Event, Error> {
        let channel = self.connect()?.ok_or(Error::NotRunning)?;
        match ask(&channel, request) {
            Err(Error::Closed) => Err(Error::NotRunning),
            other => other,
        }
    }

    /// Kills whatever is left of it, and waits until it is gone.
    pub(crate) fn kill(&self) -> Result<(), Error> {
        let Some(init) = self.record.init else { return Ok(()) };
        init.kill();
        let deadline = std::time::Instant::now() + PATIENCE;
        while init.runs() {
            if std::time::Instant::now() > deadline {
                return Err(Error::Message(format!("{}: its processes do not end", self.id())));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// What is left to remove of one that was killed, once nobody works on it any more. Whoever creates it, or runs it in the foreground, may
    /// still make what a record does not tell, and gives it all back at its own end. One that takes too long for that is not waited for.
    pub(crate) fn released(self) -> Result<Option<Self>, Error> {
        let deadline = std::time::Instant::now() + PATIENCE;
        let mut container = self;
        while container.record.holder == Holder::Creator {
            let free = match File::open(&container.directory) {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                other => {
                    let directory = other.trying_on("open", &container.directory)?;
                    flock(&directory, FlockOperation::NonBlockingLockExclusive).is_ok()
                }
            };
            let created = container.record.created.clone();
            match container.root.open(container.id()) {
                Err(Error::NoSuchContainer(_)) => return Ok(None),
                // Its name is another's by now.
                Ok(found) if found.record.created != created => return Ok(None),
                found => container = found?,
            }
            if free || std::time::Instant::now() > deadline {
                break;
            }
            container.kill()?;
            std::thread::sleep(Duration::from_millis(5));
        }
        container.kill()?;
        Ok(Some(container))
    }

    /// Writes a changed record.
    pub(crate) fn update(&self) -> Result<(), Error> {
        self.record.write(&self.directory)
    }

    /// Gives back what it holds, and forgets it.
    pub(crate) fn remove(self) -> Result<(), Error> {
        self.record.destroy();
        self.root.remove(&self.directory)
    }
}

/// Notes that a container's program was started, in its directory.
pub(super) fn was_started(directory: &Path) -> Result<(), Error> {
    let path = directory.join(STARTED);
    match File::create(&path) {
        // It has ended and was deleted already.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other.map(drop).trying_on("make", path),
    }
}

/// Sends a request and waits for the answer, but not for ever: a sentry that was taken over might give none.
pub(crate) fn ask(channel: &Channel, request: &Request) -> Result<Event, Error> {
    channel.send(request).map_err(closed)?;
    answer(channel)
}

/// As [`ask`], for as long as it takes.
pub(crate) fn ask_at_length(channel: &Channel, request: &Request) -> Result<Event, Error> {
    channel.send(request).map_err(closed)?;
    answer_within(channel, None)
}

/// Waits for an answer.
pub(crate) fn answer(channel: &Channel) -> Result<Event, Error> {
    answer_within(channel, Some(PATIENCE))
}

fn answer_within(channel: &Channel, limit: Option<Duration>) -> Result<Event, Error> {
    let mut watched = [PollFd::new(channel, PollFlags::IN)];
    let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
    let ready = rustix::io::retry_on_intr(|| poll(&mut watched, limit.as_ref()));
    if ready.trying("wait for the sandbox")? == 0 {
        return Err(unanswered());
    }
    match channel.receive::<Event>() {
        Ok(Event::Failed { message }) => Err(Error::Message(crate::error::printable(&message))),
        Ok(event) => Ok(event),
        // It may end with requests of others unread.
        Err(control::ReceiveError::Closed | control::ReceiveError::Host(abi::Errno::ECONNRESET)) => {
            Err(Error::Closed)
        }
        Err(error) => Err(Error::Message(error.to_string())),
    }
}

fn unanswered() -> Error {
    Error::Message("the sandbox does not answer".to_owned())
}

/// The error for an answer that does not belong to the question.
pub(crate) fn unexpected(event: &Event) -> Error {
    tracing::debug!("unexpected answer: {event:?}");
    Error::Message("the sandbox gave an answer to another question".to_owned())
}

fn closed(error: abi::Errno) -> Error {
    match error {
        abi::Errno::EPIPE | abi::Errno::ECONNRESET => Error::Closed,
        error => Error::Host { what: "talk to the sandbox", error },
    }
}
