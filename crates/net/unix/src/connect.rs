//! connect(2) and accept(2).

use std::sync::Arc;

use abi::Errno;
use socket::{Address, Caller, Core, Identity, Kind, Options, UnixAddress};
use vfs::Events;

use crate::state::{Inner, State};

impl Inner {
    pub(crate) fn connect(self: &Arc<Self>, address: &Address, caller: &Caller) -> Result<(), Errno> {
        if self.core.kind == Kind::Datagram {
            return self.connect_datagrams(address);
        }
        let Address::Unix(address) = address else { return Err(Errno::EINVAL) };
        self.bind_to_speak()?;
        let listener = self.shared.names.find(address, self.core.kind)?;
        let listener_identity = listener.check_listening()?;
        {
            let mut state = self.state.lock();
            match &*state {
                State::Idle => *state = State::Connecting,
                State::Connected { .. } => return Err(Errno::EISCONN),
                _ => return Err(Errno::EINVAL),
            }
        }
        match listener.admit(self, caller.peer_identity()) {
            Ok(peer) => {
                *self.state.lock() = State::Connected { peer, identity: Some(listener_identity) };
                listener.core.readiness.notify(Events::IN | Events::RDNORM);
                Ok(())
            }
            Err(errno) => {
                *self.state.lock() = State::Idle;
                Err(errno)
            }
        }
    }

    fn check_listening(&self) -> Result<Identity, Errno> {
        match &*self.state.lock() {
            State::Listening(listener) if !listener.refusing => Ok(listener.identity),
            _ => Err(Errno::ECONNREFUSED),
        }
    }

    /// Queues a connection of `client`, which is `Connecting`, and returns its other end.
    fn admit(self: &Arc<Self>, client: &Arc<Self>, identity: Identity) -> Result<Arc<Self>, Errno> {
        let mut state = self.state.lock();
        let State::Listening(listener) = &mut *state else { return Err(Errno::ECONNREFUSED) };
        if listener.refusing {
            return Err(Errno::ECONNREFUSED);
        }
        if listener.pending.len() > listener.backlog {
            listener.waiting.add(&client.core);
            return Err(Errno::EAGAIN);
        }
        let options = Options { pass_credentials: self.passes_credentials(), ..Options::default() };
        let core = Core::new(self.core.domain, self.core.kind, 0, self.core.creator.clone(), options);
        let server = Self::new(core, Arc::clone(&self.shared));
        server.refresh_options();
        *server.name.lock() = self.name.lock().clone();
        client.make_channels(&server);
        *server.state.lock() = State::Connected { peer: Arc::clone(client), identity: Some(identity) };
        listener.pending.push_back(Arc::clone(&server));
        Ok(server)
    }

    pub(crate) fn accept(&self) -> Result<(Arc<Self>, Address), Errno> {
        if self.core.kind == Kind::Datagram {
            return Err(Errno::EOPNOTSUPP);
        }
        let mut state = self.state.lock();
        let State::Listening(listener) = &mut *state else { return Err(Errno::EINVAL) };
        let server = match listener.pending.pop_front() {
            Some(server) => server,
            None if listener.refusing => return Err(Errno::EINVAL),
            None => return Err(Errno::EAGAIN),
        };
        let woken = listener.waiting.take();
        drop(state);
        woken.notify();
        let peer = server.peer().map_or(UnixAddress::Unnamed, |p| p.name.lock().clone());
        Ok((server, Address::Unix(peer)))
    }

    fn connect_datagrams(self: &Arc<Self>, address: &Address) -> Result<(), Errno> {
        let (state, old) = match address {
            Address::Unspecified => (State::Idle, self.peer()),
            Address::Unix(address) => {
                self.bind_to_speak()?;
                let peer = self.shared.names.find(address, self.core.kind)?;
                if !peer.admits(self) {
                    return Err(Errno::EPERM);
                }
                let old = self.peer().filter(|old| !Arc::ptr_eq(old, &peer));
                (State::Connected { peer, identity: None }, old)
            }
            _ => return Err(Errno::EINVAL),
        };
        *self.state.lock() = state;
        if let Some(old) = old {
            self.forget_messages(&old);
        }
        Ok(())
    }

    /// Whether a datagram socket takes messages of `sender`: it does not if it is connected to another one.
    pub(crate) fn admits(&self, sender: &Arc<Self>) -> bool {
        match &*self.state.lock() {
            State::Connected { peer, .. } => Arc::ptr_eq(peer, sender),
            _ => true,
        }
    }

    /// What lies in the inbox came from the old peer: it goes, and the old peer learns of it.
    pub(crate) fn forget_messages(self: &Arc<Self>, old: &Arc<Self>) {
        let mut inbox = self.inbox.lock();
        if inbox.queue.is_empty() {
            return;
        }
        let messages = inbox.queue.take_all();
        let woken = inbox.waiting.take();
        drop(inbox);
        drop(messages);
        woken.notify();
        if old.is_connected_to(self) {
            old.core.fail(Errno::ECONNRESET);
        }
    }
}
