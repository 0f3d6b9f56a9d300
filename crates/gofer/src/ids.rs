//! Users and groups that are others on the mount than on the host: idmapped mounts, and containers with user namespaces.

use abi::Errno;
use ninep::Extent;
use serde::{Deserialize, Serialize};

/// What an id that the mount does not have is shown as: `/proc/sys/fs/overflowuid`.
const OVERFLOW: u32 = 65_534;

/// A mapping that has no id at all: none is not the same as every id being the host's.
const NOTHING: Extent = Extent { inside: u32::MAX, outside: u32::MAX, count: 0 };

/// Ranges, none of which meets another on either side. Without any all ids are the host's; with one of no ids all are unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ids {
    /// Of users.
    pub users: Vec<Extent>,
    /// Of groups.
    pub groups: Vec<Extent>,
}

impl Ids {
    /// The same for a process that sees others' ids in place of the host's: in `seen`, those of the host are inside, and its own outside. Without any
    /// it sees the host's.
    #[must_use]
    pub fn through(&self, seen: &Self) -> Self {
        Self { users: compose(&self.users, &seen.users), groups: compose(&self.groups, &seen.groups) }
    }

    /// The way back: what is inside here is outside there.
    #[must_use]
    pub fn inverted(&self) -> Self {
        let all = |extents: &[Extent]| extents.iter().map(invert).collect();
        Self { users: all(&self.users), groups: all(&self.groups) }
    }
}

fn compose(first: &[Extent], second: &[Extent]) -> Vec<Extent> {
    match (first, second) {
        ([], all) | (all, []) => all.to_vec(),
        _ => {
            let both: Vec<Extent> =
                first.iter().flat_map(|a| second.iter().filter_map(|b| meet(a, b))).collect();
            if both.is_empty() { vec![NOTHING] } else { both }
        }
    }
}

const fn invert(extent: &Extent) -> Extent {
    Extent { inside: extent.outside, outside: extent.inside, count: extent.count }
}

/// What of one range goes on through another.
fn meet(first: &Extent, second: &Extent) -> Option<Extent> {
    let start = first.outside.max(second.inside);
    let end = first.outside.saturating_add(first.count).min(second.inside.saturating_add(second.count));
    let count = end.checked_sub(start).filter(|count| *count > 0)?;
    let inside = first.inside.checked_add(start - first.outside)?;
    let outside = second.outside.checked_add(start - second.inside)?;
    Some(Extent { inside, outside, count })
}

/// A host's id as the client sees it.
pub(crate) fn shown(extents: &[Extent], id: u32) -> u32 {
    seen(extents, id).unwrap_or(OVERFLOW)
}

/// The same in an access control list, where one that the mount does not have is nobody's.
pub(crate) fn listed(extents: &[Extent], id: u32) -> u32 {
    seen(extents, id).unwrap_or(u32::MAX)
}

fn seen(extents: &[Extent], id: u32) -> Option<u32> {
    if extents.is_empty() {
        return Some(id);
    }
    let find = |extent: &Extent| place(extent.outside, extent.inside, extent.count, id);
    extents.iter().find_map(find)
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

    #[test]
    fn mappings_go_through_others() {
        let extent = |inside, outside, count| Extent { inside, outside, count };
        let of = |users: &[Extent]| Ids { users: users.to_vec(), groups: Vec::new() };
        let seen = of(&[extent(0, 65_533, 1), extent(1, 1, 65_532), extent(65_533, 0, 1)]);
        assert_eq!(of(&[]).through(&seen), seen);
        assert_eq!(seen.through(&of(&[])), seen);
        let container = of(&[extent(0, 0, 10), extent(10, 65_530, 100)]);
        let both = container.through(&seen).users;
        assert_eq!(
            both,
            [extent(0, 65_533, 1), extent(1, 1, 9), extent(10, 65_530, 3), extent(13, 0, 1)],
            "what the second does not have is not there"
        );
    }

    #[test]
    fn mappings_that_do_not_meet_have_no_ids() {
        let of = |inside, outside| Ids {
            users: vec![Extent { inside, outside, count: 10 }],
            groups: vec![Extent { inside, outside, count: 10 }],
        };
        let neither = of(0, 1000).through(&of(2000, 0));
        for ids in [&neither, &neither.through(&of(0, 0)), &of(0, 0).through(&neither), &neither.inverted()] {
            for id in [0, 5, 1005, u32::MAX] {
                assert_eq!((shown(&ids.users, id), kept(&ids.groups, id)), (OVERFLOW, Err(Errno::EINVAL)));
            }
        }
    }
}
