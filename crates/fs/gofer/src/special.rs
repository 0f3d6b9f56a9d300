//! Sockets and FIFOs of the host, where the gofer lets them be reached.

use std::os::fd::OwnedFd;

use abi::Errno;
use ninep::message::{Tconnect, Tdonate};
use vfs::OpenFlags;

use crate::attributes::access;
use crate::inode::Node;

impl Node {
    /// Nothing if those of the host are out of reach.
    pub(crate) fn fifo(&self, flags: OpenFlags) -> Result<Option<OwnedFd>, Errno> {
        let request = Tdonate { fid: self.fid()?.number(), flags: access(flags).bits() };
        match self.shared.client.call_with_descriptor(&request, |_| ()) {
            Ok(((), fd)) => fd.map(Some).ok_or(Errno::EIO),
            Err(Errno::EOPNOTSUPP) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn connection(&self, kind: u32) -> Result<OwnedFd, Errno> {
        let request = Tconnect { fid: self.fid()?.number(), kind };
        let ((), socket) = self.shared.client.call_with_descriptor(&request, |_| ())?;
        socket.ok_or(Errno::EIO)
    }
}
