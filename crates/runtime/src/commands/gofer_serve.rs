//! `casemate gofer serve`: a directory for 9P clients.

use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::Path;

use crate::command_line::GoferServe;
use crate::error::{Error, Trying};

/// Serves until it is ended.
///
/// # Errors
/// If the socket or the directory cannot be used.
pub(crate) fn execute(arguments: &GoferServe) -> Result<(), Error> {
    let directory = arguments.directory.canonicalize().trying("find the directory")?;
    if !directory.is_dir() {
        return Err(Error::Message(format!("{} is no directory", directory.display())));
    }
    let listener = listen(&arguments.socket)?;
    let source = gofer::Source {
        socket: listener.into(),
        root: directory,
        overlay: None,
        read_only: arguments.read_only,
        recursive: arguments.recursive,
        ids: gofer::Ids::default(),
    };
    let config = gofer::confine(vec![source]).map_err(|error| Error::Message(error.to_string()))?;
    gofer::offer(config).map_err(|error| Error::Message(error.to_string()))
}

/// A socket that only its owner can connect to. One that somebody left behind is taken away.
fn listen(path: &Path) -> Result<UnixListener, Error> {
    let left_behind = path.symlink_metadata().is_ok_and(|found| found.file_type().is_socket());
    if left_behind && std::os::unix::net::UnixStream::connect(path).is_err() {
        std::fs::remove_file(path).trying("remove the socket that was left behind")?;
    }
    let listener = UnixListener::bind(path).trying("make the socket")?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).trying("protect the socket")?;
    Ok(listener)
}
