//! `start`: leaves a shim behind that serves, and says where.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, Permissions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::OFlags;
use serde::Deserialize;

use crate::arguments::{Arguments, is_name};
use crate::console::unique;
use crate::failure::{Failure, Trying};
use crate::settings::beside;

/// Where containerd finds the address of a shim when it is started anew: a file in the bundle.
const ADDRESS: &str = "address";
/// The pipe of containerd that a shim logs to, in the bundle.
const LOG: &str = "log";
/// The annotations with which containerd says that a container belongs to a pod, and to which.
const POD_KIND: &str = "io.kubernetes.cri.container-type";
const POD_ID: &str = "io.kubernetes.cri.sandbox-id";
/// The longest path of a directory for sockets: their addresses hold 108 bytes.
const LONGEST: usize = 80;

/// Starts a shim for the bundle that is the working directory, unless it belongs to a pod that has one. Returns its address.
pub(crate) fn start(arguments: &Arguments) -> Result<String, Failure> {
    if let Some(address) = of_pod(Path::new(".")) {
        fs::write(ADDRESS, &address).trying("write the address")?;
        return Ok(address);
    }
    let path = unique(&sockets(&arguments.address)?)?;
    let listener = UnixListener::bind(&path).trying_on("make the socket", &path)?;
    fs::set_permissions(&path, Permissions::from_mode(0o600)).trying_on("protect", &path)?;
    let address = format!("unix://{}", path.display());
    let left =
        fs::write(ADDRESS, &address).trying("write the address").and_then(|()| leave(arguments, listener));
    if let Err(failure) = left {
        let _ = fs::remove_file(&path);
        return Err(failure);
    }
    Ok(address)
}

/// Starts the process. It finds its socket at standard input.
fn leave(arguments: &Arguments, listener: UnixListener) -> Result<(), Failure> {
    let program = std::env::current_exe().trying("find this program")?;
    let mut command = Command::new(&program);
    command
        .args(["-namespace", &arguments.namespace, "-id", &arguments.id, "-address"])
        .arg(&arguments.address);
    command.stdin(OwnedFd::from(listener)).stdout(Stdio::null()).stderr(log());
    command.process_group(0).spawn().map(drop).trying_on("start", &program)
}

/// Both ends are opened, and never waited for: containerd may come and go.
fn log() -> Stdio {
    let flags = OFlags::NONBLOCK.bits().try_into().unwrap_or(0);
    File::options()
        .read(true)
        .write(true)
        .custom_flags(flags)
        .open(LOG)
        .map_or_else(|_| Stdio::null(), Stdio::from)
}

/// The directory for sockets, which only root can list: beside containerd's own if that is short enough.
pub(crate) fn sockets(address: &Path) -> Result<PathBuf, Failure> {
    let own = beside(address).join("s");
    let directory = if own.as_os_str().len() <= LONGEST { own } else { PathBuf::from("/run/containerd/s") };
    DirBuilder::new().recursive(true).mode(0o711).create(&directory).trying_on("make", &directory)?;
    Ok(directory)
}

/// The shim of the pod that a bundle's container belongs to: the one of its sandbox, whose bundle lies beside.
fn of_pod(bundle: &Path) -> Option<String> {
    #[derive(Deserialize)]
    struct Config {
        #[serde(default)]
        annotations: HashMap<String, String>,
    }
    let Config { annotations } = serde_json::from_slice(&fs::read(bundle.join("config.json")).ok()?).ok()?;
    let said = |name: &str| annotations.get(name).map(String::as_str);
    let sandbox = said(POD_ID).filter(|id| said(POD_KIND) == Some("container") && is_name(id))?;
    let address = address_of(&bundle.join("..").join(sandbox))?;
    is_served(&address).then_some(address)
}

fn address_of(bundle: &Path) -> Option<String> {
    fs::read_to_string(bundle.join(ADDRESS)).ok().map(|address| address.trim().to_owned())
}

fn path_of(address: &str) -> Option<&Path> {
    address.strip_prefix("unix://").map(Path::new)
}

fn is_served(address: &str) -> bool {
    path_of(address).is_some_and(|path| UnixStream::connect(path).is_ok())
}

/// Removes the socket of the shim of a bundle, if that is gone: those of a pod share one.
pub(crate) fn remove_socket(bundle: &Path) {
    let address = address_of(bundle).filter(|address| !is_served(address));
    if let Some(path) = address.as_deref().and_then(path_of) {
        let _ = fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_containers_of_a_pod_share_its_shim() {
        let directory = tempfile::tempdir().unwrap();
        let bundle = |name: &str, kind: &str| {
            let bundle = directory.path().join(name);
            fs::create_dir_all(&bundle).unwrap();
            let config = format!(r#"{{"annotations": {{"{POD_KIND}": "{kind}", "{POD_ID}": "pod"}}}}"#);
            fs::write(bundle.join("config.json"), config).unwrap();
            bundle
        };
        let (pod, member) = (bundle("pod", "sandbox"), bundle("member", "container"));
        let path = directory.path().join("socket");
        let address = format!("unix://{}", path.display());
        fs::write(pod.join(ADDRESS), &address).unwrap();
        assert_eq!((of_pod(&pod), of_pod(&member)), (None, None), "nobody serves");
        let listener = UnixListener::bind(&path).unwrap();
        assert_eq!((of_pod(&pod), of_pod(&member)), (None, Some(address)));
        remove_socket(&pod);
        assert!(path.exists());
        drop(listener);
        remove_socket(&pod);
        assert!(!path.exists());
    }
}
