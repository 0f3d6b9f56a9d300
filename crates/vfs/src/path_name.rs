//! The text of a place: what getcwd(2), /proc/PID/fd and /proc/PID/mountinfo show.

use std::sync::Arc;

use abi::Errno;

use crate::dentry::Dentry;
use crate::path::Path;

/// The name of a place as seen from `root`, or from the top of its tree if it does not lie below that; with ` (deleted)` behind it if
/// its name was removed.
#[must_use]
pub fn name_of(path: &Path, root: &Path) -> Vec<u8> {
    let (mut name, _) = climb(path, Some(root));
    if path.dentry.is_deleted() {
        name.extend_from_slice(b" (deleted)");
    }
    name
}

/// What getcwd(2) returns for a working directory, without the final NUL: with `(unreachable)` before it if it does not lie below `root`.
///
/// # Errors
/// `ENOENT` if the directory was removed.
pub fn working_directory(path: &Path, root: &Path) -> Result<Vec<u8>, Errno> {
    if path.dentry.is_deleted() {
        return Err(Errno::ENOENT);
    }
    let (mut name, reachable) = climb(path, Some(root));
    if !reachable {
        name.splice(0..0, *b"(unreachable)");
    }
    Ok(name)
}

/// The name from the root of its filesystem (fourth column of mountinfo for a mount's root).
#[must_use]
pub fn within_filesystem(dentry: &Arc<Dentry>) -> Vec<u8> {
    let mut parts = Vec::new();
    let mut at = Arc::clone(dentry);
    while let (Some(parent), name) = at.place() {
        parts.push(name);
        at = parent;
    }
    join(&parts)
}

/// The name from the root of its mount.
#[must_use]
pub fn within_mount(path: &Path) -> Vec<u8> {
    let mut parts = Vec::new();
    let mut at = Arc::clone(&path.dentry);
    while !Arc::ptr_eq(&at, path.mount.root())
        && let (Some(parent), name) = at.place()
    {
        parts.push(name);
        at = parent;
    }
    join(&parts)
}

/// The name across mounts up to `root` or to where it ends, and whether `root` was reached.
pub(crate) fn climb(path: &Path, root: Option<&Path>) -> (Vec<u8>, bool) {
    let mut parts = Vec::new();
    let mut at = path.clone();
    let reached = loop {
        if root.is_some_and(|root| *root == at) {
            break true;
        }
        if at.is_mount_root() {
            match at.mount.mountpoint() {
                Some(mountpoint) => at = mountpoint,
                None => break false,
            }
        } else {
            match at.dentry.place() {
                (Some(parent), name) => {
                    parts.push(name);
                    at = at.with(parent);
                }
                (None, _) => break false,
            }
        }
    };
    (join(&parts), reached)
}

/// `parts` come from the innermost outwards.
fn join(parts: &[Arc<[u8]>]) -> Vec<u8> {
    if parts.is_empty() {
        return b"/".to_vec();
    }
    let mut text = Vec::new();
    for part in parts.iter().rev() {
        text.push(b'/');
        text.extend_from_slice(part);
    }
    text
}
