//! What calls cost in the sentry, below the system call layer: microseconds each, on tmpfs.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement")]

use std::time::Instant;

use oracle::OurWorld;
use tmpfs::{Options, Tmpfs};
use vfs::io::{SliceSource, VecSink};
use vfs::{At, Lookup, OpenHow};

const ROUNDS: u32 = 200_000;

fn time(what: &str, mut call: impl FnMut(u32)) {
    let start = Instant::now();
    for round in 0..ROUNDS {
        call(round);
    }
    let each = start.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS);
    println!("{what:32} {each:.3} us");
}

fn main() {
    let world = OurWorld::new(Tmpfs::new(Options::for_memory(8 << 30), 8 << 30));
    let caller = world.caller();
    let path = At::here(b"usr/share/doc/package/file");
    for end in [3, 9, 13, 21] {
        caller.make_directory(&At::here(path.path.get(..end).unwrap()), 0o755).unwrap();
    }
    let open = |flags| caller.open(&path, &OpenHow::lenient(flags, 0o644).unwrap()).unwrap();
    let file = open(0o102);
    let data = vec![7; 4096];
    time("stat, five components", |_| {
        caller.status(&path, Lookup::FOLLOW).unwrap();
    });
    time("stat of a missing file", |_| {
        caller.status(&At::here(b"usr/share/doc/package/none"), Lookup::FOLLOW).unwrap_err();
    });
    time("open and close", |_| drop(open(0)));
    time("pwrite of 4 KiB, new pages", |round| {
        file.write_at(u64::from(round) * 4096, &mut SliceSource::new(&data)).unwrap();
    });
    time("pwrite of 4 KiB", |round| {
        file.write_at(u64::from(round % 1000) * 4096, &mut SliceSource::new(&data)).unwrap();
    });
    time("pread of 4 KiB", |round| {
        let mut sink = VecSink::new(4096);
        file.read_at(u64::from(round % 1000) * 4096, &mut sink).unwrap();
    });
    drop(file.map(1, true).unwrap());
    time("pwrite of 4 KiB, mapped file", |round| {
        file.write_at(u64::from(round % 1000) * 4096, &mut SliceSource::new(&data)).unwrap();
    });
    time("pread of 4 KiB, mapped file", |round| {
        let mut sink = VecSink::new(4096);
        file.read_at(u64::from(round % 1000) * 4096, &mut sink).unwrap();
    });
    time("create and unlink", |_| {
        caller.open(&At::here(b"usr/new"), &OpenHow::lenient(0o101, 0o644).unwrap()).unwrap();
        caller.remove(&At::here(b"usr/new")).unwrap();
    });
}
