//! Reading ahead: what is asked for before anybody needs it, and when it is not.

use std::sync::Arc;

use abi::Errno;
use parking_lot::Mutex;
use vfs::io::VecSink;
use vfs::{File, OpenFlags};
use zerocopy::FromBytes;

use super::behaviour::{find, root_user};
use super::server::{Act, Served, attr, attributes, entry, number, opened, serve};
use crate::wire::{InitFlags, Opcode, ReadIn};

const KIB: u64 = 1024;
const SIZE: u64 = 4096 * KIB;

/// A large file that lasts, open, with the offsets and sizes of what was asked of it.
struct Large {
    served: Served,
    file: Arc<dyn File>,
    asked: Arc<Mutex<Vec<(u64, u64)>>>,
}

impl Large {
    fn new() -> Self {
        let asked: Arc<Mutex<Vec<(u64, u64)>>> = Arc::default();
        let noted = Arc::clone(&asked);
        let served = serve(InitFlags::ASYNC_READ, move |header, body| {
            let here = attr(2, 0o100_644, SIZE);
            match header.opcode {
                op if op == number(Opcode::Lookup) && body == b"file\0" => entry(2, here, 1000),
                op if op == number(Opcode::Lookup) => Act::Fail(Errno::ENOENT),
                op if op == number(Opcode::Getattr) => attributes(here),
                op if op == number(Opcode::Open) => opened(1, 2),
                op if op == number(Opcode::Read) => {
                    let what = ReadIn::read_from_bytes(body).unwrap();
                    noted.lock().push((what.offset / KIB, u64::from(what.size) / KIB));
                    Act::Body(vec![7; usize::try_from(what.size).unwrap()])
                }
                _ => Act::Ignore,
            }
        });
        let file = find(&served, "file").unwrap().open(OpenFlags::empty(), &root_user()).unwrap();
        Self { served, file, asked }
    }

    fn read(&self, offset: u64) {
        let mut sink = VecSink::new(64 << 10);
        assert_eq!(self.file.read(offset * KIB, &mut sink), Ok(64 << 10));
    }

    /// What was asked so far: another question is answered only after all that were asked before.
    fn asked(&self) -> Vec<(u64, u64)> {
        assert_eq!(find(&self.served, "none").err(), Some(Errno::ENOENT));
        self.asked.lock().clone()
    }
}

#[test]
fn who_reads_on_finds_the_next_pages_asked_for() {
    let large = Large::new();
    large.read(0);
    assert_eq!(large.asked(), [(0, 128)]);
    large.read(64);
    assert_eq!(large.asked(), [(0, 128), (128, 128)], "nobody has read there");
    large.read(128);
    large.read(192);
    assert_eq!(large.asked(), [(0, 128), (128, 128), (256, 128)]);
}

#[test]
fn who_jumps_about_gets_what_is_asked_for() {
    let large = Large::new();
    for offset in [1024, 64, 2048, 512] {
        large.read(offset);
    }
    assert_eq!(large.asked(), [(1024, 64), (64, 64), (2048, 64), (512, 64)]);
}

#[test]
fn nothing_is_asked_ahead_while_too_much_is_asked_already() {
    let large = Large::new();
    large.served.shared.connection.set_background(None, Some(0));
    (0..4).for_each(|number| large.read(number * 64));
    assert!(large.asked().iter().all(|(offset, _)| *offset < 256), "{:?}", large.asked());
    large.served.shared.connection.set_background(None, Some(9));
    large.read(256);
    large.read(320);
    assert!(large.asked().iter().any(|(offset, _)| *offset >= 384), "{:?}", large.asked());
}
