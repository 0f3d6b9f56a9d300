//! Sending and receiving on streams.

use std::sync::Arc;

use abi::Errno;
use abi::socket::message::MessageFlags;
use socket::channel::ReceiveMode;
use socket::{Address, Ancillary, Identity, Incoming, Outgoing, Received, Rights, UnixAddress};
use vfs::Capability;

use crate::state::{Inner, Stream};

impl Inner {
    pub(crate) fn send_stream(&self, message: &mut Outgoing<'_>) -> Result<usize, Errno> {
        if message.flags.contains(MessageFlags::OOB) {
            return Err(Errno::EOPNOTSUPP);
        }
        let Some(stream) = self.stream.get() else {
            return Err(if message.to.is_some() { Errno::EOPNOTSUPP } else { Errno::ENOTCONN });
        };
        if message.to.is_some() {
            return Err(Errno::EISCONN);
        }
        let mut ancillary =
            self.ancillary(message, || self.peer().is_some_and(|p| p.passes_credentials()))?;
        stream.out.send(message.data, &mut ancillary)
    }

    /// What shall travel with a message: descriptors, and credentials if given or asked for by either end.
    pub(crate) fn ancillary(
        &self,
        message: &Outgoing<'_>,
        peer_wants: impl FnOnce() -> bool,
    ) -> Result<Ancillary, Errno> {
        let rights = if message.files.is_empty() { None } else { Some(self.launch(message)?) };
        let credentials = match message.credentials {
            None if self.passes_credentials() || peer_wants() => Some(message.caller.message_identity()),
            given => given,
        };
        Ok(Ancillary { rights, credentials, ..Ancillary::default() })
    }

    fn launch(&self, message: &Outgoing<'_>) -> Result<Rights, Errno> {
        let credentials = &message.caller.credentials;
        let privileged = credentials.has(Capability::SysResource) || credentials.has(Capability::SysAdmin);
        let limit = (!privileged).then_some(message.caller.descriptor_limit);
        self.shared.flight.launch(&message.files, credentials.uid, limit)
    }

    pub(crate) fn receive_stream(&self, message: &mut Incoming<'_>) -> Result<Received, Errno> {
        let Some(stream) = self.stream.get() else { return Err(Errno::EINVAL) };
        if message.flags.contains(MessageFlags::OOB) {
            return Err(Errno::EOPNOTSUPP);
        }
        let wants_credentials = self.passes_credentials();
        let mode = ReceiveMode {
            peek: message.flags.contains(MessageFlags::PEEK),
            separate_senders: wants_credentials,
            discard: false,
        };
        if message.into.room() == 0 && stream.input.available() > 0 {
            return Ok(Received::default());
        }
        let piece = match stream.input.receive(message.into, mode) {
            Ok(piece) if piece.count == 0 => {
                self.core.check_error()?;
                return Ok(Received { complete: true, ..Received::default() });
            }
            Err(Errno::EAGAIN) => {
                self.core.check_error()?;
                return Err(Errno::EAGAIN);
            }
            other => other?,
        };
        Ok(Received {
            stored: piece.count,
            length: piece.count,
            from: self.sender_address(),
            files: piece.files,
            credentials: wants_credentials.then(|| piece.credentials.unwrap_or(Identity::NOBODY)),
            complete: piece.complete,
            ..Received::default()
        })
    }

    /// The address of the peer, if it has one: a server's.
    fn sender_address(&self) -> Option<Address> {
        let name = self.peer()?.name.lock().clone();
        (!matches!(name, UnixAddress::Unnamed)).then_some(Address::Unix(name))
    }

    pub(crate) fn stream(&self) -> Option<&Stream> {
        self.stream.get()
    }
}

/// Tells both ends of a connection that one of them was shut down or closed.
pub(crate) fn notify_both(a: &Arc<Inner>, b: Option<&Arc<Inner>>) {
    let events = vfs::Events::ALWAYS | vfs::Events::RDHUP | vfs::Events::HUP;
    a.core.readiness.notify(events);
    if let Some(b) = b {
        b.core.readiness.notify(events);
    }
}
