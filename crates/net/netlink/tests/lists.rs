//! The lists that getifaddrs(3) asks for, compared with what the host says of its own `lo`.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::collections::BTreeMap;

use abi::Errno;
use abi::socket::family::{AF_NETLINK, NETLINK_ROUTE};
use abi::socket::message::MessageFlags;
use netlink::NetlinkFamily;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};
use socket::{Family, Incoming, Kind, Outgoing, Socket};
use socket_oracle::caller;
use vfs::io::{SliceSource, VecSink};

fn request(kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(16 + body.len()).unwrap();
    let header =
        [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), &flags.to_ne_bytes(), &7_u32.to_ne_bytes(), &[0; 4]];
    [&header.concat(), body].concat()
}

/// Everything that comes up to the end of the list, from our socket.
fn ours(request: &[u8]) -> Vec<u8> {
    let socket = NetlinkFamily::new().create(Kind::Raw, NETLINK_ROUTE, &caller()).unwrap();
    send(&*socket, request).unwrap();
    let mut all = Vec::new();
    let mut sink = VecSink::new(100_000);
    while socket.receive(&mut Incoming { into: &mut sink, flags: MessageFlags::empty() }).is_ok() {
        all.append(&mut sink.data);
    }
    all
}

fn send(socket: &dyn Socket, request: &[u8]) -> Result<usize, Errno> {
    socket.send(&mut Outgoing {
        data: &mut SliceSource::new(request),
        to: None,
        files: Vec::new(),
        credentials: None,
        control: &[],
        flags: MessageFlags::empty(),
        caller: &caller(),
    })
}

fn host(request: &[u8]) -> Vec<u8> {
    let family = AddressFamily::from_raw(AF_NETLINK);
    let socket = rustix::net::socket_with(family, SocketType::RAW, SocketFlags::NONBLOCK, None).unwrap();
    rustix::net::send(&socket, request, SendFlags::empty()).unwrap();
    let mut all = Vec::new();
    let mut piece = vec![0; 100_000];
    while let Ok((count, _)) = rustix::net::recv(&socket, &mut piece[..], RecvFlags::empty()) {
        all.extend_from_slice(&piece[..count]);
    }
    all
}

/// The messages: kind, fixed part, attributes by kind.
type Parsed = Vec<(u16, Vec<u8>, BTreeMap<u16, Vec<u8>>)>;

fn parse(mut bytes: &[u8], fixed: usize) -> Parsed {
    let mut messages = Vec::new();
    while bytes.len() >= 16 {
        let length = u32::from_ne_bytes(bytes[..4].try_into().unwrap()) as usize;
        let kind = u16::from_ne_bytes(bytes[4..6].try_into().unwrap());
        assert_eq!(bytes[8..12], 7_u32.to_ne_bytes(), "the sequence number of the request");
        let body = &bytes[16..length];
        let fixed = fixed.min(body.len());
        let mut attributes = BTreeMap::new();
        let mut rest = &body[fixed..];
        while rest.len() >= 4 {
            let length = usize::from(u16::from_ne_bytes(rest[..2].try_into().unwrap()));
            attributes.insert(u16::from_ne_bytes(rest[2..4].try_into().unwrap()), rest[4..length].to_vec());
            rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        messages.push((kind, body[..fixed].to_vec(), attributes));
        bytes = &bytes[length.next_multiple_of(4)..];
    }
    messages
}

/// Each of our messages about `lo` has its like at the host, attribute for attribute.
fn compare(kind: u16, fixed: usize, index: std::ops::Range<usize>, skip: &[u16]) {
    let request = request(kind, 0x301, &[0; 16]);
    let (mine, theirs) = (parse(&ours(&request), fixed), parse(&host(&request), fixed));
    assert_eq!(mine.last().map(|m| m.0), Some(3), "the list ends");
    for (kind, body, attributes) in mine.iter().filter(|m| m.0 != 3) {
        let same = |m: &&(u16, Vec<u8>, BTreeMap<u16, Vec<u8>>)| {
            m.0 == *kind && m.1[0] == body[0] && m.1[index.clone()] == body[index.clone()]
        };
        let other = theirs.iter().find(same).unwrap();
        assert_eq!(*body, other.1);
        for (name, value) in attributes.iter().filter(|(name, _)| !skip.contains(name)) {
            assert_eq!(Some(value), other.2.get(name), "attribute {name}");
        }
    }
}

#[test]
fn links() {
    compare(18, 16, 4..8, &[]);
}

#[test]
fn addresses() {
    compare(22, 8, 4..8, &[]);
}

#[test]
fn one_link() {
    let body = [&[0; 4][..], &1_i32.to_ne_bytes(), &[0; 8]].concat();
    let found = parse(&ours(&request(18, 1, &body)), 16);
    assert_eq!((found.len(), found[0].0), (1, 16));
    let body = [&[0; 4][..], &5_i32.to_ne_bytes(), &[0; 8]].concat();
    let missing = ours(&request(18, 1, &body));
    assert_eq!(missing[16..20], (-Errno::ENODEV.raw()).to_ne_bytes());
    assert_eq!(
        missing[16..20],
        host(&request(18, 1, &[&[0; 4][..], &555_i32.to_ne_bytes(), &[0; 8]].concat()))[16..20]
    );
}

#[test]
fn changes_and_nonsense_are_refused() {
    let change = ours(&request(16, 5, &[0; 16]));
    let expected = if rustix::process::getuid().is_root() { Errno::ENODEV } else { Errno::EPERM };
    assert_eq!(change[16..20], (-expected.raw()).to_ne_bytes());
    assert!(ours(&[0xff; 40]).is_empty());
    assert!(ours(&[3, 0, 0, 0]).is_empty());
    assert!(ours(&[0; 64]).is_empty());
}
