//! The operations whose cost is measured.

use std::sync::Arc;

use abi::nr;
use anyhow::{Result, ensure};

use crate::guest::Guest;
use crate::world::World;

/// An operation, ready to be repeated.
pub(crate) type Operation = Box<dyn FnMut() -> Result<()>>;

/// A named operation.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// Prepares it in a world of its own.
    pub(crate) prepare: fn(&World) -> Result<Operation>,
}

const fn case(name: &'static str, prepare: fn(&World) -> Result<Operation>) -> Case {
    Case { name, prepare }
}

/// Where data goes, 16 pages into the memory.
const DATA: u64 = 0x1_0000;
const O_RDWR: u64 = 2;
const O_CREAT: u64 = 0o100;
const O_DIRECTORY: u64 = 0o200_000;

/// All of them.
pub(crate) const CASES: &[Case] = &[
    case("getppid", |w| Ok(call(w, nr::getppid, &[], 0))),
    case("getuid", |w| Ok(call(w, nr::getuid, &[], 0))),
    case("sigprocmask", |w| Ok(call(w, nr::rt_sigprocmask, &[0, 0, DATA, 8], 0))),
    case("stat", |w| stat(w, "/data")),
    case("stat_deep", |w| stat(w, "/deep/er/and/deeper/file")),
    case("stat_enoent", |w| {
        let path = w.path(0, "/bin/missing");
        Ok(call(w, nr::stat, &[path, DATA], -2))
    }),
    case("tmp_stat_deep", |w| {
        for path in ["/tmp/a", "/tmp/a/b", "/tmp/a/b/c", "/tmp/a/b/c/d"] {
            w.must(nr::mkdir, &[w.path(0, path), 0o755])?;
        }
        stat(w, "/tmp/a/b/c/d")
    }),
    case("fstat", |w| {
        let fd = open(w, "/data", 0)?;
        Ok(call(w, nr::fstat, &[fd, DATA], 0))
    }),
    case("lseek", |w| {
        let fd = open(w, "/data", 0)?;
        Ok(call(w, nr::lseek, &[fd, 100, 0], 100))
    }),
    case("open_close", |w| open_close(w, "/data")),
    case("tmp_open_close", |w| {
        open(w, "/tmp/file", O_RDWR | O_CREAT)?;
        open_close(w, "/tmp/file")
    }),
    case("creat_unlink", creat_unlink),
    case("pread4k", |w| pread(w, "/data", 4096)),
    case("pread64k", |w| pread(w, "/data", 65536)),
    case("pread1m", |w| pread(w, "/data", 1 << 20)),
    case("tmp_pread4k", |w| {
        scratch(w)?;
        pread(w, "/tmp/scratch", 4096)
    }),
    case("tmp_pread64k", |w| {
        scratch(w)?;
        pread(w, "/tmp/scratch", 65536)
    }),
    case("tmp_pwrite4k", |w| {
        let fd = scratch(w)?;
        Ok(call(w, nr::pwrite64, &[fd, DATA, 4096, 0], 4096))
    }),
    case("tmp_pwrite64k", |w| {
        let fd = scratch(w)?;
        Ok(call(w, nr::pwrite64, &[fd, DATA, 65536, 0], 65536))
    }),
    case("readdir500", |w| readdir(w, "/many")),
    case("tmp_readdir500", |w| {
        w.must(nr::mkdir, &[w.path(0, "/tmp/many"), 0o755])?;
        for number in 0..500 {
            let fd = open(w, &format!("/tmp/many/{number}"), O_RDWR | O_CREAT)?;
            w.must(nr::close, &[fd])?;
        }
        readdir(w, "/tmp/many")
    }),
    case("pipe_write_read", |w| {
        let (from, to) = pair(w, nr::pipe, &[DATA])?;
        Ok(there_and_back(Arc::clone(&w.guest), to, from))
    }),
    case("unix_write_read", |w| {
        let (from, to) = pair(w, nr::socketpair, &[1, 1, 0, DATA])?;
        Ok(there_and_back(Arc::clone(&w.guest), to, from))
    }),
    case("pipe_handover", |w| {
        let (from, to) = pair(w, nr::pipe, &[DATA])?;
        handover(w, to, from)
    }),
    case("unix_handover", |w| {
        let (from, to) = pair(w, nr::socketpair, &[1, 1, 0, DATA])?;
        handover(w, to, from)
    }),
    case("tcp_handover", |w| {
        let (from, to) = tcp(w)?;
        handover(w, to, from)
    }),
    case("epoll_wait_ready", |w| {
        let (from, to) = pair(w, nr::pipe, &[DATA])?;
        let epoll = w.must(nr::epoll_create1, &[0])?;
        w.guest.put(DATA, &[1, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0]);
        w.must(nr::epoll_ctl, &[epoll, 1, from, DATA])?;
        w.must(nr::write, &[to, DATA, 1])?;
        Ok(call(w, nr::epoll_wait, &[epoll, DATA, 8, u64::MAX], 1))
    }),
    case("poll_ready", |w| {
        let (from, to) = pair(w, nr::pipe, &[DATA])?;
        w.must(nr::write, &[to, DATA, 1])?;
        let mut entry = [0; 8];
        entry.iter_mut().zip(from.to_le_bytes()).take(4).for_each(|(to, from)| *to = from);
        entry[4] = 1;
        w.guest.put(DATA, &entry);
        Ok(call(w, nr::poll, &[DATA, 1, u64::MAX], 1))
    }),
    case("eventfd_write_read", |w| {
        let fd = w.must(nr::eventfd2, &[0, 0])?;
        w.guest.put(DATA, &1_u64.to_le_bytes());
        let guest = Arc::clone(&w.guest);
        Ok(Box::new(move || {
            expect(&guest, nr::write, [fd, DATA, 8, 0, 0, 0], 8)?;
            expect(&guest, nr::read, [fd, DATA, 8, 0, 0, 0], 8)
        }))
    }),
];

fn expect(guest: &Guest, number: u64, args: [u64; 6], value: i64) -> Result<()> {
    let answer = guest.call(number, args);
    ensure!(
        answer == Some(value),
        "{} answers {answer:?}, not {value}",
        abi::nr::name(number).unwrap_or("?")
    );
    Ok(())
}

/// One call, over and over, with always the same answer.
fn call(world: &World, number: u64, args: &[u64], value: i64) -> Operation {
    let mut all = [0; 6];
    all.iter_mut().zip(args).for_each(|(to, from)| *to = *from);
    let guest = Arc::clone(&world.guest);
    Box::new(move || expect(&guest, number, all, value))
}

fn open(world: &World, path: &str, flags: u64) -> Result<u64> {
    world.must(nr::open, &[world.path(0, path), flags, 0o644])
}

fn stat(world: &World, path: &str) -> Result<Operation> {
    let path = world.path(0, path);
    Ok(call(world, nr::stat, &[path, DATA], 0))
}

fn open_close(world: &World, path: &str) -> Result<Operation> {
    let path = world.path(0, path);
    let guest = Arc::clone(&world.guest);
    let fd = world.must(nr::open, &[path, 0])?;
    world.must(nr::close, &[fd])?;
    Ok(Box::new(move || {
        expect(&guest, nr::open, [path, 0, 0, 0, 0, 0], fd.cast_signed())?;
        expect(&guest, nr::close, [fd, 0, 0, 0, 0, 0], 0)
    }))
}

fn creat_unlink(world: &World) -> Result<Operation> {
    let path = world.path(0, "/tmp/new");
    let guest = Arc::clone(&world.guest);
    let fd = world.must(nr::open, &[path, O_RDWR | O_CREAT, 0o644])?;
    world.must(nr::close, &[fd])?;
    world.must(nr::unlink, &[path])?;
    Ok(Box::new(move || {
        expect(&guest, nr::open, [path, O_RDWR | O_CREAT, 0o644, 0, 0, 0], fd.cast_signed())?;
        expect(&guest, nr::close, [fd, 0, 0, 0, 0, 0], 0)?;
        expect(&guest, nr::unlink, [path, 0, 0, 0, 0, 0], 0)
    }))
}

/// A file on the tmpfs with a megabyte in it.
fn scratch(world: &World) -> Result<u64> {
    let fd = open(world, "/tmp/scratch", O_RDWR | O_CREAT)?;
    world.must(nr::pwrite64, &[fd, DATA, 1 << 20, 0])?;
    Ok(fd)
}

fn pread(world: &World, path: &str, count: u64) -> Result<Operation> {
    let fd = open(world, path, 0)?;
    Ok(call(world, nr::pread64, &[fd, DATA, count, 0], count.cast_signed()))
}

/// All entries of a directory with 500, in pieces of 64 KiB.
fn readdir(world: &World, path: &str) -> Result<Operation> {
    let fd = open(world, path, O_DIRECTORY)?;
    let guest = Arc::clone(&world.guest);
    Ok(Box::new(move || {
        expect(&guest, nr::lseek, [fd, 0, 0, 0, 0, 0], 0)?;
        loop {
            let count = guest.call(nr::getdents64, [fd, DATA, 65536, 0, 0, 0]);
            ensure!(count.is_some_and(|count| count >= 0), "getdents64 answers {count:?}");
            if count == Some(0) {
                return Ok(());
            }
        }
    }))
}

/// Two descriptors, written to `DATA` by the call that makes them.
fn pair(world: &World, number: u64, args: &[u64]) -> Result<(u64, u64)> {
    world.must(number, args)?;
    let bytes = world.guest.get(DATA, 8);
    let at = |index: usize| bytes.get(index).copied().map_or(0, u64::from);
    Ok((at(0), at(4)))
}

/// A connection over loopback: the accepted end, and the connected one.
fn tcp(world: &World) -> Result<(u64, u64)> {
    let address = [2, 0, 0x1f, 0x90, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    world.guest.put(DATA, &address);
    let listener = world.must(nr::socket, &[2, 1, 0])?;
    world.must(nr::bind, &[listener, DATA, 16])?;
    world.must(nr::listen, &[listener, 4])?;
    let to = world.must(nr::socket, &[2, 1, 0])?;
    world.must(nr::connect, &[to, DATA, 16])?;
    let from = world.must(nr::accept, &[listener, 0, 0])?;
    Ok((from, to))
}

/// A byte written and read by the same process.
fn there_and_back(guest: Arc<Guest>, to: u64, from: u64) -> Operation {
    Box::new(move || {
        expect(&guest, nr::write, [to, DATA, 1, 0, 0, 0], 1)?;
        expect(&guest, nr::read, [from, DATA, 1, 0, 0, 0], 1)
    })
}

/// A process waits for a byte, and another one writes it.
fn handover(world: &World, to: u64, from: u64) -> Result<Operation> {
    let (writer, reader) = (Arc::clone(&world.guest), world.fork()?);
    Ok(Box::new(move || {
        reader.start(nr::read, [from, DATA, 1, 0, 0, 0]);
        ensure!(reader.answer().is_none(), "the reader does not wait");
        expect(&writer, nr::write, [to, DATA, 1, 0, 0, 0], 1)?;
        ensure!(reader.answer() == Some(1), "the reader was not woken: {:?}", reader.answer());
        Ok(())
    }))
}
