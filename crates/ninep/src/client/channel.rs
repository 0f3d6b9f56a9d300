//! The connection: one request at a time, and ahead of it those that nobody waits for.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use abi::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendFlags, recvmsg, sendmsg,
};

use super::later::Later;
use super::{Farewell, Server};
use crate::frame::{self, append, append_with};
use crate::message::{Call, Message, Rlerror, Tchangeattr};
use crate::patience::Patience;
use crate::wire::{Reader, Wire};
use crate::{Malformed, NO_TAG};

/// Bytes that a buffer keeps between calls.
const KEPT: usize = 64 << 10;
/// How many requests can be on their way that nobody waits for: their replies fit into the socket's buffer, so that the server never waits for its client.
const MOST_LATER: usize = 32;

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
    /// Requests whose answers nobody waits for: they come before that of the next one.
    later: Vec<(u16, Arc<Later>)>,
    /// The stream cannot be followed any more, or is closed.
    lost: bool,
}

impl Channel {
    pub(super) const fn new(line: Line, message_size: u32) -> Self {
        Self {
            line,
            message_size,
            output: Vec::new(),
            input: Vec::new(),
            tag: 0,
            later: Vec::new(),
            lost: false,
        }
    }

    /// Whether the server works while its client goes on.
    pub(super) const fn is_apart(&self) -> bool {
        matches!(self.line, Line::Socket(..))
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
        self.put(tag, request)?;
        let result = self.exchange::<C, T>(tag, waiting, read);
        self.settle(&result);
        result.map_err(|Lost| Errno::EIO)?
    }

    /// Sends a request whose answer is taken with that of a later one, or by [`Self::collect`], and told then.
    ///
    /// # Errors
    /// `EIO` if the connection is lost.
    pub(super) fn send_later(&mut self, request: &Tchangeattr, later: &Arc<Later>) -> Result<(), Errno> {
        if !self.is_apart() {
            later.begins();
            later.told(self.call(0, request, &[], |reply| reply.attr).map(|(attr, _)| attr));
            return Ok(());
        }
        if self.later.len() >= MOST_LATER {
            self.collect();
        }
        if self.lost {
            return Err(Errno::EIO);
        }
        self.output.clear();
        let tag = self.next_tag();
        self.put(tag, request)?;
        let sent = self.send(&mut None);
        if sent.is_ok() {
            later.begins();
            self.later.push((tag, Arc::clone(later)));
        }
        self.settle(&sent);
        sent.map(|_| ()).map_err(|Lost| Errno::EIO)
    }

    /// Waits for all the answers that nobody has waited for.
    pub(super) fn collect(&mut self) {
        if !self.lost {
            let collected = self.take(0, &mut None, Vec::new(), true, |_| Err(Lost));
            self.settle(&collected);
        }
    }

    fn put<C: Call>(&mut self, tag: u16, request: &C) -> Result<(), Errno> {
        let start = self.output.len();
        append_with(&mut self.output, tag, |writer| {
            request.encode(writer);
            Ok::<u8, Malformed>(C::TYPE)
        })
        .map_err(|_| Errno::EMSGSIZE)?;
        let longest = usize::try_from(self.message_size).unwrap_or(usize::MAX);
        if self.output.len() - start > longest { Err(Errno::EMSGSIZE) } else { Ok(()) }
    }

    /// What follows an exchange, whatever became of it.
    fn settle<T>(&mut self, result: &Result<T, Lost>) {
        if result.is_err() {
            self.lost = true;
            for (_, later) in self.later.drain(..) {
                later.told(Err(Errno::EIO));
            }
        }
        self.output.shrink_to(KEPT);
        self.input.shrink_to(KEPT);
    }

    fn next_tag(&mut self) -> u16 {
        self.tag = if self.tag >= NO_TAG - 1 { 0 } else { self.tag + 1 };
        self.tag
    }

    /// The inner result is the server's answer; the outer error is the end of the connection.
    fn exchange<C: Call, T>(
        &mut self,
        tag: u16,
        waiting: Vec<u16>,
        read: impl FnOnce(C::Reply<'_>) -> T,
    ) -> Result<Result<(T, Option<OwnedFd>), Errno>, Lost> {
        let mut descriptor = None;
        let have = self.send(&mut descriptor)?;
        let (mut answer, mut read) = (None, Some(read));
        self.take(have, &mut descriptor, waiting, false, |reply| {
            let read = read.take().filter(|_| reply.tag == tag).ok_or(Lost)?;
            answer = Some(decode::<C, T>(reply, read)?);
            Ok(())
        })?;
        let answer = answer.ok_or(Lost)?;
        Ok(answer.map(|value| (value, descriptor)))
    }

    /// Takes replies, of which `have` bytes are there: those that nobody has waited for, `waiting`, and unless all is `done` with these, one
    /// more, which `answer` is for.
    fn take(
        &mut self,
        mut have: usize,
        descriptor: &mut Option<OwnedFd>,
        mut waiting: Vec<u16>,
        mut done: bool,
        mut answer: impl FnMut(frame::Frame<'_>) -> Result<(), Lost>,
    ) -> Result<(), Lost> {
        let mut used = 0;
        while !(done && waiting.is_empty() && self.later.is_empty()) {
            let bytes = self.input.get(used..have).unwrap_or_default();
            let Some((reply, length)) = frame::first(bytes, self.message_size).map_err(|_| Lost)? else {
                self.input.copy_within(used..have, 0);
                have -= used;
                used = 0;
                have += self.receive(have, descriptor)?;
                continue;
            };
            used += length;
            if let Some(at) = waiting.iter().position(|waiting| *waiting == reply.tag) {
                waiting.swap_remove(at);
            } else if let Some(at) = self.later.iter().position(|(tag, _)| *tag == reply.tag) {
                let told = decode::<Tchangeattr, _>(reply, |reply| reply.attr)?;
                let (_, later) = self.later.remove(at);
                later.told(told);
            } else if done {
                return Err(Lost);
            } else {
                answer(reply)?;
                done = true;
            }
        }
        // Whatever is left would be an answer to nothing.
        if used == have { Ok(()) } else { Err(Lost) }
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
