//! connect(2).

use std::net::SocketAddr;
use std::sync::Arc;

use abi::Errno;
use abi::socket::family::AF_INET6;
use socket::{Address, Caller, Shutdown};
use vfs::Events;

use super::{Phase, Tcp};
use crate::address;

impl Tcp {
    pub(super) fn connect(
        self: &Arc<Self>,
        address: &Address,
        caller: &Caller,
        nonblocking: bool,
    ) -> Result<(), Errno> {
        if matches!(address, Address::Unspecified) {
            self.dissolve();
            return Ok(());
        }
        if let Some(result) = self.earlier_attempt(nonblocking) {
            return result;
        }
        let to = address::normalize(self.core.domain, address)?;
        if to.is_ipv4() && self.core.domain == AF_INET6 && !self.is_dual(&self.state.lock()) {
            return Err(Errno::ENETUNREACH);
        }
        let to = address::route(&self.core.creator.net, to)?;
        let from = self.start(to, caller)?;
        match self.knock(to, from) {
            Ok(true) => {}
            Ok(false) => {
                return Err(if nonblocking { Errno::EINPROGRESS } else { Errno::EAGAIN });
            }
            Err(errno) => {
                self.fail_attempt(nonblocking);
                if nonblocking {
                    self.core.set_error(errno);
                    return Err(Errno::EINPROGRESS);
                }
                return Err(errno);
            }
        }
        // As on Linux, where the answer comes only after the call: a non-blocking connect is always in progress.
        self.state.lock().attempt = nonblocking;
        if nonblocking { Err(Errno::EINPROGRESS) } else { Ok(()) }
    }

    /// What connect(2) says if it was called before.
    fn earlier_attempt(&self, nonblocking: bool) -> Option<Result<(), Errno>> {
        let mut state = self.state.lock();
        match &state.phase {
            Phase::Idle if !state.attempt => None,
            Phase::Idle => {
                state.attempt = false;
                state.shut = Shutdown { read: false, write: false };
                Some(Err(self.core.take_error().unwrap_or(Errno::ECONNABORTED)))
            }
            Phase::Connecting(_) => Some(Err(if nonblocking { Errno::EALREADY } else { Errno::EAGAIN })),
            Phase::Connected(_) if state.attempt => {
                state.attempt = false;
                Some(Ok(()))
            }
            Phase::Listening(_) | Phase::Connected(_) | Phase::Reset(_) => Some(Err(Errno::EISCONN)),
            Phase::Closed => Some(Err(Errno::EBADF)),
        }
    }

    /// Takes a port and becomes one that connects. Returns its address.
    fn start(self: &Arc<Self>, to: SocketAddr, caller: &Caller) -> Result<SocketAddr, Errno> {
        let mut state = self.state.lock();
        if !matches!(state.phase, Phase::Idle) {
            return Err(Errno::EALREADY);
        }
        let bound = self.bound_or_ephemeral(&mut state, caller)?;
        let from = SocketAddr::new(address::source(bound.ip, to.ip())?, bound.lease.port);
        state.phase = Phase::Connecting(to);
        // A blocking connect that waits comes again and finds the outcome.
        state.attempt = true;
        Ok(from)
    }

    /// Asks the listening socket there for a connection: made, or waiting for room.
    fn knock(self: &Arc<Self>, to: SocketAddr, from: SocketAddr) -> Result<bool, Errno> {
        let listener = self.system.tcp.find(to, from).ok_or(Errno::ECONNREFUSED)?;
        let mut state = listener.state.lock();
        let Phase::Listening(queue) = &mut state.phase else { return Err(Errno::ECONNREFUSED) };
        if queue.pending.len() > queue.backlog {
            queue.waiting.retain(|w| w.strong_count() > 0);
            queue.waiting.push_back(Arc::downgrade(self));
            return Ok(false);
        }
        listener.admit(&mut state, self, to)?;
        drop(state);
        listener.core.readiness.notify(Events::IN | Events::RDNORM);
        Ok(true)
    }

    /// The connection was refused. Until the program has heard of it from connect(2), the socket is at its end.
    pub(super) fn fail_attempt(&self, to_be_reported: bool) {
        let mut state = self.state.lock();
        state.phase = Phase::Idle;
        state.attempt = to_be_reported;
        state.shut = Shutdown { read: to_be_reported, write: to_be_reported };
    }

    /// connect(2) to `AF_UNSPEC`: resets the connection; the socket can be used again.
    fn dissolve(self: &Arc<Self>) {
        let connected = self.connection().is_some();
        self.leave(true);
        let mut state = self.state.lock();
        state.phase = Phase::Idle;
        state.attempt = false;
        state.shut = Shutdown { read: false, write: false };
        state.forget_port();
        drop(state);
        if connected {
            self.core.set_error(Errno::ECONNRESET);
        }
    }
}
