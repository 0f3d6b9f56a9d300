//! Users and groups in POSIX access control lists, which are others on the mount than on the host as those of files are: acl(5).

use abi::Errno;
use ninep::Extent;

use crate::Ids;
use crate::ids::{kept, listed};

/// The attributes that hold such lists, in Linux's own form.
const NAMES: [&[u8]; 2] = [b"system.posix_acl_access", b"system.posix_acl_default"];
/// The version before the entries, in bytes.
const HEADER: usize = 4;
/// An entry: a tag and permissions of two bytes each, and an id of four.
const ENTRY: usize = 8;
/// `ACL_USER`.
const USER: [u8; 2] = 2_u16.to_le_bytes();
/// `ACL_GROUP`.
const GROUP: [u8; 2] = 8_u16.to_le_bytes();

/// A value of the host's as the client sees it.
pub(crate) fn to_client(ids: &Ids, name: &[u8], value: &mut [u8]) {
    // What cannot be translated is listed as nobody's, so this does not fail.
    let _ = translate(ids, name, value, |extents, id| Ok(listed(extents, id)));
}

/// A value of the client's as the host keeps it.
///
/// # Errors
/// `EINVAL` if it names somebody whom the mount does not have.
pub(crate) fn to_host(ids: &Ids, name: &[u8], value: &mut [u8]) -> Result<(), Errno> {
    translate(ids, name, value, kept)
}

/// Replaces the ids. What is no list, or not whole, is for the host's kernel to judge.
fn translate(
    ids: &Ids,
    name: &[u8],
    value: &mut [u8],
    other: impl Fn(&[Extent], u32) -> Result<u32, Errno>,
) -> Result<(), Errno> {
    if !NAMES.contains(&name) {
        return Ok(());
    }
    let (entries, _) = value.get_mut(HEADER..).unwrap_or_default().as_chunks_mut::<ENTRY>();
    for [tag_low, tag_high, _, _, id @ ..] in entries {
        let extents = match [*tag_low, *tag_high] {
            USER => &ids.users,
            GROUP => &ids.groups,
            _ => continue,
        };
        *id = other(extents, u32::from_le_bytes(*id))?.to_le_bytes();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(user: u32, group: u32) -> Vec<u8> {
        let entries =
            [(1_u16, u32::MAX), (2, user), (4, u32::MAX), (8, group), (0x10, u32::MAX), (0x20, u32::MAX)];
        let entry = |(tag, id): &(u16, u32)| [&tag.to_le_bytes()[..], &[7, 0], &id.to_le_bytes()].concat();
        [2_u32.to_le_bytes().to_vec(), entries.iter().flat_map(entry).collect()].concat()
    }

    #[test]
    fn named_users_and_groups_are_translated() {
        let range = |inside| vec![Extent { inside, outside: 0, count: 10 }];
        let ids = Ids { users: range(1000), groups: range(2000) };
        for name in NAMES {
            let mut value = list(3, 4);
            to_client(&ids, name, &mut value);
            assert_eq!(value, list(1003, 2004));
            to_host(&ids, name, &mut value).unwrap();
            assert_eq!(value, list(3, 4));
            assert_eq!(to_host(&ids, name, &mut value), Err(Errno::EINVAL));
            to_client(&ids, name, &mut list(77, 4));
        }
        let mut stranger = list(77, 4);
        to_client(&ids, NAMES[0], &mut stranger);
        assert_eq!(stranger, list(u32::MAX, 2004));
    }

    #[test]
    fn nothing_else_is_changed() {
        let ids = Ids { users: vec![Extent { inside: 1000, outside: 0, count: 10 }], groups: Vec::new() };
        let mut value = list(3, 4);
        to_client(&ids, b"user.list", &mut value);
        assert_eq!(value, list(3, 4));
        to_client(&Ids::default(), NAMES[0], &mut value);
        assert_eq!(value, list(3, 4));
        for length in [0, 3, 4, 11, 13] {
            let mut value = list(3, 4);
            value.truncate(length);
            to_client(&ids, NAMES[0], &mut value);
            assert_eq!(value.len(), length);
        }
    }
}
