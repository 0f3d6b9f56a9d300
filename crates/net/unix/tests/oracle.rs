//! The same steps on AF_UNIX sockets of the host and on ours give the same results.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::sync::atomic::{AtomicU32, Ordering};

use abi::socket::family::AF_UNIX;
use abi::socket::message::MessageFlags;
use socket::{Address, Kind, Namespace, UnixAddress};
use socket_oracle::{End, Log, Ours, Setting, World, differences, halves};
use unix::UnixSystem;

fn ours() -> Ours {
    let system = UnixSystem::new();
    Ours(Namespace::new(socket::Net::first(), [(AF_UNIX, system.family() as _)]))
}

/// Runs the steps in both worlds and compares.
fn compare(steps: impl Fn(&dyn World, &mut Log)) {
    let differences = differences(&ours(), steps);
    assert!(differences.is_empty(), "{differences:#?}");
}

fn name() -> Address {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("oracle-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    Address::Unix(UnixAddress::Abstract(name.into_bytes().into()))
}

fn connected(world: &dyn World, kind: Kind) -> (Box<dyn End>, Box<dyn End>, Box<dyn End>) {
    let (listener, client) = (world.socket(AF_UNIX, kind).unwrap(), world.socket(AF_UNIX, kind).unwrap());
    let at = name();
    listener.bind(&at).unwrap();
    listener.listen(5).unwrap();
    client.connect(&at).unwrap();
    let (server, _) = listener.accept().unwrap();
    (listener, client, server)
}

const CONNECTED: [Kind; 2] = [Kind::Stream, Kind::SeqPacket];
const ALL: [Kind; 3] = [Kind::Stream, Kind::SeqPacket, Kind::Datagram];

#[test]
fn fresh_sockets() {
    compare(|world, log| {
        for kind in ALL {
            let s = world.socket(AF_UNIX, kind).unwrap();
            log.note("poll", s.poll());
            log.note("send", s.put(b"x"));
            log.note(
                "send to nobody",
                s.send(b"x", Some(&Address::Unix(UnixAddress::Abstract((*b"no").into()))), &[]),
            );
            log.note("receive", s.get(10));
            log.note("listen", s.listen(1));
            log.note("accept", s.accept().map(|_| ()));
            log.note("local", s.local());
            log.note("peer", s.peer());
            log.note("connect to nobody", s.connect(&Address::Unix(UnixAddress::Abstract((*b"no").into()))));
            log.note("shutdown", s.shutdown(halves(true, true)));
            log.note("poll", s.poll());
            log.note("receive", s.get(10));
            log.note("send", s.put(b"x"));
        }
    });
}

#[test]
fn pairs_carry_bytes_and_messages() {
    compare(|world, log| {
        for kind in ALL {
            let (a, b) = world.pair(kind).unwrap();
            log.note("poll", (a.poll(), b.poll()));
            for data in [&b"one"[..], b"second", b""] {
                log.note("send", a.put(data));
            }
            log.note("poll", (a.poll(), b.poll()));
            log.note("peek", b.receive(2, MessageFlags::PEEK));
            log.note("short", b.receive(2, MessageFlags::empty()));
            log.note("rest", b.receive(100, MessageFlags::empty()));
            log.note("rest", b.receive(100, MessageFlags::empty()));
            log.note("none", b.receive(100, MessageFlags::empty()));
            log.note("zero room", b.receive(0, MessageFlags::empty()));
            log.note("names", (a.local(), a.peer()));
        }
    });
}

#[test]
fn shutdown_of_each_half() {
    compare(|world, log| {
        for kind in ALL {
            for (read, write) in [(true, false), (false, true), (true, true)] {
                let (a, b) = world.pair(kind).unwrap();
                log.note("before", (a.put(b"to b"), b.put(b"to a")));
                log.note("shutdown", a.shutdown(halves(read, write)));
                log.note("poll", (a.poll(), b.poll()));
                log.note("a sends", a.put(b"x"));
                log.note("b sends", b.put(b"x"));
                log.note("a receives", (a.get(10), a.get(10)));
                log.note("b receives", (b.get(10), b.get(10)));
                log.note("poll", (a.poll(), b.poll()));
            }
        }
    });
}

#[test]
fn the_peer_closes() {
    compare(|world, log| {
        for kind in ALL {
            for unread in [false, true] {
                let (a, b) = world.pair(kind).unwrap();
                log.note("last words", b.put(b"bye"));
                if unread {
                    log.note("unread", a.put(b"unread"));
                }
                drop(b);
                log.note("poll", a.poll());
                log.note("send", a.put(b"x"));
                log.note("receive", (a.get(10), a.get(10), a.get(10)));
                log.note("send", (a.put(b"x"), a.put(b"x")));
                log.note("poll", a.poll());
                log.note("error", a.error());
                log.note("peer", a.peer());
            }
        }
    });
}

#[test]
fn connections() {
    compare(|world, log| {
        for kind in CONNECTED {
            let (listener, client, server) = connected(world, kind);
            log.note("poll", (listener.poll(), client.poll(), server.poll()));
            log.note("names", (client.local(), server.peer()));
            log.note("again", client.connect(&listener.local().unwrap()).map_err(|e| e.raw()));
            log.note("send to", client.send(b"x", Some(&name()), &[]));
            log.note("send", (client.put(b"hello"), server.put(b"hi")));
            log.note("receive", (client.get(10), server.get(10)));
            log.note("listener", (listener.get(1), listener.put(b"x"), listener.accept().map(|_| ())));
            let at = listener.local().unwrap();
            drop(server);
            log.note("the name stays", world.socket(AF_UNIX, kind).unwrap().connect(&at));
            let (server, _) = listener.accept().unwrap();
            drop(listener);
            log.note("still", (client.put(b"hello"), server.get(10), server.put(b"x")));
        }
    });
}

#[test]
fn backlog_and_listeners_that_close() {
    compare(|world, log| {
        for kind in CONNECTED {
            let listener = world.socket(AF_UNIX, kind).unwrap();
            let at = name();
            log.note("bind", listener.bind(&at));
            log.note("bind twice", listener.bind(&name()));
            log.note("not yet", world.socket(AF_UNIX, kind).unwrap().connect(&at));
            log.note("listen", listener.listen(1));
            let clients: Vec<_> = (0..3).map(|_| world.socket(AF_UNIX, kind).unwrap()).collect();
            for client in &clients {
                log.note("connect", client.connect(&at));
            }
            log.note("poll", (listener.poll(), clients[0].poll(), clients[2].poll()));
            log.note("early", clients[0].put(b"early"));
            let (server, peer) = listener.accept().unwrap();
            log.note("accepted", (server.get(10), peer));
            log.note("connect", clients[2].connect(&at));
            drop(listener);
            for client in &clients {
                log.note("poll", client.poll());
                log.note("receive", (client.get(10), client.get(10)));
                log.note("send", client.put(b"x"));
            }
            log.note("gone", world.socket(AF_UNIX, kind).unwrap().connect(&at));
            log.note("free again", world.socket(AF_UNIX, kind).unwrap().bind(&at));
        }
    });
}

#[test]
fn names_and_types() {
    compare(|world, log| {
        let at = name();
        let first = world.socket(AF_UNIX, Kind::Stream).unwrap();
        log.note("bind", first.bind(&at));
        log.note("taken", world.socket(AF_UNIX, Kind::Stream).unwrap().bind(&at));
        log.note("other type", world.socket(AF_UNIX, Kind::Datagram).unwrap().bind(&at));
        log.note("wrong type", world.socket(AF_UNIX, Kind::SeqPacket).unwrap().connect(&at));
        log.note("local", first.local() == Ok(at));
        let auto = world.socket(AF_UNIX, Kind::Stream).unwrap();
        log.note("autobind", auto.bind(&Address::Unix(UnixAddress::Unnamed)));
        log.note("length", auto.local().map(|a| a.encode().len()));
        log.note("again", auto.bind(&Address::Unix(UnixAddress::Unnamed)));
        let inet = Address::Inet("127.0.0.1:80".parse().unwrap());
        log.note("family", (auto.bind(&inet), auto.connect(&inet)));
    });
}

#[test]
fn datagrams_between_strangers() {
    compare(|world, log| {
        let (a_at, b_at) = (name(), name());
        let [a, b, c] = [(); 3].map(|()| world.socket(AF_UNIX, Kind::Datagram).unwrap());
        a.bind(&a_at).unwrap();
        b.bind(&b_at).unwrap();
        log.note("to", c.send(b"from c", Some(&a_at), &[]));
        log.note("received", a.receive(10, MessageFlags::empty()));
        log.note("to", b.send(b"from b", Some(&a_at), &[]));
        log.note("known", a.receive(10, MessageFlags::empty()).map(|m| m.from == Some(b_at.clone())));
        log.note("connect", a.connect(&b_at));
        log.note("stranger", c.send(b"x", Some(&a_at), &[]));
        log.note("stranger connects", c.connect(&a_at));
        log.note("peer", b.send(b"x", Some(&a_at), &[]));
        log.note("elsewhere", a.send(b"x", Some(&b_at), &[]));
        log.note("dissolve", a.connect(&Address::Unspecified));
        log.note("purged", a.get(10));
        log.note("peer", a.peer());
        let mut sent = Vec::new();
        for _ in 0..14 {
            sent.push(c.send(b"m", Some(&a_at), &[]));
        }
        log.note("until full", sent);
        log.note("connected", c.connect(&a_at));
        log.note("full", c.poll());
        log.note("take", (a.get(10), c.poll()));
        drop(a);
        log.note("gone", (c.put(b"x"), c.put(b"x"), c.poll()));
        log.note("gone", b.send(b"x", Some(&a_at), &[]));
    });
}

#[test]
fn messages_too_long() {
    compare(|world, log| {
        for kind in [Kind::Datagram, Kind::SeqPacket] {
            let (a, b) = world.pair(kind).unwrap();
            a.set(Setting::SendBuffer(10_000)).unwrap();
            log.note("too long", a.put(&[1; 20_000]));
            log.note("fits", a.put(&[1; 10_000]));
            log.note("cut", b.receive(5, MessageFlags::empty()));
            log.note("nothing left", b.get(5));
        }
    });
}

#[test]
fn descriptors_and_their_boundaries() {
    compare(|world, log| {
        for kind in ALL {
            let (a, b) = world.pair(kind).unwrap();
            let (c, d) = world.pair(Kind::Stream).unwrap();
            log.note("plain", a.put(b"before"));
            log.note("with two", a.send(b"with", None, &[&*c, &*d]));
            log.note("plain", a.put(b"after"));
            log.note("with one", a.send(b"more", None, &[&*c]));
            log.note("peek", b.receive(100, MessageFlags::PEEK));
            for _ in 0..5 {
                log.note("receive", b.receive(100, MessageFlags::empty()));
            }
            log.note("with one", a.send(b"split", None, &[&*c]));
            log.note("first half", b.receive(2, MessageFlags::empty()));
            log.note("second half", b.receive(100, MessageFlags::empty()));
            log.note("empty", a.send(b"", None, &[&*c]));
            log.note("empty", b.receive(100, MessageFlags::empty()));
        }
    });
}

#[test]
fn credentials() {
    compare(|world, log| {
        for kind in ALL {
            let (a, b) = world.pair(kind).unwrap();
            log.note("set", b.set(Setting::PassCredentials));
            log.note("send", a.put(b"mine"));
            log.note("receive", b.receive(100, MessageFlags::empty()));
            log.note("other way", b.put(b"x"));
            log.note("not asked for", a.receive(100, MessageFlags::empty()).map(|m| m.uid));
        }
    });
}

#[test]
fn a_full_stream_waits_for_room() {
    compare(|world, log| {
        let (a, b) = world.pair(Kind::Stream).unwrap();
        let mut filled = false;
        for _ in 0..10_000 {
            match a.put(&[7; 1000]) {
                Ok(_) => {}
                Err(errno) => {
                    log.note("full", errno);
                    filled = true;
                    break;
                }
            }
        }
        log.note("filled", filled);
        log.note("poll", a.poll());
        while b.get(4096).is_ok() {}
        log.note("poll", (a.poll(), a.put(b"again")));
    });
}
