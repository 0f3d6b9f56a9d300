//! What a container's programs may not see or change of its tree.

use std::sync::Arc;

use abi::Errno;
use devtmpfs::Devtmpfs;
use kernel::FsContext;
use vfs::mount::Mount;
use vfs::mount_flags::MountFlags;
use vfs::{FileKind, Name, SuperBlock};

use super::paths::{failed_at, find, working_directory};
use crate::failure::{Failure, Trying};
use crate::spec::ContainerSpec;

/// Takes away what the container's programs may not see or change, once everything is made that is made for them.
pub(super) fn shield(
    context: &mut FsContext,
    container: &ContainerSpec,
    devices: &Devtmpfs,
) -> Result<(), Failure> {
    // Also where the slash is missing they are below the root, and not in the working directory.
    let absolute = |path: &str| format!("/{}", path.trim_start_matches('/'));
    for path in &container.masked_paths {
        hide(context, &absolute(path), devices).map_err(|e| failed_at(path, "hide", e))?;
    }
    for path in &container.readonly_paths {
        protect(context, &absolute(path)).map_err(|e| failed_at(path, "make read-only", e))?;
    }
    if container.root.read_only {
        context.root.mount.set_flags(MountFlags::RDONLY).trying("make the root read-only")?;
    }
    // It may be covered now.
    let cwd = &container.process.cwd;
    context.cwd = working_directory(context, cwd).map_err(|e| failed_at(cwd, "enter process.cwd", e))?;
    Ok(())
}

/// Puts nothing readable over a path, if there is such a path.
fn hide(context: &FsContext, path: &str, devices: &Devtmpfs) -> Result<(), Errno> {
    let place = match find(context, path) {
        Ok(place) => place,
        Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(()),
        Err(errno) => return Err(errno),
    };
    let cover = if place.inode().kind() == FileKind::Directory {
        let options = tmpfs::Options { size: 4096, inodes: 1, mode: 0o555, uid: 0, gid: 0 };
        Mount::whole(SuperBlock::new(tmpfs::Tmpfs::new(options, 4096)), b"tmpfs", MountFlags::RDONLY)
    } else {
        let superblock = devices.superblock();
        let null = superblock.make(superblock.root(), Name::new(b"null")?, |_| Err(Errno::ENOENT))?;
        Mount::new(Arc::clone(superblock), null, b"devtmpfs", MountFlags::empty())
    };
    context.namespace.attach(&place, &cover)
}

/// Puts a path, if there is such a path, over itself, read-only.
fn protect(context: &FsContext, path: &str) -> Result<(), Errno> {
    let place = match find(context, path) {
        Ok(place) => place,
        Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(()),
        Err(errno) => return Err(errno),
    };
    let flags = place.mount.flags() | MountFlags::RDONLY;
    let superblock = Arc::clone(place.mount.superblock());
    let cover = Mount::new(superblock, Arc::clone(&place.dentry), &place.mount.source, flags);
    context.namespace.attach(&place, &cover)
}
