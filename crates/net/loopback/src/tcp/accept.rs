//! bind(2), listen(2) and accept(2).

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};

use abi::Errno;
use abi::socket::family::{AF_INET6, SOMAXCONN};
use abi::socket::option::{IPV6_V6ONLY, SOL_IPV6};
use socket::channel::Channel;
use socket::{Address, Caller};
use vfs::{Capability, Events};

use super::{Bound, Connection, Listener, Phase, State, Tcp};
use crate::address;

impl Tcp {
    pub(super) fn is_dual(&self, state: &State) -> bool {
        self.core.domain == AF_INET6 && !state.numbers.is_on(SOL_IPV6, IPV6_V6ONLY)
    }

    pub(super) fn bind(self: &Arc<Self>, address: &Address, caller: &Caller) -> Result<(), Errno> {
        let at = address::normalize(self.core.domain, address)?;
        let mut state = self.state.lock();
        let dual = self.is_dual(&state);
        if self.core.domain == AF_INET6 && at.is_ipv4() && !dual {
            return Err(Errno::EINVAL);
        }
        if !address::is_local(at.ip()) {
            return Err(Errno::EADDRNOTAVAIL);
        }
        if at.port() != 0 && at.port() < self.core.creator.net.unprivileged_ports() {
            let user = &self.core.creator.net.user;
            caller.credentials.need_in(Capability::NetBindService, user).map_err(|_| Errno::EACCES)?;
        }
        if state.bound.is_some() || !matches!(state.phase, Phase::Idle) {
            return Err(Errno::EINVAL);
        }
        self.take_port(&mut state, at, dual, caller.credentials.euid)?;
        state.chosen_ip = (!at.ip().is_unspecified()).then_some(at.ip());
        Ok(())
    }

    pub(super) fn listen(self: &Arc<Self>, backlog: i32, caller: &Caller) -> Result<(), Errno> {
        let most = SOMAXCONN as usize;
        let backlog = usize::try_from(backlog).map_or(most, |b| b.min(most));
        let mut state = self.state.lock();
        let attempt = state.attempt;
        match &mut state.phase {
            Phase::Idle if !attempt => {}
            Phase::Listening(listener) => {
                listener.backlog = backlog;
                return Ok(());
            }
            _ => return Err(Errno::EINVAL),
        }
        let bound = self.bound_or_ephemeral(&mut state, caller)?;
        self.system.tcp.listen(&bound.lease)?;
        state.phase =
            Phase::Listening(Listener { backlog, pending: VecDeque::new(), waiting: VecDeque::new() });
        Ok(())
    }

    /// Queues a connection of `client` to this listening socket, if it is still waiting for one. Called with this socket's state, and
    /// connects the client.
    pub(super) fn admit(
        self: &Arc<Self>,
        state: &mut State,
        client: &Arc<Self>,
        to: SocketAddr,
    ) -> Result<(), Errno> {
        let lease = state.bound.as_ref().map(|b| Arc::clone(&b.lease)).ok_or(Errno::ECONNREFUSED)?;
        let options = self.core.options.lock().clone();
        let creator = self.core.creator.clone();
        let server =
            Self::with_options(self.core.domain, &self.system, creator, options, state.numbers.clone());
        let mut client_state = client.state.lock();
        if !matches!(client_state.phase, Phase::Connecting(_)) {
            return Ok(());
        }
        let client_bound = client_state.bound.as_ref().ok_or(Errno::EADDRNOTAVAIL)?;
        let from = SocketAddr::new(address::source(client_bound.ip, to.ip())?, client_bound.lease.port);
        let (mine, theirs) = connect(client, &server, from, to);
        {
            let mut server_state = server.state.lock();
            server_state.bound = Some(Bound { ip: to.ip(), lease, chosen: true });
            server_state.phase = Phase::Connected(Arc::new(theirs));
        }
        client_state.phase = Phase::Connected(Arc::new(mine));
        drop(client_state);
        if let Phase::Listening(listener) = &mut state.phase {
            listener.pending.push_back(server);
        }
        Ok(())
    }

    pub(super) fn accept(self: &Arc<Self>) -> Result<(Arc<Self>, Address), Errno> {
        let mut state = self.state.lock();
        let Phase::Listening(listener) = &mut state.phase else { return Err(Errno::EINVAL) };
        let server = listener.pending.pop_front().ok_or(Errno::EAGAIN)?;
        let admitted = self.admit_waiting(&mut state);
        drop(state);
        if let Some(client) = admitted {
            client.core.readiness.notify(Events::OUT | Events::WRNORM);
            self.core.readiness.notify(Events::IN | Events::RDNORM);
        }
        let peer = server.connection().ok_or(Errno::ECONNABORTED)?.remote;
        let peer = address::present(self.core.domain, peer);
        Ok((server, peer))
    }

    /// Connects the next of those who wait for room in the backlog.
    fn admit_waiting(self: &Arc<Self>, state: &mut State) -> Option<Arc<Self>> {
        loop {
            let Phase::Listening(listener) = &mut state.phase else { return None };
            let Some(client) = Weak::upgrade(&listener.waiting.pop_front()?) else { continue };
            let Phase::Connecting(to) = client.state.lock().phase else { continue };
            if self.admit(state, &client, to).is_ok() {
                return Some(client);
            }
        }
    }
}

/// The two ends of a new connection.
fn connect(
    client: &Arc<Tcp>,
    server: &Arc<Tcp>,
    from: SocketAddr,
    to: SocketAddr,
) -> (Connection, Connection) {
    let queues = (&client.core.readiness, &server.core.readiness);
    let forth = Channel::new(client.capacity_to(server), Arc::clone(queues.1), Arc::clone(queues.0));
    let back = Channel::new(server.capacity_to(client), Arc::clone(queues.0), Arc::clone(queues.1));
    let mine = Connection {
        out: Arc::clone(&forth),
        input: Arc::clone(&back),
        local: from,
        remote: to,
        peer: Arc::downgrade(server),
    };
    let theirs =
        Connection { out: back, input: forth, local: to, remote: from, peer: Arc::downgrade(client) };
    (mine, theirs)
}
