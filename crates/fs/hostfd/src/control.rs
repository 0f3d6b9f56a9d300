//! ioctl(2) on host files: the requests of [`host::terminal`], with the argument copied on the way.

use std::os::fd::{AsFd, OwnedFd};

use abi::{Errno, ioctl};
use host::terminal::{self, Argument};
use vfs::IoctlContext;

use crate::Kind;

/// The largest structure of the table.
const LARGEST: usize = 64;

pub(crate) fn ioctl(
    fd: &OwnedFd,
    kind: Kind,
    context: &dyn IoctlContext,
    request: u32,
    argument: u64,
) -> Result<u64, Errno> {
    if kind != Kind::Terminal && request != ioctl::FIONREAD || kind == Kind::Memory {
        return Err(Errno::ENOTTY);
    }
    let mut buffer = [0; LARGEST];
    match terminal::argument(request).ok_or(Errno::ENOTTY)? {
        Argument::Number => {
            let number = u32::try_from(argument & 0xffff_ffff).map_err(|_| Errno::EINVAL)?;
            terminal::number(fd.as_fd(), request, number)?;
        }
        Argument::Out(size) => {
            let structure = buffer.get_mut(..size).ok_or(Errno::ENOTTY)?;
            terminal::structure(fd.as_fd(), request, structure)?;
            context.write(argument, structure)?;
        }
        Argument::In(size) => {
            let structure = buffer.get_mut(..size).ok_or(Errno::ENOTTY)?;
            context.read(argument, structure)?;
            terminal::structure(fd.as_fd(), request, structure)?;
        }
    }
    Ok(0)
}
