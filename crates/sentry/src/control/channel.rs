//! One connection.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use abi::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, send, sendmsg, socketpair,
};
use serde::{Serialize, de::DeserializeOwned};

/// The longest message, in bytes.
pub const LONGEST: usize = 24 * 1024;
/// The most descriptors that go with one message: Linux's own limit.
pub const MOST_DESCRIPTORS: usize = 253;

/// One end of a connection.
#[derive(Debug)]
pub struct Channel {
    socket: OwnedFd,
}

/// Why nothing could be received.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// The peer is gone.
    #[error("the control channel was closed")]
    Closed,
    /// The peer sent something that is no message.
    #[error("the control channel carried a malformed message")]
    Malformed,
    /// The host failed.
    #[error("cannot read the control channel: {0}")]
    Host(Errno),
}

impl Channel {
    /// Takes over one end.
    #[must_use]
    pub fn new(socket: OwnedFd) -> Self {
        Self { socket }
    }

    /// Two ends, both close-on-exec.
    ///
    /// # Errors
    /// Those of socketpair(2).
    pub fn pair() -> Result<(Self, Self), Errno> {
        let (a, b) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
            .map_err(errno)?;
        Ok((Self::new(a), Self::new(b)))
    }

    /// Sends one message.
    ///
    /// # Errors
    /// `EMSGSIZE` for one too long, `EPIPE` if the peer is gone.
    pub fn send<M: Serialize>(&self, message: &M) -> Result<(), Errno> {
        let bytes = encode(message)?;
        rustix::io::retry_on_intr(|| send(&self.socket, &bytes, SendFlags::NOSIGNAL)).map(drop).map_err(errno)
    }

    /// Sends one message with descriptors.
    ///
    /// # Errors
    /// As [`Self::send`], and `EINVAL` with more than [`MOST_DESCRIPTORS`].
    pub fn send_with<M: Serialize>(&self, message: &M, descriptors: &[BorrowedFd<'_>]) -> Result<(), Errno> {
        let bytes = encode(message)?;
        let mut space = vec![MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
            return Err(Errno::EINVAL);
        }
        let pieces = [IoSlice::new(&bytes)];
        let sent =
            rustix::io::retry_on_intr(|| sendmsg(&self.socket, &pieces, &mut control, SendFlags::NOSIGNAL));
        sent.map(drop).map_err(errno)
    }

    /// Waits for one message. Descriptors that come with it are closed.
    ///
    /// # Errors
    /// [`ReceiveError`].
    pub fn receive<M: DeserializeOwned>(&self) -> Result<M, ReceiveError> {
        self.receive_with().map(|(message, _)| message)
    }

    /// Waits for one message and its descriptors.
    ///
    /// # Errors
    /// [`ReceiveError`].
    pub fn receive_with<M: DeserializeOwned>(&self) -> Result<(M, Vec<OwnedFd>), ReceiveError> {
        let mut buffer = vec![0; LONGEST];
        let mut space = vec![MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let received = rustix::io::retry_on_intr(|| {
            recvmsg(&self.socket, &mut [IoSliceMut::new(&mut buffer)], &mut control, RecvFlags::CMSG_CLOEXEC)
        });
        let received = received.map_err(|error| match error {
            // It went without having read all that was sent to it.
            rustix::io::Errno::CONNRESET => ReceiveError::Closed,
            error => ReceiveError::Host(errno(error)),
        })?;
        let descriptors = control
            .drain()
            .filter_map(|message| match message {
                RecvAncillaryMessage::ScmRights(rights) => Some(rights),
                _ => None,
            })
            .flatten()
            .collect();
        if received.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
            return Err(ReceiveError::Malformed);
        }
        match buffer.get(..received.bytes) {
            Some([]) => Err(ReceiveError::Closed),
            Some(message) => {
                let message = serde_json::from_slice(message).map_err(|_| ReceiveError::Malformed)?;
                Ok((message, descriptors))
            }
            None => Err(ReceiveError::Malformed),
        }
    }
}

fn encode<M: Serialize>(message: &M) -> Result<Vec<u8>, Errno> {
    let bytes = serde_json::to_vec(message).map_err(|_| Errno::EINVAL)?;
    if bytes.len() > LONGEST { Err(Errno::EMSGSIZE) } else { Ok(bytes) }
}

fn errno(error: rustix::io::Errno) -> Errno {
    Errno::from_raw(error.raw_os_error())
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Event, ExitStatus};
    use super::*;

    #[test]
    fn messages_arrive_whole_and_in_order() {
        let (a, b) = Channel::pair().unwrap();
        a.send(&Event::Created).unwrap();
        a.send(&Event::Exited(ExitStatus::Signal(9))).unwrap();
        assert_eq!(b.receive::<Event>().unwrap(), Event::Created);
        assert_eq!(b.receive::<Event>().unwrap(), Event::Exited(ExitStatus::Signal(9)));
        drop(a);
        assert!(matches!(b.receive::<Event>(), Err(ReceiveError::Closed)));
        assert_eq!(b.send(&Event::Created), Err(Errno::EPIPE));
    }

    #[test]
    fn descriptors_go_with_their_message() {
        let (a, b) = Channel::pair().unwrap();
        let (reading, writing) = rustix::pipe::pipe().unwrap();
        a.send_with(&Event::Done, &[writing.as_fd(), writing.as_fd()]).unwrap();
        a.send(&Event::Created).unwrap();
        drop(writing);
        let (event, descriptors) = b.receive_with::<Event>().unwrap();
        assert_eq!((event, descriptors.len()), (Event::Done, 2));
        assert_eq!(b.receive_with::<Event>().unwrap().1.len(), 0);
        rustix::io::write(&descriptors[1], b"x").unwrap();
        drop(descriptors);
        let mut buffer = [0; 2];
        assert_eq!(rustix::io::read(&reading, &mut buffer).unwrap(), 1);
        assert_eq!(rustix::io::read(&reading, &mut buffer).unwrap(), 0, "nobody holds the other end");
    }

    #[test]
    fn what_is_no_message_is_an_error() {
        let (a, b) = Channel::pair().unwrap();
        for bytes in
            [&b"{"[..], b"null", b"{\"Exited\":{\"Code\":256}}", &[b'['; LONGEST + 1], &[b'['; LONGEST]]
        {
            send(&a.socket, bytes, SendFlags::empty()).unwrap();
            assert!(matches!(b.receive::<Event>(), Err(ReceiveError::Malformed)));
        }
        let long = Event::Failed { message: "x".repeat(LONGEST) };
        assert_eq!(a.send(&long), Err(Errno::EMSGSIZE));
    }
}
