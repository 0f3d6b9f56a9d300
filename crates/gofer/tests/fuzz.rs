//! A server under requests that make sense half of the time: for as long as `CASEMATE_FUZZ_SECONDS` says, two seconds unless told.
//!
//! Whatever a client says, the server answers or hangs up, never panics, and neither shows nor changes anything outside of its tree.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

#[cfg(test)]
#[expect(dead_code, reason = "the part with the client is for the others")]
mod common;

use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use common::serve;
use ninep::message::NAMES;
use oracle::Random;

/// What must never come back.
const SECRET: &[u8] = b"what lies outside of the tree";

const TEXTS: &[&[u8]] = &[
    b"a",
    b"b",
    b"d",
    b"file",
    b"out",
    b"up",
    b"..",
    b".",
    b"",
    b"/",
    b"../secret",
    b"secret",
    b"out/secret",
    b"user.x",
    b"security.capability",
    b"9P2000.L",
    b"a\0b",
    &[b'x'; 300],
];
const NUMBERS: &[u64] = &[0, 1, 2, 3, 7, 8, 64, 511, 0o644, 4096, 65_536, 0x7fff_ffff, 0xffff_ffff, u64::MAX];

/// A body whose fields are of the kinds that messages have, in an arbitrary order: numbers near fids in use, names, data.
fn body(dice: &mut Random) -> Vec<u8> {
    let mut body = u32::try_from(dice.index(6)).unwrap().to_le_bytes().to_vec();
    for _ in 0..dice.index(7) {
        match dice.index(6) {
            0 | 1 => body.extend(u32::try_from(dice.index(6)).unwrap().to_le_bytes()),
            2 => body.extend(&dice.pick(NUMBERS).to_le_bytes()[..4]),
            3 => body.extend(dice.pick(NUMBERS).to_le_bytes()),
            4 => {
                let text = dice.pick(TEXTS);
                body.extend(u16::try_from(text.len()).unwrap().to_le_bytes());
                body.extend(text);
            }
            _ => body.push(u8::try_from(dice.index(256)).unwrap()),
        }
    }
    body
}

/// A request of the protocol with its fields in their places, by hand for those that lead to others.
fn sensible(dice: &mut Random) -> (u8, Vec<u8>) {
    let number = |n: u32| n.to_le_bytes().to_vec();
    let text = |t: &[u8]| [&u16::try_from(t.len()).unwrap().to_le_bytes()[..], t].concat();
    let (from, to) = (u32::try_from(dice.index(6)).unwrap(), u32::try_from(dice.index(6)).unwrap());
    let (name, other) = (dice.pick(TEXTS), dice.pick(TEXTS));
    match dice.index(9) {
        0 => (110, [number(from), number(to), vec![1, 0], text(name)].concat()),
        1 => (110, [number(from), number(to), vec![2, 0], text(b"out"), text(b"secret")].concat()),
        2 => (12, [number(from), number(dice.pick(&[0, 1, 2, 0o1001, 0o200_000]))].concat()),
        3 => (116, [number(from), vec![0; 8], number(4096)].concat()),
        4 => (40, [number(from), vec![0; 8], number(4096)].concat()),
        5 => (14, [number(from), text(name), number(2), number(0o644), number(0)].concat()),
        6 => (74, [number(from), text(name), number(to), text(other)].concat()),
        7 => (16, [number(from), text(name), text(b"../secret"), number(0)].concat()),
        _ => (162, [number(from), number(u32::try_from(dice.index(4)).unwrap())].concat()),
    }
}

fn frame(number: u8, tag: u16, body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(body.len() + 7).unwrap();
    [&size.to_le_bytes()[..], &[number], &tag.to_le_bytes(), body].concat()
}

/// Reads what the server says until it is silent for a moment or hangs up. False if it hung up.
fn listen(socket: &mut UnixStream, heard: &mut Vec<u8>) -> bool {
    let mut chunk = [0; 65_536];
    loop {
        match socket.read(&mut chunk) {
            Ok(0) => return false,
            Ok(count) => heard.extend(&chunk[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
            Err(_) => return false,
        }
    }
}

/// One client: some requests, some of them broken. Gives the server's answers.
fn session(socket: &mut UnixStream, dice: &mut Random) -> Vec<u8> {
    let mut heard = Vec::new();
    let dialect = dice.pick(&[ninep::version::BASE, ninep::version::EXTENDED]);
    let length = u16::try_from(dialect.len()).unwrap().to_le_bytes();
    let version = [&8192_u32.to_le_bytes()[..], &length, dialect].concat();
    let attach = [&0_u32.to_le_bytes()[..], &u32::MAX.to_le_bytes(), &[0; 8]].concat();
    let mut bytes = [frame(100, u16::MAX, &version), frame(104, 1, &attach)].concat();
    for tag in 0..u16::try_from(dice.index(60)).unwrap() {
        let (number, body) = match dice.index(3) {
            0 => (dice.pick(NAMES).0, body(dice)),
            _ => sensible(dice),
        };
        bytes.extend(frame(number, tag, &body));
    }
    if dice.index(4) == 0 {
        let at = dice.index(bytes.len());
        bytes[at] ^= 1 << dice.index(8);
    }
    if dice.index(8) == 0 {
        bytes.truncate(dice.index(bytes.len()));
    }
    socket.set_read_timeout(Some(Duration::from_millis(2))).unwrap();
    for piece in bytes.chunks(4096) {
        if socket.write_all(piece).is_err() || !listen(socket, &mut heard) {
            break;
        }
    }
    heard
}

fn contains(heard: &[u8], what: &[u8]) -> bool {
    heard.windows(what.len()).any(|window| window == what)
}

fn check_outside(outside: &Path) {
    assert_eq!(std::fs::read(outside.join("secret")).unwrap(), SECRET);
    assert_eq!(std::fs::read_dir(outside).unwrap().count(), 1, "nothing was made outside");
}

#[test]
fn whatever_a_client_says() {
    let seconds = std::env::var("CASEMATE_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(2);
    let end = Instant::now() + Duration::from_secs(seconds);
    let seed = std::env::var("CASEMATE_FUZZ_SEED").ok().and_then(|text| text.parse().ok());
    let mut seed = seed.unwrap_or_else(|| u64::from(std::process::id()) << 20 | 1);
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), SECRET).unwrap();
    let mut sessions = 0_u64;
    while Instant::now() < end {
        seed = seed.wrapping_add(1);
        let mut served = serve(sessions % 4 == 3);
        symlink(outside.path(), served.path().join("out")).unwrap();
        symlink("..", served.path().join("up")).unwrap();
        std::fs::create_dir(served.path().join("d")).unwrap();
        std::fs::write(served.path().join("file"), "inside").unwrap();
        let mut socket = served.socket.take().unwrap();
        let heard = session(&mut socket, &mut Random::new(seed));
        drop(socket);
        let ended = served.thread.join();
        assert!(matches!(ended, Ok(Ok(()))), "CASEMATE_FUZZ_SEED={} ends the server: {ended:?}", seed - 1);
        assert!(!contains(&heard, SECRET), "CASEMATE_FUZZ_SEED={} shows what lies outside", seed - 1);
        check_outside(outside.path());
        sessions += 1;
    }
    assert!(sessions > 0);
    println!("{sessions} sessions");
}
