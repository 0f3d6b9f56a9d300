//! A netlink socket.

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use abi::socket::message::MessageFlags;
use abi::socket::option::*;
use parking_lot::Mutex;
use socket::datagram::{Datagram, DatagramQueue};
use socket::value::int;
use socket::{Address, Ancillary, Caller, Core, Incoming, OptionValue, Outgoing, Received, Shutdown, Socket};
use vfs::{Capability, Events};

use crate::family::Ports;
use crate::route;

/// The longest request.
const REQUEST_MAX: usize = 32 * 1024;
/// The kernel's own address.
const KERNEL: Address = Address::Netlink { port: 0, groups: 0 };

pub(crate) struct NetlinkSocket {
    core: Core,
    ports: Arc<Ports>,
    state: Mutex<State>,
    inbox: Mutex<DatagramQueue>,
}

#[derive(Default)]
struct State {
    /// 0 while it has none.
    port: u32,
    /// Multicast groups. Nothing changes in a namespace with `lo` only, so nothing is ever sent to them.
    groups: u32,
    /// Options that are on, one bit each.
    flags: u32,
    peer: (u32, u32),
}

impl NetlinkSocket {
    pub(crate) fn new(core: Core, ports: Arc<Ports>) -> Self {
        Self { core, ports, state: Mutex::default(), inbox: Mutex::default() }
    }

    /// Its port, chosen now if it has none.
    fn port(&self, caller: &Caller) -> Result<u32, Errno> {
        let mut state = self.state.lock();
        if state.port == 0 {
            state.port = self.ports.take_any(caller.pid)?;
        }
        Ok(state.port)
    }

    fn queue(&self, data: Vec<u8>) {
        let limit = self.core.options.lock().receive_buffer;
        let mut inbox = self.inbox.lock();
        if inbox.cost().saturating_add(Datagram::cost(data.len())) > limit {
            drop(inbox);
            self.core.fail(Errno::ENOBUFS);
            return;
        }
        inbox.push(Datagram { data, from: Some(KERNEL), ancillary: Ancillary::default(), arrived: None });
        drop(inbox);
        self.core.readiness.notify(Events::IN | Events::RDNORM);
    }
}

impl Socket for NetlinkSocket {
    fn core(&self) -> &Core {
        &self.core
    }

    fn bind(&self, address: &Address, caller: &Caller) -> Result<(), Errno> {
        let Address::Netlink { port, groups } = *address else { return Err(Errno::EINVAL) };
        let mut state = self.state.lock();
        if state.port != 0 && port != state.port {
            return Err(Errno::EINVAL);
        }
        if state.port == 0 {
            state.port = if port == 0 { self.ports.take_any(caller.pid)? } else { self.ports.take(port)? };
        }
        state.groups = groups;
        Ok(())
    }

    fn connect(&self, address: &Address, caller: &Caller, _nonblocking: bool) -> Result<(), Errno> {
        let peer = match *address {
            Address::Unspecified => (0, 0),
            Address::Netlink { port, groups } => (port, groups),
            _ => return Err(Errno::EINVAL),
        };
        self.port(caller)?;
        self.state.lock().peer = peer;
        Ok(())
    }

    fn send(&self, message: &mut Outgoing<'_>) -> Result<usize, Errno> {
        if message.flags.contains(MessageFlags::OOB) {
            return Err(Errno::EOPNOTSUPP);
        }
        let to = match message.to {
            None => self.state.lock().peer.0,
            Some(Address::Netlink { port, .. }) => *port,
            Some(_) => return Err(Errno::EINVAL),
        };
        if to != 0 {
            return Err(Errno::ECONNREFUSED);
        }
        let port = self.port(message.caller)?;
        let data = Datagram::fetch(message.data, REQUEST_MAX)?;
        for answer in route::answer(&self.core.creator.net, &data, port, message.caller) {
            self.queue(answer);
        }
        Ok(data.len())
    }

    fn receive(&self, message: &mut Incoming<'_>) -> Result<Received, Errno> {
        self.core.check_error()?;
        let mut inbox = self.inbox.lock();
        if message.flags.contains(MessageFlags::PEEK) && !inbox.is_empty() {
            return inbox.peek(message.into);
        }
        let first = inbox.pop();
        drop(inbox);
        first.ok_or(Errno::EAGAIN)?.deliver(message.into)
    }

    fn shutdown(&self, _how: Shutdown) -> Result<(), Errno> {
        Err(Errno::EOPNOTSUPP)
    }

    fn local_address(&self) -> Result<Address, Errno> {
        let state = self.state.lock();
        Ok(Address::Netlink { port: state.port, groups: state.groups })
    }

    fn peer_address(&self) -> Result<Address, Errno> {
        let (port, groups) = self.state.lock().peer;
        Ok(Address::Netlink { port, groups })
    }

    fn poll(&self) -> Events {
        let mut events = Events::OUT | Events::WRNORM | Events::WRBAND;
        if !self.inbox.lock().is_empty() {
            events |= Events::IN | Events::RDNORM;
        }
        if self.core.has_error() {
            events |= Events::ERR;
        }
        events
    }

    fn option(&self, level: u32, name: u32) -> Result<OptionValue, Errno> {
        let state = self.state.lock();
        match name {
            _ if level != SOL_NETLINK => Err(Errno::ENOPROTOOPT),
            NETLINK_LIST_MEMBERSHIPS if state.groups == 0 => Ok(OptionValue::Bytes(Vec::new())),
            NETLINK_LIST_MEMBERSHIPS => Ok(OptionValue::Bytes(state.groups.to_ne_bytes().to_vec())),
            _ => flag(name).map(|bit| OptionValue::flag(state.flags & bit != 0)),
        }
    }

    fn set_option(&self, level: u32, name: u32, value: &[u8], caller: &Caller) -> Result<(), Errno> {
        if level != SOL_NETLINK {
            return Err(Errno::ENOPROTOOPT);
        }
        let value = int(value).unwrap_or(0);
        let mut state = self.state.lock();
        match name {
            NETLINK_ADD_MEMBERSHIP => state.groups |= group(value)?,
            NETLINK_DROP_MEMBERSHIP => state.groups &= !group(value)?,
            _ => {
                let bit = flag(name)?;
                if name == NETLINK_LISTEN_ALL_NSID {
                    caller.credentials.need_in(Capability::NetBroadcast, &caller.net.user)?;
                }
                state.flags = if value == 0 { state.flags & !bit } else { state.flags | bit };
            }
        }
        Ok(())
    }

    fn readable_bytes(&self) -> Result<usize, Errno> {
        Ok(self.inbox.lock().first_length())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The bit of an option that is on or off. Of what they ask for, nothing ever happens here: there is nothing to report beside answers, which
/// are short.
///
/// # Errors
/// `ENOPROTOOPT`.
fn flag(name: u32) -> Result<u32, Errno> {
    match name {
        NETLINK_PKTINFO
        | NETLINK_BROADCAST_ERROR
        | NETLINK_NO_ENOBUFS
        | NETLINK_LISTEN_ALL_NSID
        | NETLINK_CAP_ACK
        | NETLINK_EXT_ACK
        | NETLINK_GET_STRICT_CHK => Ok(1 << name),
        _ => Err(Errno::ENOPROTOOPT),
    }
}

/// The bit of a multicast group: they are counted from 1.
///
/// # Errors
/// `EINVAL`.
fn group(number: i32) -> Result<u32, Errno> {
    let index = u32::try_from(number).ok().and_then(|number| number.checked_sub(1));
    index.and_then(|index| 1_u32.checked_shl(index)).ok_or(Errno::EINVAL)
}

impl Drop for NetlinkSocket {
    fn drop(&mut self) {
        let port = self.state.lock().port;
        if port != 0 {
            self.ports.release(port);
        }
    }
}
