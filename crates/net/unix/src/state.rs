//! The state of an AF_UNIX socket.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use socket::channel::Channel;
use socket::waiters::Waiters;
use socket::{Core, Identity, Kind, UnixAddress};

use crate::family::Shared;
use crate::host::{HostPeer, HostSocket};
use crate::inbox::Inbox;

/// A socket as a program holds it. Dropping it closes the socket.
pub(crate) struct UnixSocket {
    pub(crate) inner: Arc<Inner>,
}

impl UnixSocket {
    pub(crate) const fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }
}

/// A socket as its peer and the tables of names know it.
///
/// Locks: `state` before `name`; two sockets' `state`s are never held together; channels and inboxes are innermost.
pub(crate) struct Inner {
    pub(crate) core: Core,
    pub(crate) shared: Arc<Shared>,
    pub(crate) name: Mutex<UnixAddress>,
    pub(crate) state: Mutex<State>,
    /// The two directions of a connected stream, set once.
    pub(crate) stream: OnceLock<Stream>,
    /// The socket of the host that it is connected to, if it is to one. Set once, in the state [`State::Connecting`], which it then stays in.
    pub(crate) host: OnceLock<HostPeer>,
    /// The socket of the host that is bound to its name, if there is one, until it is closed.
    pub(crate) served: Mutex<Option<HostSocket>>,
    /// What was sent to a datagram or sequenced-packet socket.
    pub(crate) inbox: Mutex<Inbox>,
    /// shutdown(2) ended sending, on a datagram or sequenced-packet socket.
    pub(crate) write_shut: AtomicBool,
    /// `SO_PASSCRED`, for the peer to look at without a lock.
    pub(crate) passes_credentials: AtomicBool,
}

/// The two directions of a stream.
pub(crate) struct Stream {
    pub(crate) out: Arc<Channel>,
    pub(crate) input: Arc<Channel>,
}

/// What a socket is to others.
#[derive(Default)]
pub(crate) enum State {
    /// Nothing.
    #[default]
    Idle,
    /// A thread is connecting it.
    Connecting,
    /// It accepts connections.
    Listening(Listener),
    /// It has a peer (for datagrams: a default destination).
    Connected {
        peer: Arc<Inner>,
        /// Who the peer was when the connection was made; not for datagrams, unless a pair.
        identity: Option<Identity>,
    },
    /// Its last descriptor is gone.
    Closed,
}

/// The connections that a listening socket has not accepted yet.
pub(crate) struct Listener {
    pub(crate) backlog: usize,
    pub(crate) pending: VecDeque<Arc<Inner>>,
    /// Who wants to connect and found the backlog full.
    pub(crate) waiting: Waiters,
    /// Who called listen(2).
    pub(crate) identity: Identity,
    /// shutdown(2) ended reading: no more connections.
    pub(crate) refusing: bool,
}

impl Inner {
    pub(crate) fn new(core: Core, shared: Arc<Shared>) -> Arc<Self> {
        Arc::new(Self {
            core,
            shared,
            name: Mutex::new(UnixAddress::Unnamed),
            state: Mutex::default(),
            stream: OnceLock::new(),
            host: OnceLock::new(),
            served: Mutex::default(),
            inbox: Mutex::default(),
            write_shut: AtomicBool::new(false),
            passes_credentials: AtomicBool::new(false),
        })
    }

    /// The peer, if there is one.
    pub(crate) fn peer(&self) -> Option<Arc<Self>> {
        match &*self.state.lock() {
            State::Connected { peer, .. } => Some(Arc::clone(peer)),
            _ => None,
        }
    }

    /// Whether its peer is this socket.
    pub(crate) fn is_connected_to(&self, other: &Arc<Self>) -> bool {
        matches!(&*self.state.lock(), State::Connected { peer, .. } if Arc::ptr_eq(peer, other))
    }

    pub(crate) fn passes_credentials(&self) -> bool {
        self.passes_credentials.load(Ordering::Relaxed)
    }

    /// Takes over options that others look at without a lock.
    pub(crate) fn refresh_options(&self) {
        let (passes, send_buffer) = {
            let options = self.core.options.lock();
            (options.pass_credentials, options.send_buffer)
        };
        self.passes_credentials.store(passes, Ordering::Relaxed);
        if let Some(stream) = self.stream.get() {
            stream.out.set_capacity(send_buffer);
        }
    }

    /// Makes the channels between a stream socket and the one that it is being connected to.
    pub(crate) fn make_channels(self: &Arc<Self>, peer: &Arc<Self>) {
        if self.core.kind != Kind::Stream {
            return;
        }
        let queues = (&self.core.readiness, &peer.core.readiness);
        let (mine, theirs) = (self.core.options.lock().send_buffer, peer.core.options.lock().send_buffer);
        let out = Channel::new(mine, Arc::clone(queues.1), Arc::clone(queues.0));
        let input = Channel::new(theirs, Arc::clone(queues.0), Arc::clone(queues.1));
        // Set only while a socket is being connected, which happens once.
        let _ = peer.stream.set(Stream { out: Arc::clone(&input), input: Arc::clone(&out) });
        let _ = self.stream.set(Stream { out, input });
    }

    /// Connects two new sockets to each other, as socketpair(2) does.
    pub(crate) fn connect_pair(self: &Arc<Self>, other: &Arc<Self>, identity: Identity) {
        self.make_channels(other);
        let identity = Some(identity);
        *self.state.lock() = State::Connected { peer: Arc::clone(other), identity };
        *other.state.lock() = State::Connected { peer: Arc::clone(self), identity };
    }
}
