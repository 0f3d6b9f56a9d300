//! Walking a path: path_resolution(7).

use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use abi::Errno;

use crate::caller::{At, Base, Caller, Found};
use crate::dentry::Dentry;
use crate::inode::LinkTarget;
use crate::mount_flags::MountFlags;
use crate::name::PATH_MAX;
use crate::path::Path;
use crate::resolve::{Lookup, Resolve};
use crate::walk_ahead::Ahead;
use crate::{Access, FileKind, Name};

/// Symbolic links followed in one walk.
const LINKS_MAX: u32 = 40;

/// Counts renames: a confined walk through `..` is not to be trusted if one came between.
pub(crate) static RENAMES: AtomicU64 = AtomicU64::new(0);

/// The text of a path: the caller's until a link replaces it. Cheap to clone, so that names can be borrowed from it while the walk moves.
#[derive(Clone)]
enum Text<'a> {
    Given(&'a [u8]),
    Linked(Rc<[u8]>),
}

impl Text<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Given(bytes) => bytes,
            Self::Linked(bytes) => bytes,
        }
    }
}

/// A component of a path, as a part of its text.
struct Component {
    range: Range<usize>,
    /// Whether a slash follows it.
    slash: bool,
    /// Whether anything comes after that.
    more: bool,
}

/// A name as a part of the text that it stands in.
pub(crate) struct Segment<'a> {
    text: Text<'a>,
    range: Range<usize>,
}

impl Segment<'_> {
    pub(crate) fn bytes(&self) -> &[u8] {
        self.text.bytes().get(self.range.clone()).unwrap_or_default()
    }

    /// As a name.
    ///
    /// # Errors
    /// `ENAMETOOLONG`.
    pub(crate) fn name(&self) -> Result<Name<'_>, Errno> {
        Name::new(self.bytes())
    }
}

/// The last component of a path.
pub(crate) enum Last<'a> {
    /// There is none: the walk has arrived.
    Here,
    /// `.`
    Dot,
    /// `..`
    DotDot,
    /// A name.
    Name(Segment<'a>),
}

/// A path walked up to its last component.
pub(crate) struct Parent<'a> {
    /// The directory that the last component is looked up in.
    pub(crate) directory: Path,
    /// The last component.
    pub(crate) last: Last<'a>,
    /// Whether a slash follows it.
    pub(crate) slash: bool,
}

/// A walk under way.
pub(crate) struct Walk<'a> {
    caller: &'a Caller<'a>,
    resolve: Resolve,
    /// What `..` does not leave, if it is not the caller's root.
    scope: Option<Path>,
    /// How far the walk has come.
    pub(crate) at: Path,
    /// A file without a place that a magic link led to.
    file: Option<Arc<crate::OpenFile>>,
    /// The text still to walk, from `position` on.
    text: Text<'a>,
    position: usize,
    links: u32,
    renames: u64,
    ahead: Ahead,
}

impl Caller<'_> {
    /// Where a path leads.
    ///
    /// # Errors
    /// `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`, `ENAMETOOLONG`, `EBADF`.
    pub fn find(&self, at: &At<'_>, lookup: Lookup) -> Result<Found, Errno> {
        self.resolve(at, lookup, Resolve::empty())
    }

    /// Where a path leads, with the restrictions of openat2(2).
    ///
    /// # Errors
    /// As [`Self::find`], and `EXDEV`, `EAGAIN` as openat2(2) says.
    pub fn resolve(&self, at: &At<'_>, lookup: Lookup, resolve: Resolve) -> Result<Found, Errno> {
        if at.path.is_empty() && lookup.contains(Lookup::EMPTY) {
            return self.base(at.base);
        }
        Walk::start(self, at, resolve)?.finish(lookup.contains(Lookup::FOLLOW))
    }

    /// Where a path leads, if that is a place in the tree of mounts.
    ///
    /// # Errors
    /// As [`Self::find`], and `ENOTDIR` for a file without a place.
    pub fn find_path(&self, at: &At<'_>, lookup: Lookup) -> Result<Path, Errno> {
        self.find(at, lookup)?.path_or(Errno::ENOTDIR)
    }

    /// A path up to its last component.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub(crate) fn find_parent<'a>(&'a self, at: &At<'a>) -> Result<Parent<'a>, Errno> {
        let mut walk = Walk::start(self, at, Resolve::empty())?;
        let (last, slash) = walk.reach_last()?;
        Ok(Parent { directory: walk.at, last, slash })
    }
}

impl<'a> Walk<'a> {
    pub(crate) fn start(caller: &'a Caller<'a>, at: &At<'a>, resolve: Resolve) -> Result<Self, Errno> {
        if at.path.is_empty() {
            return Err(Errno::ENOENT);
        }
        if at.path.len() >= PATH_MAX {
            return Err(Errno::ENAMETOOLONG);
        }
        let absolute = at.path.starts_with(b"/");
        if absolute && resolve.contains(Resolve::BENEATH) {
            return Err(Errno::EXDEV);
        }
        let from_root = absolute && !resolve.contains(Resolve::IN_ROOT);
        let base = if from_root { caller.root.clone() } else { caller.start_of(at.base)? };
        Ok(Self {
            caller,
            resolve,
            scope: resolve.is_scoped().then(|| base.clone()),
            at: base,
            file: None,
            text: Text::Given(at.path),
            position: 0,
            links: 0,
            renames: RENAMES.load(Ordering::Acquire),
            ahead: Ahead::default(),
        })
    }

    /// What `..` does not leave.
    fn root(&self) -> &Path {
        self.scope.as_ref().unwrap_or(self.caller.root)
    }

    /// Walks to the end.
    pub(crate) fn finish(mut self, follow: bool) -> Result<Found, Errno> {
        loop {
            let (last, slash) = self.reach_last()?;
            match last {
                Last::Here => {}
                Last::Dot => {}
                Last::DotDot => self.up()?,
                Last::Name(name) => {
                    let Some(next) = self.step(name.bytes())? else { return self.arrived(slash) };
                    if next.dentry.inode_ref().kind() == FileKind::Symlink {
                        if follow || slash {
                            self.follow(&next)?;
                            continue;
                        }
                        if self.resolve.contains(Resolve::NO_SYMLINKS) {
                            return Err(Errno::ELOOP);
                        }
                    }
                    self.at = next;
                }
            }
            return self.arrived(slash);
        }
    }

    fn arrived(self, slash: bool) -> Result<Found, Errno> {
        if let Some(file) = self.file {
            return if slash { Err(Errno::ENOTDIR) } else { Ok(Found::File(file)) };
        }
        if slash && self.at.dentry.inode_ref().kind() != FileKind::Directory {
            return Err(Errno::ENOTDIR);
        }
        Ok(Found::Path(self.at))
    }

    /// Walks up to the last component, which is returned with whether a slash follows it.
    pub(crate) fn reach_last(&mut self) -> Result<(Last<'a>, bool), Errno> {
        loop {
            let text = self.text.clone();
            let Some(component) = next_component(text.bytes(), self.position) else {
                return Ok((Last::Here, false));
            };
            let name = text.bytes().get(component.range.clone()).unwrap_or_default();
            self.position = component.range.end;
            self.enter()?;
            if !component.more {
                let last = match name {
                    b"." => Last::Dot,
                    b".." => Last::DotDot,
                    _ => Last::Name(Segment { text: text.clone(), range: component.range }),
                };
                return Ok((last, component.slash));
            }
            match name {
                b"." => {}
                b".." => self.up()?,
                _ => {
                    let Some(next) = self.step(name)? else { continue };
                    if next.dentry.inode_ref().kind() == FileKind::Symlink {
                        self.follow(&next)?;
                    } else {
                        self.at = next;
                    }
                }
            }
        }
    }

    /// Goes on to what a name in the directory where the walk is leads to. If that is a symbolic link or a mountpoint the walk stays, and the
    /// place is returned.
    fn step(&mut self, name: &[u8]) -> Result<Option<Path>, Errno> {
        let dentry = self.known_child(name)?.ok_or(Errno::ENOENT)?;
        if dentry.is_mountpoint() {
            return self.across(dentry).map(Some);
        }
        if dentry.inode_ref().kind() == FileKind::Symlink {
            return Ok(Some(self.at.with(dentry)));
        }
        self.at.dentry = dentry;
        Ok(None)
    }

    /// The walk is about to look something up where it is: that must be a directory which may be searched.
    fn enter(&self) -> Result<(), Errno> {
        if self.file.is_some() || self.at.dentry.inode_ref().kind() != FileKind::Directory {
            return Err(Errno::ENOTDIR);
        }
        self.caller.may(&self.at, Access::EXECUTE)
    }

    /// To the directory above.
    pub(crate) fn up(&mut self) -> Result<(), Errno> {
        self.ahead.clear();
        if self.at == *self.root() {
            return if self.resolve.contains(Resolve::BENEATH) { Err(Errno::EXDEV) } else { Ok(()) };
        }
        if let Some(above) = self.at.above(self.root()) {
            let crossed = !Arc::ptr_eq(&above.mount, &self.at.mount);
            if crossed && self.resolve.contains(Resolve::NO_XDEV) {
                return Err(Errno::EXDEV);
            }
            let partial = !Arc::ptr_eq(above.mount.root(), above.mount.superblock().root());
            if partial && !above.dentry.is_within(above.mount.root()) {
                return Err(Errno::ENOENT);
            }
            self.at = above.topmost();
        }
        if self.resolve.is_scoped() && RENAMES.load(Ordering::Acquire) != self.renames {
            return Err(Errno::EAGAIN);
        }
        Ok(())
    }

    /// What a name in the directory where the walk is leads to, across mounts; nothing if it is missing.
    pub(crate) fn child(&mut self, name: &[u8]) -> Result<Option<Path>, Errno> {
        match self.known_child(name)? {
            Some(dentry) => self.across(dentry).map(Some),
            None => Ok(None),
        }
    }

    fn known_child(&mut self, name: &[u8]) -> Result<Option<Arc<Dentry>>, Errno> {
        let rest = self.text.bytes().get(self.position..).unwrap_or_default();
        let cached_only = self.resolve.contains(Resolve::CACHED);
        self.ahead.child(&self.at, Name::new(name)?, rest, cached_only)
    }

    /// A dentry of the directory where the walk is as a place: what is mounted there, if anything is.
    fn across(&mut self, dentry: Arc<Dentry>) -> Result<Path, Errno> {
        let path = self.at.with(dentry);
        if !path.dentry.is_mountpoint() {
            return Ok(path);
        }
        let top = path.topmost();
        if !Arc::ptr_eq(&top.mount, &self.at.mount) {
            self.ahead.clear();
            if self.resolve.contains(Resolve::NO_XDEV) {
                return Err(Errno::EXDEV);
            }
        }
        Ok(top)
    }

    /// Goes on where a symbolic link leads, and then with the rest of the path.
    pub(crate) fn follow(&mut self, link: &Path) -> Result<(), Errno> {
        self.ahead.clear();
        self.links = self.links.saturating_add(1);
        let refused = self.resolve.contains(Resolve::NO_SYMLINKS)
            || link.mount.flags().contains(MountFlags::NOSYMFOLLOW);
        if self.links > LINKS_MAX || refused {
            return Err(Errno::ELOOP);
        }
        match link.dentry.inode_ref().read_link(self.caller.credentials)? {
            LinkTarget::Path(target) => self.follow_text(target),
            LinkTarget::Place(place) => {
                self.may_jump()?;
                if self.resolve.contains(Resolve::NO_XDEV) && !Arc::ptr_eq(&place.mount, &self.at.mount) {
                    return Err(Errno::EXDEV);
                }
                self.at = place;
                Ok(())
            }
            LinkTarget::Opened(file) => {
                self.may_jump()?;
                match Found::of(file) {
                    Found::Path(place) => self.at = place,
                    Found::File(file) => self.file = Some(file),
                }
                Ok(())
            }
        }
    }

    fn may_jump(&self) -> Result<(), Errno> {
        if self.resolve.contains(Resolve::NO_MAGICLINKS) {
            return Err(Errno::ELOOP);
        }
        if self.resolve.is_scoped() { Err(Errno::EXDEV) } else { Ok(()) }
    }

    fn follow_text(&mut self, mut target: Vec<u8>) -> Result<(), Errno> {
        if target.is_empty() {
            return Err(Errno::ENOENT);
        }
        if target.starts_with(b"/") {
            let leaves = self.resolve.contains(Resolve::BENEATH)
                || self.resolve.contains(Resolve::NO_XDEV)
                    && !Arc::ptr_eq(&self.root().mount, &self.at.mount);
            if leaves {
                return Err(Errno::EXDEV);
            }
            self.at = self.root().clone();
        }
        // Whatever is left begins with the slash behind the link.
        target.extend_from_slice(self.text.bytes().get(self.position..).unwrap_or_default());
        self.text = Text::Linked(Rc::from(target));
        self.position = 0;
        Ok(())
    }
}

impl Caller<'_> {
    /// Where a relative path starts.
    fn start_of(&self, base: Base<'_>) -> Result<Path, Errno> {
        self.base(base)?.path_or(Errno::ENOTDIR)
    }
}

/// The component at or after a position.
fn next_component(text: &[u8], position: usize) -> Option<Component> {
    let rest = text.get(position..)?;
    let start = position.saturating_add(rest.iter().position(|byte| *byte != b'/')?);
    let rest = text.get(start..)?;
    let length = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
    let behind = rest.get(length..)?;
    let more = behind.iter().any(|byte| *byte != b'/');
    Some(Component { range: start..start.saturating_add(length), slash: !behind.is_empty(), more })
}

/// The dentry of a name in a directory, without permission checks or mounts: for the kernel's own preparations.
///
/// # Errors
/// `ENOENT`.
pub fn child_of(directory: &Path, name: Name<'_>) -> Result<Arc<Dentry>, Errno> {
    let _changes = directory.dentry.changes.lock();
    directory.mount.superblock().find_locked(&directory.dentry, name)?.ok_or(Errno::ENOENT)
}
