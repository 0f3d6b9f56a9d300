//! What a container of a pod shares, and with which other.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use sentry::spec::PidsOf;

use crate::config::pod::{Pids, Pod, is_own, path_of, process_of};
use crate::error::{Error, Trying};
use crate::sandbox::Joined;
use crate::state::{Container, Record, Root};

/// The sandbox that one more container is made in, and what it has of it.
pub(super) fn of(root: &Root, place: &Pod) -> Result<Joined, Error> {
    let sandbox = root.open(&place.sandbox)?;
    for (kind, path) in &place.shared {
        check(root, &sandbox, kind, path)?;
    }
    Ok(Joined { pids: pids_of(root, place)?, own: place.own, sandbox })
}

/// Whose processes a container of a pod sees: a process of the host stands for another container of the pod, or is the sandbox's.
fn pids_of(root: &Root, place: &Pod) -> Result<PidsOf, Error> {
    let pid = match place.pids {
        Pids::Own => return Ok(PidsOf::Own),
        Pids::Sandbox => return Ok(PidsOf::Sandbox),
        Pids::Of(pid) => pid,
    };
    let other = member(root, &place.sandbox, pid)?;
    Ok(other.map_or(PidsOf::Sandbox, |other| PidsOf::Container(other.record.id)))
}

/// The further container of a pod that a process of the host stands for.
fn member(root: &Root, sandbox: &str, pid: i32) -> Result<Option<Container>, Error> {
    let stands = |record: &Record| {
        record.pod.as_deref() == Some(sandbox) && record.init.is_some_and(|init| init.pid == pid)
    };
    Ok(root.containers()?.into_iter().find(|other| stands(&other.record)))
}

/// A namespace that a container of a pod joins by path can only be its sandbox's: the one that the sandbox's process is in, the one that the sandbox's own
/// configuration names, or that of another container of the pod which shares it. Any other would quietly be another than was asked for.
fn check(root: &Root, sandbox: &Container, kind: &str, path: &Path) -> Result<(), Error> {
    let Some(init) = sandbox.record.init.filter(|init| init.runs()) else { return Ok(()) };
    let of_init = format!("/proc/{}/ns/{kind}", init.pid);
    let named = path_of(&sandbox.record.spec, kind);
    let asked = identity(path).trying_on("open the namespace", path)?;
    let known = [Some(Path::new(&of_init)), named.map(AsRef::as_ref)];
    if known.into_iter().flatten().any(|known| identity(known).is_ok_and(|known| known == asked)) {
        return Ok(());
    }
    let other = process_of(path, kind).map(|pid| member(root, sandbox.id(), pid)).transpose()?.flatten();
    if other.is_some_and(|other| !is_own(&other.record.spec, kind)) {
        return Ok(());
    }
    Err(Error::Message(format!(
        "linux.namespaces: a container of a pod cannot join {}: it can have the {kind} namespace of its sandbox {:?}, or one of its own",
        path.display(),
        sandbox.id()
    )))
}

/// What tells a namespace from others, whatever path it is found by.
fn identity(path: &Path) -> std::io::Result<(u64, u64)> {
    fs::metadata(path).map(|found| (found.dev(), found.ino()))
}
