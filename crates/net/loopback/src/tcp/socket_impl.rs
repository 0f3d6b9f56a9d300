//! A TCP socket as the socket layer sees it.

use std::any::Any;
use std::net::SocketAddr;

use abi::Errno;
use socket::{Accepted, Address, Caller, Core, Incoming, OptionValue, Outgoing, Received, Shutdown, Socket};
use vfs::Events;

use super::{Connection, Phase, Tcp, TcpSocket};
use crate::address;

impl Socket for TcpSocket {
    fn core(&self) -> &Core {
        &self.inner.core
    }

    fn bind(&self, address: &Address, caller: &Caller) -> Result<(), Errno> {
        self.inner.bind(address, caller)
    }

    fn listen(&self, backlog: i32, caller: &Caller) -> Result<(), Errno> {
        self.inner.listen(backlog, caller)
    }

    fn connect(&self, address: &Address, caller: &Caller, nonblocking: bool) -> Result<(), Errno> {
        self.inner.connect(address, caller, nonblocking)
    }

    fn accept(&self) -> Result<Accepted, Errno> {
        let (server, peer) = self.inner.accept()?;
        Ok(Accepted { socket: Box::new(Self::new(server)), peer })
    }

    fn send(&self, message: &mut Outgoing<'_>) -> Result<usize, Errno> {
        self.inner.send(message)
    }

    fn receive(&self, message: &mut Incoming<'_>) -> Result<Received, Errno> {
        self.inner.receive(message)
    }

    fn shutdown(&self, how: Shutdown) -> Result<(), Errno> {
        self.inner.shut_down(how)
    }

    fn local_address(&self) -> Result<Address, Errno> {
        let domain = self.inner.core.domain;
        let state = self.inner.state.lock();
        Ok(match (&state.phase, &state.bound) {
            (Phase::Connected(c) | Phase::Reset(c), _) => address::present(domain, c.local),
            (_, Some(bound)) => address::present(domain, SocketAddr::new(bound.ip, bound.lease.port)),
            (_, None) => {
                let ip = state.chosen_ip.unwrap_or(address::unspecified(domain));
                address::present(domain, SocketAddr::new(ip, 0))
            }
        })
    }

    fn peer_address(&self) -> Result<Address, Errno> {
        match &self.inner.state.lock().phase {
            Phase::Connected(c) if !c.is_over() => Ok(address::present(self.inner.core.domain, c.remote)),
            _ => Err(Errno::ENOTCONN),
        }
    }

    fn poll(&self) -> Events {
        let events = self.inner.poll();
        if self.inner.core.has_error() { events | Events::ERR } else { events }
    }

    fn listening(&self) -> bool {
        matches!(self.inner.state.lock().phase, Phase::Listening(_))
    }

    fn option(&self, level: u32, name: u32) -> Result<OptionValue, Errno> {
        self.inner.option(level, name)
    }

    fn set_option(&self, level: u32, name: u32, value: &[u8], caller: &Caller) -> Result<(), Errno> {
        self.inner.set_option(level, name, value, caller)
    }

    fn options_changed(&self) {
        self.inner.options_changed();
    }

    fn readable_bytes(&self) -> Result<usize, Errno> {
        if self.listening() {
            return Err(Errno::EINVAL);
        }
        Ok(self.inner.connection().map_or(0, |c| c.input.available()))
    }

    fn unsent_bytes(&self) -> Result<usize, Errno> {
        if self.listening() {
            return Err(Errno::EINVAL);
        }
        // What lies in the other end's queue counts as received there, as over a fast network.
        Ok(0)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

const READABLE: Events = Events::IN.union(Events::RDNORM);
const WRITABLE: Events = Events::OUT.union(Events::WRNORM);

impl Tcp {
    fn poll(&self) -> Events {
        let state = self.state.lock();
        let shut = state.shut;
        match &state.phase {
            Phase::Listening(listener) if listener.pending.is_empty() => Events::empty(),
            Phase::Listening(_) => READABLE,
            Phase::Connecting(_) => Events::empty(),
            Phase::Connected(connection) => {
                let low_water = self.core.options.lock().receive_low_water;
                poll_connection(connection, shut.read, low_water)
            }
            Phase::Idle if !shut.read => WRITABLE | Events::HUP,
            Phase::Idle | Phase::Reset(_) | Phase::Closed => {
                READABLE | WRITABLE | Events::RDHUP | Events::HUP
            }
        }
    }
}

fn poll_connection(connection: &Connection, read_shut: bool, low_water: usize) -> Events {
    let mut events = Events::empty();
    let read_over = read_shut || connection.input.finished();
    let write_over = connection.out.finished();
    if read_over {
        events |= READABLE | Events::RDHUP;
    }
    if read_over && write_over {
        events |= Events::HUP;
    }
    if connection.input.available() >= low_water.max(1) {
        events |= READABLE;
    }
    if write_over || connection.out.writable() {
        events |= WRITABLE;
    }
    events
}
