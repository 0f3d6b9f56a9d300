//! Paths of a container while it is put together: looked up, and made, by whom the container's own programs would be.

use std::sync::Arc;

use abi::Errno;
use kernel::FsContext;
use kernel::fs_context::NoSpecialFiles;
use vfs::caller::{At, Caller};
use vfs::path::Path;
use vfs::resolve::Lookup;
use vfs::{CapabilitySet, Credentials, Device, FdTable, FileKind, Name};

use crate::failure::Failure;

/// Why something could not be done at a path.
pub(super) fn failed_at(path: &str, what: &str, errno: Errno) -> Failure {
    Failure::Message(format!("cannot {what} {path:?}: {}", errno.description()))
}

/// Acts on paths of the container as its root user.
pub(super) fn as_root<R>(context: &FsContext, act: impl FnOnce(&Caller<'_>) -> R) -> R {
    as_user(context, &Arc::new(Credentials::root(CapabilitySet::FULL)), act)
}

/// Acts on paths of the container as one of its users.
pub(super) fn as_user<R>(
    context: &FsContext,
    credentials: &Arc<Credentials>,
    act: impl FnOnce(&Caller<'_>) -> R,
) -> R {
    act(&Caller {
        root: &context.root,
        working_directory: &context.cwd,
        credentials,
        umask: 0,
        files: &FdTable::new(),
        special: &NoSpecialFiles,
        namespace: &context.namespace,
        task: None,
    })
}

/// What a path leads to, links followed.
pub(super) fn find(context: &FsContext, path: &str) -> Result<Path, Errno> {
    as_root(context, |caller| caller.find_path(&At::here(path.as_bytes()), Lookup::FOLLOW))
}

/// The place of a mountpoint; what is missing of it is made.
pub(super) fn mountpoint(context: &FsContext, path: &str, directory: bool) -> Result<Path, Errno> {
    match find(context, path) {
        Err(Errno::ENOENT) => {}
        found => return found,
    }
    as_root(context, |caller| {
        let mut at_path = String::new();
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        for (index, part) in parts.iter().enumerate() {
            Name::new(part.as_bytes())?;
            at_path.push('/');
            at_path.push_str(part);
            let last = index + 1 == parts.len();
            let made = if last && !directory {
                caller.make_node(&At::here(at_path.as_bytes()), 0o100_644, Device::default())
            } else {
                caller.make_directory(&At::here(at_path.as_bytes()), 0o755)
            };
            match made {
                Ok(_) | Err(Errno::EEXIST) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    })?;
    find(context, path)
}

/// A directory, with those above it, made where it is missing.
pub(super) fn directory(context: &FsContext, path: &str) -> Result<Path, Errno> {
    mountpoint(context, path, true)
}

/// The working directory, made if it is missing, as runc does.
pub(super) fn working_directory(context: &FsContext, path: &str) -> Result<Path, Errno> {
    let place = directory(context, path)?;
    if place.inode().kind() == FileKind::Directory { Ok(place) } else { Err(Errno::ENOTDIR) }
}
