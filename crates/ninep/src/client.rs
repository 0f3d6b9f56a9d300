//! A client: requests over one connection, from any number of threads.
//!
//! A call sends one message and blocks for its reply, with the connection to itself: the server answers in order, so that
//! requests in flight side by side would only wait for each other. Fids that are given up travel with the next request
//! instead of costing one, and changes of attributes can go ahead of it ([`Client::change_later`]).

mod channel;
mod fid;
mod later;

use std::fmt::Debug;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use abi::Errno;
use channel::{Channel, Line};
pub use fid::{Fid, NewFid};
pub use later::Later;
use parking_lot::Mutex;

use crate::message::{Call, Rversion, Tattach, Tchangeattr, Tclunk, Tclunks, Tversion};
use crate::version::Dialect;
use crate::{Malformed, NO_FID, NO_TAG, NO_UID, Text};

/// Fids that are given up before a message is sent for them alone.
const MOST_PENDING: usize = 64;

/// A server in the client's own process: a call of a function in place of a message each way.
pub trait Server: Send + Debug {
    /// Answers these requests, which are whole, in their order. Returns the descriptor that goes with the replies.
    ///
    /// # Errors
    /// If what came cannot be followed.
    fn answer(&mut self, requests: &[u8], replies: &mut Vec<u8>) -> Result<Option<OwnedFd>, Malformed>;
}

/// A connection with an agreed dialect.
#[derive(Debug)]
pub struct Client {
    channel: Mutex<Channel>,
    dialect: Dialect,
    message_size: u32,
    is_apart: bool,
    fids: Mutex<Numbers>,
}

/// The fids' numbers.
#[derive(Debug, Default)]
struct Numbers {
    next: u32,
    free: Vec<u32>,
    /// Given up here, and not yet there.
    pending: Vec<u32>,
}

impl Client {
    /// Agrees on a dialect with the server at the other end of a stream socket: the extension if it has it, else the base.
    ///
    /// # Errors
    /// `EPROTONOSUPPORT` if the server speaks neither, `EIO` if the connection fails or the server makes no sense.
    pub fn connect(socket: OwnedFd) -> Result<Arc<Self>, Errno> {
        Self::connect_as(socket, Dialect::Extended)
    }

    /// As [`Self::connect`], asking for this dialect.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub fn connect_as(socket: OwnedFd, wanted: Dialect) -> Result<Arc<Self>, Errno> {
        Self::agree(Line::socket(socket), wanted)
    }

    /// As [`Self::connect`], with a server in this process.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub fn of(server: Box<dyn Server>) -> Result<Arc<Self>, Errno> {
        Self::agree(Line::Server(server), Dialect::Extended)
    }

    fn agree(line: Line, wanted: Dialect) -> Result<Arc<Self>, Errno> {
        let mut channel = Channel::new(line, wanted.size());
        let mut ask = |dialect: Dialect| {
            let request = Tversion { msize: dialect.size(), version: Text(dialect.name()) };
            channel.call(NO_TAG, &request, &[], |reply: Rversion<'_>| {
                (reply.msize, Dialect::named(reply.version.0))
            })
        };
        let ((size, dialect), _) = match ask(wanted) {
            // A server that does not know how variants are named says "unknown", or fails.
            Ok(((_, None), _)) | Err(_) if wanted != Dialect::Base => ask(Dialect::Base)?,
            answer => answer?,
        };
        let dialect = dialect.ok_or(Errno::EPROTONOSUPPORT)?;
        if !(crate::version::SMALLEST_SIZE..=dialect.size()).contains(&size) {
            return Err(Errno::EIO);
        }
        channel.set_message_size(size);
        Ok(Arc::new(Self {
            is_apart: channel.is_apart(),
            channel: Mutex::new(channel),
            dialect,
            message_size: size,
            fids: Mutex::new(Numbers::default()),
        }))
    }

    /// The dialect agreed on.
    #[must_use]
    pub const fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The largest message, in bytes.
    #[must_use]
    pub const fn message_size(&self) -> u32 {
        self.message_size
    }

    /// The root of the tree with this name, for everybody.
    ///
    /// # Errors
    /// As the server says.
    pub fn attach(self: &Arc<Self>, tree: &[u8]) -> Result<Fid, Errno> {
        let fid = self.new_fid()?;
        let request = Tattach {
            fid: fid.number(),
            afid: NO_FID,
            uname: Text(b"root"),
            aname: Text(tree),
            n_uname: NO_UID,
        };
        self.call(&request, |_| ())?;
        Ok(fid.into_held())
    }

    /// Makes a request, and hands the reply to `read`, which must not call the client again.
    ///
    /// # Errors
    /// As the server says; `EIO` if the connection failed or the reply made no sense, and from then on always.
    pub fn call<C: Call, T>(&self, request: &C, read: impl FnOnce(C::Reply<'_>) -> T) -> Result<T, Errno> {
        self.call_with_descriptor(request, read).map(|(result, _)| result)
    }

    /// As [`Self::call`], with the descriptor that came along.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub fn call_with_descriptor<C: Call, T>(
        &self,
        request: &C,
        read: impl FnOnce(C::Reply<'_>) -> T,
    ) -> Result<(T, Option<OwnedFd>), Errno> {
        let mut channel = self.channel.lock();
        let pending = std::mem::take(&mut self.fids.lock().pending);
        let result = channel.call(0, request, &self.farewells(&pending), read);
        drop(channel);
        // Only now that the server has answered can the numbers mean something else.
        self.fids.lock().free.extend(pending);
        result
    }

    /// Whether the server is a process of its own, which works while its client goes on.
    #[must_use]
    pub const fn is_apart(&self) -> bool {
        self.is_apart
    }

    /// Sends a change that nobody waits for. `later` has its answer with that of the next request, or after [`Self::collect`].
    ///
    /// # Errors
    /// `EIO` if the connection failed.
    pub fn change_later(&self, request: &Tchangeattr, later: &Arc<Later>) -> Result<(), Errno> {
        self.channel.lock().send_later(request, later)
    }

    /// Waits for the answers that nobody has waited for.
    pub fn collect(&self) {
        self.channel.lock().collect();
    }

    /// The messages that give these fids up.
    fn farewells(&self, pending: &[u32]) -> Vec<Farewell> {
        match self.dialect {
            _ if pending.is_empty() => Vec::new(),
            Dialect::Extended => vec![Farewell::Many(Tclunks { fids: pending.to_vec() })],
            Dialect::Base => pending.iter().map(|fid| Farewell::One(Tclunk { fid: *fid })).collect(),
        }
    }

    /// A number for a fid that the next request makes.
    ///
    /// # Errors
    /// `ENFILE` if all numbers are in use.
    pub fn new_fid(self: &Arc<Self>) -> Result<fid::NewFid, Errno> {
        let mut numbers = self.fids.lock();
        let number = match numbers.free.pop() {
            Some(number) => number,
            None => {
                let number = numbers.next;
                numbers.next = number.checked_add(1).filter(|next| *next != NO_FID).ok_or(Errno::ENFILE)?;
                number
            }
        };
        Ok(fid::NewFid::new(Arc::clone(self), number))
    }

    /// A number that the server never learned of.
    fn unused(&self, number: u32) {
        self.fids.lock().free.push(number);
    }

    /// A fid that nobody here needs any more.
    fn give_up(&self, number: u32) {
        let many = {
            let mut numbers = self.fids.lock();
            numbers.pending.push(number);
            numbers.pending.len() >= MOST_PENDING
        };
        if many {
            self.flush();
        }
    }

    /// Has the server forget the fids that were given up, unless a request is on its way that will.
    pub fn flush(&self) {
        let Some(mut channel) = self.channel.try_lock() else { return };
        let pending = std::mem::take(&mut self.fids.lock().pending);
        let mut farewells = self.farewells(&pending);
        // A connection that failed makes no difference to fids that are given up.
        let _ = match farewells.pop() {
            None => Ok(()),
            Some(Farewell::Many(last)) => channel.call(0, &last, &farewells, |_| ()).map(|_| ()),
            Some(Farewell::One(last)) => channel.call(0, &last, &farewells, |_| ()).map(|_| ()),
        };
        drop(channel);
        self.fids.lock().free.extend(pending);
    }
}

/// A message that gives fids up, sent ahead of a request.
#[derive(Debug)]
enum Farewell {
    One(Tclunk),
    Many(Tclunks),
}

#[cfg(test)]
mod tests;
