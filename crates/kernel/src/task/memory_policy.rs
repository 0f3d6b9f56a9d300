//! Which nodes memory is taken from: set_mempolicy(2). A sandbox has one node, number 0, so no policy changes anything; they are checked, kept and told.

use abi::Errno;

/// `MPOL_DEFAULT`.
pub const DEFAULT: u32 = 0;
const PREFERRED: u32 = 1;
const BIND: u32 = 2;
/// `MPOL_INTERLEAVE`.
pub const INTERLEAVE: u32 = 3;
const LOCAL: u32 = 4;
const PREFERRED_MANY: u32 = 5;
/// `MPOL_WEIGHTED_INTERLEAVE`, the last.
pub const WEIGHTED: u32 = 6;

/// `MPOL_F_STATIC_NODES`.
const STATIC: u32 = 1 << 15;
/// `MPOL_F_RELATIVE_NODES`.
const RELATIVE: u32 = 1 << 14;
/// `MPOL_F_NUMA_BALANCING`.
const BALANCING: u32 = 1 << 13;

/// A policy: the default one has mode 0 and no nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryPolicy {
    /// `MPOL_*`, with its flags.
    pub mode: u32,
    /// The nodes as told: one bit each.
    pub nodes: u64,
}

impl MemoryPolicy {
    /// The nodes that there are.
    pub const ALL_NODES: u64 = 1;

    /// A policy for these nodes.
    ///
    /// # Errors
    /// `EINVAL` for modes, flags and sets of nodes that do not belong together, and for nodes that are not there.
    pub fn new(mode_and_flags: u32, nodes: u64) -> Result<Self, Errno> {
        let flags = mode_and_flags & (STATIC | RELATIVE | BALANCING);
        let mode = mode_and_flags & !flags;
        let places = flags & (STATIC | RELATIVE);
        if mode > WEIGHTED || places == STATIC | RELATIVE {
            return Err(Errno::EINVAL);
        }
        if flags & BALANCING != 0 && !matches!(mode, BIND | PREFERRED_MANY) {
            return Err(Errno::EINVAL);
        }
        // Relative numbers wrap around: with one node each of them means that one.
        let present = if places == RELATIVE { u64::from(nodes != 0) } else { nodes & Self::ALL_NODES };
        let told = if places == 0 { present } else { nodes };
        match mode {
            DEFAULT if nodes != 0 => Err(Errno::EINVAL),
            DEFAULT => Ok(Self::default()),
            LOCAL | PREFERRED if nodes == 0 && places == 0 => Ok(Self { mode: LOCAL, nodes: 0 }),
            LOCAL => Err(Errno::EINVAL),
            _ if present == 0 => Err(Errno::EINVAL),
            _ => Ok(Self { mode: mode | flags, nodes: told }),
        }
    }

    /// Whether one of its nodes may be the one to start with.
    #[must_use]
    pub const fn takes_home_node(self) -> bool {
        matches!(self.mode & !(STATIC | RELATIVE | BALANCING), BIND | PREFERRED_MANY)
    }

    /// Whether pages are spread over the nodes, one after the other.
    #[must_use]
    pub const fn interleaves(self) -> bool {
        matches!(self.mode & !(STATIC | RELATIVE), INTERLEAVE | WEIGHTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_those_that_one_node_allows() {
        let new = |mode, nodes| MemoryPolicy::new(mode, nodes).map(|p| (p.mode, p.nodes));
        assert_eq!(new(DEFAULT, 0), Ok((0, 0)));
        assert_eq!(new(DEFAULT, 1), Err(Errno::EINVAL));
        assert_eq!(new(BIND, 1), Ok((BIND, 1)));
        assert_eq!(new(BIND, 3), Ok((BIND, 1)), "what is not there is left out");
        assert_eq!(new(BIND, 2), Err(Errno::EINVAL));
        assert_eq!(new(BIND | RELATIVE, 2), Ok((BIND | RELATIVE, 2)));
        assert_eq!(new(PREFERRED, 0), Ok((LOCAL, 0)));
        assert_eq!(new(PREFERRED | STATIC, 0), Err(Errno::EINVAL));
        assert_eq!(new(BIND | STATIC | RELATIVE, 1), Err(Errno::EINVAL));
        assert_eq!(new(INTERLEAVE | BALANCING, 1), Err(Errno::EINVAL));
        assert_eq!(new(LOCAL, 1), Err(Errno::EINVAL));
        assert_eq!(new(7, 1), Err(Errno::EINVAL));
    }
}
