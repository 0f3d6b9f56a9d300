//! The same steps on a pipe of the host and on one of ours must give the same results.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use abi::Errno;
use rustix::event::{PollFd, PollFlags};
use rustix::pipe::PipeFlags;
use vfs::io::{SliceSource, VecSink};
use vfs::{Events, File, Owner};

use crate::PipeEnd;

/// A pipe whose ends can be closed.
trait Oracle {
    fn write(&mut self, count: usize) -> Result<usize, i32>;
    fn read(&mut self, count: usize) -> Result<usize, i32>;
    fn resize(&mut self, bytes: u32) -> Result<usize, i32>;
    fn close(&mut self, reading: bool);
    fn poll(&self) -> (u32, u32);
}

struct Host(Option<OwnedFd>, Option<OwnedFd>);
struct Ours(Option<Arc<PipeEnd>>, Option<Arc<PipeEnd>>);

/// What is compared of the readiness.
const SEEN: u32 = 0x145 | 0x18;

fn host_poll(fd: Option<&OwnedFd>) -> u32 {
    let Some(fd) = fd else { return 0 };
    let all = PollFlags::from_bits_retain(0x145);
    let mut fds = [PollFd::new(fd, all)];
    rustix::event::poll(&mut fds, Some(&rustix::event::Timespec::default())).unwrap();
    u32::from(fds[0].revents().bits()) & SEEN
}

impl Oracle for Host {
    fn write(&mut self, count: usize) -> Result<usize, i32> {
        rustix::io::write(self.1.as_ref().unwrap(), &vec![7; count]).map_err(|e| e.raw_os_error())
    }

    fn read(&mut self, count: usize) -> Result<usize, i32> {
        rustix::io::read(self.0.as_ref().unwrap(), &mut vec![0; count]).map_err(|e| e.raw_os_error())
    }

    fn resize(&mut self, bytes: u32) -> Result<usize, i32> {
        let fd = self.0.as_ref().or(self.1.as_ref()).unwrap();
        rustix::pipe::fcntl_setpipe_size(fd, bytes as usize).map_err(|e| e.raw_os_error())?;
        rustix::pipe::fcntl_getpipe_size(fd).map_err(|e| e.raw_os_error())
    }

    fn close(&mut self, reading: bool) {
        if reading { self.0 = None } else { self.1 = None }
    }

    fn poll(&self) -> (u32, u32) {
        (host_poll(self.0.as_ref()), host_poll(self.1.as_ref()))
    }
}

impl Oracle for Ours {
    fn write(&mut self, count: usize) -> Result<usize, i32> {
        let data = vec![7; count];
        let done = self.1.as_ref().unwrap().write(None, &mut SliceSource::new(&data));
        done.map(|(n, _)| n).map_err(Errno::raw)
    }

    fn read(&mut self, count: usize) -> Result<usize, i32> {
        self.0.as_ref().unwrap().read(0, &mut VecSink::new(count)).map_err(Errno::raw)
    }

    fn resize(&mut self, bytes: u32) -> Result<usize, i32> {
        let end = self.0.as_ref().or(self.1.as_ref()).unwrap();
        end.pipe().set_capacity(bytes, true).map_err(Errno::raw)
    }

    fn close(&mut self, reading: bool) {
        if reading { self.0 = None } else { self.1 = None }
    }

    fn poll(&self) -> (u32, u32) {
        let of =
            |end: &Option<Arc<PipeEnd>>| end.as_ref().map_or(Events::empty(), |e| e.poll()).bits() & SEEN;
        (of(&self.0), of(&self.1))
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Write(usize),
    Read(usize),
    Resize(u32),
    Close(bool),
}

fn carry_out(pipe: &mut dyn Oracle, step: Step) -> (Result<usize, i32>, (u32, u32)) {
    let result = match step {
        Step::Write(count) => pipe.write(count),
        Step::Read(count) => pipe.read(count),
        Step::Resize(bytes) => pipe.resize(bytes),
        Step::Close(reading) => {
            pipe.close(reading);
            Ok(0)
        }
    };
    (result, pipe.poll())
}

fn compare(packets: bool, steps: &[Step]) {
    let flags = PipeFlags::NONBLOCK | if packets { PipeFlags::DIRECT } else { PipeFlags::empty() };
    let (reading, writing) = rustix::pipe::pipe_with(flags).unwrap();
    let mut host = Host(Some(reading), Some(writing));
    let (reading, writing) = crate::pair(Owner::default(), packets);
    let mut ours = Ours(Some(reading), Some(writing));
    for (at, step) in steps.iter().enumerate() {
        let (native, mine) = (carry_out(&mut host, *step), carry_out(&mut ours, *step));
        assert_eq!(mine, native, "step {at}, {step:?} of {steps:?}");
    }
}

use Step::{Close, Read, Resize, Write};

#[test]
fn filling_and_draining() {
    compare(
        false,
        &[Write(1), Write(65_536), Write(1), Read(1), Write(1), Read(4095), Write(1), Read(70_000), Read(1)],
    );
    compare(
        false,
        &[
            Write(4097),
            Write(4096),
            Write(4096),
            Read(1),
            Read(4096),
            Write(70_000),
            Write(10),
            Read(100_000),
        ],
    );
    compare(
        false,
        &[Write(0), Read(0), Write(100), Write(5000), Write(3000), Write(60_000), Read(5), Write(4096)],
    );
}

#[test]
fn closing() {
    compare(false, &[Write(10), Close(false), Read(4), Read(10), Read(1)]);
    compare(false, &[Write(10), Close(true), Write(10), Write(0)]);
    compare(false, &[Close(false), Read(1), Read(0)]);
}

#[test]
fn sizes() {
    compare(
        false,
        &[Resize(1), Write(5000), Write(1), Resize(8193), Write(9000), Resize(4096), Resize(0), Read(9000)],
    );
    compare(false, &[Resize(1 << 20), Write(2 << 20), Resize(65_536), Read(1 << 20), Resize(65_536)]);
}

#[test]
fn packets() {
    compare(
        true,
        &[Write(10), Write(20), Read(5), Read(50), Write(5000), Read(10_000), Read(10_000), Read(1)],
    );
    compare(true, &[Write(1), Write(1), Write(65_536), Write(1), Read(1), Write(1), Write(1)]);
}

#[test]
fn many_steps() {
    let mut seed = 1_u64;
    let mut random = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    for packets in [false, true] {
        for _ in 0..50 {
            let steps: Vec<Step> = (0..100)
                .map(|_| match (random(8), [10, 5000, 100_000][random(3)]) {
                    (0..4, most) => Write(random(most)),
                    (4..7, most) => Read(random(most)),
                    _ => Resize(u32::try_from(4096 << random(6)).unwrap()),
                })
                .collect();
            compare(packets, &steps);
        }
    }
}
