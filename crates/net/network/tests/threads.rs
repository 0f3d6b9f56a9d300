//! Many threads at the same sockets: nothing deadlocks, no byte is lost, and nobody who waits is forgotten.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::sync::Arc;
use std::thread::Thread;
use std::time::Duration;

use abi::Errno;
use abi::socket::family::{AF_INET, AF_UNIX};
use abi::socket::message::MessageFlags;
use network::Networks;
use socket::{Address, Incoming, Kind, Namespace, Outgoing, Socket, SocketFile, UnixAddress};
use socket_oracle::{caller, halves};
use vfs::io::{SliceSource, VecSink};
use vfs::{Events, Listener, OpenFile};

struct Unpark(Thread);

impl Listener for Unpark {
    fn notify(&self, _: Events) {
        self.0.unpark();
    }
}

fn socket(file: &OpenFile) -> &dyn Socket {
    SocketFile::of(file).unwrap().socket()
}

/// Waits as a system call does. A wake-up that is lost shows as a panic after some seconds.
fn wait<T>(
    file: &OpenFile,
    events: Events,
    mut attempt: impl FnMut() -> Result<T, Errno>,
) -> Result<T, Errno> {
    let listener = Arc::new(Unpark(std::thread::current()));
    let _registration = socket(file).core().readiness.register(events, listener);
    loop {
        match attempt() {
            Err(Errno::EAGAIN) => {
                let before = std::time::Instant::now();
                std::thread::park_timeout(Duration::from_secs(100));
                assert!(
                    before.elapsed() < Duration::from_secs(100),
                    "forgotten while waiting for {events:?}"
                );
            }
            done => return done,
        }
    }
}

fn send(file: &OpenFile, data: &[u8], files: &[Arc<OpenFile>]) -> Result<(), Errno> {
    let mut source = SliceSource::new(data);
    let mut files = files.to_vec();
    while vfs::Source::left(&source) > 0 {
        wait(file, Events::OUT, || {
            let mut message = Outgoing {
                data: &mut source,
                to: None,
                files: files.clone(),
                credentials: None,
                control: &[],
                flags: MessageFlags::empty(),
                caller: &caller(),
            };
            socket(file).send(&mut message)
        })?;
        files.clear();
    }
    Ok(())
}

fn receive(file: &OpenFile, room: usize) -> Result<(Vec<u8>, usize), Errno> {
    let mut sink = VecSink::new(room);
    let received = wait(file, Events::IN, || {
        socket(file).receive(&mut Incoming { into: &mut sink, flags: MessageFlags::empty() })
    })?;
    Ok((sink.data, received.files.len()))
}

fn make(namespace: &Namespace, family: u16, kind: Kind) -> Arc<OpenFile> {
    let family = namespace.family(family.into()).unwrap();
    SocketFile::open(family.create(kind, 0, &caller()).unwrap(), false)
}

fn some_address(family: u16) -> Address {
    if family == AF_UNIX {
        Address::Unix(UnixAddress::Unnamed)
    } else {
        Address::Inet("127.0.0.1:0".parse().unwrap())
    }
}

/// A server with a small backlog, and clients that come and go at the same time.
fn serve(family: u16) {
    const CLIENTS: usize = 8;
    const ROUNDS: usize = 40;
    let namespace = Networks::new().loopback_only();
    let listener = make(&namespace, family, Kind::Stream);
    socket(&listener).bind(&some_address(family), &caller()).unwrap();
    socket(&listener).listen(1, &caller()).unwrap();
    let address = socket(&listener).local_address().unwrap();
    let data: Vec<u8> = (0..700_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    let client = |round: usize| {
        let client = make(&namespace, family, Kind::Stream);
        wait(&client, Events::OUT, || socket(&client).connect(&address, &caller(), false)).unwrap();
        let part = if round.is_multiple_of(8) { &data[..] } else { &data[..1000] };
        send(&client, part, &[]).unwrap();
        socket(&client).shutdown(halves(false, true)).unwrap();
        assert_eq!(receive(&client, 8).unwrap().0, part.len().to_le_bytes());
        assert_eq!(receive(&client, 8).unwrap().0, []);
    };
    let server = || {
        let accepted = wait(&listener, Events::IN, || socket(&listener).accept()).unwrap();
        let server = SocketFile::open(accepted.socket, false);
        let mut all = Vec::new();
        loop {
            let piece = receive(&server, 10_000).unwrap().0;
            if piece.is_empty() {
                break;
            }
            all.extend(piece);
        }
        assert!(all == data[..all.len()]);
        send(&server, &all.len().to_le_bytes(), &[]).unwrap();
    };
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| (0..ROUNDS).for_each(client));
        }
        for _ in 0..2 {
            scope.spawn(|| (0..CLIENTS * ROUNDS / 2).for_each(|_| server()));
        }
    });
}

#[test]
fn unix_streams() {
    serve(AF_UNIX);
}

#[test]
fn tcp() {
    serve(AF_INET);
}

/// Senders outnumber what the receiver's queue holds.
#[test]
fn unix_datagrams() {
    const SENDERS: u32 = 6;
    const MESSAGES: u32 = 2000;
    let namespace = Networks::new().loopback_only();
    let receiver = make(&namespace, AF_UNIX, Kind::Datagram);
    socket(&receiver).bind(&some_address(AF_UNIX), &caller()).unwrap();
    let address = socket(&receiver).local_address().unwrap();
    let mut sum = 0;
    std::thread::scope(|scope| {
        for sender in 0..SENDERS {
            let (namespace, address) = (&namespace, &address);
            scope.spawn(move || {
                let file = make(namespace, AF_UNIX, Kind::Datagram);
                socket(&file).connect(address, &caller(), false).unwrap();
                (0..MESSAGES).for_each(|n| send(&file, &(sender * MESSAGES + n).to_le_bytes(), &[]).unwrap());
            });
        }
        for _ in 0..SENDERS * MESSAGES {
            let message = receive(&receiver, 4).unwrap().0;
            sum += u64::from(u32::from_le_bytes(message.try_into().unwrap()));
        }
    });
    let count = u64::from(SENDERS * MESSAGES);
    assert_eq!(sum, count * (count - 1) / 2);
}

/// Sockets that pass each other, some of which become garbage, while other threads look for it.
#[test]
fn descriptors_and_garbage() {
    let networks = Networks::new();
    let namespace = networks.loopback_only();
    let pair = || {
        let family = namespace.family(AF_UNIX.into()).unwrap();
        let (a, b) = family.create_pair(Kind::Stream, 0, &caller()).unwrap();
        (SocketFile::open(a, false), SocketFile::open(b, false))
    };
    let (left, right) = pair();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..500 {
                    let (a, b) = pair();
                    send(&a, b"x", &[Arc::clone(&a), Arc::clone(&b)]).unwrap();
                    send(&b, b"yz", &[Arc::clone(&b)]).unwrap();
                }
            });
        }
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..1000 {
                    let (a, b) = pair();
                    send(&b, b"still here", &[]).unwrap();
                    send(&left, b"1", &[a]).unwrap();
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..2000 {
                let mut sink = VecSink::new(1);
                let received = wait(&right, Events::IN, || {
                    let mut message = Incoming { into: &mut sink, flags: MessageFlags::empty() };
                    socket(&right).receive(&mut message)
                });
                let passed = received.unwrap().files.pop().unwrap();
                assert_eq!(receive(&passed, 100).unwrap().0, b"still here", "in use, and taken for garbage");
            }
        });
    });
}
