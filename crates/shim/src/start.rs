//! `start`: leaves a shim behind that serves, and says where.

use std::fs::{self, DirBuilder, File, Permissions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::OFlags;

use crate::arguments::Arguments;
use crate::console::unique;
use crate::failure::{Failure, Trying};
use crate::settings::beside;

/// Where containerd finds the address of a shim when it is started anew: a file in the bundle.
const ADDRESS: &str = "address";
/// The pipe of containerd that a shim logs to, in the bundle.
const LOG: &str = "log";
/// The longest path of a directory for sockets: their addresses hold 108 bytes.
const LONGEST: usize = 80;

/// Starts a shim for the bundle that is the working directory. Returns its address.
pub(crate) fn start(arguments: &Arguments) -> Result<String, Failure> {
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

/// Removes the socket of the shim of a bundle.
pub(crate) fn remove_socket(bundle: &Path) {
    let address = fs::read_to_string(bundle.join(ADDRESS)).unwrap_or_default();
    if let Some(path) = address.trim().strip_prefix("unix://") {
        let _ = fs::remove_file(path);
    }
}
