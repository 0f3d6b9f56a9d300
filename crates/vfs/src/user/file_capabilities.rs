//! The extended attribute `security.capability`, which holds in the user namespaces of one root user: capabilities(7), "Namespaced file
//! capabilities". Filesystems store that user; who looks sees the number that it has where they are.

use std::sync::Arc;

use abi::Errno;

use super::UserNamespace;
use crate::{Credentials, MountIds};

const WORD: usize = 4;
/// Where the root user's number stands in version 3.
const ROOT_AT: usize = 5 * WORD;
const SIZE_2: usize = ROOT_AT;
const SIZE_3: usize = ROOT_AT + WORD;

/// The user that is root where the attribute holds.
///
/// # Errors
/// `EINVAL` for what is no such attribute.
pub fn root_of(value: &[u8]) -> Result<u32, Errno> {
    let word = |at: usize| {
        let bytes = value.get(at..at.checked_add(WORD)?)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    };
    match (word(0).ok_or(Errno::EINVAL)? >> 24, value.len()) {
        (2, SIZE_2) => Ok(0),
        (3, SIZE_3) => word(ROOT_AT).ok_or(Errno::EINVAL),
        _ => Err(Errno::EINVAL),
    }
}

/// The value in version 2 for root itself, in version 3 for others.
fn with_root(value: &[u8], root: u32) -> Vec<u8> {
    let version: u8 = if root == 0 { 2 } else { 3 };
    let mut new: Vec<u8> = value.iter().take(SIZE_2).copied().collect();
    if let Some(last) = new.get_mut(WORD - 1) {
        *last = version;
    }
    if root != 0 {
        new.extend(root.to_le_bytes());
    }
    new
}

/// What is stored of a value that somebody sets, through an idmapped mount or another.
///
/// # Errors
/// `EINVAL` for no such attribute, or a root user that is nobody where the caller or what is stored is.
pub(crate) fn stored(value: &[u8], by: &Credentials, ids: Option<&Arc<MountIds>>) -> Result<Vec<u8>, Errno> {
    let root = root_of(value)?;
    if by.user.is_initial() && ids.is_none() {
        return Ok(value.to_vec());
    }
    let user = by.user.uid(root);
    let stored = ids.map_or(user, |ids| user.and_then(|user| ids.stored_uid(user)));
    Ok(with_root(value, stored.ok_or(Errno::EINVAL)?))
}

/// What somebody sees of a stored value, through an idmapped mount or another.
///
/// # Errors
/// `EOVERFLOW` if it holds for a user who is nobody there.
pub(crate) fn shown(value: Vec<u8>, by: &Credentials, ids: Option<&Arc<MountIds>>) -> Result<Vec<u8>, Errno> {
    let Ok(root) = root_of(&value) else { return Ok(value) };
    let root = ids.map_or(Some(root), |ids| ids.seen_uid(root)).ok_or(Errno::EOVERFLOW)?;
    match by.user.uid_within(root) {
        Some(inside) if inside != 0 => Ok(with_root(&value, inside)),
        _ if by.user.has_root(root) => Ok(with_root(&value, 0)),
        _ => Err(Errno::EOVERFLOW),
    }
}

impl UserNamespace {
    /// Whether a user is root in it, or in one above it.
    #[must_use]
    pub fn has_root(&self, user: u32) -> bool {
        let mut namespaces = std::iter::successors(Some(self), |at| at.parent.as_deref());
        namespaces.any(|at| at.uid_within(user) == Some(0))
    }
}
