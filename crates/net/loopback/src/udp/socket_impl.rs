//! A UDP socket as the socket layer sees it.

use std::any::Any;
use std::net::SocketAddr;

use abi::Errno;
use abi::socket::option::{IP_MTU, IP_OPTIONS, IPV6_MTU, IPV6_V6ONLY, SOL_IP, SOL_IPV6};
use socket::interfaces::LOOPBACK_MTU;
use socket::{Address, Caller, Core, Incoming, Kind, OptionValue, Outgoing, Received, Shutdown, Socket};
use vfs::Events;

use super::UdpSocket;
use crate::address;
use crate::options::{self, Owner};

impl Socket for UdpSocket {
    fn core(&self) -> &Core {
        &self.inner.core
    }

    fn bind(&self, address: &Address, caller: &Caller) -> Result<(), Errno> {
        self.inner.bind(address, caller)
    }

    fn connect(&self, address: &Address, caller: &Caller, _nonblocking: bool) -> Result<(), Errno> {
        self.inner.connect(address, caller)
    }

    fn send(&self, message: &mut Outgoing<'_>) -> Result<usize, Errno> {
        self.inner.send(message)
    }

    fn receive(&self, message: &mut Incoming<'_>) -> Result<Received, Errno> {
        self.inner.receive(message)
    }

    fn shutdown(&self, how: Shutdown) -> Result<(), Errno> {
        let mut state = self.inner.state.lock();
        state.shut.read |= how.read;
        state.shut.write |= how.write;
        let connected = state.peer.is_some();
        drop(state);
        self.inner.core.readiness.notify(Events::ALWAYS | Events::HUP | Events::RDHUP);
        if connected { Ok(()) } else { Err(Errno::ENOTCONN) }
    }

    fn local_address(&self) -> Result<Address, Errno> {
        let domain = self.inner.core.domain;
        let state = self.inner.state.lock();
        let (ip, port) = match &state.bound {
            Some(bound) => (bound.ip, bound.lease.port),
            None => (address::unspecified(domain), 0),
        };
        Ok(address::present(domain, SocketAddr::new(ip, port)))
    }

    fn peer_address(&self) -> Result<Address, Errno> {
        let peer = self.inner.state.lock().peer.ok_or(Errno::ENOTCONN)?;
        Ok(address::present(self.inner.core.domain, peer))
    }

    fn poll(&self) -> Events {
        let shut = self.inner.state.lock().shut;
        let mut events = Events::OUT | Events::WRNORM | Events::WRBAND;
        if shut.read {
            events |= Events::IN | Events::RDNORM | Events::RDHUP;
        }
        if shut.read && shut.write {
            events |= Events::HUP;
        }
        if !self.inner.inbox.lock().is_empty() {
            events |= Events::IN | Events::RDNORM;
        }
        if self.inner.core.has_error() || !self.inner.errors.lock().is_empty() {
            events |= Events::ERR;
        }
        events
    }

    fn option(&self, level: u32, name: u32) -> Result<OptionValue, Errno> {
        let state = self.inner.state.lock();
        match (level, name) {
            (SOL_IP, IP_MTU) | (SOL_IPV6, IPV6_MTU) if state.peer.is_some() => {
                Ok(OptionValue::Int(LOOPBACK_MTU))
            }
            (SOL_IP, IP_MTU) | (SOL_IPV6, IPV6_MTU) => Err(Errno::ENOTCONN),
            (SOL_IP, IP_OPTIONS) => Ok(OptionValue::Bytes(Vec::new())),
            _ => match state.groups.option(level, name) {
                Some(value) => Ok(value),
                None => state.numbers.get(self.owner(), level, name),
            },
        }
    }

    fn set_option(&self, level: u32, name: u32, value: &[u8], caller: &Caller) -> Result<(), Errno> {
        let mut state = self.inner.state.lock();
        if (level, name) == (SOL_IPV6, IPV6_V6ONLY) && state.bound.is_some() {
            return Err(Errno::EINVAL);
        }
        if (level, name) == (SOL_IP, IP_OPTIONS) {
            return options::check_ip_options(value);
        }
        match self.inner.set_group_option(&mut state.groups, level, name, value) {
            Some(done) => done,
            None => state.numbers.set(self.owner(), level, name, value, caller),
        }
    }

    fn options_changed(&self) {
        let (reuse_address, reuse_port) = {
            let options = self.inner.core.options.lock();
            (options.reuse_address, options.reuse_port)
        };
        let bound = self.inner.state.lock().bound.clone();
        if let Some(bound) = bound {
            self.inner.system.udp.update(&bound.lease, |b| {
                b.claim.reuse_address = reuse_address;
                b.claim.reuse_port = reuse_port;
            });
        }
    }

    fn readable_bytes(&self) -> Result<usize, Errno> {
        Ok(self.inner.inbox.lock().first_length())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl UdpSocket {
    fn owner(&self) -> Owner {
        Owner { domain: self.inner.core.domain, kind: Kind::Datagram }
    }
}

impl Drop for UdpSocket {
    fn drop(&mut self) {
        let mut state = self.inner.state.lock();
        let (bound, groups) = (state.bound.take(), std::mem::take(&mut state.groups));
        drop(state);
        drop(bound);
        for group in groups.joined() {
            self.inner.system.members.leave(*group);
        }
        self.inner.core.readiness.notify(Events::HUP);
    }
}
