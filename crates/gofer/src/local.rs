//! The server inside its client's process: for a sentry that works on the host's files itself.
//!
//! The same requests are carried out by the same code, so that names are single components and nothing is followed here as well. But
//! what a client that is taken over could do is no longer bounded by them: only by its mount, its capabilities and its own filter.

use std::os::fd::OwnedFd;

use ninep::client::Server;
use ninep::{Malformed, frame};

use crate::connection::respond;
use crate::node::Links;
use crate::session::{Reach, Session, Tree};

/// One tree, for one client.
#[derive(Debug)]
pub struct Local(Session);

impl Local {
    /// Serves this tree. `links` must show this process's descriptors, its file creation mask must be 0, and it must be able to
    /// give files to others.
    #[must_use]
    pub fn new(tree: Tree, links: Links, reach: Reach) -> Self {
        let mut session = Session::new(tree, links, true);
        session.reach = reach;
        Self(session)
    }
}

impl Server for Local {
    fn answer(&mut self, requests: &[u8], replies: &mut Vec<u8>) -> Result<Option<OwnedFd>, Malformed> {
        let mut rest = requests;
        let mut donated = None;
        while let Some((request, length)) = frame::first(rest, self.0.message_size)? {
            donated = respond(&mut self.0, &request, replies)?.or(donated);
            rest = rest.get(length..).unwrap_or_default();
        }
        Ok(donated)
    }
}
