//! Which tags are in use, and for what.

use std::collections::HashMap;

use abi::Errno;
use ninep::frame::HEADER;

/// Requests that may be under way, those that nobody waits for included.
const MOST: usize = 4096;
/// Tags are below this; what is above has a meaning of its own.
const TAGS: u16 = u16::MAX;

/// A reply as it came.
pub(super) struct Reply {
    pub(super) number: u8,
    pub(super) body: Vec<u8>,
}

/// What a tag stands for.
enum Pending {
    /// Somebody waits.
    Waiting,
    /// There is a reply for him.
    Answered(Reply),
    /// Nobody waits.
    Unheeded,
    /// Nobody waits any more, and the server was asked to forget it.
    Left,
    /// The request to forget another one.
    Flush(u16),
    /// A fid is given up.
    Clunk(u32),
}

/// The requests of a connection.
#[derive(Default)]
pub(super) struct Table {
    pending: HashMap<u16, Pending>,
    next: u16,
    output: Vec<u8>,
    lost: bool,
}

/// The server has answered what it was not asked.
pub(super) struct Unasked;

impl Table {
    fn free_tag(&mut self) -> Option<u16> {
        if self.pending.len() >= MOST {
            return None;
        }
        while self.pending.contains_key(&self.next) {
            self.next = self.next.wrapping_add(1) % TAGS;
        }
        let tag = self.next;
        self.next = tag.wrapping_add(1) % TAGS;
        Some(tag)
    }

    fn add(&mut self, tag: u16, what: Pending, mut message: Vec<u8>) {
        // The tag is the last field of the header.
        if let Some(field) = message.get_mut(HEADER - 2..HEADER) {
            field.copy_from_slice(&tag.to_le_bytes());
        }
        self.output.append(&mut message);
        self.pending.insert(tag, what);
    }

    /// A message whose reply somebody is going to wait for, by this tag or any.
    ///
    /// # Errors
    /// `EIO` if the connection is lost, `ENOMEM` with too many requests under way.
    pub(super) fn post(&mut self, tag: Option<u16>, message: Vec<u8>) -> Result<u16, Errno> {
        if self.lost {
            return Err(Errno::EIO);
        }
        let tag = tag.or_else(|| self.free_tag()).ok_or(Errno::ENOMEM)?;
        self.add(tag, Pending::Waiting, message);
        Ok(tag)
    }

    /// Nobody is going to wait after all.
    pub(super) fn nobody_waits(&mut self, tag: u16) {
        if let Some(pending @ Pending::Waiting) = self.pending.get_mut(&tag) {
            *pending = Pending::Unheeded;
        }
    }

    /// Whoever waited for a reply leaves; `flush` asks the server to forget the request.
    pub(super) fn leave(&mut self, tag: u16, flush: Vec<u8>) {
        match self.pending.get_mut(&tag) {
            Some(pending @ Pending::Waiting) => *pending = Pending::Left,
            _ => {
                self.pending.remove(&tag);
                return;
            }
        }
        // Without a tag to ask with, the old one stays in use, which costs no more.
        if let Some(new) = self.free_tag() {
            self.add(new, Pending::Flush(tag), flush);
        }
    }

    /// A fid is given up. With too many requests under way the server keeps it.
    pub(super) fn clunk(&mut self, fid: u32, message: Vec<u8>) {
        if !self.lost
            && let Some(tag) = self.free_tag()
        {
            self.add(tag, Pending::Clunk(fid), message);
        }
    }

    /// Whether waiting is over.
    pub(super) fn has_come(&self, tag: u16) -> bool {
        self.lost || matches!(self.pending.get(&tag), Some(Pending::Answered(_)))
    }

    /// The reply. Nothing if the connection was lost first.
    pub(super) fn take(&mut self, tag: u16) -> Option<Reply> {
        match self.pending.remove(&tag) {
            Some(Pending::Answered(reply)) => Some(reply),
            _ => None,
        }
    }

    /// A reply has come. Gives the fid whose number is free now, if it is about one.
    ///
    /// # Errors
    /// If there was no such request.
    pub(super) fn answer(&mut self, tag: u16, reply: Reply) -> Result<Option<u32>, Unasked> {
        match self.pending.get_mut(&tag) {
            Some(pending @ Pending::Waiting) => {
                *pending = Pending::Answered(reply);
                return Ok(None);
            }
            // The tag is in use until the server has said that it forgot.
            Some(Pending::Left) => return Ok(None),
            Some(Pending::Answered(_)) | None => return Err(Unasked),
            Some(Pending::Unheeded | Pending::Flush(_) | Pending::Clunk(_)) => {}
        }
        match self.pending.remove(&tag) {
            Some(Pending::Flush(old)) => {
                self.pending.remove(&old);
                Ok(None)
            }
            Some(Pending::Clunk(fid)) => Ok(Some(fid)),
            _ => Ok(None),
        }
    }

    /// Moves what is to be sent behind what `into` has.
    pub(super) fn take_output(&mut self, into: &mut Vec<u8>) {
        into.append(&mut self.output);
    }

    /// No replies will come any more.
    pub(super) fn lose(&mut self) {
        self.lost = true;
        self.output = Vec::new();
        self.pending.retain(|_, pending| matches!(pending, Pending::Answered(_)));
    }
}
