//! The control channel between the runtime and a sentry: small JSON messages over a Unix `SOCK_SEQPACKET` pair.
//!
//! The runtime must assume that a sentry has been taken over: messages are bounded, and a malformed one is an error,
//! never a crash.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use abi::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The longest message, in bytes.
pub const LONGEST: usize = 16 * 1024;

/// What the runtime asks of a sentry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Delivers a signal that the runtime was sent.
    Signal {
        /// Its number.
        number: i32,
        /// Whether it goes to the foreground process group of the container's terminal, where it has one: the user pressed
        /// a key. Otherwise to the container's first process.
        foreground: bool,
    },
}

/// What a sentry tells the runtime.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The first process runs its program.
    Started,
    /// The first process ended, and the container with it.
    Exited(ExitStatus),
    /// The container could not be started, or could not go on.
    Failed {
        /// One sentence that names the field or path.
        message: String,
    },
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExitStatus {
    /// It called exit(2).
    Code(u8),
    /// A signal ended it.
    Signal(u8),
}

impl ExitStatus {
    /// What a shell makes of it: the code, or 128 plus the signal.
    #[must_use]
    pub fn shell_code(self) -> u8 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => signal.saturating_add(128),
        }
    }
}

/// One end of the channel.
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
            .map_err(|error| Errno::from_raw(error.raw_os_error()))?;
        Ok((Self::new(a), Self::new(b)))
    }

    /// Sends one message.
    ///
    /// # Errors
    /// `EMSGSIZE` for one too long, `EPIPE` if the peer is gone.
    pub fn send<M: Serialize>(&self, message: &M) -> Result<(), Errno> {
        let bytes = serde_json::to_vec(message).map_err(|_| Errno::EINVAL)?;
        if bytes.len() > LONGEST {
            return Err(Errno::EMSGSIZE);
        }
        rustix::io::retry_on_intr(|| send(&self.socket, &bytes, SendFlags::NOSIGNAL))
            .map(|_| ())
            .map_err(|error| Errno::from_raw(error.raw_os_error()))
    }

    /// Waits for one message.
    ///
    /// # Errors
    /// [`ReceiveError`].
    pub fn receive<M: DeserializeOwned>(&self) -> Result<M, ReceiveError> {
        let mut buffer = vec![0; LONGEST];
        // TRUNC: the length that the message really has, so that one cut short is not taken for a whole one.
        let (_, length) = rustix::io::retry_on_intr(|| recv(&self.socket, &mut buffer[..], RecvFlags::TRUNC))
            .map_err(|error| ReceiveError::Host(Errno::from_raw(error.raw_os_error())))?;
        match buffer.get(..length) {
            Some([]) => Err(ReceiveError::Closed),
            Some(message) => serde_json::from_slice(message).map_err(|_| ReceiveError::Malformed),
            None => Err(ReceiveError::Malformed),
        }
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_arrive_whole_and_in_order() {
        let (a, b) = Channel::pair().unwrap();
        a.send(&Event::Started).unwrap();
        a.send(&Event::Exited(ExitStatus::Signal(9))).unwrap();
        assert_eq!(b.receive::<Event>().unwrap(), Event::Started);
        assert_eq!(b.receive::<Event>().unwrap(), Event::Exited(ExitStatus::Signal(9)));
        drop(a);
        assert!(matches!(b.receive::<Event>(), Err(ReceiveError::Closed)));
        assert_eq!(b.send(&Event::Started), Err(Errno::EPIPE));
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

    #[test]
    fn shells_see_signals_above_128() {
        assert_eq!(ExitStatus::Code(255).shell_code(), 255);
        assert_eq!(ExitStatus::Signal(11).shell_code(), 139);
    }
}
