//! What is known of files, and changed.

use abi::file::{Stat, Statfs, Statx};
use abi::time::{Timespec, Timeval};
use kernel::{UserAddr, UserPtr};
use vfs::Fd;

use crate::Support::{Full, Partial};
use crate::argument::PathPtr;
use crate::file::kinds::Ustat;
use crate::file::{access, attributes, filesystem, handle, kinds, stat, statx, times};
use crate::{Row, rows};

const HANDLES: &str = "tmpfs, the host's files (stale once the sandbox has forgotten the file) and FUSE";

pub(super) static ROWS: &[Row] = rows! {
    now stat(stat::stat, path: PathPtr, into: UserPtr<Stat>) Full;
    now lstat(stat::lstat, path: PathPtr, into: UserPtr<Stat>) Full;
    now fstat(stat::fstat, fd: Fd, into: UserPtr<Stat>) Full;
    now newfstatat(stat::newfstatat, directory: Fd, path: PathPtr, into: UserPtr<Stat>, flags: u32) Full;
    now statx(statx::statx, directory: Fd, path: PathPtr, flags: u32, mask: u32, into: UserPtr<Statx>) Full;
    now statfs(filesystem::statfs, path: PathPtr, into: UserPtr<Statfs>) Full;
    now fstatfs(filesystem::fstatfs, fd: Fd, into: UserPtr<Statfs>) Full;
    now sysfs(kinds::sysfs, option: u32, first: u64, second: u64) Full;
    now ustat(kinds::ustat, device: u32, into: UserPtr<Ustat>) Full;
    now access(access::access, path: PathPtr, mode: u32) Full;
    now faccessat(access::faccessat, directory: Fd, path: PathPtr, mode: u32) Full;
    now faccessat2(access::faccessat2, directory: Fd, path: PathPtr, mode: u32, flags: u32) Full;
    now chmod(attributes::chmod, path: PathPtr, mode: u32) Full;
    now fchmod(attributes::fchmod, fd: Fd, mode: u32) Full;
    now fchmodat(attributes::fchmodat, directory: Fd, path: PathPtr, mode: u32) Full;
    now fchmodat2(attributes::fchmodat2, directory: Fd, path: PathPtr, mode: u32, flags: u32) Full;
    now chown(attributes::chown, path: PathPtr, uid: u32, gid: u32) Full;
    now lchown(attributes::lchown, path: PathPtr, uid: u32, gid: u32) Full;
    now fchown(attributes::fchown, fd: Fd, uid: u32, gid: u32) Full;
    now fchownat(attributes::fchownat, directory: Fd, path: PathPtr, uid: u32, gid: u32, flags: u32) Full;
    now utime(times::utime, path: PathPtr, times: UserPtr<[i64; 2]>) Full;
    now utimes(times::utimes, path: PathPtr, times: UserPtr<[Timeval; 2]>) Full;
    now futimesat(times::futimesat, directory: Fd, path: PathPtr, times: UserPtr<[Timeval; 2]>) Full;
    now utimensat(times::utimensat, directory: Fd, path: PathPtr, times: UserPtr<[Timespec; 2]>, flags: u32) Full;
    now name_to_handle_at(handle::name_to_handle_at, directory: Fd, path: PathPtr, handle: UserAddr, mount: UserAddr, flags: u32) Partial(HANDLES);
    later open_by_handle_at(handle::open_by_handle_at, mount: Fd, handle: UserAddr, flags: u32) Partial(HANDLES);
};
