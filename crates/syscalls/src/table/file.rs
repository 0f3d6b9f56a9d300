//! Descriptors and names.

use abi::file::XattrArgs;
use kernel::{UserAddr, UserPtr};
use vfs::Fd;

use crate::Support::{Full, Partial};
use crate::argument::PathPtr;
use crate::file::mount_api::{attributes, context, query, tree};
use crate::file::{
    close, directory, duplicate, fcntl, ioctl, lock, memfd, mount, names, open, pipe, quota,
    working_directory, xattr,
};
use crate::{Row, rows};

const CONTEXT: &str = "no messages to read, values are flags and text";
const QUERY: &str = "the caller's namespace only, no lists of options, no id maps";
const FCNTL: &str = "no F_NOTIFY";

pub(super) static ROWS: &[Row] = rows! {
    later open(open::open, path: PathPtr, flags: u32, mode: u32) Full;
    later openat(open::openat, directory: Fd, path: PathPtr, flags: u32, mode: u32) Full;
    later openat2(open::openat2, directory: Fd, path: PathPtr, how: UserAddr, size: usize) Full;
    later creat(open::creat, path: PathPtr, mode: u32) Full;
    now close(close::close, fd: Fd) Full;
    now close_range(close::close_range, first: u32, last: u32, flags: u32) Full;
    now dup(duplicate::dup, fd: Fd) Full;
    now dup2(duplicate::dup2, old: Fd, new: Fd) Full;
    now dup3(duplicate::dup3, old: Fd, new: Fd, flags: u32) Full;
    later fcntl(fcntl::fcntl, fd: Fd, command: u32, argument: u64) Partial(FCNTL);
    later flock(lock::flock, fd: Fd, operation: u32) Full;
    now ioctl(ioctl::ioctl, fd: Fd, request: u32, argument: u64) Full;
    now pipe(pipe::pipe, fds: UserPtr<[i32; 2]>) Full;
    now pipe2(pipe::pipe2, fds: UserPtr<[i32; 2]>, flags: u32) Full;
    now memfd_create(memfd::memfd_create, name: UserAddr, flags: u32) Partial("no huge pages");

    now getdents(directory::getdents, fd: Fd, buffer: UserAddr, count: u32) Full;
    now getdents64(directory::getdents64, fd: Fd, buffer: UserAddr, count: u32) Full;
    now getcwd(working_directory::getcwd, buffer: UserAddr, size: usize) Full;
    now chdir(working_directory::chdir, path: PathPtr) Full;
    now fchdir(working_directory::fchdir, fd: Fd) Full;
    now chroot(working_directory::chroot, path: PathPtr) Full;
    now umask(working_directory::umask, mask: u32) Full;

    now mkdir(names::mkdir, path: PathPtr, mode: u32) Full;
    now mkdirat(names::mkdirat, directory: Fd, path: PathPtr, mode: u32) Full;
    now mknod(names::mknod, path: PathPtr, mode: u32, device: u32) Full;
    now mknodat(names::mknodat, directory: Fd, path: PathPtr, mode: u32, device: u32) Full;
    now symlink(names::symlink, target: PathPtr, path: PathPtr) Full;
    now symlinkat(names::symlinkat, target: PathPtr, directory: Fd, path: PathPtr) Full;
    now link(names::link, from: PathPtr, to: PathPtr) Full;
    now linkat(names::linkat, from_directory: Fd, from: PathPtr, to_directory: Fd, to: PathPtr, flags: u32) Full;
    now unlink(names::unlink, path: PathPtr) Full;
    now unlinkat(names::unlinkat, directory: Fd, path: PathPtr, flags: u32) Full;
    now rmdir(names::rmdir, path: PathPtr) Full;
    now rename(names::rename, from: PathPtr, to: PathPtr) Full;
    now renameat(names::renameat, from_directory: Fd, from: PathPtr, to_directory: Fd, to: PathPtr) Full;
    now renameat2(names::renameat2, from_directory: Fd, from: PathPtr, to_directory: Fd, to: PathPtr, flags: u32) Full;
    now readlink(names::readlink, path: PathPtr, buffer: UserAddr, size: i32) Full;
    now readlinkat(names::readlinkat, directory: Fd, path: PathPtr, buffer: UserAddr, size: i32) Full;

    now setxattr(xattr::setxattr, path: PathPtr, name: UserAddr, value: UserAddr, size: usize, flags: u32) Full;
    now lsetxattr(xattr::lsetxattr, path: PathPtr, name: UserAddr, value: UserAddr, size: usize, flags: u32) Full;
    now fsetxattr(xattr::fsetxattr, fd: Fd, name: UserAddr, value: UserAddr, size: usize, flags: u32) Full;
    now setxattrat(xattr::setxattrat, directory: Fd, path: PathPtr, flags: u32, name: UserAddr, args: UserPtr<XattrArgs>, size: usize) Full;
    now getxattr(xattr::getxattr, path: PathPtr, name: UserAddr, value: UserAddr, size: usize) Full;
    now lgetxattr(xattr::lgetxattr, path: PathPtr, name: UserAddr, value: UserAddr, size: usize) Full;
    now fgetxattr(xattr::fgetxattr, fd: Fd, name: UserAddr, value: UserAddr, size: usize) Full;
    now getxattrat(xattr::getxattrat, directory: Fd, path: PathPtr, flags: u32, name: UserAddr, args: UserPtr<XattrArgs>, size: usize) Full;
    now listxattr(xattr::listxattr, path: PathPtr, list: UserAddr, size: usize) Full;
    now llistxattr(xattr::llistxattr, path: PathPtr, list: UserAddr, size: usize) Full;
    now flistxattr(xattr::flistxattr, fd: Fd, list: UserAddr, size: usize) Full;
    now listxattrat(xattr::listxattrat, directory: Fd, path: PathPtr, flags: u32, list: UserAddr, size: usize) Full;
    now removexattr(xattr::removexattr, path: PathPtr, name: UserAddr) Full;
    now lremovexattr(xattr::lremovexattr, path: PathPtr, name: UserAddr) Full;
    now fremovexattr(xattr::fremovexattr, fd: Fd, name: UserAddr) Full;
    now removexattrat(xattr::removexattrat, directory: Fd, path: PathPtr, flags: u32, name: UserAddr) Full;

    now mount(mount::mount, source: PathPtr, target: PathPtr, kind: UserAddr, flags: u32, data: UserAddr) Full;
    now umount2(mount::umount2, target: PathPtr, flags: u32) Full;
    now pivot_root(mount::pivot_root, new_root: PathPtr, put_old: PathPtr) Full;
    now quotactl(quota::quotactl, command: u32, device: PathPtr, id: u32, address: UserAddr) Partial("no quotas");
    now fsopen(context::fsopen, kind: UserAddr, flags: u32) Partial(CONTEXT);
    now fspick(context::fspick, directory: Fd, path: PathPtr, flags: u32) Partial(CONTEXT);
    now fsconfig(context::fsconfig, fd: Fd, command: u32, key: UserAddr, value: UserAddr, extra: i32) Partial(CONTEXT);
    now fsmount(context::fsmount, fd: Fd, flags: u32, attributes: u32) Full;
    now open_tree(tree::open_tree, directory: Fd, path: PathPtr, flags: u32) Full;
    now move_mount(tree::move_mount, from_directory: Fd, from: PathPtr, to_directory: Fd, to: PathPtr, flags: u32) Partial("no MOVE_MOUNT_SET_GROUP");
    now mount_setattr(attributes::mount_setattr, directory: Fd, path: PathPtr, flags: u32, given: UserAddr, size: usize) Full;
    now open_tree_attr(attributes::open_tree_attr, directory: Fd, path: PathPtr, flags: u32, given: UserAddr, size: usize) Full;
    now statmount(query::statmount, request: UserAddr, buffer: UserAddr, size: usize, flags: u32) Partial(QUERY);
    now listmount(query::listmount, request: UserAddr, ids: UserPtr<u64>, count: usize, flags: u32) Partial("the caller's namespace only");
    ;
    none {
        fanotify_init, "changes are not watched";
        fanotify_mark, "changes are not watched";
        quotactl_fd, "no quotas";
        io_uring_setup, "a second way into the kernel, which nothing needs so far";
        io_uring_enter, "a second way into the kernel, which nothing needs so far";
        io_uring_register, "a second way into the kernel, which nothing needs so far";
    }
};
