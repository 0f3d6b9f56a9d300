//! IOCTL, in its restricted form: what goes in and comes out is what the request's number says.

use abi::Errno;
use zerocopy::{FromBytes, IntoBytes};

use crate::connection::{Connection, Shape};
use crate::wire::{IoctlIn, IoctlOut, Opcode};

/// `FUSE_IOCTL_RETRY`: the server wants other memory of the caller's, which only unrestricted ones may.
const RETRY: u32 = 4;

impl Connection {
    /// Has the server carry a request out. The result of the call, and what is to be stored for the caller.
    ///
    /// # Errors
    /// `ENOTTY` from servers that know none, `EIO` for one that asks for more than the number says, and as [`Connection::ask`].
    pub(crate) fn ioctl(&self, node: u64, what: &IoctlIn, data: &[u8]) -> Result<(i32, Vec<u8>), Errno> {
        let most = usize::try_from(what.out_size).unwrap_or(0).saturating_add(size_of::<IoctlOut>());
        let answer = self.ask(Opcode::Ioctl, node, &[what.as_bytes(), data], Shape::UpTo(most));
        let answer = answer.map_err(|error| if error == Errno::ENOSYS { Errno::ENOTTY } else { error })?;
        let (told, out) = IoctlOut::read_from_prefix(&answer).map_err(|_| Errno::EIO)?;
        if told.flags & RETRY != 0 { Err(Errno::EIO) } else { Ok((told.result, out.to_vec())) }
    }
}
