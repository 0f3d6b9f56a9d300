//! Directories that were renamed (`redirect_dir`): a mark in the upper layer says where their part of the lower layers lies.

use std::sync::Arc;

use abi::Errno;
use vfs::{FileKind, InodeRef, Name};

use crate::filesystem::Shared;
use crate::marks::find;
use crate::node::{Layers, Lower, Node, Place};

/// The longest mark that is made, bytes.
const LONGEST: usize = 256;

/// What is done about such marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Redirects {
    /// What has one cannot be reached (`EPERM`).
    Refused,
    /// Those that there are, are followed; directories with a lower part are not renamed (`EXDEV`).
    #[default]
    Followed,
    /// And such directories get marks when they are renamed.
    Made,
}

/// Where something lies in a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Whereabouts {
    /// Under this name of the same directory.
    Name(Vec<u8>),
    /// There, from the layer's root.
    Path(Vec<Vec<u8>>),
}

impl Whereabouts {
    /// # Errors
    /// `EINVAL` for what no directory can be called.
    fn parse(mark: &[u8]) -> Result<Self, Errno> {
        let checked = |name: &[u8]| Name::new(name).map(|_| name.to_vec()).map_err(|_| Errno::EINVAL);
        match mark.strip_prefix(b"/") {
            None => checked(mark).map(Self::Name),
            Some(path) => {
                path.split(|byte| *byte == b'/').map(checked).collect::<Result<_, _>>().map(Self::Path)
            }
        }
    }

    /// What lies there, seen from a directory, or for a path from a layer's root. The way leads through directories alone.
    pub(crate) fn find(&self, from: &InodeRef) -> Result<Option<InodeRef>, Errno> {
        let path = match self {
            Self::Name(name) => return find(from, Name::new(name)?),
            Self::Path(path) => path,
        };
        let mut here = Arc::clone(from);
        for name in path {
            if here.kind() != FileKind::Directory {
                return Ok(None);
            }
            match find(&here, Name::new(name)?)? {
                Some(next) => here = next,
                None => return Ok(None),
            }
        }
        Ok(Some(here))
    }
}

impl Shared {
    /// What a directory of a layer says about the layers below it.
    pub(crate) fn redirect_of(&self, directory: &InodeRef) -> Result<Option<Whereabouts>, Errno> {
        match self.marks.redirect(directory) {
            Some(_) if self.redirects == Redirects::Refused => Err(Errno::EPERM),
            mark => mark.map(|mark| Whereabouts::parse(&mark)).transpose(),
        }
    }

    /// The lower layers from the one below this on.
    pub(crate) fn lowers_below(&self, layer: Option<usize>) -> Arc<[Lower]> {
        let below = |lower: &&Lower| layer.is_none_or(|layer| lower.layer > layer);
        self.lowers.iter().filter(below).cloned().collect()
    }
}

impl Node {
    /// Whether it can be renamed: a directory that a lower layer has a part in only if it can be marked.
    pub(crate) fn movable(&self) -> Result<(), Errno> {
        let merged = self.kind == FileKind::Directory && self.layers().has_lower();
        if merged && self.shared.redirects != Redirects::Made { Err(Errno::EXDEV) } else { Ok(()) }
    }

    /// Marks a directory that is about to be moved from one place to another, so that it stays what it is there.
    pub(crate) fn mark_moved(&self, file: &InodeRef, from: &Place, to: &Place) -> Result<(), Errno> {
        if self.kind != FileKind::Directory {
            return Ok(());
        }
        if !self.layers().has_lower() {
            return if to.parent.layers().has_lower() { self.shared.marks.set_opaque(file) } else { Ok(()) };
        }
        let same = Arc::ptr_eq(&from.parent, &to.parent);
        let mark = match self.shared.redirect_of(file)? {
            Some(Whereabouts::Path(_)) => return Ok(()),
            Some(Whereabouts::Name(_)) if same => return Ok(()),
            _ if same => from.name.to_vec(),
            known => path_of(known, from)?,
        };
        if mark.len() > LONGEST {
            return Err(Errno::EXDEV);
        }
        self.shared.marks.set_redirect(file, &mark)
    }
}

/// The path in the lower layers of what lies at a place, under another name if it was renamed already.
fn path_of(known: Option<Whereabouts>, place: &Place) -> Result<Vec<u8>, Errno> {
    let own = match known {
        Some(Whereabouts::Name(name)) => name,
        _ => place.name.to_vec(),
    };
    let mut reversed = vec![own];
    let mut directory = Arc::clone(&place.parent);
    while let Some(place) = directory.place() {
        let upper = directory.upper();
        match upper.map_or(Ok(None), |upper| directory.shared.redirect_of(&upper))? {
            Some(Whereabouts::Path(path)) => {
                reversed.extend(path.into_iter().rev());
                break;
            }
            Some(Whereabouts::Name(name)) => reversed.push(name),
            None => reversed.push(place.name.to_vec()),
        }
        directory = place.parent;
    }
    let mut path = Vec::new();
    for name in reversed.iter().rev() {
        path.push(b'/');
        path.extend_from_slice(name);
    }
    Ok(path)
}

/// The search for the lower parts of a name goes on from layer to layer, and a mark in one says where to look in those below it.
pub(crate) struct Search {
    whereabouts: Whereabouts,
    /// Still to be looked at, the uppermost first.
    ahead: std::collections::VecDeque<Lower>,
}

impl Search {
    /// For a name in a directory of these layers, whose upper part may be marked.
    pub(crate) fn new(
        shared: &Shared,
        directory: &Layers,
        name: Name<'_>,
        mark: Option<Whereabouts>,
    ) -> Self {
        let whereabouts = mark.unwrap_or_else(|| Whereabouts::Name(name.as_bytes().to_vec()));
        let ahead = match &whereabouts {
            Whereabouts::Name(_) => directory.lowers.iter().cloned().collect(),
            Whereabouts::Path(_) => shared.lowers_below(None).iter().cloned().collect(),
        };
        Self { whereabouts, ahead }
    }

    /// What the next layer that has anything there has.
    pub(crate) fn next(&mut self) -> Result<Option<Lower>, Errno> {
        while let Some(Lower { layer, inode }) = self.ahead.pop_front() {
            if let Some(inode) = self.whereabouts.find(&inode)? {
                return Ok(Some(Lower { layer, inode }));
            }
        }
        Ok(None)
    }

    /// From here on as this directory of a layer says.
    pub(crate) fn follow(&mut self, shared: &Shared, found: &Lower) -> Result<(), Errno> {
        if let Some(mark) = shared.redirect_of(&found.inode)? {
            if matches!(mark, Whereabouts::Path(_)) {
                self.ahead = shared.lowers_below(Some(found.layer)).iter().cloned().collect();
            }
            self.whereabouts = mark;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_name_a_neighbour_or_a_path() {
        assert_eq!(Whereabouts::parse(b"old"), Ok(Whereabouts::Name(b"old".to_vec())));
        assert_eq!(Whereabouts::parse(b"/a/b"), Ok(Whereabouts::Path(vec![b"a".to_vec(), b"b".to_vec()])));
        for wrong in [&b""[..], b"a/b", b"/", b"//a", b"/a/", b"/a/../b", b"..", b"."] {
            assert_eq!(Whereabouts::parse(wrong), Err(Errno::EINVAL), "{wrong:?}");
        }
    }
}
