//! Sending and receiving whole messages: datagrams and sequenced packets.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use abi::Errno;
use abi::socket::message::MessageFlags;
use socket::datagram::Datagram;
use socket::{Address, Identity, Incoming, Kind, Outgoing, Received, UnixAddress};
use vfs::{Events, Timestamp};

use crate::state::{Inner, State};

/// What Linux keeps of `SO_SNDBUF` for itself.
const RESERVE: usize = 32;

impl Inner {
    pub(crate) fn send_packet(self: &Arc<Self>, message: &mut Outgoing<'_>) -> Result<usize, Errno> {
        if message.flags.contains(MessageFlags::OOB) {
            return Err(Errno::EOPNOTSUPP);
        }
        if self.core.kind == Kind::Datagram && self.write_shut.load(Ordering::Relaxed) {
            return Err(Errno::EPIPE);
        }
        let target = self.destination(message.to)?;
        let send_buffer = self.core.options.lock().send_buffer;
        let data = Datagram::fetch(message.data, send_buffer.saturating_sub(RESERVE))?;
        let length = data.len();
        self.deliver(&target, data, send_buffer, message).inspect_err(|_| message.data.give_back(length))?;
        target.core.readiness.notify(Events::IN | Events::RDNORM);
        Ok(length)
    }

    fn destination(self: &Arc<Self>, to: Option<&Address>) -> Result<Arc<Self>, Errno> {
        if self.core.kind == Kind::SeqPacket {
            self.core.check_error()?;
            return self.peer().ok_or(Errno::ENOTCONN);
        }
        self.bind_to_speak()?;
        match to {
            None => self.peer().ok_or(Errno::ENOTCONN),
            Some(Address::Unix(name)) => self.shared.names.find(name, self.core.kind),
            Some(_) => Err(Errno::EINVAL),
        }
    }

    fn deliver(
        self: &Arc<Self>,
        target: &Arc<Self>,
        data: Vec<u8>,
        send_buffer: usize,
        message: &Outgoing<'_>,
    ) -> Result<(), Errno> {
        let datagrams = self.core.kind == Kind::Datagram;
        if datagrams && !target.admits(self) {
            return Err(Errno::EPERM);
        }
        if self.write_shut.load(Ordering::Relaxed) {
            return Err(Errno::EPIPE);
        }
        let mutual = Arc::ptr_eq(target, self) || target.is_connected_to(self);
        let ancillary = self.ancillary(message, || target.passes_credentials())?;
        let name = self.name.lock().clone();
        let from = (!matches!(name, UnixAddress::Unnamed)).then_some(Address::Unix(name));
        let mut inbox = target.inbox.lock();
        if inbox.closed {
            drop(inbox);
            return Err(if datagrams { self.lose_peer(target) } else { Errno::EPIPE });
        }
        if inbox.refusing {
            return Err(Errno::EPIPE);
        }
        if !inbox.has_room(send_buffer, mutual) {
            inbox.waiting.add(&self.core);
            return Err(Errno::EAGAIN);
        }
        inbox.queue.push(Datagram { data, from, ancillary, arrived: Some(Timestamp::now()) });
        Ok(())
    }

    /// The destination is closed: a socket connected to it is so no more.
    fn lose_peer(self: &Arc<Self>, target: &Arc<Self>) -> Errno {
        let mut state = self.state.lock();
        let connected = matches!(&*state, State::Connected { peer, .. } if Arc::ptr_eq(peer, target));
        if connected {
            *state = State::Idle;
        }
        drop(state);
        if connected {
            self.forget_messages(target);
        }
        Errno::ECONNREFUSED
    }

    pub(crate) fn receive_packet(&self, message: &mut Incoming<'_>) -> Result<Received, Errno> {
        let sequenced = self.core.kind == Kind::SeqPacket;
        if sequenced && !matches!(*self.state.lock(), State::Connected { .. }) {
            return Err(Errno::ENOTCONN);
        }
        if message.flags.contains(MessageFlags::OOB) {
            return Err(Errno::EOPNOTSUPP);
        }
        self.core.check_error()?;
        let mut inbox = self.inbox.lock();
        if inbox.queue.is_empty() {
            // As Linux: without waiting, a datagram socket that was shut down has just nothing.
            let over = inbox.finished && (sequenced || !message.flags.contains(MessageFlags::DONTWAIT));
            return if over {
                Ok(Received { complete: true, ..Received::default() })
            } else {
                Err(Errno::EAGAIN)
            };
        }
        let mut received = if message.flags.contains(MessageFlags::PEEK) {
            inbox.queue.peek(message.into)?
        } else {
            let first = inbox.queue.pop().ok_or(Errno::EAGAIN)?;
            let woken = inbox.waiting.take();
            drop(inbox);
            woken.notify();
            first.deliver(message.into)?
        };
        let credentials = received.credentials.unwrap_or(Identity::NOBODY);
        received.credentials = self.passes_credentials().then_some(credentials);
        Ok(received)
    }

    pub(crate) fn poll_packets(self: &Arc<Self>) -> Events {
        let peer = self.peer();
        let mut events = Events::empty();
        let (finished, waiting) = {
            let inbox = self.inbox.lock();
            (inbox.finished, !inbox.queue.is_empty())
        };
        if waiting || finished {
            events |= Events::IN | Events::RDNORM;
        }
        if finished {
            events |= Events::RDHUP;
        }
        let sequenced = self.core.kind == Kind::SeqPacket;
        let mut write_shut = self.write_shut.load(Ordering::Relaxed);
        let mut writable = true;
        if let Some(peer) = &peer {
            let send_buffer = self.core.options.lock().send_buffer;
            let mutual = Arc::ptr_eq(peer, self) || peer.is_connected_to(self);
            let mut inbox = peer.inbox.lock();
            writable = inbox.closed || inbox.is_writable(send_buffer, mutual);
            write_shut |= sequenced && (inbox.refusing || inbox.closed);
            if !writable {
                inbox.waiting.add(&self.core);
            }
        } else if sequenced {
            events |= Events::HUP;
        }
        if finished && write_shut {
            events |= Events::HUP;
        }
        if writable {
            events |= Events::OUT | Events::WRNORM | Events::WRBAND;
        }
        events
    }
}
