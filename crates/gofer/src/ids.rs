//! Users and groups that are others on the mount than on the host: idmapped mounts, and containers with user namespaces.

use abi::Errno;

/// What an id that the mount does not have is shown as: `/proc/sys/fs/overflowuid`.
const OVERFLOW: u32 = 65_534;

/// A range of ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The first as the client sees it.
    pub inside: u32,
    /// The first as the host's file system has it.
    pub outside: u32,
    /// How many there are.
    pub count: u32,
}

/// Ranges, none of which meets another on either side. Without any all ids are the host's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ids {
    /// Of users.
    pub users: Vec<Extent>,
    /// Of groups.
    pub groups: Vec<Extent>,
}

/// A host's id as the client sees it.
pub(crate) fn shown(extents: &[Extent], id: u32) -> u32 {
    if extents.is_empty() {
        return id;
    }
    let find = |extent: &Extent| place(extent.outside, extent.inside, extent.count, id);
    extents.iter().find_map(find).unwrap_or(OVERFLOW)
}

/// The host's id for one of the client's.
///
/// # Errors
/// `EINVAL` if there is none, as chown(2) has it.
pub(crate) fn kept(extents: &[Extent], id: u32) -> Result<u32, Errno> {
    if extents.is_empty() {
        return Ok(id);
    }
    let find = |extent: &Extent| place(extent.inside, extent.outside, extent.count, id);
    extents.iter().find_map(find).ok_or(Errno::EINVAL)
}

fn place(from: u32, to: u32, count: u32, id: u32) -> Option<u32> {
    let offset = id.checked_sub(from).filter(|offset| *offset < count)?;
    to.checked_add(offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_go_there_and_back() {
        let extents =
            [Extent { inside: 0, outside: 1000, count: 10 }, Extent { inside: 100, outside: 0, count: 1 }];
        assert_eq!([1000, 1009, 1010, 0].map(|id| shown(&extents, id)), [0, 9, OVERFLOW, 100]);
        assert_eq!([0, 9, 100].map(|id| kept(&extents, id)), [Ok(1000), Ok(1009), Ok(0)]);
        assert_eq!([10, 1000, u32::MAX].map(|id| kept(&extents, id)), [Err(Errno::EINVAL); 3]);
        assert_eq!((shown(&[], 7), kept(&[], 7)), (7, Ok(7)));
    }
}
