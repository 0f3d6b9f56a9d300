//! How the content of a file is used while it is open: through the cache, past it, or as that of another file, which the server has named
//! (passthrough). The first two do not go together with the last, nor two files with each other.

use std::collections::BTreeMap;
use std::sync::Arc;

use abi::Errno;
use parking_lot::Mutex;
use vfs::{Credentials, File, InodeRef, OpenFlags};

use crate::node::Node;
use crate::wire::FileFlags;

/// Files that one server may have named at a time.
const MOST: usize = 65_536;
/// What may be said together with passthrough.
const WITH_PASSTHROUGH: FileFlags = FileFlags::PASSTHROUGH
    .union(FileFlags::DIRECT_IO)
    .union(FileFlags::PARALLEL_DIRECT_WRITES)
    .union(FileFlags::NOFLUSH);

/// A file that a server has named, with the rights of who named it.
pub(crate) struct Backing {
    pub(crate) inode: InodeRef,
    pub(crate) credentials: Arc<Credentials>,
}

/// Those of a server, by the numbers that it was told.
#[derive(Default)]
pub(crate) struct Backings(Mutex<Named>);

#[derive(Default)]
struct Named {
    all: BTreeMap<i32, Arc<Backing>>,
    /// The number that was given last: they go round.
    last: i32,
}

impl Backings {
    /// Adds one. Returns its number.
    ///
    /// # Errors
    /// `ENOSPC` if there are too many.
    pub(crate) fn add(&self, backing: Backing) -> Result<i32, Errno> {
        let mut named = self.0.lock();
        if named.all.len() >= MOST {
            return Err(Errno::ENOSPC);
        }
        let mut number = named.last;
        loop {
            number = number.checked_add(1).unwrap_or(1);
            if !named.all.contains_key(&number) {
                break;
            }
        }
        named.last = number;
        named.all.insert(number, Arc::new(backing));
        Ok(number)
    }

    /// Forgets one; files that are open go on.
    ///
    /// # Errors
    /// `ENOENT`.
    pub(crate) fn remove(&self, number: i32) -> Result<(), Errno> {
        self.0.lock().all.remove(&number).map(drop).ok_or(Errno::ENOENT)
    }

    fn find(&self, number: i32) -> Option<Arc<Backing>> {
        self.0.lock().all.get(&number).map(Arc::clone)
    }
}

/// How a node is used by all that have it open.
#[derive(Default)]
pub(crate) struct Uses(Mutex<Counted>);

#[derive(Default)]
struct Counted {
    cached: usize,
    passed: usize,
    backing: Option<Arc<Backing>>,
}

/// One use.
pub(crate) struct InUse {
    node: Arc<Node>,
    kind: Kind,
}

enum Kind {
    /// Past the cache, which goes together with everything.
    Direct,
    Cached,
    Passed(Arc<dyn File>),
}

impl InUse {
    /// Begins to use a node as its server wants.
    ///
    /// # Errors
    /// `EIO` if that does not go together with how it is used already, or the server has not named the file.
    pub(super) fn begin(
        node: &Arc<Node>,
        opened: OpenFlags,
        flags: FileFlags,
        number: i32,
    ) -> Result<Self, Errno> {
        let passes = flags.contains(FileFlags::PASSTHROUGH);
        let kind = if passes {
            Self::pass(node, opened, flags, number)?
        } else if flags.contains(FileFlags::DIRECT_IO) {
            Kind::Direct
        } else {
            let mut uses = node.uses.0.lock();
            if uses.passed > 0 {
                return Err(Errno::EIO);
            }
            uses.cached = uses.cached.saturating_add(1);
            Kind::Cached
        };
        Ok(Self { node: Arc::clone(node), kind })
    }

    fn pass(node: &Arc<Node>, opened: OpenFlags, flags: FileFlags, number: i32) -> Result<Kind, Errno> {
        let connection = &node.shared.connection;
        if !connection.passes_through() || !WITH_PASSTHROUGH.contains(flags) {
            return Err(Errno::EIO);
        }
        let backing = connection.backings.find(number).ok_or(Errno::EIO)?;
        let how =
            opened.difference(OpenFlags::CREAT | OpenFlags::EXCL | OpenFlags::NOCTTY | OpenFlags::TRUNC);
        let file = Arc::clone(&backing.inode).open(how, &backing.credentials).map_err(|_| Errno::EIO)?;
        let mut uses = node.uses.0.lock();
        let other = uses.backing.as_ref().is_some_and(|other| !Arc::ptr_eq(other, &backing));
        if uses.cached > 0 || other {
            return Err(Errno::EIO);
        }
        uses.passed = uses.passed.saturating_add(1);
        uses.backing = Some(backing);
        Ok(Kind::Passed(file))
    }

    /// The file whose content it has.
    pub(super) fn passed(&self) -> Option<&Arc<dyn File>> {
        match &self.kind {
            Kind::Passed(file) => Some(file),
            Kind::Direct | Kind::Cached => None,
        }
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        let mut uses = self.node.uses.0.lock();
        match self.kind {
            Kind::Direct => {}
            Kind::Cached => uses.cached = uses.cached.saturating_sub(1),
            Kind::Passed(_) => {
                uses.passed = uses.passed.saturating_sub(1);
                if uses.passed == 0 {
                    uses.backing = None;
                }
            }
        }
    }
}
