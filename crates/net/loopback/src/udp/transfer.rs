//! Sending and receiving.

use std::net::SocketAddr;
use std::sync::Arc;

use abi::Errno;
use abi::socket::message::MessageFlags;
use abi::socket::option::{IP_RECVERR, IPV6_RECVERR, SOL_IP, SOL_IPV6};
use socket::datagram::Datagram;
use socket::{Ancillary, Incoming, Outgoing, Received};
use vfs::Events;

use super::Udp;
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
        let from = SocketAddr::new(address::source(bound.ip, to.ip())?, bound.lease.port);
        let wants_errors = state.peer.is_some()
            || state.numbers.is_on(SOL_IP, IP_RECVERR)
            || state.numbers.is_on(SOL_IPV6, IPV6_RECVERR);
        drop(state);
        let limit = if to.is_ipv4() { PAYLOAD_V4 } else { PAYLOAD_V6 };
        let data = Datagram::fetch(message.data, limit)?;
        let length = data.len();
        match self.system.udp.find(to, from) {
            Some(receiver) => receiver.take(data, from),
            // The answer of a machine where nobody listens (ICMP port unreachable).
            None if wants_errors => self.core.fail(Errno::ECONNREFUSED),
            None => {}
        }
        Ok(length)
    }

    /// Puts a message into the inbox; without room it is lost.
    fn take(&self, data: Vec<u8>, from: SocketAddr) {
        let limit = self.core.options.lock().receive_buffer;
        let mut inbox = self.inbox.lock();
        if inbox.cost().saturating_add(Datagram::cost(data.len())) > limit {
            return;
        }
        let from = Some(address::present(self.core.domain, from));
        inbox.push(Datagram { data, from, ancillary: Ancillary::default() });
        drop(inbox);
        self.core.readiness.notify(Events::IN | Events::RDNORM);
    }

    pub(super) fn receive(&self, message: &mut Incoming<'_>) -> Result<Received, Errno> {
        if message.flags.intersects(MessageFlags::OOB) {
            return Err(Errno::EOPNOTSUPP);
        }
        if message.flags.contains(MessageFlags::ERRQUEUE) {
            return Err(Errno::EAGAIN);
        }
        self.core.check_error()?;
        let mut inbox = self.inbox.lock();
        if message.flags.contains(MessageFlags::PEEK) && !inbox.is_empty() {
            return inbox.peek(message.into);
        }
        let first = inbox.pop();
        drop(inbox);
        match first {
            Some(first) => first.deliver(message.into),
            None if self.state.lock().shut.read && !message.flags.contains(MessageFlags::DONTWAIT) => {
                Ok(Received { complete: true, ..Received::default() })
            }
            None => Err(Errno::EAGAIN),
        }
    }
}
