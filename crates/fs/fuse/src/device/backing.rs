//! `FUSE_DEV_IOC_BACKING_OPEN` and `_CLOSE`: files that a server names, to be read and written past it.

use std::sync::Arc;

use abi::Errno;
use vfs::{Capability, Fd, FileKind, IoctlContext};
use zerocopy::{FromZeros, IntoBytes};

use crate::connection::Connection;
use crate::file::Backing;
use crate::wire::BackingMap;

fn may(connection: &Connection, context: &dyn IoctlContext) -> Result<(), Errno> {
    let may = connection.passes_through() && context.credentials().has(Capability::SysAdmin);
    if may { Ok(()) } else { Err(Errno::EPERM) }
}

/// Names an open file. Returns its number.
///
/// # Errors
/// `EPERM` unless that was agreed upon and the caller has `CAP_SYS_ADMIN`, `EBADF`, `EISDIR`, `EINVAL` for what is no regular file, `ELOOP`
/// for one of a filesystem that lies upon others itself, `EFAULT`.
pub(super) fn open(connection: &Connection, context: &dyn IoctlContext, argument: u64) -> Result<u64, Errno> {
    let mut map = BackingMap::new_zeroed();
    context.read(argument, map.as_mut_bytes())?;
    may(connection, context)?;
    if map.flags != 0 || map.padding != 0 {
        return Err(Errno::EINVAL);
    }
    let open = context.file(Fd(map.fd))?;
    let inode = open.inode().ok_or(Errno::EINVAL)?;
    match inode.kind() {
        FileKind::Regular => {}
        FileKind::Directory => return Err(Errno::EISDIR),
        _ => return Err(Errno::EINVAL),
    }
    if inode.filesystem().stack_depth() >= connection.stack_depth() {
        return Err(Errno::ELOOP);
    }
    let credentials = Arc::new(context.credentials().clone());
    let number = connection.backings.add(Backing { inode, credentials })?;
    u64::try_from(number).map_err(|_| Errno::ENOSPC)
}

/// Forgets one.
///
/// # Errors
/// `EPERM` as for [`open`], `EINVAL`, `ENOENT`, `EFAULT`.
pub(super) fn close(
    connection: &Connection,
    context: &dyn IoctlContext,
    argument: u64,
) -> Result<u64, Errno> {
    let mut number = [0; 4];
    context.read(argument, &mut number)?;
    may(connection, context)?;
    let number = i32::from_le_bytes(number);
    if number <= 0 {
        return Err(Errno::EINVAL);
    }
    connection.backings.remove(number).map(|()| 0)
}
