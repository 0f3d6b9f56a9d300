//! Control groups that systemd manages: a transient scope for each container, whose group is then used as any other.
//!
//! Four methods are called and one signal is heard; a library for D-Bus would bring sixty others.

mod bus;
mod wire;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use oci_spec::runtime::LinuxResources;
use serde::{Deserialize, Serialize};

use self::bus::Bus;
use self::wire::Body;
pub(crate) use self::wire::Property;
use crate::children;
use crate::error::{Error, Trying};

/// A scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unit {
    slice: String,
    name: String,
}

/// A process that a scope begins with: it cannot be without one. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Placeholder(Child);

impl Drop for Placeholder {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// What it does: it waits for the end of its standard input.
pub(crate) fn hold() {
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

impl Unit {
    /// `SLICE:PREFIX:NAME`, as runc reads it. Nothing for what is a path.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.starts_with('/') {
            return None;
        }
        let [slice, prefix, name] = <[&str; 3]>::try_from(text.split(':').collect::<Vec<_>>()).ok()?;
        let usual = if rustix::process::geteuid().is_root() { "system.slice" } else { "user.slice" };
        let name = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}-{name}") };
        let slice = if slice.is_empty() { usual } else { slice };
        Some(Self { slice: slice.to_owned(), name: format!("{name}.scope") })
    }

    /// Its group, below where its manager's own are.
    pub(crate) fn group(&self) -> Result<PathBuf, Error> {
        let wrong = || {
            let slice = &self.slice;
            Error::Message(format!("linux.cgroupsPath: {slice:?} is not the name of a slice"))
        };
        let slice = slice_path(&self.slice).ok_or_else(wrong)?;
        let root = Bus::connect()?.property("ControlGroup")?;
        Ok(Path::new("/").join(root.trim_matches('/')).join(slice).join(&self.name))
    }

    /// Starts it, with nothing in it that does anything.
    pub(crate) fn start(
        &self,
        id: &str,
        limits: Vec<(&'static str, Property)>,
    ) -> Result<Placeholder, Error> {
        let mut command = Command::new("/proc/self/exe");
        std::os::unix::process::CommandExt::arg0(&mut command, children::HOLDER);
        let child = command.env_clear().stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
        let holder = Placeholder(child.trying("start a process for a unit of systemd")?);
        self.start_with(&mut Bus::connect()?, id, holder.0.id(), limits)?;
        Ok(holder)
    }

    fn start_with(
        &self,
        bus: &mut Bus,
        id: &str,
        process: u32,
        limits: Vec<(&'static str, Property)>,
    ) -> Result<(), Error> {
        let mut properties = vec![
            ("Description", Property::Text(format!("casemate container {id}"))),
            ("Slice", Property::Text(self.slice.clone())),
            ("PIDs", Property::Processes(vec![process])),
            // Its files are written, and groups made below it, by others.
            ("Delegate", Property::Flag(true)),
            ("DefaultDependencies", Property::Flag(false)),
            ("MemoryAccounting", Property::Flag(true)),
            ("CPUAccounting", Property::Flag(true)),
            ("TasksAccounting", Property::Flag(true)),
        ];
        properties.extend(limits);
        bus.hear_of_jobs()?;
        let body = Body::default().text(&self.name).text("replace").properties(&properties).no_units();
        let job = bus.ask("StartTransientUnit", &body)?.pop().unwrap_or_default();
        match bus.end_of(&job)?.as_str() {
            "done" => Ok(()),
            other => Err(Error::Message(format!("systemd: {} was not started: {other}", self.name))),
        }
    }

    /// Tells the manager of limits, so that it does not put back the old ones.
    pub(crate) fn limit(&self, limits: &[(&'static str, Property)]) -> Result<(), Error> {
        let body = Body::default().text(&self.name).flag(true).properties(limits);
        Bus::connect()?.ask("SetUnitProperties", &body).map(drop)
    }

    /// Ends it. One that is empty has ended by itself.
    pub(crate) fn stop(&self) {
        let body = Body::default().text(&self.name).text("replace");
        if let Err(error) = Bus::connect().and_then(|mut bus| bus.ask("StopUnit", &body)) {
            tracing::debug!("{error}");
        }
    }
}

/// The limits that a manager has words for: systemd.resource-control(5). Version 1 has another for memory.
pub(crate) fn limits(resources: &LinuxResources, unified: bool) -> Vec<(&'static str, Property)> {
    /// In microseconds.
    const PERIOD: u64 = 100_000;
    let number = |value: i64| Property::Number(u64::try_from(value).unwrap_or(u64::MAX));
    let mut limits = Vec::new();
    if let Some(limit) = resources.memory().and_then(|memory| memory.limit()) {
        limits.push((if unified { "MemoryMax" } else { "MemoryLimit" }, number(limit)));
    }
    if let Some(pids) = resources.pids().as_ref() {
        limits.push(("TasksMax", number(pids.limit())));
    }
    if let Some(quota) = resources.cpu().as_ref().and_then(|cpu| cpu.quota()) {
        let period = resources.cpu().as_ref().and_then(|cpu| cpu.period()).filter(|period| *period > 0);
        let each_second = u64::try_from(quota)
            .ok()
            .filter(|quota| *quota > 0)
            .map(|quota| quota.saturating_mul(1_000_000) / period.unwrap_or(PERIOD));
        limits.push(("CPUQuotaPerSecUSec", Property::Number(each_second.unwrap_or(u64::MAX))));
    }
    limits
}

/// `a-b.slice` lies in `a.slice`: systemd.slice(5).
fn slice_path(slice: &str) -> Option<PathBuf> {
    let name = slice.strip_suffix(".slice")?;
    if name == "-" {
        return Some(PathBuf::new());
    }
    let mut path = PathBuf::new();
    let mut whole = String::new();
    for part in name.split('-') {
        if part.is_empty() || part.contains('/') {
            return None;
        }
        if !whole.is_empty() {
            whole.push('-');
        }
        whole.push_str(part);
        path.push(format!("{whole}.slice"));
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::os::unix::net::UnixListener;

    use super::wire::{FIXED, RETURN, SIGNAL};
    use super::*;

    #[test]
    fn units_are_named_as_runc_does() {
        let unit = Unit::parse("machine.slice:libpod:abc").unwrap();
        assert_eq!((unit.slice.as_str(), unit.name.as_str()), ("machine.slice", "libpod-abc.scope"));
        assert_eq!(Unit::parse(":x:abc").unwrap().name, "x-abc.scope");
        assert_eq!((Unit::parse("/a:b:c"), Unit::parse("a/b"), Unit::parse("a:b")), (None, None, None));
    }

    #[test]
    fn slices_lie_in_each_other() {
        assert_eq!(slice_path("a-b-c.slice").unwrap(), Path::new("a.slice/a-b.slice/a-b-c.slice"));
        assert_eq!(slice_path("-.slice").unwrap(), Path::new(""));
        for wrong in ["a", "a--b.slice", "../x.slice", ".slice"] {
            assert_eq!(slice_path(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn limits_have_the_managers_words() {
        let resources: LinuxResources = serde_json::from_str(
            r#"{"memory": {"limit": 4096}, "pids": {"limit": -1}, "cpu": {"quota": 50000, "period": 100000}}"#,
        )
        .unwrap();
        let expected = vec![
            ("MemoryMax", Property::Number(4096)),
            ("TasksMax", Property::Number(u64::MAX)),
            ("CPUQuotaPerSecUSec", Property::Number(500_000)),
        ];
        assert_eq!(limits(&resources, true), expected);
        assert_eq!(limits(&resources, false)[0].0, "MemoryLimit");
    }

    /// A bus with a manager behind it: it answers as they do, and returns which methods were called with which texts.
    fn manager(socket: &Path, result: &'static str) -> std::thread::JoinHandle<Vec<(String, Vec<String>)>> {
        let listener = UnixListener::bind(socket).unwrap();
        std::thread::spawn(move || {
            let mut stream = BufReader::new(listener.accept().unwrap().0);
            let mut line = String::new();
            stream.read_line(&mut line).unwrap();
            assert!(line.starts_with("\0AUTH EXTERNAL 3"), "{line:?}");
            stream.get_mut().write_all(b"OK 0123\r\n").unwrap();
            line.clear();
            stream.read_line(&mut line).unwrap();
            assert_eq!(line, "BEGIN\r\n");
            let mut called = Vec::new();
            let mut fixed = [0; FIXED];
            while stream.read_exact(&mut fixed).is_ok() {
                let mut bytes = fixed.to_vec();
                bytes.resize(FIXED + wire::rest(&fixed).unwrap(), 0);
                stream.read_exact(&mut bytes[FIXED..]).unwrap();
                let message = wire::parse(&bytes).unwrap();
                let serial = u32::from_le_bytes(bytes[8..12].try_into().unwrap());
                let answer = match message.member.as_str() {
                    "StartTransientUnit" => {
                        // The signal may come first.
                        let texts = ["/job/5", "x.scope", result];
                        stream
                            .get_mut()
                            .write_all(&wire::tests_message(SIGNAL, 0, "JobRemoved", &texts))
                            .unwrap();
                        vec!["/job/5"]
                    }
                    _ => vec![":1.7"],
                };
                stream.get_mut().write_all(&wire::tests_message(RETURN, serial, "", &answer)).unwrap();
                called.push((message.member, message.values));
            }
            called
        })
    }

    #[test]
    fn a_scope_is_started_when_its_job_is_done() {
        let place = tempfile::tempdir().unwrap();
        let unit = Unit::parse("a.slice:x:y").unwrap();
        for (result, fails) in [("done", false), ("failed", true)] {
            let socket = place.path().join(result);
            let manager = manager(&socket, result);
            let mut bus = Bus::connect_to(&socket).unwrap();
            assert_eq!(unit.start_with(&mut bus, "id", 5, Vec::new()).is_err(), fails);
            drop(bus);
            let called = manager.join().unwrap();
            let methods: Vec<&str> = called.iter().map(|(method, _)| method.as_str()).collect();
            assert_eq!(methods, ["Hello", "AddMatch", "Subscribe", "StartTransientUnit"]);
            assert_eq!(called[3].1, ["x-y.scope", "replace"]);
        }
    }
}
