//! Processes and threads.

use abi::resource::Rusage;
use abi::signal::Siginfo;
use kernel::{UserAddr, UserPtr};
use vfs::Fd;

use crate::Support::{Full, Partial};
use crate::argument::PathPtr;
use crate::process::{
    arch_prctl, clone, execve, exit, futex, ids, kcmp, namespace, pidfd, prctl, robust_list, seccomp, wait,
};
use crate::{Row, rows};

const NAMESPACES: &str = "no time namespaces";

pub(super) static ROWS: &[Row] = rows! {
    later clone(clone::clone, flags: u64, stack: u64, parent_tid: u64, child_tid: u64, tls: u64) Partial(NAMESPACES);
    now unshare(namespace::unshare, flags: u64) Partial(NAMESPACES);
    now setns(namespace::setns, fd: Fd, kinds: u32) Partial(NAMESPACES);
    later clone3(clone::clone3, arguments: UserAddr, size: usize) Partial("no time namespaces");
    later fork(clone::fork) Full;
    later vfork(clone::vfork) Full;
    later execve(execve::execve, path: PathPtr, argv: UserAddr, envp: UserAddr) Full;
    later execveat(execve::execveat, directory: Fd, path: PathPtr, argv: UserAddr, envp: UserAddr, flags: u32) Full;
    now exit(exit::exit, status: i32) Full;
    now exit_group(exit::exit_group, status: i32) Full;
    later wait4(wait::wait4, pid: i32, status: UserPtr<i32>, options: u32, rusage: UserPtr<Rusage>) Full;
    later waitid(wait::waitid, kind: u32, id: i32, info: UserPtr<Siginfo>, options: u32, rusage: UserPtr<Rusage>) Full;
    now getpid(ids::getpid) Full;
    now gettid(ids::gettid) Full;
    now getppid(ids::getppid) Full;
    now getpgrp(ids::getpgrp) Full;
    now getpgid(ids::getpgid, pid: i32) Full;
    now getsid(ids::getsid, pid: i32) Full;
    now setpgid(ids::setpgid, pid: i32, group: i32) Full;
    now setsid(ids::setsid) Full;
    now pidfd_open(pidfd::pidfd_open, pid: i32, flags: u32) Partial("no PIDFD_THREAD");
    now pidfd_getfd(pidfd::pidfd_getfd, process: Fd, target: Fd, flags: u32) Full;
    now kcmp(kcmp::kcmp, one: i32, other: i32, kind: u32, first: u64, second: u64) Full;
    later futex(futex::futex, address: u64, operation: u32, value: u32, timeout: u64, second: u64, third: u32) Partial("the host's; no priority inheritance");
    later prctl(prctl::prctl, operation: u32, a: u64, b: u64, c: u64, d: u64) Partial("no operations on memory layout, speculation and machine checks");
    later seccomp(seccomp::seccomp, operation: u32, flags: u64, arguments: UserAddr) Partial("no listeners; SECCOMP_RET_TRACE fails with ENOSYS");
    now arch_prctl(arch_prctl::arch_prctl, operation: u32, address: u64) Partial("segment bases only");
    later set_tid_address(robust_list::set_tid_address, address: UserAddr) Full;
    now set_robust_list(robust_list::set_robust_list, head: UserAddr, length: u64) Full;
    now get_robust_list(robust_list::get_robust_list, tid: i32, head: UserPtr<u64>, length: UserPtr<u64>) Full;
};
