//! Waiting for several files, as a guest does.

use abi::Errno;
use abi::epoll::{EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLLET, EpollEvent};
use abi::file::PollFd;
use abi::signal::{Signal, SignalSet};
use abi::time::{Timespec, Timeval};
use kernel::UserPtr;
use vfs::Fd;

use super::{epoll, event_fd, poll, select};
use crate::file::close::close;
use crate::file::io::{read::read, write::write};
use crate::file::pipe;
use crate::testing::{Guest, guest, now, start};

const IN: u16 = 1;
const OUT: u16 = 4;
const HUP: u16 = 16;
const NVAL: u16 = 32;

fn new_pipe(guest: &Guest) -> (Fd, Fd) {
    pipe::pipe(&guest.task, guest.pointer(0)).unwrap();
    let [reading, writing]: [i32; 2] = guest.pointer(0).read(guest.memory()).unwrap();
    (Fd(reading), Fd(writing))
}

fn poll_fds(guest: &Guest, fds: &[(Fd, u16)]) -> UserPtr<PollFd> {
    let at = guest.pointer(0x100);
    let list: Vec<PollFd> =
        fds.iter().map(|(fd, events)| PollFd { fd: fd.0, events: *events, revents: 99 }).collect();
    at.write_many(guest.memory(), &list).unwrap();
    at
}

fn revents(guest: &Guest, at: UserPtr<PollFd>, count: usize) -> Vec<u16> {
    at.read_many(guest.memory(), count).unwrap().iter().map(|polled| polled.revents).collect()
}

#[test]
fn polling() {
    let guest = guest();
    let task = &guest.task;
    let (reading, writing) = new_pipe(&guest);
    let at = poll_fds(&guest, &[(reading, IN), (writing, IN), (Fd(-1), IN)]);
    assert_eq!(now(poll::poll(task, at, 3, 0)), Ok(0));
    assert_eq!(revents(&guest, at, 3), [0, 0, 0]);
    let at = poll_fds(&guest, &[(reading, IN), (writing, OUT), (Fd(77), IN)]);
    assert_eq!(now(poll::poll(task, at, 3, -1)), Ok(2));
    assert_eq!(revents(&guest, at, 3), [0, OUT, NVAL]);
    let at = poll_fds(&guest, &[(reading, IN)]);
    let mut waiting = start(poll::poll(task, at, 1, -1));
    assert_eq!(waiting.poll(), None);
    close(task, writing).unwrap();
    assert_eq!(waiting.poll(), Some(Ok(1)));
    assert_eq!(revents(&guest, at, 1), [HUP]);
    assert_eq!(now(poll::poll(task, at, 1 << 20, 0)), Err(Errno::EINVAL));
}

#[test]
fn signals_end_polling() {
    let guest = guest();
    let task = &guest.task;
    let (reading, _writing) = new_pipe(&guest);
    let at = poll_fds(&guest, &[(reading, IN)]);
    let timeout = guest.pointer::<Timespec>(0x200);
    timeout.write(guest.memory(), &Timespec { sec: 100, nsec: 0 }).unwrap();
    let mask = guest.pointer::<SignalSet>(0x300);
    mask.write(guest.memory(), &SignalSet::of(&[Signal::SIGUSR1])).unwrap();
    let mut waiting = start(poll::ppoll(task, at, 1, timeout, mask, 8));
    assert_eq!(waiting.poll(), None);
    assert!(task.signals.blocked().has(Signal::SIGUSR1));
    guest.interrupt();
    assert_eq!(waiting.poll(), Some(Err(Errno::ERESTARTNOHAND)));
    let left = timeout.read(guest.memory()).unwrap();
    assert!(left.sec == 99 && left.nsec > 0, "{left:?}");
    assert_eq!(now(poll::poll(task, at, 1, 100_000)), Err(Errno::ERESTART_RESTARTBLOCK));
    assert_eq!(now(poll::ppoll(task, at, 1, timeout, mask, 4)), Err(Errno::EINVAL));
    timeout.write(guest.memory(), &Timespec { sec: -1, nsec: 0 }).unwrap();
    assert_eq!(now(poll::ppoll(task, at, 1, timeout, mask, 8)), Err(Errno::EINVAL));
}

#[test]
fn selecting() {
    let guest = guest();
    let task = &guest.task;
    let (reading, writing) = new_pipe(&guest);
    let (reads, writes, null) =
        (guest.pointer::<u64>(0x100), guest.pointer::<u64>(0x108), UserPtr::<u64>::new(0));
    let zero = guest.pointer::<Timeval>(0x200);
    zero.write(guest.memory(), &Timeval::default()).unwrap();
    let both = 1 << reading.0 | 1 << writing.0;
    let put = || {
        reads.write(guest.memory(), &both).unwrap();
        writes.write(guest.memory(), &both).unwrap();
    };
    put();
    assert_eq!(now(select::select(task, 2, reads, writes, null, zero)), Ok(1));
    assert_eq!((reads.read(guest.memory()), writes.read(guest.memory())), (Ok(0), Ok(1 << writing.0)));
    assert_eq!(now(write(task, writing, guest.put(0x300, b"x"), 1)), Ok(1));
    put();
    assert_eq!(now(select::select(task, 2, reads, writes, null, UserPtr::new(0))), Ok(2));
    assert_eq!(reads.read(guest.memory()), Ok(1 << reading.0));
    reads.write(guest.memory(), &(1 << 9)).unwrap();
    assert_eq!(now(select::select(task, 10, reads, null, null, zero)), Err(Errno::EBADF));
    assert_eq!(now(select::select(task, -1, reads, null, null, zero)), Err(Errno::EINVAL));
    let span = guest.pointer::<Timeval>(0x200);
    span.write(guest.memory(), &Timeval { sec: 0, usec: 900_000 }).unwrap();
    let mut waiting = start(select::select(task, 0, null, null, null, span));
    assert_eq!(waiting.poll(), None);
    let mut answer = None;
    for _ in 0..1_000 {
        std::thread::sleep(std::time::Duration::from_millis(100));
        answer = waiting.poll();
        if answer.is_some() {
            break;
        }
    }
    assert_eq!(answer, Some(Ok(0)));
    assert_eq!(span.read(guest.memory()), Ok(Timeval::default()));
}

#[test]
fn epolling() {
    let guest = guest();
    let task = &guest.task;
    let (reading, writing) = new_pipe(&guest);
    let set = epoll::epoll_create1(task, 0).unwrap();
    let event = guest.pointer::<EpollEvent>(0x100);
    event.write(guest.memory(), &EpollEvent { events: 1 | EPOLLET, data: 0xfeed }).unwrap();
    assert_eq!(epoll::epoll_ctl(task, set, EPOLL_CTL_ADD, reading, event), Ok(()));
    assert_eq!(epoll::epoll_ctl(task, set, EPOLL_CTL_ADD, reading, event), Err(Errno::EEXIST));
    assert_eq!(epoll::epoll_ctl(task, set, EPOLL_CTL_ADD, set, event), Err(Errno::EINVAL));
    assert_eq!(epoll::epoll_ctl(task, reading, EPOLL_CTL_ADD, writing, event), Err(Errno::EINVAL));
    assert_eq!(epoll::epoll_ctl(task, set, 9, reading, event), Err(Errno::EINVAL));
    let into = guest.pointer::<EpollEvent>(0x200);
    let mut waiting = start(epoll::epoll_wait(task, set, into, 8, -1));
    assert_eq!(waiting.poll(), None);
    assert_eq!(now(write(task, writing, guest.put(0x300, b"x"), 1)), Ok(1));
    assert_eq!(waiting.poll(), Some(Ok(1)));
    assert_eq!(into.read(guest.memory()), Ok(EpollEvent { events: 1, data: 0xfeed }));
    assert_eq!(now(epoll::epoll_wait(task, set, into, 8, 0)), Ok(0));
    assert_eq!(now(epoll::epoll_wait(task, set, into, 0, 0)), Err(Errno::EINVAL));
    assert_eq!(now(write(task, writing, guest.put(0x300, b"x"), 1)), Ok(1));
    assert_eq!(now(epoll::epoll_wait(task, set, UserPtr::new(16), 8, 0)), Err(Errno::EFAULT));
    assert_eq!(now(epoll::epoll_wait(task, set, into, 8, 0)), Ok(1), "what was not delivered is not lost");
    guest.interrupt();
    assert_eq!(now(epoll::epoll_wait(task, set, into, 8, -1)), Err(Errno::EINTR));
    assert_eq!(epoll::epoll_ctl(task, set, EPOLL_CTL_DEL, reading, UserPtr::new(0)), Ok(()));
    assert_eq!(epoll::epoll_ctl(task, set, EPOLL_CTL_DEL, reading, UserPtr::new(0)), Err(Errno::ENOENT));
}

#[test]
fn counting() {
    let guest = guest();
    let task = &guest.task;
    let fd = event_fd::eventfd2(task, 3, 0o4000).unwrap();
    let buffer = guest.put(0x100, &[0; 8]);
    assert_eq!(now(read(task, fd, buffer, 8)), Ok(8));
    assert_eq!(guest.get(0x100, 8), 3_u64.to_ne_bytes());
    assert_eq!(now(read(task, fd, buffer, 8)), Err(Errno::EAGAIN));
    assert_eq!(event_fd::eventfd2(task, 0, 2), Err(Errno::EINVAL));
}
