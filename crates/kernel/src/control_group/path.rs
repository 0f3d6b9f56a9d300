//! The names of groups, as who looks sees them.

use super::{GroupId, Tree};

/// A path to a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown(pub Vec<u8>);

impl Tree {
    /// The path of a group from another one, which is the root of what somebody sees: with `/..` for what lies outside, and a note if the
    /// group was removed.
    #[must_use]
    pub fn path(&self, id: GroupId, from: GroupId) -> Shown {
        let upward = self.upward(id);
        let outward = self.upward(from);
        let up = outward.iter().position(|above| upward.contains(above));
        let up = up.unwrap_or_else(|| outward.len().saturating_sub(1));
        let common = outward.get(up).copied().unwrap_or(from);
        let mut path = b"/..".repeat(up);
        let below: Vec<_> = upward.into_iter().take_while(|at| *at != common).collect();
        for at in below.iter().rev().filter_map(|at| self.group(*at)) {
            path.push(b'/');
            path.extend(&at.name);
        }
        if path.is_empty() {
            path.push(b'/');
        }
        if self.group(id).is_none_or(|group| group.removed) {
            path.extend(b" (deleted)");
        }
        Shown(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vfs::Owner;

    #[test]
    fn paths_lead_up_and_down() {
        let mut tree = Tree::default();
        let root = tree.root(0);
        let mut make = |within, name: &[u8]| tree.make(within, name, Owner::default()).unwrap();
        let a = make(root, b"a");
        let b = make(a, b"b");
        let c = make(root, b"c");
        let path = |id, from| String::from_utf8(tree.path(id, from).0).unwrap();
        assert_eq!([path(root, root), path(b, root), path(b, a), path(b, b)], ["/", "/a/b", "/b", "/"]);
        assert_eq!([path(root, a), path(c, a), path(c, b)], ["/..", "/../c", "/../../c"]);
    }
}
