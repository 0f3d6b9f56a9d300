//! Sending and receiving.

use std::sync::Arc;

use abi::Errno;
use abi::socket::message::MessageFlags;
use socket::channel::ReceiveMode;
use socket::{Ancillary, Incoming, Outgoing, Received};
use vfs::{Events, Source};

use super::{Phase, Tcp};

impl Tcp {
    pub(super) fn send(&self, message: &mut Outgoing<'_>) -> Result<usize, Errno> {
        if message.flags.contains(MessageFlags::OOB) {
            return Err(Errno::EOPNOTSUPP);
        }
        let connection = {
            let state = self.state.lock();
            match &state.phase {
                Phase::Connecting(_) => return Err(Errno::EAGAIN),
                Phase::Connected(connection) => Arc::clone(connection),
                _ => return Err(self.core.take_error().unwrap_or(Errno::EPIPE)),
            }
        };
        if self.core.has_error() {
            self.core.check_error()?;
        }
        match connection.out.send(message.data, &mut Ancillary::default()) {
            Err(Errno::EPIPE) if !connection.out.finished() => {
                // The other end is closed. What is sent goes out all the same, and a reset comes back.
                self.be_reset();
                if let Some(peer) = connection.peer.upgrade() {
                    peer.be_reset();
                }
                swallow(message.data)
            }
            other => other,
        }
    }

    pub(super) fn receive(&self, message: &mut Incoming<'_>) -> Result<Received, Errno> {
        let (connection, read_shut) = {
            let state = self.state.lock();
            match &state.phase {
                Phase::Connected(c) | Phase::Reset(c) => (Arc::clone(c), state.shut.read),
                Phase::Connecting(_) => return Err(Errno::EAGAIN),
                Phase::Idle if self.core.has_error() => {
                    return Err(self.core.take_error().unwrap_or(Errno::EIO));
                }
                Phase::Idle if state.shut.read => return Ok(end()),
                Phase::Idle | Phase::Listening(_) | Phase::Closed => return Err(Errno::ENOTCONN),
            }
        };
        if message.flags.contains(MessageFlags::OOB) {
            return Err(Errno::EINVAL);
        }
        if message.flags.contains(MessageFlags::ERRQUEUE) {
            return Err(Errno::EAGAIN);
        }
        let mode = ReceiveMode {
            peek: message.flags.contains(MessageFlags::PEEK),
            separate_senders: false,
            discard: message.flags.contains(MessageFlags::TRUNC),
        };
        if message.into.room() == 0 && connection.input.available() > 0 {
            return Ok(Received::default());
        }
        match connection.input.receive(message.into, mode) {
            Ok(piece) if piece.count == 0 => {
                if !connection.input.finished() {
                    self.core.check_error()?;
                }
                Ok(end())
            }
            Ok(piece) => Ok(Received { stored: piece.count, length: piece.count, ..Received::default() }),
            Err(Errno::EAGAIN) => {
                self.core.check_error()?;
                let over = read_shut || matches!(self.state.lock().phase, Phase::Reset(_));
                if over { Ok(end()) } else { Err(Errno::EAGAIN) }
            }
            Err(errno) => Err(errno),
        }
    }

    /// A reset came. After the end of the other's stream it means that nobody reads: `EPIPE`.
    pub(super) fn be_reset(&self) {
        let mut state = self.state.lock();
        let Phase::Connected(connection) = &state.phase else { return };
        let connection = Arc::clone(connection);
        let errno = if connection.input.finished() { Errno::EPIPE } else { Errno::ECONNRESET };
        state.phase = Phase::Reset(connection);
        drop(state);
        self.core.set_error(errno);
        let events = Events::ALWAYS | Events::HUP | Events::RDHUP | Events::ERR;
        self.core.readiness.notify(events);
    }
}

fn end() -> Received {
    Received { complete: true, ..Received::default() }
}

/// Takes what a send would have taken, up to a limit.
fn swallow(from: &mut dyn Source) -> Result<usize, Errno> {
    let mut scratch = [0; 4096];
    let mut taken = 0usize;
    while from.left() > 0 && taken < super::TUNED_BUFFER {
        let piece = from.left().min(scratch.len());
        match from.take(scratch.get_mut(..piece).unwrap_or_default()) {
            Ok(n) if n > 0 => taken = taken.saturating_add(n),
            Err(errno) if taken == 0 => return Err(errno),
            _ => break,
        }
    }
    Ok(taken)
}
