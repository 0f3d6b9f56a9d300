//! The sandbox's view of the host's files: none.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::CWD;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags, UnmountFlags,
    fsconfig_create, fsconfig_set_string, fsmount, fsopen, mount_change, move_mount, unmount,
};

use crate::failure::{Failure, Trying};

/// A directory that exists on every host that can run a sandbox.
const ANY_DIRECTORY: &str = "/proc";

/// Opens the `/proc` of the sandbox's own pid namespace, to be read only. It is mounted nowhere: only who holds the descriptor can
/// look into it. The process must be root of its user namespace, and in the pid namespace that the files show.
pub(crate) fn open_proc() -> Result<OwnedFd, Failure> {
    let context = fsopen("proc", FsOpenFlags::FSOPEN_CLOEXEC).trying("open a proc file system")?;
    fsconfig_create(context.as_fd()).trying("create a proc file system")?;
    // It has the host's settings too, and the sentry may have capabilities that count for files of the host's root.
    let attributes = MountAttrFlags::MOUNT_ATTR_RDONLY
        | MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NODEV
        | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)
        .trying("mount a proc file system (is the host's own /proc hidden in part?)")
}

/// Replaces the root of the process's mount namespace by an empty directory that nothing can be written to.
pub(crate) fn empty_root() -> Result<(), Failure> {
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).trying("make the sandbox's mounts private")?;
    let context = fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC).trying("open an empty file system")?;
    fsconfig_set_string(context.as_fd(), "nr_inodes", "1").trying("limit an empty file system")?;
    fsconfig_set_string(context.as_fd(), "mode", "0555").trying("limit an empty file system")?;
    fsconfig_create(context.as_fd()).trying("create an empty file system")?;
    let attributes = MountAttrFlags::MOUNT_ATTR_RDONLY
        | MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NODEV
        | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let empty = fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)
        .trying("mount an empty file system")?;
    move_mount(empty.as_fd(), "", CWD, ANY_DIRECTORY, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
        .trying("attach an empty file system")?;
    rustix::process::chdir(ANY_DIRECTORY).trying("enter the empty root")?;
    // The old root ends up on top of the new one, and is taken off.
    rustix::process::pivot_root(".", ".").trying("change to the empty root")?;
    unmount(".", UnmountFlags::DETACH).trying("let go of the host's root")?;
    rustix::process::chdir("/").trying("enter the empty root")
}
