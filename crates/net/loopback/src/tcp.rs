//! TCP sockets.

mod accept;
mod close;
mod connect;
mod options;
mod socket_impl;
mod transfer;

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Weak};

use abi::Errno;
use abi::socket::family::IPPROTO_TCP;
use parking_lot::Mutex;
use socket::channel::Channel;
use socket::{Caller, Core, Kind, Options, Shutdown};

use options::Congestion;

use crate::address;
use crate::family::InetSystem;
use crate::options::Numbers;
use crate::ports::{Claim, Lease};

/// What `SO_SNDBUF` reports at first (`net.ipv4.tcp_wmem`).
const SEND_BUFFER: usize = 16 * 1024;
/// What `SO_RCVBUF` reports at first (`net.ipv4.tcp_rmem`).
const RECEIVE_BUFFER: usize = 128 * 1024;
/// What each end lends to a direction if its buffer size was not set: Linux tunes its buffers to some such size.
const TUNED_BUFFER: usize = 128 * 1024;

/// A socket as a program holds it. Dropping it closes the socket.
pub(crate) struct TcpSocket {
    inner: Arc<Tcp>,
}

impl TcpSocket {
    pub(crate) const fn new(inner: Arc<Tcp>) -> Self {
        Self { inner }
    }
}

/// A TCP socket.
///
/// Locks: the state of a listening socket before that of one that connects to it; channels and ports are innermost.
pub(crate) struct Tcp {
    core: Core,
    system: Arc<InetSystem>,
    state: Mutex<State>,
}

struct State {
    /// The address it is bound to, with its port's lease.
    bound: Option<Bound>,
    /// The address that bind(2) chose, which outlives the port.
    chosen_ip: Option<IpAddr>,
    numbers: Numbers,
    congestion: Congestion,
    phase: Phase,
    /// connect(2) was called and its outcome has not been reported by another connect(2).
    attempt: bool,
    /// shutdown(2) of the halves; the sending one is in the channel too.
    shut: Shutdown,
}

#[derive(Clone)]
struct Bound {
    ip: IpAddr,
    lease: Arc<Lease<Tcp>>,
    /// Whether bind(2) named the port: it is kept when a connection is dissolved.
    chosen: bool,
}

enum Phase {
    Idle,
    Listening(Listener),
    /// Waits for room in a listener's backlog.
    Connecting(SocketAddr),
    Connected(Arc<Connection>),
    /// Was connected, and reset.
    Reset(Arc<Connection>),
    Closed,
}

struct Listener {
    backlog: usize,
    pending: VecDeque<Arc<Tcp>>,
    /// Sockets that found the backlog full. Each is connected when its turn comes.
    waiting: VecDeque<Weak<Tcp>>,
}

impl State {
    /// Gives back a port that nobody asked for.
    fn forget_port(&mut self) {
        if self.bound.as_ref().is_some_and(|b| !b.chosen) {
            self.bound = None;
        }
    }
}

/// One end of a connection.
struct Connection {
    out: Arc<Channel>,
    input: Arc<Channel>,
    local: SocketAddr,
    remote: SocketAddr,
    peer: Weak<Tcp>,
}

impl Connection {
    /// Whether both directions have ended: Linux has forgotten the connection then.
    fn is_over(&self) -> bool {
        self.out.finished() && self.input.finished()
    }
}

impl Tcp {
    pub(crate) fn new(domain: u16, system: &Arc<InetSystem>, caller: &Caller) -> Arc<Self> {
        let options =
            Options { send_buffer: SEND_BUFFER, receive_buffer: RECEIVE_BUFFER, ..Options::default() };
        Self::with_options(domain, system, caller.clone(), options, Numbers::default())
    }

    fn with_options(
        domain: u16,
        system: &Arc<InetSystem>,
        creator: Caller,
        options: Options,
        numbers: Numbers,
    ) -> Arc<Self> {
        let state = State {
            bound: None,
            chosen_ip: None,
            numbers,
            congestion: Congestion::default(),
            phase: Phase::Idle,
            attempt: false,
            shut: Shutdown { read: false, write: false },
        };
        Arc::new(Self {
            core: Core::new(domain, Kind::Stream, IPPROTO_TCP, creator, options),
            system: Arc::clone(system),
            state: Mutex::new(state),
        })
    }

    /// The connection, also one that was reset.
    fn connection(&self) -> Option<Arc<Connection>> {
        match &self.state.lock().phase {
            Phase::Connected(c) | Phase::Reset(c) => Some(Arc::clone(c)),
            _ => None,
        }
    }

    /// Binds to a port, any one if it is 0.
    fn take_port(
        self: &Arc<Self>,
        state: &mut State,
        at: SocketAddr,
        dual: bool,
        user: u32,
    ) -> Result<Bound, Errno> {
        let (reuse_address, reuse_port) = {
            let options = self.core.options.lock();
            (options.reuse_address, options.reuse_port)
        };
        let claim = Claim { ip: at.ip(), dual, reuse_address, reuse_port, user };
        let lease = self.system.tcp.bind(at.port(), self.core.id, self, claim)?;
        let bound = Bound { ip: at.ip(), lease, chosen: at.port() != 0 };
        state.bound = Some(bound.clone());
        Ok(bound)
    }

    /// The port it has, or one of those that nobody uses.
    fn bound_or_ephemeral(self: &Arc<Self>, state: &mut State, caller: &Caller) -> Result<Bound, Errno> {
        if let Some(bound) = &state.bound {
            return Ok(bound.clone());
        }
        let ip = state.chosen_ip.unwrap_or(address::unspecified(self.core.domain));
        let anywhere = SocketAddr::new(ip, 0);
        let dual = self.is_dual(state);
        self.take_port(state, anywhere, dual, caller.credentials.euid)
    }

    /// How much one direction holds, from this end to the other.
    fn capacity_to(&self, other: &Self) -> usize {
        let (mine, theirs) = (self.core.options.lock(), other.core.options.lock());
        let sending = if mine.send_buffer_set { mine.send_buffer } else { TUNED_BUFFER };
        let receiving = if theirs.receive_buffer_set { theirs.receive_buffer } else { TUNED_BUFFER };
        sending.saturating_add(receiving)
    }
}
