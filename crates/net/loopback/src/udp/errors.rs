//! The queue of errors that `IP_RECVERR` keeps: ip(7).

use std::collections::VecDeque;
use std::net::SocketAddr;

use abi::Errno;
use abi::socket::family::AF_INET6;
use abi::socket::message::MessageFlags;
use abi::socket::option::{IP_RECVERR, IPV6_RECVERR, SOL_IP, SOL_IPV6};
use socket::datagram::Datagram;
use socket::{Address, Ancillary, Control, Incoming, Packet, Received};

use super::Udp;
use crate::address;

/// How many errors wait at most. Linux bounds them by the memory that they take.
const MOST: usize = 64;
/// ICMP "destination unreachable, port unreachable", and the same of ICMPv6, with the origins of `struct sock_extended_err`.
const UNREACHABLE: Cause = Cause { origin: 2, kind: 3, code: 3 };
const UNREACHABLE_V6: Cause = Cause { origin: 3, kind: 1, code: 4 };

#[derive(Clone, Copy)]
struct Cause {
    origin: u8,
    kind: u8,
    code: u8,
}

/// A message that nobody took.
struct Report {
    message: Datagram,
    to: SocketAddr,
}

/// Errors that wait to be read.
#[derive(Default)]
pub(super) struct Errors {
    reports: VecDeque<Report>,
}

impl Errors {
    pub(super) fn is_empty(&self) -> bool {
        self.reports.is_empty()
    }

    /// Notes that nobody took a message.
    pub(super) fn note(&mut self, domain: u16, data: Vec<u8>, packet: Packet) {
        if self.reports.len() < MOST {
            let from = Some(address::present(domain, packet.to));
            let ancillary = Ancillary { packet: Some(packet), ..Ancillary::default() };
            let message = Datagram { data, from, ancillary, arrived: None };
            self.reports.push_back(Report { message, to: packet.to });
        }
    }
}

impl Udp {
    /// recv(2) with `MSG_ERRQUEUE`.
    pub(super) fn receive_error(&self, message: &mut Incoming<'_>) -> Result<Received, Errno> {
        let mut errors = self.errors.lock();
        let report = errors.reports.pop_front().ok_or(Errno::EAGAIN)?;
        let more = !errors.is_empty();
        drop(errors);
        self.core.take_error();
        if more {
            self.core.set_error(Errno::ECONNREFUSED);
        }
        let control = describe(self.core.domain, report.to);
        let mut received = report.message.deliver(message.into)?;
        received.control.push(control);
        received.flags |= MessageFlags::ERRQUEUE;
        Ok(received)
    }
}

/// `struct sock_extended_err`, and the address of who found the error: the destination itself.
fn describe(domain: u16, to: SocketAddr) -> Control {
    let (level, kind) = if domain == AF_INET6 { (SOL_IPV6, IPV6_RECVERR) } else { (SOL_IP, IP_RECVERR) };
    let cause = if to.is_ipv4() { UNREACHABLE } else { UNREACHABLE_V6 };
    let mut data = Errno::ECONNREFUSED.raw().to_ne_bytes().to_vec();
    data.extend_from_slice(&[cause.origin, cause.kind, cause.code, 0]);
    // Two numbers that this cause does not have.
    data.extend_from_slice(&[0; 8]);
    let offender = match address::present(domain, to) {
        Address::Inet(address) => SocketAddr::new(address.ip(), 0),
        _ => to,
    };
    data.extend(Address::Inet(offender).encode());
    Control { level, kind, data }
}
