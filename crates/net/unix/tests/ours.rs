//! What the host cannot be asked: garbage, bounds, wake-ups, and names that are inodes.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};

use abi::Errno;
use abi::socket::family::AF_UNIX;
use abi::socket::message::MessageFlags;
use socket::{
    Address, Caller, Incoming, Kind, Namespace, Outgoing, Received, SocketFile, SocketInode, UnixAddress,
};
use unix::UnixSystem;
use vfs::io::{SliceSource, VecSink};
use vfs::{CapabilitySet, Credentials, Device, Events, Listener, OpenFile};

fn caller() -> Caller {
    let credentials = Arc::new(Credentials::new(1000, 1000, CapabilitySet::EMPTY));
    Caller { pid: 1, credentials, descriptor_limit: 64, net: socket::Net::first() }
}

fn privileged() -> Caller {
    Caller { credentials: Arc::new(Credentials::root(CapabilitySet::FULL)), ..caller() }
}

fn namespace() -> Arc<Namespace> {
    Namespace::new(socket::Net::first(), [(AF_UNIX, UnixSystem::new().family() as _)])
}

fn pair(namespace: &Namespace, kind: Kind) -> (Arc<OpenFile>, Arc<OpenFile>) {
    let (a, b) = namespace.family(AF_UNIX.into()).unwrap().create_pair(kind, 0, &caller()).unwrap();
    (SocketFile::open(a, false), SocketFile::open(b, false))
}

fn one(namespace: &Namespace, kind: Kind) -> Arc<OpenFile> {
    SocketFile::open(namespace.family(AF_UNIX.into()).unwrap().create(kind, 0, &caller()).unwrap(), false)
}

fn send(from: &OpenFile, files: &[&Arc<OpenFile>], caller: &Caller) -> Result<usize, Errno> {
    let mut message = Outgoing {
        data: &mut SliceSource::new(b"x"),
        to: None,
        files: files.iter().map(|f| Arc::clone(f)).collect(),
        credentials: None,
        control: &[],
        flags: MessageFlags::empty(),
        caller,
    };
    SocketFile::of(from).unwrap().socket().send(&mut message)
}

fn receive(at: &OpenFile) -> Result<Received, Errno> {
    let mut sink = VecSink::new(100);
    let mut message = Incoming { into: &mut sink, flags: MessageFlags::empty() };
    SocketFile::of(at).unwrap().socket().receive(&mut message)
}

fn alive(files: &[Weak<OpenFile>]) -> usize {
    files.iter().filter(|f| f.strong_count() > 0).count()
}

#[test]
fn a_socket_sent_through_itself_is_freed() {
    for kind in [Kind::Stream, Kind::Datagram, Kind::SeqPacket] {
        let namespace = namespace();
        let (a, b) = pair(&namespace, kind);
        send(&b, &[&a, &b], &caller()).unwrap();
        let weak = [Arc::downgrade(&a), Arc::downgrade(&b)];
        drop((a, b));
        assert_eq!(alive(&weak), 2, "in flight");
        drop(pair(&namespace, Kind::Stream));
        assert_eq!(alive(&weak), 0, "{kind:?}");
    }
}

#[test]
fn what_a_living_queue_holds_is_kept() {
    let namespace = namespace();
    let (a, b) = pair(&namespace, Kind::Stream);
    let (c, d) = pair(&namespace, Kind::Stream);
    send(&d, &[&d], &caller()).unwrap();
    send(&b, &[&c], &caller()).unwrap();
    let weak = [Arc::downgrade(&c), Arc::downgrade(&d)];
    drop((c, d));
    drop(pair(&namespace, Kind::Stream));
    assert_eq!(alive(&weak), 2, "a's queue leads to c, and c's queue to d");
    let c = receive(&a).unwrap().files.pop().unwrap();
    let d = receive(&c).unwrap().files.pop().unwrap();
    assert_eq!(send(&d, &[], &caller()), Ok(1));
    assert_eq!(receive(&c).unwrap().stored, 1);
}

#[test]
fn connections_that_nobody_accepted_are_searched() {
    let namespace = namespace();
    let (listener, client) = (one(&namespace, Kind::Stream), one(&namespace, Kind::Stream));
    let at = Address::Unix(UnixAddress::Abstract((*b"here").into()));
    let socket = |f: &Arc<OpenFile>| Arc::clone(f);
    SocketFile::of(&listener).unwrap().socket().bind(&at, &caller()).unwrap();
    SocketFile::of(&listener).unwrap().socket().listen(1, &caller()).unwrap();
    SocketFile::of(&client).unwrap().socket().connect(&at, &caller(), true).unwrap();
    send(&client, &[&socket(&listener)], &caller()).unwrap();
    let weak = [Arc::downgrade(&listener)];
    drop((listener, client));
    assert_eq!(alive(&weak), 0);
}

#[test]
fn a_long_chain_of_queues_ends_without_recursion() {
    let namespace = namespace();
    let (mut last, first_peer) = pair(&namespace, Kind::Stream);
    let mut peers = vec![Arc::downgrade(&first_peer)];
    drop(first_peer);
    for _ in 0..20_000 {
        let (a, b) = pair(&namespace, Kind::Stream);
        send(&b, &[&last], &privileged()).unwrap();
        peers.push(Arc::downgrade(&last));
        last = a;
    }
    drop(last);
    assert_eq!(alive(&peers), 0);
}

#[test]
fn descriptors_in_flight_are_limited() {
    let namespace = namespace();
    let (a, b) = pair(&namespace, Kind::Stream);
    let mut sent = 0;
    while sent < 200 {
        match send(&b, &[&a], &caller()) {
            Ok(_) => sent += 1,
            Err(errno) => {
                assert_eq!(errno, Errno::ETOOMANYREFS);
                break;
            }
        }
    }
    assert_eq!(sent, 65, "one more than the limit, as Linux counts");
    assert_eq!(send(&b, &[&a], &privileged()), Ok(1));
    receive(&a).unwrap();
    receive(&a).unwrap();
    assert_eq!(send(&b, &[&a], &caller()), Ok(1));
}

#[test]
fn names_are_inodes() {
    let namespace = namespace();
    let inode = SocketInode { device: Device::new(0, 7), inode: 42 };
    let at = |name: &[u8]| Address::Unix(UnixAddress::Path { name: name.into(), inode: Some(inode) });
    let (listener, client) = (one(&namespace, Kind::Stream), one(&namespace, Kind::Stream));
    SocketFile::of(&listener).unwrap().socket().bind(&at(b"/run/x"), &caller()).unwrap();
    SocketFile::of(&listener).unwrap().socket().listen(0, &caller()).unwrap();
    SocketFile::of(&client).unwrap().socket().connect(&at(b"../x"), &caller(), false).unwrap();
    let peer = SocketFile::of(&client).unwrap().socket().peer_address().unwrap();
    assert_eq!(peer.encode(), b"\x01\0/run/x\0");
    drop(listener);
    let refused = SocketFile::of(&one(&namespace, Kind::Stream)).unwrap().socket().connect(
        &at(b"/run/x"),
        &caller(),
        false,
    );
    assert_eq!(refused, Err(Errno::ECONNREFUSED));
}

#[derive(Default)]
struct Count(AtomicU32);

impl Listener for Count {
    fn notify(&self, _events: Events) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn who_waits_is_told_and_no_more_often_than_needed() {
    let namespace = namespace();
    let (a, b) = pair(&namespace, Kind::Stream);
    let (reads, writes) = (Arc::new(Count::default()), Arc::new(Count::default()));
    let reader = Arc::clone(&SocketFile::of(&a).unwrap().socket().core().readiness);
    let writer = Arc::clone(&SocketFile::of(&b).unwrap().socket().core().readiness);
    let _reads = reader.register(Events::IN, Arc::clone(&reads) as _);
    let _writes = writer.register(Events::OUT, Arc::clone(&writes) as _);
    while send(&b, &[], &caller()).is_ok() {}
    let full = reads.0.load(Ordering::Relaxed);
    assert!(full > 0);
    assert_eq!(writes.0.load(Ordering::Relaxed), 0);
    while receive(&a).is_ok() {}
    assert_eq!(writes.0.load(Ordering::Relaxed), 1, "one wake-up for many small reads");
}
