//! Fids: what the server holds for this client.

use std::sync::Arc;

use abi::Errno;
use ninep::message::{Call, Tclunk, Twalk};
use ninep::{NO_FID, Qid, Text};

use super::Client;

/// Names that one walk takes (`P9_MAXWELEM`).
const NAMES: usize = 16;

/// The fids' numbers.
#[derive(Default)]
pub(super) struct Numbers {
    next: u32,
    free: Vec<u32>,
}

impl Numbers {
    fn take(&mut self) -> Result<u32, Errno> {
        if let Some(number) = self.free.pop() {
            return Ok(number);
        }
        let number = self.next;
        self.next = number.checked_add(1).filter(|next| *next != NO_FID).ok_or(Errno::ENFILE)?;
        Ok(number)
    }

    pub(super) fn free(&mut self, number: u32) {
        self.free.push(number);
    }
}

/// A file that the server holds. Given up when dropped.
pub(crate) struct Fid {
    client: Arc<Client>,
    number: u32,
    held: bool,
}

impl Fid {
    /// What requests call it.
    pub(crate) const fn number(&self) -> u32 {
        self.number
    }

    /// Gives it up and waits for what the server says to that.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub(crate) fn give_up(mut self) -> Result<(), Errno> {
        self.held = false;
        let result = self.client.call(&Tclunk { fid: self.number }, |_| ());
        if result != Err(Errno::EINTR) {
            // Even a server that fails does not know it any more.
            self.client.numbers.lock().free(self.number);
        }
        result
    }

    /// The server does not know it any more: a request has consumed it.
    pub(crate) fn consumed(mut self) {
        self.held = false;
        self.client.numbers.lock().free(self.number);
    }
}

impl Drop for Fid {
    fn drop(&mut self) {
        if self.held {
            self.client.give_up(self.number);
        }
    }
}

impl Client {
    /// Makes a request by which a fid comes to be.
    ///
    /// # Errors
    /// `ENFILE`, and as [`Self::call`].
    pub(crate) fn make<C: Call, T>(
        self: &Arc<Self>,
        request: impl FnOnce(u32) -> C,
        read: impl FnOnce(C::Reply<'_>) -> T,
    ) -> Result<(Fid, T), Errno> {
        let number = self.numbers.lock().take()?;
        match self.call(&request(number), read) {
            Ok(value) => Ok((Fid { client: Arc::clone(self), number, held: true }, value)),
            Err(error) => {
                // Whoever is killed does not learn whether the server holds it now: its number means nothing any more.
                if error != Errno::EINTR {
                    self.numbers.lock().free(number);
                }
                Err(error)
            }
        }
    }

    /// A fid for what is reached from another one by names, and what it is; without names it is for the same file.
    ///
    /// # Errors
    /// `ENOENT`, and as [`Self::call`].
    pub(crate) fn walk<'n>(
        self: &Arc<Self>,
        from: &Fid,
        names: impl Iterator<Item = &'n [u8]>,
    ) -> Result<(Fid, Option<Qid>), Errno> {
        let names: Vec<Text<'n>> = names.map(Text).collect();
        let mut steps = names.chunks(NAMES);
        let first = steps.next().unwrap_or_default();
        let (mut fid, mut reached) = self.step(from, first)?;
        for step in steps {
            (fid, reached) = self.step(&fid, step)?;
        }
        Ok((fid, reached))
    }

    fn step(self: &Arc<Self>, from: &Fid, names: &[Text<'_>]) -> Result<(Fid, Option<Qid>), Errno> {
        let request = |newfid| Twalk { fid: from.number(), newfid, names: names.to_vec() };
        let (mut fid, (count, last)) =
            self.make(request, |reply| (reply.qids.len(), reply.qids.last().copied()))?;
        if count == names.len() {
            return Ok((fid, last));
        }
        // A walk that ends on its way makes no fid.
        fid.held = false;
        self.numbers.lock().free(fid.number);
        Err(if count < names.len() { Errno::ENOENT } else { Errno::EIO })
    }
}
