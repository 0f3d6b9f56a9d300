//! bind(2) and connect(2).

use std::net::SocketAddr;
use std::sync::Arc;

use abi::Errno;
use abi::socket::family::AF_INET6;
use abi::socket::option::{IPV6_V6ONLY, SOL_IPV6};
use socket::interfaces::LOOPBACK_INDEX;
use socket::{Address, Caller};
use vfs::Capability;

use super::{Bound, State, Udp};
use crate::address;
use crate::ports::Claim;

impl Udp {
    fn is_dual(&self, state: &State) -> bool {
        self.core.domain == AF_INET6 && !state.numbers.is_on(SOL_IPV6, IPV6_V6ONLY)
    }

    pub(super) fn bind(self: &Arc<Self>, address: &Address, caller: &Caller) -> Result<(), Errno> {
        let at = address::normalize(self.core.domain, address)?;
        let mut state = self.state.lock();
        if self.core.domain == AF_INET6 && at.is_ipv4() && !self.is_dual(&state) {
            return Err(Errno::EINVAL);
        }
        if !address::is_local(at.ip()) && !at.ip().is_multicast() {
            return Err(Errno::EADDRNOTAVAIL);
        }
        if at.port() != 0 && at.port() < self.core.creator.net.unprivileged_ports() {
            let user = &self.core.creator.net.user;
            caller.credentials.need_in(Capability::NetBindService, user).map_err(|_| Errno::EACCES)?;
        }
        if state.bound.is_some() {
            return Err(Errno::EINVAL);
        }
        let bound = self.take_port(&state, at, caller)?;
        let chosen_ip = (!at.ip().is_unspecified()).then_some(at.ip());
        state.bound = Some(Bound { chosen_ip, chosen_port: at.port() != 0, ..bound });
        Ok(())
    }

    fn take_port(self: &Arc<Self>, state: &State, at: SocketAddr, caller: &Caller) -> Result<Bound, Errno> {
        let claim = {
            let options = self.core.options.lock();
            Claim {
                ip: at.ip(),
                dual: self.is_dual(state),
                reuse_address: options.reuse_address,
                reuse_port: options.reuse_port,
                user: caller.credentials.euid,
            }
        };
        // As Linux: when all ports are taken, sending fails with EAGAIN rather than EADDRINUSE; binding says EADDRINUSE.
        let lease = self.system.udp.bind(at.port(), self.core.id, self, claim)?;
        Ok(Bound { ip: at.ip(), lease, chosen_ip: None, chosen_port: false })
    }

    /// The port it has, or one of those that nobody uses.
    ///
    /// # Errors
    /// `EAGAIN` if there is none.
    pub(super) fn bound_or_ephemeral(
        self: &Arc<Self>,
        state: &mut State,
        caller: &Caller,
    ) -> Result<Bound, Errno> {
        if let Some(bound) = &state.bound {
            return Ok(bound.clone());
        }
        let anywhere = SocketAddr::new(address::unspecified(self.core.domain), 0);
        let bound = self.take_port(state, anywhere, caller).map_err(|_| Errno::EAGAIN)?;
        state.bound = Some(bound.clone());
        Ok(bound)
    }

    pub(super) fn connect(self: &Arc<Self>, address: &Address, caller: &Caller) -> Result<(), Errno> {
        let mut state = self.state.lock();
        if matches!(address, Address::Unspecified) {
            self.dissolve(&mut state);
            return Ok(());
        }
        let to = self.destination(&state, address)?;
        if address::is_broadcast(to.ip()) && !self.core.options.lock().broadcast {
            return Err(Errno::EACCES);
        }
        let bound = self.bound_or_ephemeral(&mut state, caller)?;
        let ip = address::source(bound.chosen_ip.unwrap_or(address::unspecified(self.core.domain)), to.ip())?;
        self.system.udp.update(&bound.lease, |b| {
            b.claim.ip = ip;
            b.peer = Some(to);
        });
        state.bound = Some(Bound { ip, ..bound });
        state.peer = Some(to);
        Ok(())
    }

    /// A destination that a program gave. On an AF_INET6 socket it may be an AF_INET address, too.
    pub(super) fn destination(&self, state: &State, address: &Address) -> Result<SocketAddr, Errno> {
        let to = match address {
            Address::Inet(to @ SocketAddr::V4(_)) => *to,
            _ => address::normalize(self.core.domain, address)?,
        };
        if to.is_ipv4() && self.core.domain == AF_INET6 && !self.is_dual(state) {
            return Err(Errno::ENETUNREACH);
        }
        if to.ip().is_multicast() {
            let named = i32::try_from(address::scope(address)) == Ok(LOOPBACK_INDEX);
            let bound = state.bound.as_ref().is_some_and(|b| b.ip.is_loopback());
            let reachable = named || bound || state.groups.sends_by_loopback(to.ip());
            return if reachable && self.core.creator.net.is_up() { Ok(to) } else { Err(Errno::ENETUNREACH) };
        }
        address::route(&self.core.creator.net, to)
    }

    fn dissolve(&self, state: &mut State) {
        state.peer = None;
        let Some(bound) = state.bound.take() else { return };
        if !bound.chosen_port {
            return;
        }
        let ip = bound.chosen_ip.unwrap_or(address::unspecified(self.core.domain));
        self.system.udp.update(&bound.lease, |b| {
            b.claim.ip = ip;
            b.peer = None;
        });
        state.bound = Some(Bound { ip, ..bound });
    }
}
