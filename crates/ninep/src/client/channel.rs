//! The connection: one request at a time.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use abi::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendFlags, recvmsg, sendmsg,
};

use super::{Farewell, Server};
use crate::frame::{self, append, append_with};
use crate::message::{Call, Message, Rlerror};
use crate::patience::Patience;
use crate::wire::{Reader, Wire};
use crate::{Malformed, NO_TAG};

/// Bytes that a buffer keeps between calls.
const KEPT: usize = 64 << 10;

/// What leads to the server.
#[derive(Debug)]
pub(super) enum Line {
    /// A stream socket, and how long to look for an answer before the thread sleeps.
    Socket(OwnedFd, Patience),
    /// The server itself.
    Server(Box<dyn Server>),
}

impl Line {
    pub(super) fn socket(socket: OwnedFd) -> Self {
        Self::Socket(socket, Patience::default())
    }
}

/// The line and its buffers.
#[derive(Debug)]
pub(super) struct Channel {
    line: Line,
    message_size: u32,
    output: Vec<u8>,
    input: Vec<u8>,
    tag: u16,
    /// The stream cannot be followed any more, or is closed.
    lost: bool,
}

impl Channel {
    pub(super) const fn new(line: Line, message_size: u32) -> Self {
        Self { line, message_size, output: Vec::new(), input: Vec::new(), tag: 0, lost: false }
    }

    pub(super) const fn set_message_size(&mut self, size: u32) {
        self.message_size = size;
    }

    /// Sends `first`, then the request, and waits for all the replies. The tag is the channel's own choice unless
    /// it is [`NO_TAG`].
    ///
    /// # Errors
    /// What the server answers to the request; `EMSGSIZE` for one that is too long; `EIO` once the connection is lost.
    pub(super) fn call<C: Call, T>(
        &mut self,
        tag: u16,
        request: &C,
        first: &[Farewell],
        read: impl FnOnce(C::Reply<'_>) -> T,
    ) -> Result<(T, Option<OwnedFd>), Errno> {
        if self.lost {
            return Err(Errno::EIO);
        }
        self.output.clear();
        let mut waiting = Vec::with_capacity(first.len());
        for farewell in first {
            let tag = self.next_tag();
            match farewell {
                Farewell::One(message) => append(&mut self.output, tag, message),
                Farewell::Many(message) => append(&mut self.output, tag, message),
            }
            .map_err(|_| Errno::EMSGSIZE)?;
            waiting.push(tag);
        }
        let tag = if tag == NO_TAG { tag } else { self.next_tag() };
        let start = self.output.len();
        append_with(&mut self.output, tag, |writer| {
            request.encode(writer);
            Ok::<u8, Malformed>(C::TYPE)
        })
        .map_err(|_| Errno::EMSGSIZE)?;
        if self.output.len() - start > usize::try_from(self.message_size).unwrap_or(usize::MAX) {
            return Err(Errno::EMSGSIZE);
        }
        let result = self.exchange::<C, T>(tag, waiting, read);
        if result.is_err() {
            self.lost = true;
        }
        self.output.shrink_to(KEPT);
        self.input.shrink_to(KEPT);
        result.map_err(|Lost| Errno::EIO)?
    }

    fn next_tag(&mut self) -> u16 {
        self.tag = if self.tag >= NO_TAG - 1 { 0 } else { self.tag + 1 };
        self.tag
    }

    /// The inner result is the server's answer; the outer error is the end of the connection.
    fn exchange<C: Call, T>(
        &mut self,
        tag: u16,
        mut waiting: Vec<u16>,
        read: impl FnOnce(C::Reply<'_>) -> T,
    ) -> Result<Result<(T, Option<OwnedFd>), Errno>, Lost> {
        let mut descriptor = None;
        let mut have = self.send(&mut descriptor)?;
        let mut answer = None;
        let mut read = Some(read);
        let mut used = 0;
        while answer.is_none() || !waiting.is_empty() {
            let bytes = self.input.get(used..have).unwrap_or_default();
            let Some((reply, length)) = frame::first(bytes, self.message_size).map_err(|_| Lost)? else {
                self.input.copy_within(used..have, 0);
                have -= used;
                used = 0;
                have += self.receive(have, &mut descriptor)?;
                continue;
            };
            used += length;
            if let Some(at) = waiting.iter().position(|waiting| *waiting == reply.tag) {
                waiting.swap_remove(at);
            } else if reply.tag == tag
                && let Some(read) = read.take()
            {
                answer = Some(decode::<C, T>(reply, read)?);
            } else {
                return Err(Lost);
            }
        }
        if used != have {
            // An answer to nothing.
            return Err(Lost);
        }
        let answer = answer.ok_or(Lost)?;
        Ok(answer.map(|value| (value, descriptor)))
    }

    /// Returns how many bytes of replies are there at once.
    fn send(&mut self, descriptor: &mut Option<OwnedFd>) -> Result<usize, Lost> {
        let socket = match &mut self.line {
            Line::Socket(socket, _) => socket,
            Line::Server(server) => {
                self.input.clear();
                *descriptor = server.answer(&self.output, &mut self.input).map_err(|_| Lost)?;
                return Ok(self.input.len());
            }
        };
        let mut rest = self.output.as_slice();
        while !rest.is_empty() {
            let mut control = SendAncillaryBuffer::default();
            match sendmsg(&*socket, &[IoSlice::new(rest)], &mut control, SendFlags::NOSIGNAL) {
                Ok(sent) => rest = rest.get(sent..).unwrap_or_default(),
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return Err(Lost),
            }
        }
        Ok(0)
    }

    /// Waits for bytes behind the first `have` ones. The buffer doubles when it is full.
    fn receive(&mut self, have: usize, descriptor: &mut Option<OwnedFd>) -> Result<usize, Lost> {
        let Line::Socket(socket, patience) = &mut self.line else { return Err(Lost) };
        if have == self.input.len() {
            self.input.resize((have * 2).max(4096), 0);
        }
        let into = self.input.get_mut(have..).unwrap_or_default();
        loop {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let received = patience.receive(&*socket, |flags| {
                let flags = flags | RecvFlags::CMSG_CLOEXEC;
                recvmsg(&*socket, &mut [IoSliceMut::new(into)], &mut control, flags)
            });
            match received {
                Ok(received) if received.bytes == 0 => return Err(Lost),
                Ok(received) => {
                    for message in control.drain() {
                        if let RecvAncillaryMessage::ScmRights(rights) = message {
                            for received in rights {
                                *descriptor = Some(received);
                            }
                        }
                    }
                    return Ok(received.bytes);
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return Err(Lost),
            }
        }
    }
}

/// The connection is of no use any more.
struct Lost;

/// The reply to a request: its own, or an error.
fn decode<C: Call, T>(
    reply: frame::Frame<'_>,
    read: impl FnOnce(C::Reply<'_>) -> T,
) -> Result<Result<T, Errno>, Lost> {
    let mut reader = Reader::new(reply.body);
    if reply.number == Rlerror::TYPE {
        let error = Rlerror::get(&mut reader).map_err(|_| Lost)?;
        reader.finish().map_err(|_| Lost)?;
        return Ok(Err(i32::try_from(error.ecode).map_or(Errno::EIO, Errno::from_raw)));
    }
    if reply.number != C::TYPE + 1 {
        return Err(Lost);
    }
    let message = <C::Reply<'_> as Wire<'_>>::get(&mut reader).map_err(|_| Lost)?;
    reader.finish().map_err(|_| Lost)?;
    Ok(Ok(read(message)))
}
