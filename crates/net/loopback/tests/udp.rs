//! The same steps on UDP sockets of the host and on ours give the same results.
#![expect(clippy::unwrap_used, reason = "a test")]

mod common;

use abi::socket::family::{AF_INET, AF_INET6};
use abi::socket::message::MessageFlags;
use common::{at, compare, ip, port, settle};
use socket::{Address, Kind};
use socket_oracle::{End, Setting, World, halves};

fn udp(world: &dyn World, family: u16) -> Box<dyn End> {
    world.socket(family, Kind::Datagram).unwrap()
}

fn bound(world: &dyn World, to: &str) -> (Box<dyn End>, Address) {
    let s = udp(world, if to.starts_with('[') { AF_INET6 } else { AF_INET });
    s.bind(&at(&format!("{to}:0"))).unwrap();
    let address = s.local().unwrap();
    (s, address)
}

#[test]
fn fresh_sockets() {
    compare(|world, log| {
        for family in [AF_INET, AF_INET6] {
            let s = udp(world, family);
            log.note("poll", s.poll());
            log.note("send", s.put(b"x"));
            log.note("receive", s.get(1));
            log.note("listen", s.listen(1));
            log.note("accept", s.accept().map(|_| ()));
            log.note("names", (s.local().map(|a| (ip(&a), port(&a) > 0)), s.peer()));
            log.note("shutdown", s.shutdown(halves(true, true)));
            log.note("poll", s.poll());
            log.note("receive", s.get(1));
        }
    });
}

#[test]
fn messages() {
    compare(|world, log| {
        for to in ["127.0.0.1", "[::1]", "0.0.0.0", "[::]"] {
            let (a, address) = bound(world, to);
            let b = udp(world, if to.starts_with('[') { AF_INET6 } else { AF_INET });
            for data in [&b"one"[..], b"", b"three"] {
                log.note("send", b.send(data, Some(&address), &[]));
            }
            settle();
            log.note("poll", (a.poll(), b.poll()));
            log.note("peek", a.receive(2, MessageFlags::PEEK).map(|m| (m.data, m.truncated)));
            log.note("cut", a.receive(2, MessageFlags::empty()).map(|m| (m.data, m.truncated)));
            log.note("empty", a.receive(9, MessageFlags::empty()).map(|m| m.data));
            let third = a.receive(9, MessageFlags::empty()).unwrap();
            log.note("from", third.from.as_ref().map(ip));
            log.note("local", b.local().map(|l| ip(&l)));
            log.note("answer", a.send(b"back", third.from.as_ref(), &[]));
            settle();
            log.note("answer", b.get(9));
            log.note("none", a.get(9));
        }
    });
}

#[test]
fn connected_sockets() {
    compare(|world, log| {
        let (a, a_at) = bound(world, "127.0.0.1");
        let (b, b_at) = bound(world, "0.0.0.0");
        log.note("connect", b.connect(&a_at));
        log.note("names", (b.local().map(|l| ip(&l)), b.peer() == Ok(a_at.clone())));
        log.note("send", b.put(b"x"));
        settle();
        let to_b = at(&format!("127.0.0.1:{}", port(&b_at)));
        log.note("received", a.get(9));
        log.note("back", a.send(b"y", Some(&to_b), &[]));
        let stranger = udp(world, AF_INET);
        log.note("stranger", stranger.send(b"no", Some(&to_b), &[]));
        settle();
        log.note("received", (b.get(9), b.get(9)));
        log.note("elsewhere", b.send(b"z", Some(&a_at), &[]));
        log.note("dissolve", b.connect(&Address::Unspecified));
        log.note("names", (b.local().map(|l| ip(&l)), b.peer(), port(&b.local().unwrap()) == port(&b_at)));
        log.note("send", b.put(b"x"));
        log.note("stranger", stranger.send(b"yes", Some(&to_b), &[]));
        settle();
        log.note("received", b.get(9));
        let fresh = udp(world, AF_INET);
        log.note("connect", fresh.connect(&a_at));
        log.note("dissolve", fresh.connect(&Address::Unspecified));
        log.note("forgotten", fresh.local());
        log.note("shutdown", fresh.shutdown(halves(false, true)));
        let half = udp(world, AF_INET);
        half.connect(&a_at).unwrap();
        log.note("shutdown", half.shutdown(halves(false, true)));
        log.note("send", (half.put(b"x"), half.poll()));
        log.note("shutdown", half.shutdown(halves(true, false)));
        log.note("poll", (half.poll(), half.get(1)));
    });
}

#[test]
fn nobody_there() {
    compare(|world, log| {
        let (gone, nowhere) = bound(world, "127.0.0.1");
        drop(gone);
        let a = udp(world, AF_INET);
        log.note("unconnected", (a.send(b"x", Some(&nowhere), &[]), a.send(b"x", Some(&nowhere), &[])));
        log.note("connect", a.connect(&nowhere));
        log.note("send", a.put(b"x"));
        settle();
        log.note("poll", a.poll());
        log.note("send", a.put(b"x"));
        settle();
        log.note("receive", a.get(1));
        log.note("receive", a.get(1));
        log.note("send", a.put(b"x"));
        settle();
        log.note("error", (a.error(), a.error()));
    });
}

#[test]
fn refusals() {
    compare(|world, log| {
        let (_a, address) = bound(world, "127.0.0.1");
        let s = udp(world, AF_INET);
        log.note("too long", s.send(&[0; 65508], Some(&address), &[]));
        log.note("longest", s.send(&[0; 65507], Some(&address), &[]));
        log.note("port 0", s.send(b"x", Some(&at("127.0.0.1:0")), &[]));
        log.note("broadcast", s.send(b"x", Some(&at("127.255.255.255:9")), &[]));
        s.set(Setting::Broadcast).unwrap();
        log.note("broadcast", s.send(b"x", Some(&at("127.255.255.255:9")), &[]));
        log.note("family", s.send(b"x", Some(&at("[::1]:9")), &[]));
        log.note("bind", s.bind(&at("127.0.0.1:0")));
        log.note("taken", udp(world, AF_INET).bind(&address));
        log.note("not ours", udp(world, AF_INET).bind(&at("8.8.8.8:0")));
    });
}

#[test]
fn families_and_sharing() {
    compare(|world, log| {
        let (six, at_six) = bound(world, "[::]");
        let four = udp(world, AF_INET);
        log.note("to dual", four.send(b"x", Some(&at(&format!("127.0.0.1:{}", port(&at_six)))), &[]));
        settle();
        log.note("from", six.receive(9, MessageFlags::empty()).map(|m| m.from.as_ref().map(ip)));
        let (four_there, at_four) = bound(world, "127.0.0.1");
        let mapped = at(&format!("[::ffff:127.0.0.1]:{}", port(&at_four)));
        log.note("mapped", udp(world, AF_INET6).send(b"m", Some(&mapped), &[]));
        log.note("plain", udp(world, AF_INET6).send(b"p", Some(&at_four), &[]));
        settle();
        log.note("received", (four_there.get(9), four_there.get(9)));
        for setting in [Setting::ReuseAddress, Setting::ReusePort] {
            let (a, b) = (udp(world, AF_INET), udp(world, AF_INET));
            a.set(setting).unwrap();
            b.set(setting).unwrap();
            a.bind(&at("127.0.0.1:0")).unwrap();
            log.note("share", b.bind(&a.local().unwrap()));
            log.note("without", udp(world, AF_INET).bind(&a.local().unwrap()));
        }
    });
}
