//! What was sent to a datagram or sequenced-packet socket and not yet received.

use socket::datagram::DatagramQueue;
use socket::waiters::Waiters;

/// How many messages of strangers a datagram socket holds (`net.unix.max_dgram_qlen`); one more fits, as in Linux.
const MESSAGES_MAX: usize = 10;

/// An inbox.
#[derive(Default)]
pub(crate) struct Inbox {
    pub(crate) queue: DatagramQueue,
    /// Who found it full.
    pub(crate) waiting: Waiters,
    /// Reading was shut down: senders get `EPIPE`.
    pub(crate) refusing: bool,
    /// Nothing more will come.
    pub(crate) finished: bool,
    /// The socket is closed.
    pub(crate) closed: bool,
}

impl Inbox {
    /// Whether there is room for a message of a sender with this `SO_SNDBUF`. Those connected to each other are bound by bytes only.
    pub(crate) fn has_room(&self, send_buffer: usize, mutual: bool) -> bool {
        self.queue.cost() < send_buffer && (mutual || self.queue.len() <= MESSAGES_MAX)
    }

    /// Whether poll(2) calls it writable: Linux wants three quarters of the buffer free.
    pub(crate) fn is_writable(&self, send_buffer: usize, mutual: bool) -> bool {
        self.queue.cost().saturating_mul(4) <= send_buffer && self.has_room(send_buffer, mutual)
    }
}
