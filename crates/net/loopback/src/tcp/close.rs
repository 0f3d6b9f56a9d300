//! shutdown(2) and close(2).

use std::sync::{Arc, Weak};

use abi::Errno;
use socket::Shutdown;
use vfs::Events;

use super::{Connection, Listener, Phase, Tcp, TcpSocket};

const ENDED: Events = Events::ALWAYS.union(Events::HUP).union(Events::RDHUP);

impl Tcp {
    pub(super) fn shut_down(&self, how: Shutdown) -> Result<(), Errno> {
        let mut state = self.state.lock();
        let connection = match &mut state.phase {
            Phase::Connected(connection) => Arc::clone(connection),
            Phase::Listening(_) if how.read => {
                let Phase::Listening(listener) = std::mem::replace(&mut state.phase, Phase::Idle) else {
                    return Err(Errno::ENOTCONN);
                };
                if let Some(bound) = &state.bound {
                    bound.lease.ports().update(&bound.lease, |b| b.listening = false);
                }
                state.forget_port();
                drop(state);
                refuse_all(listener);
                self.core.readiness.notify(ENDED);
                return Ok(());
            }
            Phase::Listening(_) => return Ok(()),
            Phase::Connecting(_) | Phase::Idle | Phase::Reset(_) | Phase::Closed => {
                state.shut.read |= how.read;
                state.shut.write |= how.write;
                drop(state);
                self.core.readiness.notify(ENDED);
                return Err(Errno::ENOTCONN);
            }
        };
        if connection.is_over() {
            return Err(Errno::ENOTCONN);
        }
        state.shut.read |= how.read;
        state.shut.write |= how.write;
        if state.shut.read && state.shut.write {
            // As Linux: what arrives now is answered with a reset.
            connection.input.refuse();
        }
        drop(state);
        if how.write {
            connection.out.finish();
            if let Some(peer) = connection.peer.upgrade() {
                peer.core.readiness.notify(ENDED);
            }
        }
        self.core.readiness.notify(ENDED);
        Ok(())
    }

    /// Ends whatever this socket is in. With `reset`, or if something was not read, the other end is reset.
    pub(super) fn leave(self: &Arc<Self>, reset: bool) {
        let mut state = self.state.lock();
        let phase = std::mem::replace(&mut state.phase, Phase::Closed);
        drop(state);
        match phase {
            Phase::Connected(connection) => end_connection(&connection, reset),
            Phase::Listening(listener) => {
                if let Some(bound) = &self.state.lock().bound {
                    bound.lease.ports().update(&bound.lease, |b| b.listening = false);
                }
                refuse_all(listener);
            }
            Phase::Reset(connection) => {
                connection.input.clear();
            }
            Phase::Idle | Phase::Connecting(_) | Phase::Closed => {}
        }
        self.core.readiness.notify(ENDED);
    }
}

fn end_connection(connection: &Connection, reset: bool) {
    connection.input.refuse();
    let unread = connection.input.clear();
    let peer = connection.peer.upgrade();
    match &peer {
        Some(peer) if (unread || reset) && !connection.is_over() => peer.be_reset(),
        _ => connection.out.finish(),
    }
    if let Some(peer) = peer {
        peer.core.readiness.notify(ENDED);
    }
}

/// The listening socket is gone: connections that nobody accepted are reset, those that wait are refused.
fn refuse_all(listener: Listener) {
    for server in listener.pending {
        server.leave(true);
    }
    for client in listener.waiting.iter().filter_map(Weak::upgrade) {
        if matches!(client.state.lock().phase, Phase::Connecting(_)) {
            client.fail_attempt(true);
            client.core.fail(Errno::ECONNREFUSED);
        }
    }
}

impl Drop for TcpSocket {
    fn drop(&mut self) {
        let reset = self.inner.core.options.lock().linger == Some(0);
        self.inner.leave(reset);
        self.inner.state.lock().bound = None;
    }
}
