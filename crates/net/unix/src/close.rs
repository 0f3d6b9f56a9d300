//! shutdown(2) and close(2).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use abi::Errno;
use socket::{Kind, Shutdown};
use vfs::Events;

use crate::state::{Inner, Listener, State, UnixSocket};
use crate::stream::notify_both;

impl Inner {
    pub(crate) fn shut_down(self: &Arc<Self>, how: Shutdown) {
        let peer = self.peer();
        if let Some(stream) = self.stream() {
            if how.read {
                stream.input.refuse();
            }
            if how.write {
                stream.out.finish();
            }
        } else {
            self.shut_down_packets(how, peer.as_ref());
        }
        if how.read {
            self.refuse_connections();
        }
        notify_both(self, peer.as_ref());
    }

    fn shut_down_packets(&self, how: Shutdown, peer: Option<&Arc<Self>>) {
        if how.read {
            let mut inbox = self.inbox.lock();
            inbox.refusing = true;
            inbox.finished = true;
            let woken = inbox.waiting.take();
            drop(inbox);
            woken.notify();
        }
        if how.write {
            self.write_shut.store(true, Ordering::Relaxed);
            if self.core.kind == Kind::SeqPacket
                && let Some(peer) = peer
            {
                peer.inbox.lock().finished = true;
            }
        }
    }

    fn refuse_connections(&self) {
        let mut state = self.state.lock();
        let State::Listening(listener) = &mut *state else { return };
        listener.refusing = true;
        let woken = listener.waiting.take();
        drop(state);
        woken.notify();
    }

    /// The last reference of a program is gone.
    pub(crate) fn close(self: &Arc<Self>) {
        let name = self.name.lock().clone();
        self.shared.names.release(&name, self);
        let served = self.served.lock().take();
        drop(served);
        let state = std::mem::replace(&mut *self.state.lock(), State::Closed);
        let unread = self.close_inbox() | self.close_stream();
        match state {
            State::Listening(listener) => close_listener(listener),
            State::Connected { peer, .. } if self.core.kind != Kind::Datagram => self.leave(&peer, unread),
            State::Connected { .. } | State::Idle | State::Connecting | State::Closed => {}
        }
        self.core.readiness.notify(Events::HUP);
    }

    /// Ends the connection for the peer. What was not read is lost, which the peer learns as an error.
    fn leave(&self, peer: &Arc<Self>, unread: bool) {
        if self.core.kind == Kind::SeqPacket {
            peer.inbox.lock().finished = true;
        }
        if unread {
            peer.core.set_error(Errno::ECONNRESET);
        }
        let events = Events::ALWAYS | Events::HUP | Events::RDHUP | Events::ERR;
        peer.core.readiness.notify(events);
    }

    fn close_stream(&self) -> bool {
        self.stream().is_some_and(|stream| {
            stream.out.finish();
            stream.input.refuse();
            stream.input.clear()
        })
    }

    fn close_inbox(&self) -> bool {
        let mut inbox = self.inbox.lock();
        inbox.closed = true;
        let messages = inbox.queue.take_all();
        let woken = inbox.waiting.take();
        drop(inbox);
        woken.notify();
        !messages.is_empty()
    }
}

/// Connections that nobody accepted are reset, and those who wait to connect are refused.
fn close_listener(mut listener: Listener) {
    for server in listener.pending {
        let peer = server.peer();
        server.close();
        if let Some(peer) = peer {
            peer.core.fail(Errno::ECONNRESET);
        }
    }
    listener.waiting.take().notify();
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        self.inner.close();
        self.inner.shared.collector.socket_closed(&self.inner.shared.flight);
    }
}
