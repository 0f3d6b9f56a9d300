//! An AF_UNIX socket as the socket layer sees it.

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use socket::{
    Accepted, Address, Caller, Core, HostEnd, Identity, Incoming, Kind, Outgoing, Received, Shutdown, Socket,
};
use vfs::{Events, OpenFile};

use crate::state::{Inner, State, UnixSocket};

impl Socket for UnixSocket {
    fn core(&self) -> &Core {
        &self.inner.core
    }

    fn bind(&self, address: &Address, _caller: &Caller) -> Result<(), Errno> {
        self.inner.bind(address)
    }

    fn listen(&self, backlog: i32, caller: &Caller) -> Result<(), Errno> {
        self.inner.listen(backlog, caller)
    }

    fn connect(&self, address: &Address, caller: &Caller, _nonblocking: bool) -> Result<(), Errno> {
        if self.inner.host.get().is_some() {
            return Err(Errno::EISCONN);
        }
        self.inner.connect(address, caller)
    }

    fn connect_to_host(&self, end: Arc<dyn HostEnd>, address: &Address) -> Result<(), Errno> {
        self.inner.connect_to_host(end, address)
    }

    fn bound_on_host(&self, end: Arc<dyn HostEnd>) -> Result<(), Errno> {
        self.inner.bound_on_host(end);
        Ok(())
    }

    fn accept(&self) -> Result<Accepted, Errno> {
        let (server, peer) = match self.inner.accept() {
            Err(Errno::EAGAIN) => self.inner.accept_from_host()?,
            other => other?,
        };
        Ok(Accepted { socket: Box::new(Self::new(server)), peer })
    }

    fn send(&self, message: &mut Outgoing<'_>) -> Result<usize, Errno> {
        if let Some(host) = self.inner.host.get() {
            return host.send(message, &self.inner.core);
        }
        match self.inner.core.kind {
            Kind::Stream => self.inner.send_stream(message),
            _ => self.inner.send_packet(message),
        }
    }

    fn receive(&self, message: &mut Incoming<'_>) -> Result<Received, Errno> {
        if let Some(host) = self.inner.host.get() {
            let received = host.receive(message, self.inner.core.kind)?;
            return Ok(self.inner.with_credentials(received));
        }
        match self.inner.core.kind {
            Kind::Stream => self.inner.receive_stream(message),
            _ => match self.inner.receive_packet(message) {
                Err(Errno::EAGAIN) => self.inner.receive_from_host(message),
                other => other,
            },
        }
    }

    fn shutdown(&self, how: Shutdown) -> Result<(), Errno> {
        if let Some(host) = self.inner.host.get() {
            return host.socket.end.shut_down(how);
        }
        if let Some(end) = self.inner.host_name().filter(|_| how.read) {
            // It may have had no connection there.
            let _ = end.shut_down(Shutdown { read: true, write: false });
        }
        self.inner.shut_down(how);
        Ok(())
    }

    fn local_address(&self) -> Result<Address, Errno> {
        Ok(Address::Unix(self.inner.name.lock().clone()))
    }

    fn peer_address(&self) -> Result<Address, Errno> {
        if let Some(host) = self.inner.host.get() {
            return Ok(host.address.clone());
        }
        let peer = self.inner.peer().ok_or(Errno::ENOTCONN)?;
        let name = peer.name.lock().clone();
        Ok(Address::Unix(name))
    }

    fn poll(&self) -> Events {
        if let Some(host) = self.inner.host.get() {
            return host.socket.end.file().poll();
        }
        let mut events = match self.inner.core.kind {
            Kind::Stream => self.inner.poll_stream(),
            _ if self.listening() => self.inner.poll_listener(),
            _ => self.inner.poll_packets(),
        };
        if self.inner.core.has_error() {
            events |= Events::ERR;
        }
        // Of a stream that does not listen the host's socket says nothing.
        if let Some(end) = self.inner.host_name()
            && (self.inner.core.kind == Kind::Datagram || self.listening())
        {
            events |= end.file().poll() & (Events::IN | Events::RDNORM | Events::RDHUP);
        }
        events
    }

    fn listening(&self) -> bool {
        matches!(*self.inner.state.lock(), State::Listening(_))
    }

    fn peer_identity(&self) -> Option<Identity> {
        match &*self.inner.state.lock() {
            State::Connected { identity, .. } => *identity,
            State::Listening(listener) => Some(listener.identity),
            _ => self.inner.host.get().map(|_| Identity::NOBODY),
        }
    }

    fn set_option(&self, _: u32, _: u32, _: &[u8], _: &Caller) -> Result<(), Errno> {
        Err(Errno::EOPNOTSUPP)
    }

    fn options_changed(&self) {
        self.inner.refresh_options();
    }

    fn readable_bytes(&self) -> Result<usize, Errno> {
        if self.listening() {
            return Err(Errno::EINVAL);
        }
        Ok(match self.inner.core.kind {
            Kind::Stream => self.inner.stream().map_or(0, |s| s.input.available()),
            // As Linux: all that is queued for sequenced packets, the next message for datagrams.
            Kind::SeqPacket => self.inner.inbox.lock().queue.total_length(),
            _ => self.inner.inbox.lock().queue.first_length(),
        })
    }

    fn unsent_bytes(&self) -> Result<usize, Errno> {
        if self.listening() {
            return Err(Errno::EINVAL);
        }
        Ok(self.inner.stream().map_or(0, |s| s.out.available()))
    }

    fn queued_files(&self) -> Vec<Arc<OpenFile>> {
        self.inner.queued_files()
    }

    fn purge(&self) {
        self.inner.purge();
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Inner {
    fn poll_listener(&self) -> Events {
        match &*self.state.lock() {
            State::Listening(listener) if !listener.pending.is_empty() => Events::IN | Events::RDNORM,
            State::Listening(listener) if listener.refusing => Events::IN | Events::RDNORM | Events::RDHUP,
            _ => Events::empty(),
        }
    }

    fn poll_stream(self: &Arc<Self>) -> Events {
        let Some(stream) = self.stream() else {
            return if matches!(*self.state.lock(), State::Listening(_)) {
                self.poll_listener()
            } else {
                self.poll_packets() | Events::HUP
            };
        };
        let mut events = Events::empty();
        let no_reading = stream.input.finished() || stream.input.refused();
        let no_writing = stream.out.finished() || stream.out.refused();
        if no_reading {
            events |= Events::IN | Events::RDNORM | Events::RDHUP;
        }
        if no_reading && no_writing {
            events |= Events::HUP;
        }
        if stream.input.available() > 0 {
            events |= Events::IN | Events::RDNORM;
        }
        if stream.out.writable() {
            events |= Events::OUT | Events::WRNORM | Events::WRBAND;
        }
        events
    }

    /// The files in its own queue and in those of connections that it has not accepted.
    fn queued_files(&self) -> Vec<Arc<OpenFile>> {
        let mut files = self.stream().map_or_else(Vec::new, |s| s.input.files());
        let inbox = self.inbox.lock();
        let rights = inbox.queue.iter().filter_map(|m| m.ancillary.rights.as_ref());
        files.extend(rights.flat_map(|r| r.files().iter().cloned()));
        drop(inbox);
        for server in self.pending() {
            files.extend(server.queued_files());
        }
        files
    }

    /// Empties the same queues.
    fn purge(&self) {
        if let Some(stream) = self.stream() {
            stream.input.clear();
        }
        let messages = self.inbox.lock().queue.take_all();
        drop(messages);
        for server in self.pending() {
            server.purge();
        }
    }

    fn pending(&self) -> Vec<Arc<Self>> {
        match &*self.state.lock() {
            State::Listening(listener) => listener.pending.iter().cloned().collect(),
            _ => Vec::new(),
        }
    }
}
