//! Who is bound to which port of one protocol.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Weak};

use abi::Errno;
use parking_lot::Mutex;

/// The ports that are given out when none is asked for (`net.ipv4.ip_local_port_range`).
const EPHEMERAL: std::ops::RangeInclusive<u16> = 32768..=60999;

/// The ports of one protocol in one network namespace.
pub(crate) struct Ports<T> {
    table: Mutex<Table<T>>,
    /// Whether two sockets may share a port only until one of them listens (TCP), or for good (UDP).
    connections: bool,
}

struct Table<T> {
    bound: HashMap<u16, Vec<Binding<T>>>,
    next: u16,
}

/// A socket on a port. It stays as long as its [`Lease`], which the connections accepted on it share.
pub(crate) struct Binding<T> {
    id: u64,
    owner: Weak<T>,
    pub(crate) claim: Claim,
    /// TCP: it accepts connections.
    pub(crate) listening: bool,
    /// UDP: it takes messages of this peer only.
    pub(crate) peer: Option<SocketAddr>,
}

/// What a socket wants of a port.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    /// Address, perhaps unspecified.
    pub(crate) ip: IpAddr,
    /// For `::`: IPv4 too.
    pub(crate) dual: bool,
    /// `SO_REUSEADDR`.
    pub(crate) reuse_address: bool,
    /// `SO_REUSEPORT`.
    pub(crate) reuse_port: bool,
    /// Effective user: `SO_REUSEPORT` works within one user.
    pub(crate) user: u32,
}

/// Keeps a port.
pub(crate) struct Lease<T> {
    ports: Arc<Ports<T>>,
    pub(crate) port: u16,
    id: u64,
}

impl<T> Ports<T> {
    pub(crate) fn new(connections: bool) -> Self {
        let table = Table { bound: HashMap::new(), next: *EPHEMERAL.start() };
        Self { table: Mutex::new(table), connections }
    }

    /// Binds a socket (`id` is its own) to a port, or to one that nobody uses if `port` is 0.
    ///
    /// # Errors
    /// `EADDRINUSE`.
    pub(crate) fn bind(
        self: &Arc<Self>,
        port: u16,
        id: u64,
        owner: &Arc<T>,
        claim: Claim,
    ) -> Result<Arc<Lease<T>>, Errno> {
        let mut table = self.table.lock();
        let port = if port == 0 { table.unused().ok_or(Errno::EADDRINUSE)? } else { port };
        let bindings = table.bound.entry(port).or_default();
        if bindings.iter().any(|b| self.conflict(b, &claim)) {
            return Err(Errno::EADDRINUSE);
        }
        bindings.push(Binding { id, owner: Arc::downgrade(owner), claim, listening: false, peer: None });
        Ok(Arc::new(Lease { ports: Arc::clone(self), port, id }))
    }

    /// Makes a bound socket listen.
    ///
    /// # Errors
    /// `EADDRINUSE` if another one listens there.
    pub(crate) fn listen(&self, lease: &Lease<T>) -> Result<(), Errno> {
        let mut table = self.table.lock();
        let bindings = table.bound.entry(lease.port).or_default();
        let at = bindings.iter().position(|b| b.id == lease.id).ok_or(Errno::EINVAL)?;
        let claim = bindings.get(at).map(|b| b.claim).ok_or(Errno::EINVAL)?;
        if bindings.iter().any(|b| b.id != lease.id && b.listening && self.conflict(b, &claim)) {
            return Err(Errno::EADDRINUSE);
        }
        if let Some(binding) = bindings.get_mut(at) {
            binding.listening = true;
        }
        Ok(())
    }

    /// Changes a binding.
    pub(crate) fn update(&self, lease: &Lease<T>, change: impl FnOnce(&mut Binding<T>)) {
        let mut table = self.table.lock();
        let bindings = table.bound.get_mut(&lease.port);
        if let Some(binding) = bindings.and_then(|b| b.iter_mut().find(|b| b.id == lease.id)) {
            change(binding);
        }
    }

    /// The socket that gets what `from` sends to `to`: the most exact match, among several of `SO_REUSEPORT` by the sender, else
    /// the one bound last.
    pub(crate) fn find(&self, to: SocketAddr, from: SocketAddr) -> Option<Arc<T>> {
        let table = self.table.lock();
        let bindings = table.bound.get(&to.port())?;
        let scored = |b: &Binding<T>| b.score(to, from, self.connections);
        let best = bindings.iter().filter_map(scored).max()?;
        let mut group = bindings.iter().filter(|b| scored(b) == Some(best));
        let count = group.clone().count();
        let shared = count > 1 && group.clone().all(|b| b.claim.reuse_port);
        let chosen =
            if shared { group.nth(usize::from(from.port()).checked_rem(count)?) } else { group.next_back() };
        chosen?.owner.upgrade()
    }

    /// All sockets that may get what `from` sends to a group.
    pub(crate) fn find_all(&self, to: SocketAddr, from: SocketAddr) -> Vec<Arc<T>> {
        let table = self.table.lock();
        let bindings = table.bound.get(&to.port()).into_iter().flatten();
        let suits = |b: &&Binding<T>| b.score(to, from, self.connections).is_some();
        bindings.filter(suits).filter_map(|b| b.owner.upgrade()).collect()
    }

    fn conflict(&self, bound: &Binding<T>, claim: &Claim) -> bool {
        let other = &bound.claim;
        let same_user_shares = claim.reuse_port && other.reuse_port && claim.user == other.user;
        let both_reuse = claim.reuse_address && other.reuse_address && !(self.connections && bound.listening);
        overlap(claim, other) && !same_user_shares && !both_reuse
    }

    fn release(&self, port: u16, id: u64) {
        let mut table = self.table.lock();
        if let Some(bindings) = table.bound.get_mut(&port) {
            bindings.retain(|b| b.id != id);
            if bindings.is_empty() {
                table.bound.remove(&port);
            }
        }
    }
}

impl<T> Table<T> {
    /// A port that nobody is bound to, going round.
    fn unused(&mut self) -> Option<u16> {
        for _ in EPHEMERAL {
            let port = self.next;
            self.next = if port >= *EPHEMERAL.end() { *EPHEMERAL.start() } else { port.saturating_add(1) };
            if !self.bound.contains_key(&port) {
                return Some(port);
            }
        }
        None
    }
}

impl<T> Binding<T> {
    /// How well it suits a message or a connection, if at all.
    fn score(&self, to: SocketAddr, from: SocketAddr, connections: bool) -> Option<u32> {
        if connections && !self.listening {
            return None;
        }
        let address = match (self.claim.ip, to.ip()) {
            (bound, ip) if bound == ip => 4,
            (bound, ip) if bound.is_unspecified() && bound.is_ipv4() == ip.is_ipv4() => 2,
            (IpAddr::V6(bound), IpAddr::V4(_)) if bound.is_unspecified() && self.claim.dual => 1,
            _ => return None,
        };
        match self.peer {
            None => Some(address),
            Some(peer) if peer == from => Some(address | 8),
            Some(_) => None,
        }
    }
}

/// Whether two claims mean some address both.
fn overlap(a: &Claim, b: &Claim) -> bool {
    match (a.ip, b.ip) {
        (x, y) if x.is_ipv4() == y.is_ipv4() => x == y || x.is_unspecified() || y.is_unspecified(),
        (IpAddr::V6(x), _) => x.is_unspecified() && a.dual,
        (_, IpAddr::V6(y)) => y.is_unspecified() && b.dual,
        _ => false,
    }
}

impl<T> Lease<T> {
    /// The port's table.
    pub(crate) fn ports(&self) -> &Arc<Ports<T>> {
        &self.ports
    }
}

impl<T> Drop for Lease<T> {
    fn drop(&mut self) {
        self.ports.release(self.port, self.id);
    }
}
