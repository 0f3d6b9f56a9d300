//! What a server writes: one reply or notification, whole.

use std::sync::Arc;

use abi::Errno;
use vfs::Source;
use zerocopy::FromBytes;

use super::notify;
use crate::connection::Connection;
use crate::wire::{INTERRUPT_BIT, Opcode, OutHeader};

/// One more than the largest error number that a server may answer with.
const ERRNO_END: i32 = 512;

/// Takes what a server writes.
///
/// # Errors
/// `EINVAL` for what is no whole reply, `ENOENT` if there is no such request, `EFAULT`.
pub(super) fn take(connection: &Arc<Connection>, device: u64, from: &mut dyn Source) -> Result<(), Errno> {
    let length = from.left();
    if length < size_of::<OutHeader>() {
        return Err(Errno::EINVAL);
    }
    let header =
        OutHeader::read_from_bytes(&bytes(from, size_of::<OutHeader>())?).map_err(|_| Errno::EINVAL)?;
    let said = usize::try_from(header.len).map_err(|_| Errno::EINVAL)?;
    // libfuse puts the header into a pipe first, and corrects its length there if the content turns out shorter.
    let corrected = said > length && from.is_spliced() && header.unique != 0 && header.error == 0;
    if said != length && !corrected {
        return Err(Errno::EINVAL);
    }
    if header.unique == 0 {
        return notify::take(connection, header.error, from);
    }
    if header.error <= -ERRNO_END || header.error > 0 {
        return Err(Errno::EINVAL);
    }
    if header.unique & INTERRUPT_BIT != 0 {
        return interrupt(connection, device, &header, from.left());
    }
    let request = connection.question(device, header.unique)?;
    let body = from.left();
    if corrected && request.question.opcode != Opcode::Read {
        return Err(Errno::EINVAL);
    }
    let fits = if header.error == 0 { request.question.shape.admits(body) } else { body == 0 };
    if !fits {
        connection.answer(device, header.unique, Err(Errno::EIO));
        return Err(Errno::EINVAL);
    }
    if header.error != 0 {
        connection.answer(device, header.unique, Err(Errno::from_raw(header.error.saturating_neg())));
        return Ok(());
    }
    let body = bytes(from, body);
    let fault = body.is_err();
    connection.answer(device, header.unique, body.map_err(|_| Errno::EIO));
    if fault { Err(Errno::EFAULT) } else { Ok(()) }
}

/// A reply to an interrupt is an error alone.
fn interrupt(connection: &Connection, device: u64, header: &OutHeader, body: usize) -> Result<(), Errno> {
    let unique = header.unique & !INTERRUPT_BIT;
    connection.question(device, unique)?;
    if body != 0 {
        return Err(Errno::EINVAL);
    }
    connection.interrupt_answered(unique, Errno::from_raw(header.error.saturating_neg()));
    Ok(())
}

/// The next so many bytes.
///
/// # Errors
/// `EFAULT`.
pub(super) fn bytes(from: &mut dyn Source, count: usize) -> Result<Vec<u8>, Errno> {
    let mut bytes = vec![0; count];
    if count > 0 && from.take(&mut bytes)? != count {
        return Err(Errno::EFAULT);
    }
    Ok(bytes)
}
