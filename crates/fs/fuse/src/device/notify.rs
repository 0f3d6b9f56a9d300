//! What servers tell unasked: that something cached is outdated, content for the cache, that a file may be ready.

use std::sync::Arc;

use abi::Errno;
use vfs::{Name, Source};
use zerocopy::{FromBytes, IntoBytes};

use super::reply::bytes;
use crate::connection::Connection;
use crate::filesystem::Shared;
use crate::wire::{
    NAME_MAX, NotifyCode, NotifyDeleteOut, NotifyInvalEntryOut, NotifyInvalInodeOut, NotifyPollOut,
    NotifyPruneOut, NotifyRetrieveOut, NotifyStoreOut,
};

/// `FUSE_EXPIRE_ONLY`: the name is to be asked for again, and what it names stays known.
const EXPIRE_ONLY: u32 = 1;
/// Bytes of content that are taken at a time.
const PIECE: usize = 128 * 1024;

/// Takes a notification.
///
/// # Errors
/// `EINVAL` for what is none, `ENOENT` for a file or name that is not known, `ENOTDIR`, `ENAMETOOLONG`, `EFAULT`.
pub(super) fn take(connection: &Arc<Connection>, code: i32, from: &mut dyn Source) -> Result<(), Errno> {
    let code = NotifyCode::new(code).ok_or(Errno::EINVAL)?;
    if code == NotifyCode::Resend {
        empty(from)?;
        connection.resend();
        return Ok(());
    }
    if code == NotifyCode::IncEpoch {
        // As Linux has it: what comes behind does not matter.
        connection.names_outdated();
        return Ok(());
    }
    let shared = connection.filesystem().ok_or(Errno::ENOENT);
    match code {
        NotifyCode::Poll => {
            let told: NotifyPollOut = structure(from)?;
            empty(from)?;
            shared?.poll_woken(told.kh);
            Ok(())
        }
        NotifyCode::InvalInode => {
            let told: NotifyInvalInodeOut = structure(from)?;
            empty(from)?;
            shared?.invalidate(told.ino, told.off, told.len)
        }
        NotifyCode::InvalEntry => {
            let told: NotifyInvalEntryOut = structure(from)?;
            let name = name(from, told.namelen)?;
            shared?.invalidate_name(told.parent, Name::new(&name)?, None, told.flags & EXPIRE_ONLY != 0)
        }
        NotifyCode::Delete => {
            let told: NotifyDeleteOut = structure(from)?;
            let name = name(from, told.namelen)?;
            shared?.invalidate_name(told.parent, Name::new(&name)?, Some(told.child), false)
        }
        NotifyCode::Store => store(&*shared?, from),
        NotifyCode::Retrieve => {
            let told: NotifyRetrieveOut = structure(from)?;
            empty(from)?;
            shared?.retrieve(&told)
        }
        NotifyCode::Prune => prune(&*shared?, from),
        NotifyCode::Resend | NotifyCode::IncEpoch => Ok(()),
    }
}

fn structure<T: FromBytes + IntoBytes>(from: &mut dyn Source) -> Result<T, Errno> {
    if from.left() < size_of::<T>() {
        return Err(Errno::EINVAL);
    }
    T::read_from_bytes(&bytes(from, size_of::<T>())?).map_err(|_| Errno::EINVAL)
}

fn empty(from: &dyn Source) -> Result<(), Errno> {
    if from.left() == 0 { Ok(()) } else { Err(Errno::EINVAL) }
}

/// A name with the zero byte behind it that is not counted.
fn name(from: &mut dyn Source, length: u32) -> Result<Vec<u8>, Errno> {
    let length = usize::try_from(length).map_err(|_| Errno::ENAMETOOLONG)?;
    if length > NAME_MAX {
        return Err(Errno::ENAMETOOLONG);
    }
    if from.left() != length.saturating_add(1) {
        return Err(Errno::EINVAL);
    }
    let mut name = bytes(from, length.saturating_add(1))?;
    name.pop();
    Ok(name)
}

fn prune(shared: &Shared, from: &mut dyn Source) -> Result<(), Errno> {
    let told: NotifyPruneOut = structure(from)?;
    let length = usize::try_from(told.count).ok().and_then(|count| count.checked_mul(size_of::<u64>()));
    if length != Some(from.left()) {
        return Err(Errno::EINVAL);
    }
    while from.left() > 0 {
        let length = from.left().min(PIECE);
        for id in bytes(from, length)?.chunks_exact(size_of::<u64>()) {
            shared.prune(id.try_into().map_or(0, u64::from_le_bytes));
        }
    }
    Ok(())
}

fn store(shared: &Shared, from: &mut dyn Source) -> Result<(), Errno> {
    let told: NotifyStoreOut = structure(from)?;
    if usize::try_from(told.size) != Ok(from.left()) {
        return Err(Errno::EINVAL);
    }
    let mut offset = told.offset;
    while from.left() > 0 {
        let length = from.left().min(PIECE);
        let piece = bytes(from, length)?;
        shared.store(told.nodeid, offset, &piece)?;
        offset = offset.checked_add(piece.len() as u64).ok_or(Errno::EINVAL)?;
    }
    Ok(())
}
