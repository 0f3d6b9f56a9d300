//! A connection to the bus that systemd's manager answers on: the system's for root, the user's own otherwise.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::wire::{self, Body, ERROR, FIXED, Message, RETURN, SIGNAL, Target, call, parse};
use crate::error::{Error, Trying};

/// How long the manager may take.
const PATIENCE: Duration = Duration::from_secs(30);

const BUS: Target<'_> = Target {
    destination: "org.freedesktop.DBus",
    path: "/org/freedesktop/DBus",
    interface: "org.freedesktop.DBus",
};
const MANAGER: Target<'_> = Target {
    destination: "org.freedesktop.systemd1",
    path: "/org/freedesktop/systemd1",
    interface: "org.freedesktop.systemd1.Manager",
};
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// A connection.
pub(super) struct Bus {
    stream: BufReader<UnixStream>,
    serial: u32,
    /// Signals that came while an answer was waited for.
    signals: Vec<Message>,
}

impl Bus {
    /// To the bus of whoever calls.
    pub(super) fn connect() -> Result<Self, Error> {
        let at = if rustix::process::geteuid().is_root() {
            address("DBUS_SYSTEM_BUS_ADDRESS").unwrap_or_else(|| PathBuf::from("/run/dbus/system_bus_socket"))
        } else {
            let own = || Some(Path::new(&std::env::var_os("XDG_RUNTIME_DIR")?).join("bus"));
            address("DBUS_SESSION_BUS_ADDRESS").or_else(own).ok_or_else(|| {
                Error::Message(
                    "linux.cgroupsPath: there is no bus of a user's systemd: XDG_RUNTIME_DIR is not set"
                        .to_owned(),
                )
            })?
        };
        Self::connect_to(&at)
    }

    pub(super) fn connect_to(socket: &Path) -> Result<Self, Error> {
        let stream = UnixStream::connect(socket).trying_on("reach systemd over", socket)?;
        stream.set_read_timeout(Some(PATIENCE)).trying("talk to systemd")?;
        stream.set_write_timeout(Some(PATIENCE)).trying("talk to systemd")?;
        let mut bus = Self { stream: BufReader::new(stream), serial: 0, signals: Vec::new() };
        bus.authenticate().trying("talk to systemd")?;
        bus.call(BUS, "Hello", &Body::default())?;
        Ok(bus)
    }

    /// By the identity that the socket itself tells: the protocol's EXTERNAL.
    fn authenticate(&mut self) -> std::io::Result<()> {
        let uid = rustix::process::geteuid().as_raw().to_string();
        let uid: String = uid.bytes().map(|digit| format!("{digit:02x}")).collect();
        self.stream.get_mut().write_all(format!("\0AUTH EXTERNAL {uid}\r\n").as_bytes())?;
        let mut answer = String::new();
        self.stream.by_ref().take(1024).read_line(&mut answer)?;
        if !answer.starts_with("OK ") {
            return Err(std::io::ErrorKind::PermissionDenied.into());
        }
        self.stream.get_mut().write_all(b"BEGIN\r\n")
    }

    /// Has the manager do something. Returns the texts of its answer.
    pub(super) fn ask(&mut self, method: &str, body: &Body) -> Result<Vec<String>, Error> {
        self.call(MANAGER, method, body)
    }

    /// A text of the manager's own.
    pub(super) fn property(&mut self, name: &str) -> Result<String, Error> {
        let target = Target { interface: PROPERTIES, ..MANAGER };
        let body = Body::default().text(MANAGER.interface).text(name);
        Ok(self.call(target, "Get", &body)?.pop().unwrap_or_default())
    }

    /// Has the manager tell of its jobs' ends from now on.
    pub(super) fn hear_of_jobs(&mut self) -> Result<(), Error> {
        let rule = format!("type='signal',interface='{}',member='JobRemoved'", MANAGER.interface);
        self.call(BUS, "AddMatch", &Body::default().text(&rule))?;
        self.ask("Subscribe", &Body::default()).map(drop)
    }

    /// Waits until a job has ended, and says how.
    pub(super) fn end_of(&mut self, job: &str) -> Result<String, Error> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let message = match self.signals.pop() {
                Some(message) => message,
                None => self.receive()?,
            };
            if message.kind == SIGNAL && message.member == "JobRemoved"
                // The job, its unit and the result; its number is no text.
                && let [path, _, result] = message.values.as_slice()
                && path == job
            {
                return Ok(result.clone());
            }
            if Instant::now() > deadline {
                return Err(Error::Message("systemd does not tell of the end of its job".to_owned()));
            }
        }
    }

    fn call(&mut self, target: Target<'_>, method: &str, body: &Body) -> Result<Vec<String>, Error> {
        self.serial += 1;
        let message = call(self.serial, target, method, body);
        self.stream.get_mut().write_all(&message).trying("talk to systemd")?;
        loop {
            let message = self.receive()?;
            match message.kind {
                RETURN if message.replies_to == self.serial => return Ok(message.values),
                ERROR if message.replies_to == self.serial => {
                    let why = message.values.first().unwrap_or(&message.error);
                    return Err(Error::Message(format!(
                        "systemd: {method}: {}",
                        crate::error::printable(why)
                    )));
                }
                SIGNAL => self.signals.push(message),
                _ => {}
            }
        }
    }

    fn receive(&mut self) -> Result<Message, Error> {
        let malformed = || Error::Message("what answers for systemd does not speak D-Bus".to_owned());
        let mut fixed = [0; FIXED];
        self.stream.read_exact(&mut fixed).trying("hear from systemd")?;
        let mut bytes = fixed.to_vec();
        bytes.resize(FIXED + wire::rest(&fixed).ok_or_else(malformed)?, 0);
        let rest = bytes.get_mut(FIXED..).ok_or_else(malformed)?;
        self.stream.read_exact(rest).trying("hear from systemd")?;
        parse(&bytes).ok_or_else(malformed)
    }
}

/// The socket that an address of a bus names: `unix:path=...`, perhaps one of several.
fn address(variable: &str) -> Option<PathBuf> {
    let value = std::env::var(variable).ok()?;
    let path = value.split(';').find_map(|address| address.strip_prefix("unix:path="))?;
    Some(PathBuf::from(path.split(',').next()?))
}
