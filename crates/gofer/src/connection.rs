//! One connection: bytes in, replies out.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

use ninep::frame::{self, Frame};
use ninep::patience::Patience;
use ninep::{Malformed, Request};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};

use crate::serve;
use crate::session::{Answer, Session};

/// Bytes of replies after which they are sent, even if more requests wait.
const ENOUGH: usize = 64 << 10;
/// Bytes that a buffer keeps between requests.
const KEPT: usize = 64 << 10;

/// Why a connection ended though the client did not close it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the socket failed: {0}")]
    Socket(#[from] io::Error),
    #[error("the client sent nonsense: {0}")]
    Stream(Malformed),
}

/// Serves until the client closes the connection, or breaks the protocol so that the stream cannot be followed. What a client has sent that is gone by now is
/// carried out still: it may have told its guest that it is done ([`ninep::client::Client::change_later`]).
pub(crate) fn run(socket: &OwnedFd, mut session: Session) -> Result<(), Error> {
    let mut input = Input::default();
    let mut output = Vec::new();
    let mut patience = Patience::default();
    let mut listens = true;
    loop {
        while let Some((request, length)) =
            frame::first(input.bytes(), session.message_size).map_err(Error::Stream)?
        {
            let donated = respond(&mut session, &request, &mut output).map_err(Error::Stream)?;
            input.consume(length);
            if donated.is_some() || output.len() > ENOUGH {
                listens = listens && send(socket, &mut output, donated)?;
            }
            if !listens {
                output.clear();
            }
        }
        listens = listens && send(socket, &mut output, None)?;
        if !input.fill(socket, &mut patience)? {
            return Ok(());
        }
    }
}

/// Answers one request: a reply is appended, and maybe a descriptor goes with it.
pub(crate) fn respond(
    session: &mut Session,
    request: &Frame<'_>,
    output: &mut Vec<u8>,
) -> Result<Option<OwnedFd>, Malformed> {
    let mut answer = Answer::new(output, request.tag);
    let done = match Request::decode(request.number, request.body) {
        Ok(request) => serve::handle(session, request, &mut answer),
        Err(Malformed::Type(_)) => Err(abi::Errno::EOPNOTSUPP),
        Err(_) => Err(abi::Errno::EINVAL),
    };
    let done = done.or_else(|errno| {
        answer.donated = None;
        answer.error(errno)
    });
    done.map_err(|_| Malformed::Size)?;
    Ok(answer.donated)
}

/// Sends what is there. A descriptor travels with the first byte: on a stream the client finds it with the
/// first of the replies that it reads together. False if nobody reads them any more.
fn send(socket: &OwnedFd, output: &mut Vec<u8>, donated: Option<OwnedFd>) -> io::Result<bool> {
    let mut sent = 0;
    let mut donated = donated.as_ref();
    while let Some(rest) = output.get(sent..).filter(|rest| !rest.is_empty()) {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let descriptors = donated.map(|fd| [fd.as_fd()]);
        if let Some(descriptors) = &descriptors {
            control.push(SendAncillaryMessage::ScmRights(descriptors));
        }
        match rustix::net::sendmsg(socket, &[IoSlice::new(rest)], &mut control, SendFlags::NOSIGNAL) {
            Ok(count) => {
                sent += count;
                donated = None;
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::PIPE | rustix::io::Errno::CONNRESET) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
    output.clear();
    output.shrink_to(KEPT);
    Ok(true)
}

/// Bytes that came and were not yet used.
#[derive(Debug, Default)]
struct Input {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Input {
    fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    fn consume(&mut self, length: usize) {
        self.start = self.start.saturating_add(length).min(self.end);
    }

    /// Waits for more bytes. `false` if the client closed the connection. The buffer grows with what is really there: it is
    /// doubled when full, and a frame is never longer than the message size.
    fn fill(&mut self, socket: &OwnedFd, patience: &mut Patience) -> io::Result<bool> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.end == 0 && self.buffer.len() > KEPT {
            self.buffer.truncate(KEPT);
            self.buffer.shrink_to_fit();
        }
        if self.end == self.buffer.len() {
            self.buffer.resize((self.end * 2).max(8 << 10), 0);
        }
        loop {
            let room = self.buffer.get_mut(self.end..).unwrap_or_default();
            // Without room for control messages: descriptors that the client sends are closed by the host.
            match patience.receive(socket, |flags| rustix::net::recv(socket, &mut *room, flags)) {
                Ok((_, 0)) => return Ok(false),
                Ok((_, count)) => {
                    self.end += count;
                    return Ok(true);
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::CONNRESET) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
