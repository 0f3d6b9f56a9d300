//! Control groups of the host: all processes of a sandbox, gofer included, are in one group of each hierarchy, with the limits of the
//! configuration. See cgroups(7).

mod apply;
mod files;
mod hierarchies;
mod io;
mod stats;
mod v1;
mod v2;

use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, Instant};

use oci_spec::runtime::{LinuxResources, Spec};
use rustix::process::Pid;
use serde::{Deserialize, Serialize};

use crate::error::{Error, errno};
use crate::systemd::{self, Placeholder, Unit};
use apply::{Missing, Setting};
use hierarchies::Hierarchy;
pub(crate) use stats::{Stats, stats};

/// How long processes that were killed may take to leave a group.
const PATIENCE: Duration = Duration::from_secs(2);

/// Version of a hierarchy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Version {
    One,
    Two,
}

/// A group in one hierarchy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Group {
    version: Version,
    /// Version 1: the controllers of the hierarchy. Version 2: none.
    controllers: Vec<String>,
    /// Where the hierarchy is mounted.
    mount: PathBuf,
    /// The group's directory.
    path: PathBuf,
}

/// The groups of a container, one in each hierarchy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cgroups {
    groups: Vec<Group>,
    /// Whose group they are, where systemd is to know of it.
    unit: Option<Unit>,
}

impl Cgroups {
    /// Where a container's groups will be. Nothing is made yet. A container that asks for no group and no limit has none, and is in its
    /// caller's: to enter a group the host waits for all processors, longer than all the rest of a start takes.
    pub(crate) fn plan(spec: &Spec, id: &str) -> Result<Self, Error> {
        let linux = spec.linux().as_ref();
        let wanted = linux.and_then(|linux| linux.cgroups_path().clone());
        let wanted = wanted.filter(|path| !path.as_os_str().is_empty());
        if wanted.is_none() && !limits(linux.and_then(|linux| linux.resources().as_ref())) {
            return Ok(Self::default());
        }
        let wanted = wanted.unwrap_or_else(|| PathBuf::from(id));
        let unit = Unit::parse(&wanted.to_string_lossy());
        let wanted = match &unit {
            Some(unit) => unit.group()?,
            None => within(&wanted),
        };
        Ok(Self {
            groups: hierarchies::find().iter().map(|hierarchy| group(hierarchy, &wanted)).collect(),
            unit,
        })
    }

    /// Makes the groups and sets their limits. Without the right to, containers go without if that is `rootless`, and a warning says so.
    /// What comes back is to be kept until the container's processes are in them.
    pub(crate) fn make(
        &mut self,
        id: &str,
        resources: Option<&LinuxResources>,
        rootless: bool,
    ) -> Result<Option<Placeholder>, Error> {
        let limits_of_unit = resources.map(|resources| systemd::limits(resources, self.is_unified()));
        let start = |unit: &Unit| unit.start(id, limits_of_unit.unwrap_or_default());
        let started = self.unit.as_ref().map(start).transpose();
        let made = started.and_then(|holder| self.groups().try_for_each(Group::make).map(|()| holder));
        let holder = match made {
            Ok(holder) => holder,
            Err(error) if rootless => {
                let limits = if limits(resources) { ", and its limits do not hold" } else { "" };
                tracing::warn!("the container has no control groups of its own{limits}: {error}");
                self.remove();
                self.groups.clear();
                self.unit = None;
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        if self.groups.is_empty() && limits(resources) {
            tracing::warn!("the host has no control groups mounted: the limits of the container do not hold");
        }
        let missing = if rootless { Missing::Tolerated } else { Missing::Refused };
        resources.map_or(Ok(()), |resources| self.write(resources, missing))?;
        Ok(holder)
    }

    fn is_unified(&self) -> bool {
        self.groups().any(|group| group.version == Version::Two)
    }

    /// Whether the container is in the groups of whoever made it.
    pub(crate) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Sets limits.
    pub(crate) fn limit(&self, resources: &LinuxResources) -> Result<(), Error> {
        if let Some(unit) = &self.unit {
            unit.limit(&systemd::limits(resources, self.is_unified()))?;
        }
        self.write(resources, Missing::Refused)
    }

    fn write(&self, resources: &LinuxResources, missing: Missing) -> Result<(), Error> {
        if self.groups.is_empty() {
            return Ok(());
        }
        let settings = if self.is_unified() {
            v2::settings(resources)
        } else {
            v1::check(resources).map(|()| v1::settings(resources))
        };
        for setting in settings.map_err(Error::Message)? {
            match self.of(setting.controller) {
                Some(group) => setting.apply(&group.path, missing)?,
                None => missing.met(setting.controller)?,
            }
        }
        Ok(())
    }

    /// Puts a process into them.
    pub(crate) fn enter(&self, pid: Pid) -> Result<(), abi::Errno> {
        for group in self.groups() {
            let file = group.path.join("cgroup.procs");
            fs::write(&file, pid.as_raw_nonzero().to_string()).map_err(|error| {
                tracing::debug!("cannot write {}: {error}", file.display());
                errno(&error)
            })?;
        }
        Ok(())
    }

    /// Removes them. Groups that others have made below them go too, if nobody is in those. What cannot be removed is left, and logged.
    pub(crate) fn remove(&self) {
        if let Some(unit) = &self.unit {
            unit.stop();
        }
        let deadline = Instant::now() + PATIENCE;
        for group in self.groups() {
            if let Err(error) = group.remove(deadline) {
                tracing::warn!("cannot remove {}: {error}", group.path.display());
            }
        }
    }

    /// How often a process was killed because the memory of the groups had run out.
    pub(crate) fn kills(&self) -> u64 {
        let Some(group) = self.of("memory") else { return 0 };
        let file = if group.version == Version::Two { "memory.events" } else { "memory.oom_control" };
        let text = fs::read_to_string(group.path.join(file)).unwrap_or_default();
        let number = text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok());
        number.unwrap_or(0)
    }

    /// The group of a controller; in a version 2 hierarchy the only one.
    fn of(&self, controller: &str) -> Option<&Group> {
        self.groups().find(|group| {
            group.version == Version::Two || group.controllers.iter().any(|known| known == controller)
        })
    }

    fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.iter()
    }
}

/// A path that `..` does not lead out of.
fn within(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut cleaned, part| {
        match part {
            Component::ParentDir => drop(cleaned.pop()),
            Component::CurDir => {}
            other => cleaned.push(other),
        }
        cleaned
    })
}

fn group(hierarchy: &Hierarchy, wanted: &Path) -> Group {
    let path = match wanted.strip_prefix("/") {
        Ok(absolute) => hierarchy.mount.join(absolute),
        Err(_) => hierarchy.mount.join(&hierarchy.own).join(wanted),
    };
    let (version, controllers) = (hierarchy.version, hierarchy.controllers.clone());
    Group { version, controllers, mount: hierarchy.mount.clone(), path }
}

/// Why a command that needs the groups of a container cannot be carried out if it has none.
pub(crate) fn none(id: &str) -> String {
    format!(
        "container {id:?} has no control group of its own: give it linux.cgroupsPath or a limit when it is made"
    )
}

fn limits(resources: Option<&LinuxResources>) -> bool {
    resources.is_some_and(|r| !v1::settings(r).is_empty() || v1::check(r).is_err())
}

impl Group {
    fn make(&self) -> Result<(), Error> {
        let failed = |error: std::io::Error| Error::Path {
            what: "make the control group",
            path: self.path.clone(),
            error: errno(&error),
        };
        let below = self.path.strip_prefix(&self.mount).unwrap_or(Path::new(""));
        let mut at = self.mount.clone();
        for part in below.components() {
            let above = at.clone();
            at.push(part);
            if self.version == Version::Two {
                v2::enable_controllers(&above);
            }
            match fs::create_dir(&at) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                made => made.map_err(failed)?,
            }
            if self.controllers.iter().any(|controller| controller == "cpuset") {
                v1::inherit_cpuset(&above, &at).map_err(failed)?;
            }
        }
        Ok(())
    }

    fn remove(&self, deadline: Instant) -> std::io::Result<()> {
        loop {
            match remove_tree(&self.path) {
                // Who was killed a moment ago may still be in it.
                Err(error) if errno(&error) == abi::Errno::EBUSY && Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                done => return done,
            }
        }
    }
}

fn remove_tree(path: &Path) -> std::io::Result<()> {
    match fs::read_dir(path) {
        Ok(entries) => {
            for entry in entries.flatten() {
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    remove_tree(&entry.path())?;
                }
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }
    match fs::remove_dir(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hierarchy(mount: &str, own: &str) -> Hierarchy {
        Hierarchy {
            version: Version::One,
            controllers: vec!["memory".to_owned()],
            mount: mount.into(),
            own: own.into(),
        }
    }

    #[test]
    fn a_relative_path_is_below_our_own_group() {
        let at = |wanted: &str| group(&hierarchy("/m", "own/group"), Path::new(wanted)).path;
        assert_eq!(at("/a/b"), Path::new("/m/a/b"));
        assert_eq!(at("a/b"), Path::new("/m/own/group/a/b"));
    }

    #[test]
    fn groups_are_made_limited_and_removed_as_directories() {
        // A plain directory stands for a hierarchy: files can be written, and are in the way of a removal.
        let mount = tempfile::tempdir().unwrap();
        let groups = vec![group(&hierarchy(mount.path().to_str().unwrap(), ""), Path::new("/a/b"))];
        let mut cgroups = Cgroups { groups, unit: None };
        let resources: LinuxResources = serde_json::from_str(r#"{"memory": {"limit": 4096}}"#).unwrap();
        assert!(cgroups.make("x", None, false).unwrap().is_none());
        let file = mount.path().join("a/b/memory.limit_in_bytes");
        fs::write(&file, "").unwrap();
        cgroups.limit(&resources).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "4096");
        cgroups.enter(rustix::process::getpid()).unwrap();
        fs::remove_file(file).unwrap();
        fs::remove_file(mount.path().join("a/b/cgroup.procs")).unwrap();
        fs::create_dir(mount.path().join("a/b/inner")).unwrap();
        cgroups.remove();
        cgroups.remove();
        assert!(mount.path().join("a").exists() && !mount.path().join("a/b").exists());
    }

    #[test]
    fn a_limit_that_cannot_hold_is_refused() {
        let mount = tempfile::tempdir().unwrap();
        let groups = vec![group(&hierarchy(mount.path().to_str().unwrap(), ""), Path::new("/a"))];
        let mut cgroups = Cgroups { groups, unit: None };
        for (resources, names) in [
            (r#"{"memory": {"limit": 4096}}"#, "memory.limit_in_bytes"),
            (r#"{"pids": {"limit": 3}}"#, "pids"),
            (r#"{"unified": {"memory.high": "1"}}"#, "linux.resources.unified"),
        ] {
            let resources: LinuxResources = serde_json::from_str(resources).unwrap();
            let message = cgroups.make("x", Some(&resources), false).map(drop).unwrap_err().to_string();
            assert!(message.contains(names), "{message}");
        }
        // Engines ask for it with every limit of memory.
        let swap: LinuxResources = serde_json::from_str(r#"{"memory": {"swap": 4096}}"#).unwrap();
        cgroups.make("x", Some(&swap), false).map(drop).unwrap();
        let pids: LinuxResources = serde_json::from_str(r#"{"pids": {"limit": 3}}"#).unwrap();
        cgroups.make("x", Some(&pids), true).map(drop).unwrap();
    }

    #[test]
    fn paths_do_not_mislead() {
        let plan = |path: &str| {
            let text = format!(r#"{{"ociVersion": "1.0.0", "linux": {{"cgroupsPath": "{path}"}}}}"#);
            Cgroups::plan(&serde_json::from_str(&text).unwrap(), "x")
        };
        assert_eq!(within(Path::new("/a/../../b")), Path::new("/b"));
        assert_eq!(within(Path::new("../a/./b")), Path::new("a/b"));
        assert!(plan("/a").is_ok() && plan("").unwrap().is_empty());
    }
}
