//! A bounded queue of messages.

use std::collections::VecDeque;

use abi::Errno;
use abi::socket::message::MessageFlags;
use vfs::{Sink, Source, Timestamp};

use crate::{Address, Ancillary, Received, Rights};

/// What a message costs beside its bytes, as Linux's `struct sk_buff` does.
const OVERHEAD: usize = 512;

/// A message in a queue.
#[derive(Debug)]
pub struct Datagram {
    /// Its bytes.
    pub data: Vec<u8>,
    /// Who sent it.
    pub from: Option<Address>,
    /// What came with it.
    pub ancillary: Ancillary,
    /// When it came, where receivers can ask for it.
    pub arrived: Option<Timestamp>,
}

impl Datagram {
    /// What it counts against a queue's budget.
    #[must_use]
    pub const fn cost(length: usize) -> usize {
        length.saturating_add(OVERHEAD)
    }

    /// Fetches a whole message of at most `limit` bytes.
    ///
    /// # Errors
    /// `EMSGSIZE` if it is longer, `EFAULT` if it cannot be fetched whole.
    pub fn fetch(from: &mut dyn Source, limit: usize) -> Result<Vec<u8>, Errno> {
        let length = from.left();
        if length > limit {
            return Err(Errno::EMSGSIZE);
        }
        let mut data = vec![0; length];
        if length > 0 && from.take(&mut data)? < length {
            return Err(Errno::EFAULT);
        }
        Ok(data)
    }

    /// Stores the message, or as much of it as there is room for: the rest is lost.
    ///
    /// # Errors
    /// `EFAULT` (the message is lost then, as in Linux).
    pub fn deliver(self, into: &mut dyn Sink) -> Result<Received, Errno> {
        let mut received = store(&self, into)?;
        received.files = self.ancillary.rights.map_or_else(Vec::new, Rights::land);
        Ok(received)
    }
}

/// Messages waiting to be received.
#[derive(Debug, Default)]
pub struct DatagramQueue {
    messages: VecDeque<Datagram>,
    cost: usize,
}

impl DatagramQueue {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// What they cost together.
    #[must_use]
    pub const fn cost(&self) -> usize {
        self.cost
    }

    /// The length of the first, for `FIONREAD`.
    #[must_use]
    pub fn first_length(&self) -> usize {
        self.messages.front().map_or(0, |m| m.data.len())
    }

    /// The bytes of all.
    #[must_use]
    pub fn total_length(&self) -> usize {
        self.cost.saturating_sub(self.messages.len().saturating_mul(OVERHEAD))
    }

    /// Adds one at the end. Whether there is room for it is for the caller to know.
    pub fn push(&mut self, message: Datagram) {
        self.cost = self.cost.saturating_add(Datagram::cost(message.data.len()));
        self.messages.push_back(message);
    }

    /// Takes all out.
    pub fn take_all(&mut self) -> VecDeque<Datagram> {
        self.cost = 0;
        std::mem::take(&mut self.messages)
    }

    /// The messages, first to last.
    pub fn iter(&self) -> impl Iterator<Item = &Datagram> {
        self.messages.iter()
    }

    /// Takes the first message out. Store it with [`Datagram::deliver`] once the queue's lock is gone.
    pub fn pop(&mut self) -> Option<Datagram> {
        let first = self.messages.pop_front()?;
        self.cost = self.cost.saturating_sub(Datagram::cost(first.data.len()));
        Some(first)
    }

    /// Stores the first message and leaves it in the queue.
    ///
    /// # Errors
    /// `EAGAIN` if there is none, `EFAULT`.
    pub fn peek(&self, into: &mut dyn Sink) -> Result<Received, Errno> {
        let first = self.messages.front().ok_or(Errno::EAGAIN)?;
        let mut received = store(first, into)?;
        received.files = first.ancillary.rights.as_ref().map_or_else(Vec::new, |r| r.files().to_vec());
        Ok(received)
    }
}

fn store(message: &Datagram, into: &mut dyn Sink) -> Result<Received, Errno> {
    let fits = into.room().min(message.data.len());
    let stored = if fits == 0 { 0 } else { into.put(message.data.get(..fits).unwrap_or_default())? };
    if stored < fits {
        return Err(Errno::EFAULT);
    }
    let flags = if fits < message.data.len() { MessageFlags::TRUNC } else { MessageFlags::empty() };
    Ok(Received {
        stored,
        length: message.data.len(),
        from: message.from.clone(),
        credentials: message.ancillary.credentials,
        packet: message.ancillary.packet,
        arrived: message.arrived,
        flags,
        complete: true,
        ..Received::default()
    })
}
