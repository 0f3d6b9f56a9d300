//! The same steps on TCP sockets of the host and on ours give the same results.
#![expect(clippy::unwrap_used, reason = "a test")]

mod common;

use abi::socket::family::{AF_INET, AF_INET6};
use abi::socket::message::MessageFlags;
use common::{at, compare, ip, settle};
use socket::{Address, Kind};
use socket_oracle::{End, Setting, World, halves};

const FAMILIES: [u16; 2] = [AF_INET, AF_INET6];

fn tcp(world: &dyn World, family: u16) -> Box<dyn End> {
    world.socket(family, Kind::Stream).unwrap()
}

fn listener(world: &dyn World, family: u16) -> (Box<dyn End>, Address) {
    let listener = tcp(world, family);
    listener.bind(&at(if family == AF_INET { "127.0.0.1:0" } else { "[::1]:0" })).unwrap();
    listener.listen(5).unwrap();
    let address = listener.local().unwrap();
    (listener, address)
}

fn connected(world: &dyn World, family: u16) -> (Box<dyn End>, Box<dyn End>, Box<dyn End>) {
    let (listener, address) = listener(world, family);
    let client = tcp(world, family);
    let _ = client.connect(&address);
    client.connect(&address).unwrap();
    let (server, _) = listener.accept().unwrap();
    (listener, client, server)
}

#[test]
fn fresh_sockets() {
    compare(|world, log| {
        for family in FAMILIES {
            let s = tcp(world, family);
            log.note("poll", s.poll());
            log.note("receive", s.get(1));
            log.note("send", s.put(b"x"));
            log.note("accept", s.accept().map(|_| ()));
            log.note("peer", s.peer());
            log.note("local", s.local());
            log.note("shutdown", s.shutdown(halves(true, true)));
            log.note("poll", s.poll());
            log.note("listen", s.listen(1));
            log.note("poll", s.poll());
            log.note("local", s.local().map(|a| ip(&a)));
            log.note("accept", s.accept().map(|_| ()));
            log.note("receive", s.get(1));
            log.note("send", s.put(b"x"));
            log.note("bind", s.bind(&at("127.0.0.1:0")));
        }
    });
}

#[test]
fn connecting() {
    compare(|world, log| {
        for family in FAMILIES {
            let (listener, address) = listener(world, family);
            let client = tcp(world, family);
            log.note("connect", client.connect(&address));
            log.note("poll", (client.poll(), client.error()));
            log.note("connect", client.connect(&address));
            log.note("connect", client.connect(&address));
            log.note("poll", listener.poll());
            let (server, peer) = listener.accept().unwrap();
            log.note("peer", peer.as_ref().map(ip));
            log.note("agree", (server.local() == client.peer(), server.peer() == client.local()));
            log.note("names", (server.local().map(|a| ip(&a)), client.local().map(|a| ip(&a))));
            log.note("poll", (client.poll(), server.poll(), listener.poll()));
            log.note("bytes", (client.put(b"hello"), server.put(b"hi")));
            settle();
            log.note("bytes", (server.get(3), server.get(10), client.receive(9, MessageFlags::PEEK)));
            log.note("bytes", (client.get(1), client.get(9), client.get(9)));
        }
    });
}

#[test]
fn refused() {
    compare(|world, log| {
        for family in FAMILIES {
            let (listener, address) = listener(world, family);
            drop(listener);
            let client = tcp(world, family);
            log.note("connect", client.connect(&address));
            log.note("poll", client.poll());
            log.note("again", client.connect(&address));
            log.note("again", client.connect(&address));
            log.note("error", client.error());
            log.note("again", client.connect(&address));
            log.note("then", (client.connect(&address), client.get(1), client.get(1), client.put(b"x")));
        }
    });
}

#[test]
fn shutdown_of_each_half() {
    compare(|world, log| {
        for (read, write) in [(true, false), (false, true), (true, true)] {
            let (_listener, a, b) = connected(world, AF_INET);
            log.note("before", (a.put(b"to b"), b.put(b"to a")));
            settle();
            log.note("shutdown", a.shutdown(halves(read, write)));
            settle();
            log.note("poll", (a.poll(), b.poll()));
            log.note("a sends", a.put(b"x"));
            log.note("a receives", (a.get(10), a.get(10)));
            log.note("b sends", b.put(b"more"));
            settle();
            log.note("a receives", (a.get(10), a.get(10)));
            log.note("b receives", (b.get(10), b.get(10)));
            log.note("poll", (a.poll(), b.poll()));
            log.note("b shuts", b.shutdown(halves(false, true)));
            settle();
            log.note("poll", (a.poll(), b.poll()));
            log.note("ends", (a.get(1), b.get(1), a.put(b"x"), b.put(b"x")));
            log.note("peers", (a.peer().is_ok(), b.peer().is_ok()));
            log.note("shutdown", (a.shutdown(halves(true, true)), b.shutdown(halves(true, true))));
            log.note("poll", (a.poll(), b.poll()));
        }
    });
}

#[test]
fn the_peer_closes() {
    compare(|world, log| {
        for (unread, linger) in [(false, false), (true, false), (false, true)] {
            let (_listener, a, b) = connected(world, AF_INET);
            log.note("last words", b.put(b"bye"));
            if unread {
                log.note("unread", a.put(b"unread"));
            }
            if linger {
                b.set(Setting::LingerZero).unwrap();
            }
            settle();
            drop(b);
            settle();
            log.note("poll", a.poll());
            log.note("peer", a.peer().is_ok());
            log.note("receive", (a.get(10), a.get(10), a.get(10)));
            log.note("send", a.put(b"x"));
            settle();
            log.note("poll", a.poll());
            log.note("send", (a.put(b"x"), a.put(b"x")));
            log.note("receive", a.get(10));
            log.note("poll", (a.poll(), a.error()));
            log.note("peer", a.peer().is_ok());
        }
    });
}

#[test]
fn the_error_of_a_reset_comes_once() {
    compare(|world, log| {
        for first in 0..3 {
            let (_listener, a, b) = connected(world, AF_INET);
            b.set(Setting::LingerZero).unwrap();
            drop(b);
            settle();
            for step in 0..4 {
                match (first + step) % 3 {
                    0 => log.note("send", a.put(b"x")),
                    1 => log.note("receive", a.get(1)),
                    _ => log.note("error", a.error()),
                }
            }
        }
    });
}

#[test]
fn listeners_that_close() {
    compare(|world, log| {
        let (listener, address) = listener(world, AF_INET);
        let client = tcp(world, AF_INET);
        let _ = client.connect(&address);
        log.note("early", client.put(b"early"));
        settle();
        log.note("poll", listener.poll());
        drop(listener);
        settle();
        log.note("poll", client.poll());
        log.note("receive", (client.get(1), client.get(1)));
        log.note("send", client.put(b"x"));
    });
}

#[test]
fn shutting_a_listener_down() {
    compare(|world, log| {
        let (listener, address) = listener(world, AF_INET);
        log.note("write", listener.shutdown(halves(false, true)));
        log.note("poll", listener.poll());
        log.note("read", listener.shutdown(halves(true, false)));
        log.note("poll", listener.poll());
        log.note("accept", listener.accept().map(|_| ()));
        let client = tcp(world, AF_INET);
        log.note("connect", (client.connect(&address), client.connect(&address)));
        log.note("listen", listener.listen(1));
        log.note("same port", listener.local() == Ok(address));
    });
}

#[test]
fn ports() {
    compare(|world, log| {
        let (first, address) = listener(world, AF_INET);
        let port = common::port(&address);
        let bind = |to: &str, reuse: &[Setting]| {
            let s = world.socket(if to.starts_with('[') { AF_INET6 } else { AF_INET }, Kind::Stream).unwrap();
            for setting in reuse {
                s.set(*setting).unwrap();
            }
            (s.bind(&at(&format!("{to}:{port}"))), s.listen(1))
        };
        log.note("same", bind("127.0.0.1", &[]));
        log.note("any", bind("0.0.0.0", &[]));
        log.note("other address", bind("127.0.0.2", &[]));
        log.note("reuse", bind("127.0.0.1", &[Setting::ReuseAddress]));
        log.note("six only", bind("[::1]", &[]));
        log.note("dual", bind("[::]", &[]));
        log.note("any six only", bind("[::]", &[Setting::V6Only(true)]));
        log.note("mapped", bind("[::ffff:127.0.0.1]", &[]));
        log.note("mapped, six only", bind("[::ffff:127.0.0.3]", &[Setting::V6Only(true)]));
        drop(first);
        log.note("free again", bind("127.0.0.1", &[]));
        log.note("not ours", bind("8.8.8.8", &[]));
    });
}

#[test]
fn reuse() {
    compare(|world, log| {
        for setting in [Setting::ReuseAddress, Setting::ReusePort] {
            let (a, b) = (tcp(world, AF_INET), tcp(world, AF_INET));
            a.set(setting).unwrap();
            b.set(setting).unwrap();
            a.bind(&at("127.0.0.1:0")).unwrap();
            let address = a.local().unwrap();
            log.note("second", b.bind(&address));
            log.note("listen", (a.listen(1), b.listen(1)));
            let third = tcp(world, AF_INET);
            log.note("without", third.bind(&address));
        }
    });
}

#[test]
fn the_port_of_a_connection_stays_taken() {
    compare(|world, log| {
        for reuse in [false, true] {
            let first = tcp(world, AF_INET);
            if reuse {
                first.set(Setting::ReuseAddress).unwrap();
            }
            first.bind(&at("127.0.0.1:0")).unwrap();
            first.listen(1).unwrap();
            let address = first.local().unwrap();
            let client = tcp(world, AF_INET);
            let _ = client.connect(&address);
            let (_server, _) = first.accept().unwrap();
            drop(first);
            let next = tcp(world, AF_INET);
            if reuse {
                next.set(Setting::ReuseAddress).unwrap();
            }
            log.note("bind", next.bind(&address));
        }
    });
}

#[test]
fn both_families_meet() {
    compare(|world, log| {
        let six = tcp(world, AF_INET6);
        six.bind(&at("[::]:0")).unwrap();
        six.listen(2).unwrap();
        let port = common::port(&six.local().unwrap());
        let four = tcp(world, AF_INET);
        log.note("connect", four.connect(&at(&format!("127.0.0.1:{port}"))));
        let (server, peer) = six.accept().unwrap();
        log.note("peer", peer.as_ref().map(ip));
        log.note("local", server.local().map(|a| ip(&a)));
        let mapped = tcp(world, AF_INET6);
        log.note("connect", mapped.connect(&at(&format!("[::ffff:127.0.0.1]:{port}"))));
        log.note("names", (mapped.local().map(|a| ip(&a)), mapped.peer().map(|a| ip(&a))));
        let only = tcp(world, AF_INET6);
        only.set(Setting::V6Only(true)).unwrap();
        log.note("six only", only.connect(&at(&format!("[::ffff:127.0.0.1]:{port}"))));
        log.note("family", only.connect(&at("127.0.0.1:1")));
        log.note("family", four.bind(&at("[::1]:0")));
        let late = tcp(world, AF_INET6);
        late.bind(&at("[::1]:0")).unwrap();
        log.note("late", late.set(Setting::V6Only(true)));
        let any = tcp(world, AF_INET);
        log.note("any", any.connect(&at(&format!("0.0.0.0:{port}"))));
        log.note("names", (any.local().map(|a| ip(&a)), any.peer().map(|a| ip(&a))));
        let far = tcp(world, AF_INET);
        let _ = far.connect(&at(&format!("127.0.0.5:{port}")));
        log.note("names", (far.local().map(|a| ip(&a)), far.peer().map(|a| ip(&a))));
    });
}

#[test]
fn dissolved_connections() {
    compare(|world, log| {
        let (_listener, a, b) = connected(world, AF_INET);
        log.note("dissolve", a.connect(&Address::Unspecified));
        settle();
        log.note("poll", (a.poll(), b.poll()));
        log.note("b", (b.get(1), b.get(1), b.put(b"x")));
        log.note("a", (a.get(1), a.put(b"x"), a.peer(), a.local().map(|l| ip(&l))));
        let (other, address) = listener(world, AF_INET);
        log.note("connect", (a.connect(&address), a.connect(&address)));
        log.note("accepted", other.accept().is_ok());
    });
}

#[test]
fn a_full_connection_waits_for_room() {
    compare(|world, log| {
        let (_listener, a, b) = connected(world, AF_INET);
        let mut full = None;
        for _ in 0..2000 {
            if let Err(errno) = a.put(&[1; 65536]) {
                full = Some(errno);
                break;
            }
        }
        log.note("full", full);
        settle();
        log.note("poll", a.poll());
        while b.get(1 << 20).is_ok_and(|d| !d.is_empty()) {
            settle();
        }
        log.note("poll", a.poll());
        log.note("truncating", (a.put(b"abcdef"), b.receive(3, MessageFlags::TRUNC).is_ok(), b.get(9)));
    });
}
