//! Waiting for many things.

use abi::epoll::EpollEvent;
use abi::file::PollFd;
use abi::signal::SignalSet;
use abi::time::{Timespec, Timeval};
use kernel::UserPtr;
use vfs::Fd;

use crate::Support::{Full, Partial};
use crate::argument::PathPtr;
use crate::event::{epoll, event_fd, inotify, poll, select};
use crate::{Row, rows};

const WATCHES: &str = "changes that guests make; not those that others make to a container's files";

pub(super) static ROWS: &[Row] = rows! {
    later poll(poll::poll, fds: UserPtr<PollFd>, count: u32, timeout: i32) Full;
    later ppoll(poll::ppoll, fds: UserPtr<PollFd>, count: u32, timeout: UserPtr<Timespec>, mask: UserPtr<SignalSet>, size: usize) Full;
    later select(select::select, count: i32, read: UserPtr<u64>, write: UserPtr<u64>, except: UserPtr<u64>, timeout: UserPtr<Timeval>) Full;
    later pselect6(select::pselect6, count: i32, read: UserPtr<u64>, write: UserPtr<u64>, except: UserPtr<u64>, timeout: UserPtr<Timespec>, mask: UserPtr<[u64; 2]>) Full;
    now epoll_create(epoll::epoll_create, size: i32) Full;
    now epoll_create1(epoll::epoll_create1, flags: u32) Full;
    now epoll_ctl(epoll::epoll_ctl, epoll: Fd, operation: i32, fd: Fd, event: UserPtr<EpollEvent>) Full;
    later epoll_wait(epoll::epoll_wait, epoll: Fd, events: UserPtr<EpollEvent>, most: i32, timeout: i32) Full;
    later epoll_pwait(epoll::epoll_pwait, epoll: Fd, events: UserPtr<EpollEvent>, most: i32, timeout: i32, mask: UserPtr<SignalSet>, size: usize) Full;
    later epoll_pwait2(epoll::epoll_pwait2, epoll: Fd, events: UserPtr<EpollEvent>, most: i32, timeout: UserPtr<Timespec>, mask: UserPtr<SignalSet>, size: usize) Full;
    now eventfd(event_fd::eventfd, initial: u32) Full;
    now eventfd2(event_fd::eventfd2, initial: u32, flags: u32) Full;
    now inotify_init(inotify::inotify_init) Full;
    now inotify_init1(inotify::inotify_init1, flags: u32) Full;
    now inotify_add_watch(inotify::inotify_add_watch, fd: Fd, path: PathPtr, bits: u32) Partial(WATCHES);
    now inotify_rm_watch(inotify::inotify_rm_watch, fd: Fd, watch: i32) Full;
};
