//! Sockets that are connected to one of the host, and such that are bound there too.

use std::sync::Arc;

use abi::Errno;
use abi::socket::message::MessageFlags;
use socket::datagram::Datagram;
use socket::{Address, Core, HostEnd, Identity, Incoming, Kind, Options, Outgoing, Received, UnixAddress};
use vfs::{Events, Listener, Registration, WaitQueue};

use crate::state::{Inner, State};

/// A socket of the host, whose readiness is also that of a socket here.
pub(crate) struct HostSocket {
    pub(crate) end: Arc<dyn HostEnd>,
    _told: Option<Registration>,
}

/// The other end, and where it lies.
pub(crate) struct HostPeer {
    pub(crate) socket: HostSocket,
    pub(crate) address: Address,
}

/// Passes on that the host's socket is ready.
struct Forward(Arc<WaitQueue>);

impl Listener for Forward {
    fn notify(&self, events: Events) {
        self.0.notify(events);
    }
}

impl HostSocket {
    fn new(end: Arc<dyn HostEnd>, core: &Core) -> Self {
        let forward: Arc<dyn Listener> = Arc::new(Forward(Arc::clone(&core.readiness)));
        let told = end.file().readiness().map(|queue| queue.register(Events::all(), forward));
        Self { end, _told: told }
    }

    /// Descriptors that the host sends along are not taken.
    fn receive(&self, message: &mut Incoming<'_>, kind: Kind) -> Result<Received, Errno> {
        if message.flags.contains(MessageFlags::OOB) {
            return Err(Errno::EOPNOTSUPP);
        }
        if message.into.room() == 0 && kind == Kind::Stream {
            return Ok(Received::default());
        }
        let peek = message.flags.contains(MessageFlags::PEEK);
        let (stored, length) = self.end.receive(message.into, peek)?;
        if kind == Kind::Stream {
            return Ok(Received {
                stored,
                length: stored,
                complete: stored == 0 || peek,
                ..Received::default()
            });
        }
        let mut flags = MessageFlags::empty();
        flags.set(MessageFlags::TRUNC, stored < length);
        Ok(Received { stored, length, complete: true, flags, ..Received::default() })
    }
}

impl Inner {
    /// See [`socket::Socket::connect_to_host`].
    pub(crate) fn connect_to_host(&self, end: Arc<dyn HostEnd>, address: &Address) -> Result<(), Errno> {
        let mut state = self.state.lock();
        match &*state {
            State::Idle => {}
            State::Connected { .. } | State::Connecting => return Err(Errno::EISCONN),
            State::Listening(_) | State::Closed => return Err(Errno::EINVAL),
        }
        let peer = HostPeer { socket: HostSocket::new(end, &self.core), address: address.clone() };
        self.host.set(peer).map_err(|_| Errno::EISCONN)?;
        *state = State::Connecting;
        Ok(())
    }

    /// See [`socket::Socket::bound_on_host`].
    pub(crate) fn bound_on_host(&self, end: Arc<dyn HostEnd>) {
        *self.served.lock() = Some(HostSocket::new(end, &self.core));
    }

    /// Has the host connect too, if it can.
    pub(crate) fn listen_on_host(&self, backlog: i32) -> Result<(), Errno> {
        self.host_name().map_or(Ok(()), |end| end.listen(backlog))
    }

    /// The socket of the host that has its name.
    pub(crate) fn host_name(&self) -> Option<Arc<dyn HostEnd>> {
        self.served.lock().as_ref().map(|served| Arc::clone(&served.end))
    }

    /// A connection that somebody on the host has made. The name that he has there means nothing here.
    pub(crate) fn accept_from_host(&self) -> Result<(Arc<Self>, Address), Errno> {
        let end = self.host_name().ok_or(Errno::EAGAIN)?.accept()?;
        let options = Options { pass_credentials: self.passes_credentials(), ..Options::default() };
        let core = Core::new(self.core.domain, self.core.kind, 0, self.core.creator.clone(), options);
        let server = Self::new(core, Arc::clone(&self.shared));
        server.refresh_options();
        *server.name.lock() = self.name.lock().clone();
        let nobody = Address::Unix(UnixAddress::Unnamed);
        server.connect_to_host(end, &nobody)?;
        Ok((server, nobody))
    }

    /// A message that somebody on the host has sent to its name.
    pub(crate) fn receive_from_host(&self, message: &mut Incoming<'_>) -> Result<Received, Errno> {
        let served = self.served.lock();
        let socket = served.as_ref().ok_or(Errno::EAGAIN)?;
        let received = socket.receive(message, self.core.kind)?;
        Ok(self.with_credentials(received))
    }

    /// Nothing is known here of who sends from the host.
    pub(crate) fn with_credentials(&self, received: Received) -> Received {
        let credentials = self.passes_credentials().then_some(Identity::NOBODY);
        Received { credentials, ..received }
    }
}

impl HostPeer {
    /// Descriptors stay where they are: what they refer to is not the host's.
    pub(crate) fn send(&self, message: &mut Outgoing<'_>, core: &Core) -> Result<usize, Errno> {
        if !message.files.is_empty() || message.flags.contains(MessageFlags::OOB) {
            return Err(Errno::EOPNOTSUPP);
        }
        if message.to.is_some() {
            return Err(Errno::EISCONN);
        }
        if core.kind == Kind::Stream {
            return self.socket.end.file().write(None, message.data).map(|(count, _)| count);
        }
        let data = Datagram::fetch(message.data, core.options.lock().send_buffer)?;
        self.socket.end.send(&data).inspect_err(|_| message.data.give_back(data.len()))
    }

    pub(crate) fn receive(&self, message: &mut Incoming<'_>, kind: Kind) -> Result<Received, Errno> {
        self.socket.receive(message, kind)
    }
}
