//! Building netlink messages.

use abi::Errno;
use abi::socket::route::{NLM_F_MULTI, NLMSG_DONE, NLMSG_ERROR, Nlmsghdr, Rtattr};
use zerocopy::{Immutable, IntoBytes};

/// What messages and attributes are aligned to.
pub(crate) const ALIGN: usize = 4;

/// A message in the making.
pub(crate) struct Builder {
    header: Nlmsghdr,
    body: Vec<u8>,
}

impl Builder {
    /// An answer to a request, to the socket at `port`.
    pub(crate) fn answer(request: &Nlmsghdr, port: u32, kind: u16, flags: u16) -> Self {
        let header = Nlmsghdr { length: 0, kind, flags, sequence: request.sequence, port };
        Self { header, body: Vec::new() }
    }

    /// The end of a list.
    pub(crate) fn done(request: &Nlmsghdr, port: u32) -> Vec<u8> {
        Self::answer(request, port, NLMSG_DONE, NLM_F_MULTI).body(&0_i32).finish()
    }

    /// The outcome of a request, with its header.
    pub(crate) fn outcome(request: &Nlmsghdr, port: u32, outcome: Result<(), Errno>) -> Vec<u8> {
        let number = outcome.map_or_else(|errno| -errno.raw(), |()| 0);
        Self::answer(request, port, NLMSG_ERROR, 0).body(&number).body(request).finish()
    }

    /// Adds a fixed part.
    pub(crate) fn body(mut self, part: &(impl IntoBytes + Immutable)) -> Self {
        self.body.extend_from_slice(part.as_bytes());
        self
    }

    /// Adds an attribute.
    pub(crate) fn attribute(mut self, kind: u16, data: &[u8]) -> Self {
        let length = size_of::<Rtattr>().saturating_add(data.len());
        let header = Rtattr { length: u16::try_from(length).unwrap_or(u16::MAX), kind };
        self.body.extend_from_slice(header.as_bytes());
        self.body.extend_from_slice(data);
        self.body.resize(self.body.len().next_multiple_of(ALIGN), 0);
        self
    }

    /// The message.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let length = size_of::<Nlmsghdr>().saturating_add(self.body.len());
        self.header.length = u32::try_from(length).unwrap_or(u32::MAX);
        [self.header.as_bytes(), &self.body].concat()
    }
}
