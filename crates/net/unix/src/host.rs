//! Sockets that are connected to one of the host.

use std::sync::Arc;

use abi::Errno;
use abi::socket::message::MessageFlags;
use socket::{Address, HostEnd, Incoming, Kind, Outgoing, Received};
use vfs::{Events, Listener, Registration, WaitQueue};

use crate::state::{Inner, State};

/// The other end, and where it lies.
pub(crate) struct HostPeer {
    pub(crate) end: Arc<dyn HostEnd>,
    pub(crate) address: Address,
    _told: Option<Registration>,
}

/// Passes on that the host's socket is ready.
struct Forward(Arc<WaitQueue>);

impl Listener for Forward {
    fn notify(&self, events: Events) {
        self.0.notify(events);
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
        let forward: Arc<dyn Listener> = Arc::new(Forward(Arc::clone(&self.core.readiness)));
        let told = end.file().readiness().map(|queue| queue.register(Events::all(), forward));
        let peer = HostPeer { end, address: address.clone(), _told: told };
        self.host.set(peer).map_err(|_| Errno::EISCONN)?;
        *state = State::Connecting;
        Ok(())
    }
}

impl HostPeer {
    /// Descriptors stay where they are: what they refer to is not the host's.
    pub(crate) fn send(&self, message: &mut Outgoing<'_>) -> Result<usize, Errno> {
        if !message.files.is_empty() || message.flags.contains(MessageFlags::OOB) {
            return Err(Errno::EOPNOTSUPP);
        }
        if message.to.is_some() {
            return Err(Errno::EISCONN);
        }
        self.end.file().write(None, message.data).map(|(count, _)| count)
    }

    pub(crate) fn receive(&self, message: &mut Incoming<'_>, kind: Kind) -> Result<Received, Errno> {
        if message.flags.intersects(MessageFlags::OOB | MessageFlags::PEEK) {
            return Err(Errno::EOPNOTSUPP);
        }
        if message.into.room() == 0 && kind == Kind::Stream {
            return Ok(Received::default());
        }
        let count = self.end.file().read(u64::MAX, message.into)?;
        let complete = kind != Kind::Stream || count == 0;
        Ok(Received { stored: count, length: count, complete, ..Received::default() })
    }
}
