//! name_to_handle_at(2).

use std::sync::Arc;

use abi::Errno;
use kernel::{Task, UserAddr};
use vfs::Fd;
use vfs::resolve::{AtFlags, Lookup};

use super::at::at;
use crate::argument::PathPtr;

/// name_to_handle_at(2): the path is looked at, but no filesystem gives handles.
///
/// # Errors
/// `EOPNOTSUPP`, or those of the path.
pub fn name_to_handle_at(
    task: &Arc<Task>,
    directory: Fd,
    path: PathPtr,
    _handle: UserAddr,
    _mount: UserAddr,
    flags: u32,
) -> Result<(), Errno> {
    let flags = AtFlags::parse(flags, AtFlags::SYMLINK_FOLLOW | AtFlags::EMPTY_PATH)?;
    let mut lookup = Lookup::empty();
    lookup.set(Lookup::FOLLOW, flags.contains(AtFlags::SYMLINK_FOLLOW));
    lookup.set(Lookup::EMPTY, flags.contains(AtFlags::EMPTY_PATH));
    at(task, directory, path, |caller, at| caller.find(at, lookup))?;
    Err(Errno::EOPNOTSUPP)
}
