//! Fids on the client's side.

use std::sync::Arc;

use super::Client;

/// A file that the server holds for this client. Given up when dropped.
#[derive(Debug)]
pub struct Fid {
    client: Arc<Client>,
    number: u32,
    held: bool,
}

impl Fid {
    /// What requests call it.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// Where it is held.
    #[must_use]
    pub const fn client(&self) -> &Arc<Client> {
        &self.client
    }
}

impl Drop for Fid {
    fn drop(&mut self) {
        if self.held {
            self.client.give_up(self.number);
        } else {
            self.client.unused(self.number);
        }
    }
}

/// A number for a fid that a request is about to make. Dropped, the number is free again: the request must have failed.
#[derive(Debug)]
pub struct NewFid(Fid);

impl NewFid {
    pub(super) const fn new(client: Arc<Client>, number: u32) -> Self {
        Self(Fid { client, number, held: false })
    }

    /// What the request calls it.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.0.number
    }

    /// The request succeeded: the server holds it.
    #[must_use]
    pub fn into_held(mut self) -> Fid {
        self.0.held = true;
        self.0
    }
}
