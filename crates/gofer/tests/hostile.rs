//! A client that wants out, or wants the server down.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "helpers of tests")]

#[cfg(test)]
#[expect(dead_code, reason = "the part with the client is for the others")]
mod common;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use common::{serve, serve_reaching};
use ninep::frame::{append, first};
use ninep::message::*;
use ninep::{Data, Reply, Target, Text};
use proptest::prelude::*;

/// Sends these bytes and collects what comes back, until the server closes or is silent.
fn exchange(socket: &mut UnixStream, bytes: &[u8]) -> Vec<u8> {
    exchange_within(Duration::from_millis(200), socket, bytes)
}

fn exchange_within(patience: Duration, socket: &mut UnixStream, bytes: &[u8]) -> Vec<u8> {
    socket.set_read_timeout(Some(patience)).unwrap();
    let _ = socket.write_all(bytes);
    let mut answer = Vec::new();
    let mut chunk = [0; 65536];
    while let Ok(count @ 1..) = socket.read(&mut chunk) {
        answer.extend_from_slice(&chunk[..count]);
        if matches!(first(&answer, 1 << 20), Ok(Some((_, used))) if used == answer.len()) {
            break;
        }
    }
    answer
}

fn errno(answer: &[u8]) -> Option<u32> {
    let (frame, _) = first(answer, 1 << 20).ok()??;
    match Reply::decode(frame.number, frame.body) {
        Ok(Reply::Rlerror(error)) => Some(error.ecode),
        Ok(_) => Some(0),
        Err(_) => None,
    }
}

fn ask<'a, M: Message<'a>>(socket: &mut UnixStream, message: &M) -> u32 {
    let mut bytes = Vec::new();
    append(&mut bytes, 1, message).unwrap();
    // There is one, however long it takes.
    errno(&exchange_within(Duration::from_secs(100), socket, &bytes)).expect("an answer")
}

fn greet(socket: &mut UnixStream) {
    assert_eq!(ask(socket, &Tversion { msize: 1 << 20, version: Text(ninep::version::EXTENDED) }), 0);
    assert_eq!(
        ask(socket, &Tattach { fid: 0, afid: u32::MAX, uname: Text(b""), aname: Text(b"../.."), n_uname: 0 }),
        0
    );
}

const EPERM_OF_FIDS: u32 = 9;
const EINVAL: u32 = 22;

#[test]
fn names_lead_nowhere_else() {
    let mut served = serve(false);
    std::os::unix::fs::symlink("/", served.path().join("out")).unwrap();
    std::fs::write(served.path().join("file"), "").unwrap();
    let mut socket = served.socket.take().unwrap();
    greet(&mut socket);
    for bad in [&b".."[..], b".", b"", b"/", b"/etc", b"out/etc", b"a\0b"] {
        let name = Text(bad);
        let gid = 0;
        let walk = Twalk { fid: 0, newfid: 7, names: vec![name] };
        assert_eq!(ask(&mut socket, &walk), EINVAL, "{bad:?}");
        let answers = [
            ask(&mut socket, &Tlcreate { fid: 0, name, flags: 0, mode: 0o644, gid }),
            ask(&mut socket, &Tcreatefile { dfid: 0, newfid: 7, name, flags: 0, mode: 0o644, uid: 0, gid }),
            ask(&mut socket, &Tmkdir { dfid: 0, name, mode: 0o755, gid }),
            ask(&mut socket, &Tsymlink { dfid: 0, name, target: Text(b"x"), gid }),
            ask(&mut socket, &Tmknod { dfid: 0, name, mode: 0o010_644, major: 0, minor: 0, gid }),
            ask(
                &mut socket,
                &Tmakenode { dfid: 0, newfid: 7, name, target: Text(b""), mode: 0o040_755, uid: 0, gid },
            ),
            ask(&mut socket, &Tunlinkat { dirfid: 0, name, flags: 0 }),
            ask(&mut socket, &Trenameat { olddirfid: 0, oldname: name, newdirfid: 0, newname: Text(b"x") }),
            ask(
                &mut socket,
                &Trenameat { olddirfid: 0, oldname: Text(b"file"), newdirfid: 0, newname: name },
            ),
            ask(&mut socket, &Tlink { dfid: 0, fid: 0, name }),
        ];
        assert_eq!(answers, [EINVAL; 10], "{bad:?}");
    }
    // Through a symbolic link, in one message and in two.
    let target = |name: &'static [u8], fid| Target { fid, name: Text(name) };
    assert_eq!(
        ask(&mut socket, &Twalkattr { fid: 0, targets: vec![target(b"out", 5), target(b"etc", 6)] }),
        0
    );
    assert_eq!(ask(&mut socket, &Tgetattr { fid: 6, mask: 0 }), EPERM_OF_FIDS, "the walk ended at the link");
    assert_eq!(ask(&mut socket, &Twalk { fid: 5, newfid: 6, names: vec![Text(b"etc")] }), 20, "ENOTDIR");
    assert_eq!(ask(&mut socket, &Tdonate { fid: 5, flags: 0 }), 40, "ELOOP");
}

#[test]
fn fids_cannot_be_forged_or_taken_twice() {
    let mut served = serve(false);
    std::fs::write(served.path().join("file"), "").unwrap();
    let mut socket = served.socket.take().unwrap();
    assert_eq!(ask(&mut socket, &Tclunk { fid: 0 }), 71, "EPROTO before the version");
    greet(&mut socket);
    let bad = EPERM_OF_FIDS;
    assert_eq!(ask(&mut socket, &Tclunk { fid: 99 }), bad);
    assert_eq!(ask(&mut socket, &Tread { fid: 99, offset: 0, count: 1 }), bad);
    assert_eq!(ask(&mut socket, &Tread { fid: 0, offset: 0, count: 1 }), bad, "not open");
    assert_eq!(ask(&mut socket, &Twalk { fid: 0, newfid: u32::MAX, names: vec![] }), bad, "NOFID");
    assert_eq!(ask(&mut socket, &Twalk { fid: 0, newfid: 1, names: vec![] }), 0);
    assert_eq!(ask(&mut socket, &Twalk { fid: 0, newfid: 1, names: vec![] }), bad, "in use");
    let twice = vec![Target { fid: 3, name: Text(b"a") }, Target { fid: 3, name: Text(b"b") }];
    assert_eq!(ask(&mut socket, &Twalkattr { fid: 0, targets: twice }), bad);
    let many = vec![Text(b"a"); 17];
    assert_eq!(ask(&mut socket, &Twalk { fid: 0, newfid: 2, names: many }), EINVAL);
    assert_eq!(ask(&mut socket, &Twalk { fid: 0, newfid: 2, names: vec![Text(b"file")] }), 0);
    assert_eq!(ask(&mut socket, &Tlopen { fid: 2, flags: 0 }), 0);
    assert_eq!(ask(&mut socket, &Tlopen { fid: 2, flags: 0 }), bad, "open already");
    assert_eq!(ask(&mut socket, &Twrite { fid: 2, offset: 0, data: Data(b"x") }), bad, "open for reading");
    assert_eq!(ask(&mut socket, &Tread { fid: 2, offset: u64::MAX, count: u32::MAX }), EINVAL);
    assert_eq!(ask(&mut socket, &Tlopen { fid: 1, flags: 0 }), 0);
    assert_eq!(ask(&mut socket, &Treaddir { fid: 1, offset: u64::MAX, count: u32::MAX }), EINVAL);
    assert_eq!(ask(&mut socket, &Tclunk { fid: 2 }), 0);
    assert_eq!(ask(&mut socket, &Tclunk { fid: 2 }), bad);
}

#[test]
fn messages_out_of_bounds_end_the_connection_and_no_more() {
    for bytes in [&[255, 255, 255, 255, 100, 0, 0][..], &[0, 0, 0, 0, 100, 0, 0], &[6, 0, 0, 0, 100, 0, 0]] {
        let mut served = serve(false);
        let mut socket = served.socket.take().unwrap();
        assert_eq!(exchange(&mut socket, bytes), b"");
        served.thread.join().unwrap().unwrap();
    }
}

#[test]
fn a_message_cut_short_waits_and_one_with_a_tail_is_refused() {
    let mut served = serve(false);
    let mut socket = served.socket.take().unwrap();
    greet(&mut socket);
    assert_eq!(errno(&exchange(&mut socket, &[8, 0, 0, 0, 120, 1, 0, 9])), Some(EINVAL), "field cut short");
    assert_eq!(
        errno(&exchange(&mut socket, &[12, 0, 0, 0, 120, 1, 0, 9, 0, 0, 0, 0])),
        Some(EINVAL),
        "a byte too many"
    );
    assert_eq!(errno(&exchange(&mut socket, &[7, 0, 0, 0, 255, 1, 0])), Some(95), "unknown type");
    assert_eq!(exchange(&mut socket, &[11, 0, 0, 0, 120]), b"");
    drop(socket);
    served.thread.join().unwrap().unwrap();
}

#[test]
fn descriptors_sent_along_are_not_kept() {
    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
    use std::os::fd::AsFd;
    let mut served = serve(false);
    let mut socket = served.socket.take().unwrap();
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let mut bytes = Vec::new();
    append(&mut bytes, 1, &Tversion { msize: 8192, version: Text(b"9P2000.L") }).unwrap();
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors = [theirs.as_fd()];
    control.push(SendAncillaryMessage::ScmRights(&descriptors));
    sendmsg(&socket, &[std::io::IoSlice::new(&bytes)], &mut control, SendFlags::empty()).unwrap();
    drop(theirs);
    assert_eq!(errno(&exchange(&mut socket, &[])), Some(0));
    assert_eq!(ours.read(&mut [0]).unwrap(), 0, "the other end is closed everywhere");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Streams of well-framed requests with arbitrary fields, over a small tree: each gets one answer and nothing outside changes.
    #[test]
    fn arbitrary_requests_get_answers(
        requests in proptest::collection::vec(
            (0..NAMES.len(), proptest::collection::vec(prop_oneof![0u8..4, any::<u8>()], 0..48)),
            1..40,
        ),
    ) {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("witness"), "same").unwrap();
        let mut served = serve(false);
        std::os::unix::fs::symlink(outside.path(), served.path().join("\u{1}")).unwrap();
        std::fs::write(served.path().join("\u{2}"), "file").unwrap();
        let mut socket = served.socket.take().unwrap();
        greet(&mut socket);
        let mut bytes = Vec::new();
        for (tag, (row, body)) in requests.iter().enumerate() {
            // A new version would change the size that the test reads with.
            let number = if NAMES[*row].0 == 100 { 120 } else { NAMES[*row].0 };
            let size = u32::try_from(body.len() + 7).unwrap();
            bytes.extend(size.to_le_bytes());
            bytes.push(number);
            bytes.extend(u16::try_from(tag).unwrap().to_le_bytes());
            bytes.extend(body);
        }
        socket.write_all(&bytes).unwrap();
        socket.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answers = Vec::new();
        socket.read_to_end(&mut answers).unwrap();
        let mut rest = &answers[..];
        for tag in 0..requests.len() {
            let (frame, used) = first(rest, 1 << 20).unwrap().expect("an answer for each request");
            prop_assert_eq!(usize::from(frame.tag), tag);
            prop_assert!(Reply::decode(frame.number, frame.body).is_ok());
            rest = &rest[used..];
        }
        prop_assert!(rest.is_empty());
        served.thread.join().unwrap().unwrap();
        prop_assert_eq!(std::fs::read(outside.path().join("witness")).unwrap(), b"same");
        prop_assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1);
    }
}

/// `SOCK_STREAM`.
const STREAM: u32 = 1;

fn bind(name: &[u8]) -> Tbind<'_> {
    Tbind { dfid: 0, newfid: 7, name: Text(name), kind: STREAM, mode: 0o700, uid: 0, gid: 0 }
}

#[test]
fn sockets_are_bound_in_the_tree_and_only_if_they_may_be() {
    const EROFS: u32 = 30;
    const EOPNOTSUPP: u32 = 95;
    const EADDRINUSE: u32 = 98;
    let binds = gofer::Reach { binds: true, ..gofer::Reach::default() };
    for (read_only, reach, expected) in
        [(false, gofer::Reach::default(), EOPNOTSUPP), (true, binds, EROFS), (false, binds, 0)]
    {
        let mut served = serve_reaching(read_only, reach);
        let mut socket = served.socket.take().unwrap();
        greet(&mut socket);
        assert_eq!(ask(&mut socket, &bind(b"bound")), expected);
        assert_eq!(served.path().join("bound").exists(), expected == 0);
    }
    let mut served = serve_reaching(false, binds);
    let outside = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(outside.path().join("made"), served.path().join("out")).unwrap();
    let mut socket = served.socket.take().unwrap();
    greet(&mut socket);
    assert_eq!(ask(&mut socket, &bind(b"out")), EADDRINUSE);
    for bad in [&b".."[..], b".", b"", b"/tmp/x", b"out/x", b"a\0b"] {
        assert_eq!(ask(&mut socket, &bind(bad)), EINVAL, "{bad:?}");
    }
    assert_ne!(ask(&mut socket, &Tbind { kind: 77, ..bind(b"kind") }), 0);
    assert_eq!(ask(&mut socket, &bind(&[b'n'; 107])), 0);
    assert!(served.path().join("n".repeat(107)).exists());
    assert!(std::fs::read_dir(outside.path()).unwrap().next().is_none());
}

#[test]
fn what_is_not_held_is_not_watched() {
    let mut served = serve(false);
    std::fs::write(served.path().join("file"), "").unwrap();
    let mut socket = served.socket.take().unwrap();
    greet(&mut socket);
    assert_eq!(ask(&mut socket, &Tunwatch { watch: 1 }), EINVAL);
    assert_eq!(ask(&mut socket, &Twatch { fid: 9 }), EPERM_OF_FIDS);
    assert_eq!(ask(&mut socket, &Twatch { fid: 0 }), 0);
    assert_eq!(ask(&mut socket, &Tunwatch { watch: 2 }), EINVAL);
    assert_eq!(ask(&mut socket, &Tunwatch { watch: 1 }), 0);
    assert_eq!(ask(&mut socket, &Tunwatch { watch: 1 }), EINVAL);
}
