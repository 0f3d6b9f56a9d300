//! What a name in a merged directory leads to.

use std::sync::Arc;

use abi::Errno;
use vfs::{FileKind, InodeRef, Name};

use crate::filesystem::Shared;
use crate::marks::{find, is_whiteout, lower_number};
use crate::node::{Layers, Lower, Node, Place};
use crate::redirect::Search;

/// What a lower layer was found to have under a name.
pub(crate) type LowerResult = Result<Option<InodeRef>, Errno>;

impl Node {
    /// The node of a name.
    ///
    /// # Errors
    /// `ENOENT`.
    pub(crate) fn child(self: &Arc<Self>, name: Name<'_>) -> Result<Arc<Self>, Errno> {
        self.child_with(name, |lower| find(lower, name))
    }

    /// The nodes of names that lie in each other: the lower layer, if there is only one, is asked for all of them at once.
    pub(crate) fn children(self: &Arc<Self>, names: &[Name<'_>]) -> Vec<Result<Arc<Self>, Errno>> {
        let mut found: Vec<Result<Arc<Self>, Errno>> = Vec::new();
        let mut directory = Arc::clone(self);
        let mut ahead: std::collections::VecDeque<Result<InodeRef, Errno>> =
            std::collections::VecDeque::new();
        let mut asked: Option<InodeRef> = None;
        for (at, name) in names.iter().enumerate() {
            let lowers = directory.layers().lowers;
            let child = match lowers.as_ref() {
                [lower] => {
                    // Results ahead are good as long as the walk stays in the directories that they came from.
                    let known = asked.as_ref().is_some_and(|asked| Arc::ptr_eq(asked, &lower.inode));
                    if !known || ahead.is_empty() {
                        ahead = lower.inode.lookup_many(names.get(at..).unwrap_or_default()).into();
                    }
                    let result = ahead.pop_front().map_or(Ok(None), missing_is_none);
                    asked = match &result {
                        Ok(Some(inode)) => Some(Arc::clone(inode)),
                        _ => None,
                    };
                    directory.child_with(*name, |_| result.clone())
                }
                _ => directory.child(*name),
            };
            match &child {
                Ok(next) if next.kind == FileKind::Directory => directory = Arc::clone(next),
                _ => {
                    found.push(child);
                    break;
                }
            }
            found.push(child);
        }
        found
    }

    /// Merges what the upper layer has with what `look` finds in the lower layers.
    fn child_with(
        self: &Arc<Self>,
        name: Name<'_>,
        look: impl Fn(&InodeRef) -> LowerResult,
    ) -> Result<Arc<Self>, Errno> {
        let own = self.layers();
        let upper = own.upper.as_ref().map_or(Ok(None), |upper| find(upper, name))?;
        if let Some(upper) = &upper {
            if is_whiteout(upper)? {
                return Err(Errno::ENOENT);
            }
            if upper.kind() != FileKind::Directory || self.shared.marks.is_opaque(upper) {
                let mut layers = Layers::of_upper(Arc::clone(upper));
                if self.shared.marks.lacks_content(upper)? {
                    let mark = self.shared.redirect_of(upper)?;
                    layers.data =
                        Some(self.shared.content_below(Search::new(&self.shared, &own, name, mark))?);
                }
                return self.wrap(name, layers);
            }
        }
        let mark = upper.as_ref().map_or(Ok(None), |upper| self.shared.redirect_of(upper))?;
        let mut data = None;
        let lowers = match own.lowers.as_ref() {
            [] if mark.is_none() => Vec::new(),
            // The usual case is that of one layer, which has nothing below it.
            [Lower { layer, inode }] if mark.is_none() => match look(inode)? {
                Some(inode)
                    if inode.kind() == FileKind::Directory || upper.is_none() && !is_whiteout(&inode)? =>
                {
                    vec![Lower { layer: *layer, inode }]
                }
                _ => Vec::new(),
            },
            _ => {
                let mut search = Search::new(&self.shared, &own, name, mark);
                let lowers = self.shared.gather(&mut search, upper.is_none())?;
                if let [Lower { inode, .. }] = lowers.as_slice()
                    && self.shared.marks.lacks_content(inode)?
                {
                    data = Some(self.shared.content_below(search)?);
                }
                lowers
            }
        };
        if upper.is_none() && lowers.is_empty() {
            return Err(Errno::ENOENT);
        }
        self.wrap(name, Layers { upper, lowers: Arc::from(lowers), data })
    }

    /// The node for what was found under a name.
    pub(crate) fn wrap(self: &Arc<Self>, name: Name<'_>, mut layers: Layers) -> Result<Arc<Self>, Errno> {
        let kind = layers.top()?.kind();
        let number = match (&layers.upper, layers.lowers.first()) {
            (Some(upper), _) => {
                let number = self.shared.marks.upper_number(upper)?;
                self.shared.index_known(number, upper)?;
                number
            }
            (None, Some(lower)) => {
                let attributes = lower.inode.attributes()?;
                let number = lower_number(lower.layer, attributes.inode);
                // Another name of the file may have been copied up already.
                layers.upper = self.shared.copy_of(number, &attributes)?;
                if let Some(copy) = layers.upper.as_ref().filter(|_| layers.data.is_none())
                    && self.shared.marks.lacks_content(copy)?
                {
                    layers.data = Some(Arc::clone(&lower.inode));
                }
                number
            }
            (None, None) => return Err(Errno::ENOENT),
        };
        let place = Place { parent: Arc::clone(self), name: Arc::from(name.as_bytes()) };
        Ok(Self::of(&self.shared, number, kind, layers, Some(place)))
    }
}

impl Shared {
    /// The lower parts of a name: directories as far as none hides those below, or one file if it is `alone`.
    fn gather(&self, search: &mut Search, alone: bool) -> Result<Vec<Lower>, Errno> {
        let mut lowers: Vec<Lower> = Vec::new();
        while let Some(found) = search.next()? {
            if found.inode.kind() != FileKind::Directory {
                if alone && lowers.is_empty() && !is_whiteout(&found.inode)? {
                    if self.marks.lacks_content(&found.inode)? {
                        search.follow(self, &found)?;
                    }
                    lowers.push(found);
                }
                break;
            }
            let hides = self.marks.is_opaque(&found.inode);
            search.follow(self, &found)?;
            lowers.push(found);
            if hides {
                break;
            }
        }
        Ok(lowers)
    }
}

impl Shared {
    /// What has the content of a file that was found without it: the next one below that does not lack it.
    ///
    /// # Errors
    /// `EPERM` unless such files are wanted, `EIO` if there is none.
    fn content_below(&self, mut search: Search) -> Result<InodeRef, Errno> {
        if !self.metacopy {
            return Err(Errno::EPERM);
        }
        while let Some(found) = search.next()? {
            if found.inode.kind() != FileKind::Regular {
                break;
            }
            if !self.marks.lacks_content(&found.inode)? {
                return Ok(found.inode);
            }
            search.follow(self, &found)?;
        }
        Err(Errno::EIO)
    }
}

fn missing_is_none(result: Result<InodeRef, Errno>) -> LowerResult {
    match result {
        Ok(inode) => Ok(Some(inode)),
        Err(Errno::ENOENT) => Ok(None),
        Err(error) => Err(error),
    }
}
