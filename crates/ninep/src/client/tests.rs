use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread::JoinHandle;

use super::*;
use crate::frame::{append, first};
use crate::message::{Rattach, Rchangeattr, Rclunks, Rlerror, Rstatfs, Tstatfs};
use crate::{Attr, Qid, Request, SetAttr, StatFs, Time};

/// A server in which `answer` writes the replies to each request; the test sees the requests' names.
fn server(
    mut answer: impl FnMut(u16, &Request<'_>, &mut Vec<u8>) + Send + 'static,
) -> (OwnedFd, JoinHandle<Vec<String>>) {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let thread = std::thread::spawn(move || {
        let mut seen = Vec::new();
        let mut input = Vec::new();
        let mut chunk = [0; 4096];
        while let Ok(count @ 1..) = theirs.read(&mut chunk) {
            input.extend_from_slice(&chunk[..count]);
            let mut output = Vec::new();
            while let Some((frame, used)) = first(&input, 1 << 20).unwrap() {
                let request = Request::decode(frame.number, frame.body).unwrap();
                seen.push(format!("{request:?}").split('(').next().unwrap().to_owned());
                answer(frame.tag, &request, &mut output);
                input.drain(..used);
            }
            if theirs.write_all(&output).is_err() {
                break;
            }
        }
        seen
    });
    (ours.into(), thread)
}

fn polite(tag: u16, request: &Request<'_>, output: &mut Vec<u8>) {
    match request {
        Request::Version(v) => append(output, tag, &Rversion { msize: v.msize, version: v.version }),
        Request::Attach(_) => append(output, tag, &Rattach { qid: Qid::default() }),
        Request::Clunks(_) => append(output, tag, &Rclunks {}),
        Request::StatFs(_) => {
            append(output, tag, &Rstatfs { statfs: StatFs { bsize: 77, ..StatFs::default() } })
        }
        _ => append(output, tag, &Rlerror { ecode: 95 }),
    }
    .unwrap();
}

#[test]
fn fids_are_given_up_with_the_next_request() {
    let (socket, thread) = server(polite);
    let client = Client::connect(socket).unwrap();
    let root = client.attach(b"").unwrap();
    assert_eq!(root.number(), 0);
    drop(client.attach(b"").unwrap());
    assert_eq!(client.call(&Tstatfs { fid: 0 }, |r| r.statfs.bsize), Ok(77));
    assert_eq!(client.new_fid().unwrap().number(), 1, "the number is free again");
    drop(root);
    drop(client);
    assert_eq!(thread.join().unwrap(), ["Version", "Attach", "Attach", "Clunks", "StatFs"]);
}

#[test]
fn many_given_up_fids_do_not_wait_for_a_request() {
    let (socket, thread) = server(polite);
    let client = Client::connect(socket).unwrap();
    drop((0..MOST_PENDING).map(|_| client.attach(b"").unwrap()).collect::<Vec<_>>());
    drop(client);
    assert_eq!(thread.join().unwrap().last().map(String::as_str), Some("Clunks"));
}

#[test]
fn an_error_is_the_servers() {
    let (socket, _thread) = server(polite);
    let client = Client::connect(socket).unwrap();
    assert_eq!(client.call(&crate::message::Treadlink { fid: 0 }, |_| ()), Err(Errno::EOPNOTSUPP));
    assert_eq!(client.call(&Tstatfs { fid: 0 }, |_| ()), Ok(()), "the connection goes on");
}

#[test]
fn the_base_dialect_is_the_fallback() {
    let (socket, _thread) = server(|tag, request, output| match request {
        Request::Version(v) if v.version.0 != b"9P2000.L" => {
            append(output, tag, &Rversion { msize: v.msize, version: Text(b"unknown") }).unwrap();
        }
        other => polite(tag, other, output),
    });
    let client = Client::connect(socket).unwrap();
    assert_eq!((client.dialect(), client.message_size()), (Dialect::Base, 128 << 10));
}

#[test]
fn a_server_that_makes_no_sense_loses_the_connection() {
    type Nonsense = fn(u16, &mut Vec<u8>);
    let cases: [(&str, Nonsense); 5] = [
        ("wrong tag", |tag, out| append(out, tag ^ 1, &Rclunks {}).unwrap()),
        ("wrong type", |tag, out| append(out, tag, &Rclunks {}).unwrap()),
        ("two answers", |tag, out| {
            for _ in 0..2 {
                append(out, tag, &Rstatfs { statfs: StatFs::default() }).unwrap();
            }
        }),
        ("cut short", |tag, out| out.extend([8, 0, 0, 0, 9, tag.to_le_bytes()[0], tag.to_le_bytes()[1], 0])),
        ("too long", |_, out| out.extend([255; 16])),
    ];
    for (what, nonsense) in cases {
        let (socket, _thread) = server(move |tag, request, output| match request {
            Request::StatFs(_) => nonsense(tag, output),
            other => polite(tag, other, output),
        });
        let client = Client::connect(socket).unwrap();
        assert_eq!(client.call(&Tstatfs { fid: 0 }, |_| ()), Err(Errno::EIO), "{what}");
        assert_eq!(client.call(&Tstatfs { fid: 0 }, |_| ()), Err(Errno::EIO), "{what}: it stays lost");
    }
}

#[test]
fn threads_share_a_connection() {
    let (socket, _thread) = server(|tag, request, output| match request {
        Request::StatFs(t) => {
            append(output, tag, &Rstatfs { statfs: StatFs { bsize: t.fid, ..StatFs::default() } }).unwrap();
        }
        other => polite(tag, other, output),
    });
    let client = Client::connect(socket).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4u32 {
            let client = &client;
            scope.spawn(move || {
                for fid in (0..200).map(|n| n * 4 + thread) {
                    assert_eq!(client.call(&Tstatfs { fid }, |r| r.statfs.bsize), Ok(fid));
                }
            });
        }
    });
}

fn changes(tag: u16, request: &Request<'_>, output: &mut Vec<u8>) {
    match request {
        Request::Changeattr(change) if change.set.mode == 0 => append(output, tag, &Rlerror { ecode: 5 }),
        Request::Changeattr(change) => {
            append(output, tag, &Rchangeattr { attr: Attr { mode: change.set.mode, ..Attr::default() } })
        }
        other => return polite(tag, other, output),
    }
    .unwrap();
}

const fn change(mode: u32) -> Tchangeattr {
    let none = Time { seconds: 0, nanoseconds: 0 };
    Tchangeattr { fid: 0, set: SetAttr { valid: 1, mode, uid: 0, gid: 0, size: 0, atime: none, mtime: none } }
}

#[test]
fn what_nobody_waits_for_is_answered_with_the_next() {
    let (socket, thread) = server(changes);
    let client = Client::connect(socket).unwrap();
    let (one, other) = (Arc::new(Later::default()), Arc::new(Later::default()));
    client.change_later(&change(1), &one).unwrap();
    client.change_later(&change(2), &one).unwrap();
    client.change_later(&change(3), &other).unwrap();
    assert!(one.is_waiting() && other.is_waiting());
    assert_eq!(client.call(&Tstatfs { fid: 0 }, |r| r.statfs.bsize), Ok(77));
    assert!(!one.is_waiting() && !other.is_waiting());
    assert_eq!(one.answer().map(|attr| attr.mode), Some(2), "the last counts");
    assert_eq!(other.answer().map(|attr| attr.mode), Some(3));
    drop(client);
    assert_eq!(thread.join().unwrap(), ["Version", "Changeattr", "Changeattr", "Changeattr", "StatFs"]);
}

#[test]
fn many_that_nobody_waits_for_are_waited_for() {
    let (socket, thread) = server(changes);
    let client = Client::connect(socket).unwrap();
    let later = Arc::new(Later::default());
    for mode in 1..=1000 {
        client.change_later(&change(mode), &later).unwrap();
    }
    client.collect();
    assert!(!later.is_waiting());
    assert_eq!((later.answer().map(|attr| attr.mode), later.failure()), (Some(1000), None));
    drop(client);
    assert_eq!(thread.join().unwrap().len(), 1001);
}

#[test]
fn an_error_that_nobody_waits_for_is_told_once() {
    let (socket, _thread) = server(changes);
    let client = Client::connect(socket).unwrap();
    let later = Arc::new(Later::default());
    client.change_later(&change(0), &later).unwrap();
    client.change_later(&change(7), &later).unwrap();
    client.collect();
    assert_eq!((later.failure(), later.failure()), (Some(Errno::EIO), None));
    assert_eq!(client.call(&Tstatfs { fid: 0 }, |_| ()), Ok(()), "the connection goes on");
}

#[test]
fn a_lost_connection_answers_what_nobody_waits_for() {
    let (socket, _thread) = server(|tag, request, output| match request {
        Request::Changeattr(_) => append(output, tag ^ 1, &Rclunks {}).unwrap(),
        other => polite(tag, other, output),
    });
    let client = Client::connect(socket).unwrap();
    let later = Arc::new(Later::default());
    client.change_later(&change(1), &later).unwrap();
    client.collect();
    assert_eq!((later.is_waiting(), later.failure()), (false, Some(Errno::EIO)));
    assert_eq!(client.change_later(&change(1), &later), Err(Errno::EIO));
    assert!(!later.is_waiting());
}
