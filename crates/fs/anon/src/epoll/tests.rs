//! The same steps on epoll instances of the host and on ours must give the same results.

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use abi::epoll::{EPOLLET, EPOLLEXCLUSIVE, EPOLLONESHOT, EpollEvent};
use rustix::event::epoll as host;
use vfs::io::{SliceSource, VecSink};
use vfs::{CapabilitySet, Credentials, File, OpenFile, OpenFlags, Owner};

use super::Epoll;

const IN: u32 = 1;
const OUT: u32 = 4;

/// Descriptors by number: 10 + 2n and 11 + 2n are the ends of pipe n, below 10 are epoll instances.
#[derive(Clone, Copy, Debug)]
enum Step {
    Add(i32, i32, u32),
    Modify(i32, i32, u32),
    Remove(i32, i32),
    Wait(i32, usize),
    Write(i32),
    Read(i32, usize),
    Close(i32),
    Dup(i32, i32),
}

use Step::{Add, Close, Dup, Modify, Read, Remove, Wait, Write};

type Outcome = Result<Vec<(u32, u64)>, i32>;

trait World {
    fn step(&mut self, step: Step) -> Outcome;
}

#[derive(Default)]
struct Host(HashMap<i32, OwnedFd>);

#[derive(Default)]
struct Ours(HashMap<i32, Arc<OpenFile>>);

impl Host {
    fn new() -> Self {
        let mut files = HashMap::new();
        for n in 0..10 {
            files.insert(n, host::create(host::CreateFlags::CLOEXEC).unwrap());
        }
        for n in 0..3 {
            let (reading, writing) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::NONBLOCK).unwrap();
            files.insert(10 + 2 * n, reading);
            files.insert(11 + 2 * n, writing);
        }
        Self(files)
    }
}

fn result<T>(result: rustix::io::Result<T>) -> Outcome {
    result.map(|_| Vec::new()).map_err(|e| e.raw_os_error())
}

impl World for Host {
    fn step(&mut self, step: Step) -> Outcome {
        let get = |fd: i32| self.0.get(&fd).unwrap().as_fd();
        let data = |fd: i32| host::EventData::new_u64(u64::try_from(fd).unwrap());
        let flags = host::EventFlags::from_bits_retain;
        match step {
            Add(ep, fd, events) => result(host::add(get(ep), get(fd), data(fd), flags(events))),
            Modify(ep, fd, events) => result(host::modify(get(ep), get(fd), data(fd), flags(events))),
            Remove(ep, fd) => result(host::delete(get(ep), get(fd))),
            Wait(ep, most) => {
                let none = host::Event { flags: flags(0), data: host::EventData::new_u64(0) };
                let mut events = vec![none; most];
                let n = host::wait(get(ep), events.as_mut_slice(), Some(&rustix::event::Timespec::default()));
                let n = n.map_err(|e| e.raw_os_error())?;
                let seen = events.iter().take(n).map(|e| ({ e.flags }.bits(), { e.data }.u64()));
                Ok(seen.collect())
            }
            Write(fd) => result(rustix::io::write(get(fd), b"x")),
            Read(fd, count) => result(rustix::io::read(get(fd), &mut vec![0; count])),
            Close(fd) => {
                self.0.remove(&fd);
                Ok(Vec::new())
            }
            Dup(from, to) => {
                let copy = get(from).try_clone_to_owned().unwrap();
                self.0.insert(to, copy);
                Ok(Vec::new())
            }
        }
    }
}

fn open(file: Arc<dyn File>) -> Arc<OpenFile> {
    let credentials = Arc::new(Credentials::root(CapabilitySet::EMPTY));
    OpenFile::new(file, None, OpenFlags::RDWR, credentials)
}

impl Ours {
    fn new() -> Self {
        let mut files = HashMap::new();
        for n in 0..10 {
            files.insert(n, open(Epoll::new()));
        }
        for n in 0..3 {
            let (reading, writing) = pipe::pair(Owner::default(), false);
            files.insert(10 + 2 * n, open(reading));
            files.insert(11 + 2 * n, open(writing));
        }
        Self(files)
    }
}

impl World for Ours {
    fn step(&mut self, step: Step) -> Outcome {
        let get = |fd: i32| self.0.get(&fd).unwrap();
        let epoll = |fd: i32| get(fd).file.as_any().downcast_ref::<Epoll>().unwrap();
        let event = |fd: i32, events: u32| EpollEvent { events, data: u64::try_from(fd).unwrap() };
        let done = match step {
            Add(ep, fd, events) => epoll(ep).add(fd, get(fd), event(fd, events)),
            Modify(ep, fd, events) => epoll(ep).modify(fd, get(fd), event(fd, events)),
            Remove(ep, fd) => epoll(ep).remove(fd, get(fd)),
            Wait(ep, most) => {
                let mut seen = Vec::new();
                let collected = epoll(ep).collect(most, |events| {
                    seen.extend(events.iter().map(|e| (e.events, e.data)));
                    Ok(())
                });
                match collected {
                    Ok(_) | Err(abi::Errno::EAGAIN) => return Ok(seen),
                    Err(errno) => Err(errno),
                }
            }
            Write(fd) => get(fd).write(&mut SliceSource::new(b"x")).map(drop),
            Read(fd, count) => get(fd).read(&mut VecSink::new(count)).map(drop),
            Close(fd) => {
                self.0.remove(&fd);
                Ok(())
            }
            Dup(from, to) => {
                let copy = Arc::clone(get(from));
                self.0.insert(to, copy);
                Ok(())
            }
        };
        done.map(|()| Vec::new()).map_err(abi::Errno::raw)
    }
}

fn compare(steps: &[Step]) {
    let (mut native, mut ours) = (Host::new(), Ours::new());
    for (at, step) in steps.iter().enumerate() {
        let (expected, got) = (native.step(*step), ours.step(*step));
        assert_eq!(got, expected, "step {at}, {step:?} of {steps:?}");
    }
}

#[test]
fn level_triggered() {
    compare(&[Add(0, 10, IN), Wait(0, 4), Write(11), Wait(0, 4), Wait(0, 4), Read(10, 1), Wait(0, 4)]);
    compare(&[Add(0, 11, OUT), Wait(0, 4), Wait(0, 4), Close(10), Wait(0, 4)]);
    compare(&[Add(0, 10, IN), Write(11), Close(11), Wait(0, 4), Read(10, 1), Wait(0, 4)]);
}

#[test]
fn edge_triggered() {
    let on = IN | EPOLLET;
    compare(&[
        Add(0, 10, on),
        Write(11),
        Wait(0, 4),
        Wait(0, 4),
        Write(11),
        Wait(0, 4),
        Read(10, 9),
        Wait(0, 4),
    ]);
    compare(&[Write(11), Add(0, 10, on), Wait(0, 4), Wait(0, 4), Modify(0, 10, on), Wait(0, 4), Wait(0, 4)]);
    compare(&[Add(0, 10, on), Write(11), Read(10, 1), Wait(0, 4), Close(11), Wait(0, 4), Wait(0, 4)]);
}

#[test]
fn one_shot() {
    let on = IN | EPOLLONESHOT;
    compare(&[
        Add(0, 10, on),
        Write(11),
        Wait(0, 4),
        Write(11),
        Wait(0, 4),
        Modify(0, 10, on),
        Wait(0, 4),
        Wait(0, 4),
    ]);
    compare(&[Add(0, 10, on), Write(11), Wait(0, 4), Close(11), Wait(0, 4), Remove(0, 10), Wait(0, 4)]);
}

#[test]
fn turns() {
    let add = [Add(0, 10, IN), Add(0, 12, IN), Add(0, 14, IN), Write(11), Write(13), Write(15)];
    let waits =
        [Wait(0, 1), Wait(0, 1), Wait(0, 1), Wait(0, 1), Wait(0, 2), Wait(0, 2), Read(12, 1), Wait(0, 3)];
    compare(&[&add[..], &waits[..]].concat());
}

#[test]
fn bookkeeping() {
    compare(&[
        Add(0, 10, IN),
        Add(0, 10, IN),
        Remove(0, 10),
        Remove(0, 10),
        Modify(0, 10, IN),
        Add(0, 10, 0),
        Write(11),
        Wait(0, 1),
    ]);
    compare(&[Dup(10, 20), Add(0, 10, IN), Add(0, 20, IN), Write(11), Remove(0, 10), Wait(0, 4)]);
    compare(&[Dup(10, 20), Add(0, 10, IN), Write(11), Close(10), Wait(0, 4), Close(20), Wait(0, 4)]);
}

#[test]
fn exclusive() {
    let on = IN | EPOLLEXCLUSIVE;
    compare(&[
        Add(0, 10, on),
        Write(11),
        Wait(0, 4),
        Modify(0, 10, IN),
        Remove(0, 10),
        Add(0, 10, IN),
        Modify(0, 10, on),
    ]);
    compare(&[Add(0, 10, on | EPOLLONESHOT), Add(0, 1, on), Add(0, 10, on | EPOLLET), Wait(0, 4)]);
}

#[test]
fn nested() {
    compare(&[Add(1, 10, IN), Add(0, 1, IN), Wait(0, 4), Write(11), Wait(0, 4), Read(10, 1), Wait(0, 4)]);
    compare(&[
        Add(1, 10, IN),
        Add(0, 1, IN | EPOLLET),
        Write(11),
        Wait(0, 4),
        Wait(0, 4),
        Wait(1, 4),
        Wait(0, 4),
    ]);
    compare(&[
        Add(0, 0, IN),
        Add(0, 1, IN),
        Add(1, 0, IN),
        Add(1, 2, IN),
        Add(2, 0, IN),
        Remove(1, 2),
        Add(2, 0, IN),
    ]);
}

#[test]
fn nesting_depth() {
    compare(&[
        Add(0, 1, IN),
        Add(1, 2, IN),
        Add(2, 3, IN),
        Add(3, 4, IN),
        Add(4, 5, IN),
        Add(5, 6, IN),
        Add(6, 7, IN),
    ]);
    compare(&[
        Add(6, 7, IN),
        Add(5, 6, IN),
        Add(4, 5, IN),
        Add(3, 4, IN),
        Add(2, 3, IN),
        Add(1, 2, IN),
        Add(0, 1, IN),
    ]);
    compare(&[Add(0, 1, IN), Add(1, 2, IN), Add(5, 6, IN), Add(6, 7, IN), Add(2, 5, IN), Add(1, 5, IN)]);
}
