//! The calls on sockets, as a guest makes them.

use std::sync::Arc;

use abi::Errno;
use abi::socket::family::{AF_INET, AF_UNIX, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK, SOCK_STREAM};
use abi::socket::message::{Cmsghdr, MessageFlags, Msghdr, SCM_CREDENTIALS, SCM_RIGHTS};
use abi::socket::option::{SO_PASSCRED, SO_PEERCRED, SO_RCVTIMEO, SO_TYPE, SOL_SOCKET};
use kernel::{UserAddr, UserPtr};
use network::Networks;
use vfs::Fd;
use zerocopy::{FromBytes, IntoBytes};

use super::{accept, bind, connect, create, names, option, receive, send, shutdown};
use crate::testing::{Guest, MEMORY, guest, now, start};

const UNIX: u32 = AF_UNIX as u32;
const NOTHING: UserAddr = UserAddr(0);
const NO_LENGTH: UserPtr<i32> = UserPtr::new(0);

fn with_network() -> Guest {
    let guest = guest();
    guest.task.kernel.set_network(std::sync::Arc::new(Networks::new()));
    guest
}

fn pair(guest: &Guest, kind: u32) -> (Fd, Fd) {
    create::socketpair(&guest.task, UNIX, kind, 0, guest.pointer(0)).unwrap();
    let fds = <[i32; 2]>::read_from_bytes(&guest.get(0, 8)).unwrap();
    (Fd(fds[0]), Fd(fds[1]))
}

fn put(guest: &Guest, fd: Fd, bytes: &[u8]) -> Result<usize, Errno> {
    let at = guest.put(0x1000, bytes);
    now(send::sendto(&guest.task, fd, at, bytes.len(), 0, NOTHING, 0))
}

fn get(guest: &Guest, fd: Fd, room: usize) -> Result<Vec<u8>, Errno> {
    let at = UserAddr(MEMORY + 0x2000);
    let flags = MessageFlags::DONTWAIT.bits();
    let count = now(receive::recvfrom(&guest.task, fd, at, room, flags, NOTHING, NO_LENGTH))?;
    Ok(guest.get(0x2000, count))
}

/// Builds a header for `bytes` and `control` and room for a name, and returns its pointer.
fn header(guest: &Guest, bytes: &[u8], control: &[u8], room: usize) -> UserPtr<Msghdr> {
    let base = guest.put(0x3000, bytes);
    guest.put(0x5000, control);
    guest.put(0x4000, [base.0, bytes.len() as u64].as_bytes());
    let header = Msghdr {
        vectors: MEMORY + 0x4000,
        vector_count: 1,
        control: MEMORY + 0x5000,
        control_length: room as u64,
        ..Msghdr::default()
    };
    guest.put(0x6000, header.as_bytes());
    guest.pointer(0x6000)
}

fn rights(fds: &[Fd]) -> Vec<u8> {
    let length = 16 + 4 * fds.len();
    let header = Cmsghdr { length: length as u64, level: SOL_SOCKET, kind: SCM_RIGHTS };
    let mut bytes = header.as_bytes().to_vec();
    fds.iter().for_each(|fd| bytes.extend_from_slice(fd.0.as_bytes()));
    bytes.resize(length.next_multiple_of(8), 0);
    bytes
}

fn unix_address(guest: &Guest, path: &str) -> (UserAddr, i32) {
    let bytes = [AF_UNIX.as_bytes(), path.as_bytes(), b"\0"].concat();
    (guest.put(0x7000, &bytes), i32::try_from(bytes.len()).unwrap())
}

#[test]
fn arguments_of_socket() {
    let guest = with_network();
    let socket = |domain, kind, protocol| create::socket(&guest.task, domain, kind, protocol).map(|fd| fd.0);
    assert_eq!(socket(3, SOCK_STREAM, 0), Err(Errno::EAFNOSUPPORT));
    assert_eq!(socket(UNIX, 9, 0), Err(Errno::EINVAL));
    assert_eq!(socket(UNIX, 4, 0), Err(Errno::ESOCKTNOSUPPORT));
    assert_eq!(socket(UNIX, SOCK_STREAM | 0x100, 0), Err(Errno::EINVAL));
    assert_eq!(socket(AF_INET.into(), SOCK_STREAM, 17), Err(Errno::EPROTONOSUPPORT));
    assert_eq!(socket(UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), Ok(0));
    assert_eq!(guest.task.files().close_on_exec(Fd(0)), Ok(true));
    assert_eq!(get(&guest, Fd(0), 1), Err(Errno::EINVAL));
    assert_eq!(get(&guest, Fd(7), 1), Err(Errno::EBADF));
}

#[test]
fn a_receive_waits_for_the_send() {
    let guest = with_network();
    let (a, b) = pair(&guest, SOCK_STREAM);
    let at = UserAddr(MEMORY + 0x2000);
    let mut waiting = start(receive::recvfrom(&guest.task, a, at, 10, 0, NOTHING, NO_LENGTH));
    assert_eq!(waiting.poll(), None);
    assert_eq!(put(&guest, b, b"hello"), Ok(5));
    assert_eq!(waiting.poll(), Some(Ok(5)));
    assert_eq!(guest.get(0x2000, 5), b"hello");
    let flags = MessageFlags::WAITALL.bits();
    let mut waiting = start(receive::recvfrom(&guest.task, a, at, 6, flags, NOTHING, NO_LENGTH));
    assert_eq!(put(&guest, b, b"abc"), Ok(3));
    assert_eq!(waiting.poll(), None);
    assert_eq!(put(&guest, b, b"defg"), Ok(4));
    assert_eq!(waiting.poll(), Some(Ok(6)));
    guest.interrupt();
    let mut waiting = start(receive::recvfrom(&guest.task, a, at, 6, flags, NOTHING, NO_LENGTH));
    assert_eq!(waiting.poll(), Some(Ok(1)), "what has come is not lost to a signal");
    let mut waiting = start(receive::recvfrom(&guest.task, a, at, 6, 0, NOTHING, NO_LENGTH));
    assert_eq!(waiting.poll(), Some(Err(Errno::ERESTARTSYS)));
}

#[test]
fn a_timeout_ends_a_wait_and_is_not_restarted() {
    let guest = with_network();
    let (a, _b) = pair(&guest, SOCK_STREAM);
    let value = guest.put(0x100, [1i64, 0].as_bytes());
    option::setsockopt(&guest.task, a, SOL_SOCKET, SO_RCVTIMEO, value, 16).unwrap();
    let at = UserAddr(MEMORY + 0x2000);
    let mut waiting = start(receive::recvfrom(&guest.task, a, at, 1, 0, NOTHING, NO_LENGTH));
    assert_eq!(waiting.poll(), None);
    let mut answer = None;
    for _ in 0..20_000 {
        std::thread::sleep(std::time::Duration::from_millis(5));
        answer = waiting.poll();
        if answer.is_some() {
            break;
        }
    }
    assert_eq!(answer, Some(Err(Errno::EAGAIN)));
    guest.interrupt();
    let mut waiting = start(receive::recvfrom(&guest.task, a, at, 1, 0, NOTHING, NO_LENGTH));
    assert_eq!(waiting.poll(), Some(Err(Errno::EINTR)));
}

#[test]
fn a_large_send_waits_for_room_and_a_broken_one_raises_sigpipe() {
    let guest = with_network();
    let (a, b) = pair(&guest, SOCK_STREAM);
    let length = 0x9_0000;
    let mut sending = start(send::sendto(&guest.task, a, UserAddr(MEMORY), length, 0, NOTHING, 0));
    assert_eq!(sending.poll(), None);
    let mut read = 0;
    let result = loop {
        while let Ok(bytes) = get(&guest, b, 0x8000) {
            read += bytes.len();
        }
        if let Some(result) = sending.poll() {
            break result;
        }
    };
    while let Ok(bytes) = get(&guest, b, 0x8000) {
        read += bytes.len();
    }
    assert_eq!((result, read), (Ok(length), length));
    shutdown::shutdown(&guest.task, b, 0).unwrap();
    let flags = MessageFlags::NOSIGNAL.bits();
    let quiet = now(send::sendto(&guest.task, a, UserAddr(MEMORY), 1, flags, NOTHING, 0));
    assert_eq!((quiet, guest.task.interrupted()), (Err(Errno::EPIPE), false));
    assert_eq!((put(&guest, a, b"x"), guest.task.interrupted()), (Err(Errno::EPIPE), true));
}

#[test]
fn descriptors_are_passed() {
    let guest = with_network();
    let (a, b) = pair(&guest, SOCK_STREAM);
    let (c, d) = pair(&guest, SOCK_DGRAM);
    let control = rights(&[c, d]);
    let message = header(&guest, b"x", &control, control.len());
    assert_eq!(now(send::sendmsg(&guest.task, a, message, 0)), Ok(1));
    let message = header(&guest, b"..", &[0; 64], 64);
    let flags = MessageFlags::CMSG_CLOEXEC.bits();
    assert_eq!(now(receive::recvmsg(&guest.task, b, message, flags)), Ok(1));
    assert_eq!(guest.get(0x5000, 24), rights(&[Fd(4), Fd(5)]));
    let back = message.read(guest.memory()).unwrap();
    assert_eq!((back.control_length, back.flags), (24, flags));
    let files = guest.task.files();
    assert!(Arc::ptr_eq(&files.get(Fd(4)).unwrap(), &files.get(c).unwrap()));
    assert_eq!(files.close_on_exec(Fd(5)), Ok(true));
}

#[test]
fn descriptors_without_room_are_closed() {
    let guest = with_network();
    let (a, b) = pair(&guest, SOCK_STREAM);
    let control = rights(&[a, b]);
    let message = header(&guest, b"x", &control, control.len());
    now(send::sendmsg(&guest.task, a, message, 0)).unwrap();
    let message = header(&guest, b"..", &[0; 64], 20);
    assert_eq!(now(receive::recvmsg(&guest.task, b, message, 0)), Ok(1));
    let back = message.read(guest.memory()).unwrap();
    assert_eq!((back.control_length, back.flags), (20, MessageFlags::CTRUNC.bits()));
    assert_eq!(guest.get(0x5000, 20), rights(&[Fd(2)])[..20]);
    assert!(guest.task.files().get(Fd(3)).is_err());
}

#[test]
fn bad_control_messages() {
    let guest = with_network();
    let (a, _b) = pair(&guest, SOCK_STREAM);
    let check = |control: &[u8], expected: Errno| {
        let message = header(&guest, b"x", control, control.len());
        assert_eq!(now(send::sendmsg(&guest.task, a, message, 0)), Err(expected));
    };
    check(&rights(&[Fd(99)]), Errno::EBADF);
    check(&rights(&[a; 254]), Errno::EINVAL);
    let header = |length: u64, kind| Cmsghdr { length, level: SOL_SOCKET, kind }.as_bytes().to_vec();
    check(&header(u64::MAX, SCM_RIGHTS), Errno::EINVAL);
    check(&header(0, SCM_RIGHTS), Errno::EINVAL);
    check(&header(17, SCM_RIGHTS), Errno::EINVAL);
    check(&header(16, 99), Errno::EINVAL);
    check(&[header(24, SCM_CREDENTIALS), vec![0; 8]].concat(), Errno::EINVAL);
}

#[test]
fn credentials_come_with_a_message() {
    let guest = with_network();
    let (a, b) = pair(&guest, SOCK_DGRAM);
    let on = guest.put(0x100, 1i32.as_bytes());
    option::setsockopt(&guest.task, b, SOL_SOCKET, SO_PASSCRED, on, 4).unwrap();
    // By write(2), too: the sender is whoever writes.
    let wrote = now(crate::file::io::write::write(&guest.task, a, UserAddr(MEMORY), 3));
    assert_eq!(wrote, Ok(3));
    let message = header(&guest, b"...", &[0; 64], 64);
    assert_eq!(now(receive::recvmsg(&guest.task, b, message, 0)), Ok(3));
    let control = guest.get(0x5000, 28);
    assert_eq!(control[..16], *Cmsghdr { length: 28, level: SOL_SOCKET, kind: SCM_CREDENTIALS }.as_bytes());
    assert_eq!(control[16..], *[10i32, 0, 0].as_bytes());
    let length = guest.put(0x200, 12i32.as_bytes());
    let at = UserAddr(MEMORY + 0x300);
    option::getsockopt(&guest.task, a, SOL_SOCKET, SO_PEERCRED, at, UserPtr::new(length.0)).unwrap();
    assert_eq!(guest.get(0x300, 12), [10i32, 0, 0].as_bytes());
}

#[test]
fn a_server_at_a_path() {
    let guest = with_network();
    let socket = || create::socket(&guest.task, UNIX, SOCK_STREAM, 0).unwrap();
    let (server, client) = (socket(), socket());
    let (at, length) = unix_address(&guest, "server");
    assert_eq!(now(connect::connect(&guest.task, client, at, length)), Err(Errno::ENOENT));
    assert_eq!(bind::bind(&guest.task, server, at, length), Ok(()));
    assert_eq!(now(connect::connect(&guest.task, client, at, length)), Err(Errno::ECONNREFUSED));
    assert_eq!(bind::bind(&guest.task, client, at, length), Err(Errno::EADDRINUSE));
    let (other, other_length) = unix_address(&guest, "other");
    assert_eq!(bind::bind(&guest.task, server, other, other_length), Err(Errno::EINVAL));
    assert_eq!(
        now(connect::connect(&guest.task, client, other, other_length)),
        Err(Errno::ENOENT),
        "the name that was made for nothing is gone"
    );
    let (at, length) = unix_address(&guest, "server");
    accept::listen(&guest.task, server, 1).unwrap();
    let mut accepting = start(accept::accept(&guest.task, server, NOTHING, NO_LENGTH));
    assert!(accepting.poll().is_none());
    assert_eq!(now(connect::connect(&guest.task, client, at, length)), Ok(()));
    let accepted = accepting.poll().unwrap().unwrap();
    assert_eq!(put(&guest, client, b"hi"), Ok(2));
    assert_eq!(get(&guest, accepted, 9), Ok(b"hi".to_vec()));
    let room = guest.put(0x200, 5i32.as_bytes());
    names::getpeername(&guest.task, client, UserAddr(MEMORY + 0x300), UserPtr::new(room.0)).unwrap();
    assert_eq!(guest.get(0x300, 5), b"\x01\0ser");
    assert_eq!(guest.get(0x200, 4), 9i32.as_bytes(), "the whole length with the NUL");
}

#[test]
fn options_have_lengths() {
    let guest = with_network();
    let (a, _b) = pair(&guest, SOCK_STREAM);
    let length = guest.put(0x200, 2i32.as_bytes());
    let at = guest.put(0x300, &[0xff; 4]);
    option::getsockopt(&guest.task, a, SOL_SOCKET, SO_TYPE, at, UserPtr::new(length.0)).unwrap();
    assert_eq!(guest.get(0x300, 4), [1, 0, 0xff, 0xff]);
    guest.put(0x200, (-1i32).as_bytes());
    let negative = option::getsockopt(&guest.task, a, SOL_SOCKET, SO_TYPE, at, UserPtr::new(length.0));
    assert_eq!(negative, Err(Errno::EINVAL));
    assert_eq!(option::setsockopt(&guest.task, a, SOL_SOCKET, SO_PASSCRED, at, 3), Err(Errno::EINVAL));
}
