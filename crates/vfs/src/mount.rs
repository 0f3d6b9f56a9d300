//! Mounts and the tree of them.

/// A filesystem, or a part of one, at a place in the tree.
pub struct Mount {
    #[expect(dead_code, reason = "filled in with the mount tree")]
    id: u64,
}
