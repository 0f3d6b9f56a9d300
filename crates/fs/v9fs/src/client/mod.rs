//! Requests of any number of threads over one connection, and what becomes of them.
//!
//! There is no thread for the connection: whoever waits for a reply moves all of it on as far as it goes ([`Client::move_on`]), and tells the
//! others. A caller that is killed leaves: the server is asked to forget the request (`Tflush`), and the tag is used again once it has.

mod fid;
mod table;
mod transport;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use abi::Errno;
use ninep::frame::{append, append_with, first};
use ninep::message::{Call, Message, Rlerror, Rversion, Tclunk, Tflush, Tversion};
use ninep::version::{BASE, SMALLEST_SIZE};
use ninep::{Malformed, NO_TAG, Reader, Text, Wire};
use parking_lot::Mutex;
use vfs::waiting::{self, Patience};
use vfs::{Events, WaitQueue};

pub(crate) use fid::Fid;
use fid::Numbers;
use table::{Reply, Table};
pub(crate) use transport::Transport;

/// `P9_IOHDRSZ`: bytes of a message that carries data which are not data.
const DATA_HEADER: u32 = 24;
/// Bytes that buffers keep when they are empty.
const KEPT: usize = 64 << 10;

/// A connection.
pub(crate) struct Client {
    transport: Transport,
    /// Told when replies have come, or when the connection can be moved on.
    queue: Arc<WaitQueue>,
    table: Mutex<Table>,
    streams: Mutex<Streams>,
    /// Somebody wants the connection to be moved on.
    due: AtomicBool,
    message_size: AtomicU32,
    numbers: Mutex<Numbers>,
}

/// Bytes on their way.
#[derive(Default)]
struct Streams {
    output: Vec<u8>,
    /// So many of them are gone.
    sent: usize,
    input: Vec<u8>,
}

/// The connection is of no use any more.
struct Lost;

impl From<Malformed> for Lost {
    fn from(_: Malformed) -> Self {
        Self
    }
}

impl Client {
    /// Agrees on the dialect with the server at the other end.
    ///
    /// # Errors
    /// `EIO` for files that cannot be waited for; `EREMOTEIO` if the server speaks another dialect; `EINTR`, and `EIO` if the connection fails.
    pub(crate) fn connect(
        transport: impl FnOnce(&Arc<WaitQueue>) -> Result<Transport, Errno>,
        message_size: u32,
    ) -> Result<Arc<Self>, Errno> {
        let queue = WaitQueue::new();
        let client = Arc::new(Self {
            transport: transport(&queue)?,
            queue,
            table: Mutex::default(),
            streams: Mutex::default(),
            due: AtomicBool::new(false),
            message_size: AtomicU32::new(message_size),
            numbers: Mutex::default(),
        });
        let request = Tversion { msize: message_size, version: Text(BASE) };
        let agreed = client.exchange(Some(NO_TAG), &request, |reply: Rversion<'_>| {
            (reply.version.0 == BASE && reply.msize >= SMALLEST_SIZE).then_some(reply.msize)
        })?;
        let size = agreed.ok_or(Errno::EREMOTEIO)?;
        client.message_size.store(size.min(message_size), Ordering::Relaxed);
        Ok(client)
    }

    /// The largest message, in bytes.
    pub(crate) fn message_size(&self) -> u32 {
        self.message_size.load(Ordering::Relaxed)
    }

    /// The most data that a message carries, where the server has said how much it likes at once (0 if it has not).
    pub(crate) fn most_data(&self, liked: u32) -> u32 {
        let most = self.message_size().saturating_sub(DATA_HEADER);
        if liked == 0 { most } else { liked.min(most) }
    }

    /// Makes a request, waits, and hands the reply to `read`.
    ///
    /// # Errors
    /// As the server says; `EINTR` for a caller that is killed, `ENOMEM` with too many requests under way, `EIO` once the connection is lost.
    pub(crate) fn call<C: Call, T>(
        &self,
        request: &C,
        read: impl FnOnce(C::Reply<'_>) -> T,
    ) -> Result<T, Errno> {
        self.exchange(None, request, read)
    }

    fn exchange<C: Call, T>(
        &self,
        tag: Option<u16>,
        request: &C,
        read: impl FnOnce(C::Reply<'_>) -> T,
    ) -> Result<T, Errno> {
        let tag = self.post(tag, request)?;
        let come = || {
            self.move_on();
            self.table.lock().has_come(tag)
        };
        if let Err(error) = waiting::until(&self.queue, Patience::Killable, come) {
            self.leave(tag);
            return Err(if error.is_restart() { Errno::EINTR } else { error });
        }
        let reply = self.table.lock().take(tag).ok_or(Errno::EIO)?;
        self.decode::<C, T>(&reply, read).unwrap_or_else(|Lost| {
            self.lose();
            Err(Errno::EIO)
        })
    }

    fn post<C: Call>(&self, tag: Option<u16>, request: &C) -> Result<u16, Errno> {
        let mut bytes = Vec::new();
        let encoded = append_with(&mut bytes, 0, |writer| {
            request.encode(writer);
            Ok::<u8, Malformed>(C::TYPE)
        });
        let most = usize::try_from(self.message_size()).unwrap_or(usize::MAX);
        if encoded.is_err() || bytes.len() > most {
            return Err(Errno::EMSGSIZE);
        }
        self.table.lock().post(tag, bytes)
    }

    /// Says something whose answer nobody waits for.
    pub(crate) fn tell<C: Call>(&self, request: &C) {
        if let Ok(tag) = self.post(None, request) {
            self.table.lock().nobody_waits(tag);
            self.move_on();
        }
    }

    /// The caller of a request is killed.
    fn leave(&self, tag: u16) {
        let mut bytes = Vec::new();
        if append(&mut bytes, 0, &Tflush { oldtag: tag }).is_ok() {
            self.table.lock().leave(tag, bytes);
            self.move_on();
        }
    }

    /// A fid that nobody here needs any more. Its number is free once the server says so.
    fn give_up(&self, number: u32) {
        let mut bytes = Vec::new();
        if append(&mut bytes, 0, &Tclunk { fid: number }).is_ok() {
            self.table.lock().clunk(number, bytes);
            self.move_on();
        }
    }

    /// Sends what is to be sent and takes what has come, without waiting.
    fn move_on(&self) {
        self.due.store(true, Ordering::SeqCst);
        while self.due.load(Ordering::SeqCst) {
            // Whoever moves it on now looks again when he has done.
            let Some(mut streams) = self.streams.try_lock() else { return };
            self.due.store(false, Ordering::SeqCst);
            let moved = self.send(&mut streams).and_then(|()| self.receive(&mut streams));
            drop(streams);
            match moved {
                Ok(true) => self.queue.notify(Events::IN),
                Ok(false) => {}
                Err(Lost) => self.lose(),
            }
        }
    }

    fn send(&self, streams: &mut Streams) -> Result<(), Lost> {
        loop {
            if streams.sent >= streams.output.len() {
                streams.sent = 0;
                streams.output.clear();
                streams.output.shrink_to(KEPT);
                self.table.lock().take_output(&mut streams.output);
            }
            let rest = streams.output.get(streams.sent..).unwrap_or_default();
            if rest.is_empty() {
                return Ok(());
            }
            match self.transport.send(rest) {
                Ok(count) if count > 0 => streams.sent = streams.sent.saturating_add(count),
                Err(Errno::EAGAIN) => return Ok(()),
                Ok(_) | Err(_) => return Err(Lost),
            }
        }
    }

    /// Whether replies have come.
    fn receive(&self, streams: &mut Streams) -> Result<bool, Lost> {
        let mut come = false;
        loop {
            match self.transport.receive(&mut streams.input) {
                Ok(count) if count > 0 => come |= self.sort(&mut streams.input)?,
                Err(Errno::EAGAIN) => return Ok(come),
                Ok(_) | Err(_) => return Err(Lost),
            }
        }
    }

    /// Takes whole replies out of what has come.
    fn sort(&self, input: &mut Vec<u8>) -> Result<bool, Lost> {
        let (mut used, mut table) = (0_usize, self.table.lock());
        while let Some((frame, length)) = first(input.get(used..).unwrap_or_default(), self.message_size())? {
            let reply = Reply { number: frame.number, body: frame.body.to_vec() };
            if let Some(fid) = table.answer(frame.tag, reply).map_err(|_| Lost)? {
                self.numbers.lock().free(fid);
            }
            used = used.saturating_add(length);
        }
        drop(table);
        input.drain(..used.min(input.len()));
        input.shrink_to(KEPT);
        Ok(used > 0)
    }

    /// Nothing more will come of it.
    fn lose(&self) {
        self.table.lock().lose();
        self.queue.notify(Events::all());
    }

    /// What a reply to a request says: the inner error is the server's.
    fn decode<C: Call, T>(
        &self,
        reply: &Reply,
        read: impl FnOnce(C::Reply<'_>) -> T,
    ) -> Result<Result<T, Errno>, Lost> {
        let mut reader = Reader::new(&reply.body);
        if reply.number == Rlerror::TYPE {
            let error = Rlerror::get(&mut reader)?;
            reader.finish()?;
            let error = i32::try_from(error.ecode).map_or(Errno::EIO, Errno::from_raw);
            // Those are between the kernel and itself.
            return Ok(Err(if error.is_restart() { Errno::EIO } else { error }));
        }
        if reply.number != C::TYPE.saturating_add(1) {
            return Err(Lost);
        }
        let message = <C::Reply<'_> as Wire<'_>>::get(&mut reader)?;
        reader.finish()?;
        Ok(Ok(read(message)))
    }
}

#[cfg(test)]
mod tests;
