//! Sending and receiving.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use abi::Errno;
use abi::socket::message::MessageFlags;
use abi::socket::option::{IP_MULTICAST_ALL, IP_RECVERR, IPV6_MULTICAST_ALL, IPV6_RECVERR, SOL_IP, SOL_IPV6};
use socket::datagram::Datagram;
use socket::{Ancillary, Incoming, Outgoing, Packet, Received};
use vfs::{Events, Timestamp};

use super::Udp;
use super::headers::{self, Chosen};
use crate::address;

/// The most that fits into a packet: 65,535 less the headers of IP (20 bytes, or none counted for IPv6) and UDP (8 bytes).
const PAYLOAD_V4: usize = 65507;
const PAYLOAD_V6: usize = 65527;

impl Udp {
    pub(super) fn send(self: &Arc<Self>, message: &mut Outgoing<'_>) -> Result<usize, Errno> {
        let mut state = self.state.lock();
        let bound = self.bound_or_ephemeral(&mut state, message.caller)?;
        if message.data.left() > usize::from(u16::MAX) {
            return Err(Errno::EMSGSIZE);
        }
        if message.flags.contains(MessageFlags::OOB) {
            return Err(Errno::EOPNOTSUPP);
        }
        let to = match message.to {
            Some(address) => self.destination(&state, address)?,
            None => state.peer.ok_or(Errno::EDESTADDRREQ)?,
        };
        if to.port() == 0 {
            return Err(Errno::EINVAL);
        }
        self.core.check_error()?;
        if state.shut.write {
            return Err(Errno::EPIPE);
        }
        if address::is_broadcast(to.ip()) && !self.core.options.lock().broadcast {
            return Err(Errno::EACCES);
        }
        let chosen = Chosen::read(message.control, self.core.domain)?;
        let source = address::source(chosen.source.unwrap_or(bound.ip), to.ip())?;
        let from = SocketAddr::new(source, bound.lease.port);
        let connected = state.peer.is_some();
        let keeps_errors =
            state.numbers.is_on(SOL_IP, IP_RECVERR) || state.numbers.is_on(SOL_IPV6, IPV6_RECVERR);
        let packet = chosen.packet(to, &state.numbers);
        drop(state);
        let limit = if to.is_ipv4() { PAYLOAD_V4 } else { PAYLOAD_V6 };
        let data = Datagram::fetch(message.data, limit)?;
        let length = data.len();
        if to.ip().is_multicast() {
            self.send_to_group(&data, from, packet);
            return Ok(length);
        }
        match self.system.udp.find(to, from) {
            Some(receiver) => receiver.take(data, from, packet),
            // The answer of a machine where nobody listens (ICMP port unreachable).
            None if connected || keeps_errors => {
                if keeps_errors {
                    self.errors.lock().note(self.core.domain, data, packet);
                }
                self.core.fail(Errno::ECONNREFUSED);
            }
            None => {}
        }
        Ok(length)
    }

    /// Gives a message to all members of a group, and to those who want what is sent to any.
    fn send_to_group(&self, data: &[u8], from: SocketAddr, packet: Packet) {
        let group = packet.to.ip();
        if !self.system.members.has(group) {
            return;
        }
        for receiver in self.system.udp.find_all(packet.to, from) {
            if receiver.wants(group) {
                receiver.take(data.to_vec(), from, packet);
            }
        }
    }

    /// Whether it is a member of a group, or takes what others are members of.
    fn wants(&self, group: IpAddr) -> bool {
        let (level, all) =
            if group.is_ipv4() { (SOL_IP, IP_MULTICAST_ALL) } else { (SOL_IPV6, IPV6_MULTICAST_ALL) };
        let state = self.state.lock();
        state.groups.joined().contains(&group) || state.numbers.chosen(level, all) != Some(0)
    }

    /// Puts a message into the inbox; without room it is lost.
    fn take(&self, data: Vec<u8>, from: SocketAddr, packet: Packet) {
        let limit = self.core.options.lock().receive_buffer;
        let mut inbox = self.inbox.lock();
        if inbox.cost().saturating_add(Datagram::cost(data.len())) > limit {
            return;
        }
        let from = Some(address::present(self.core.domain, from));
        let ancillary = Ancillary { packet: Some(packet), ..Ancillary::default() };
        inbox.push(Datagram { data, from, ancillary, arrived: Some(Timestamp::now()) });
        drop(inbox);
        self.core.readiness.notify(Events::IN | Events::RDNORM);
    }

    pub(super) fn receive(&self, message: &mut Incoming<'_>) -> Result<Received, Errno> {
        if message.flags.intersects(MessageFlags::OOB) {
            return Err(Errno::EOPNOTSUPP);
        }
        if message.flags.contains(MessageFlags::ERRQUEUE) {
            return self.receive_error(message);
        }
        self.core.check_error()?;
        let mut inbox = self.inbox.lock();
        if message.flags.contains(MessageFlags::PEEK) && !inbox.is_empty() {
            return inbox.peek(message.into).map(|received| self.tell(received));
        }
        let first = inbox.pop();
        drop(inbox);
        match first {
            Some(first) => first.deliver(message.into).map(|received| self.tell(received)),
            None if self.state.lock().shut.read && !message.flags.contains(MessageFlags::DONTWAIT) => {
                Ok(Received { complete: true, ..Received::default() })
            }
            None => Err(Errno::EAGAIN),
        }
    }

    /// Adds what the receiver asked to be told of the packet.
    fn tell(&self, mut received: Received) -> Received {
        if let Some(packet) = &received.packet {
            received.control = headers::told(self.core.domain, &self.state.lock().numbers, packet);
        }
        received
    }
}
