//! An inode of a tmpfs.

use std::sync::Arc;

use abi::Errno;
use parking_lot::{Mutex, RwLock};
use vfs::{Attributes, Device, FileKind, InodeFlags, Owner, Timestamp};

use crate::content::Content;
use crate::directory::Directory;
use crate::filesystem::Shared;
use crate::seals::Seals;
use crate::xattrs::Xattrs;

/// Bytes that a directory entry counts for in a directory's size.
const ENTRY_SIZE: u64 = 20;
/// A link's text up to this length lies in the inode.
const INLINE_LINK: usize = 128;

/// A file of any type.
pub(crate) struct Node {
    pub(crate) shared: Arc<Shared>,
    pub(crate) number: u64,
    pub(crate) kind: FileKind,
    device: Device,
    pub(crate) meta: Mutex<Meta>,
    pub(crate) body: Body,
    pub(crate) usage: vfs::Usage,
}

/// What changes of an inode besides its content.
pub(crate) struct Meta {
    pub(crate) mode: u32,
    pub(crate) owner: Owner,
    pub(crate) links: u64,
    pub(crate) accessed: Timestamp,
    pub(crate) modified: Timestamp,
    pub(crate) changed: Timestamp,
    pub(crate) born: Timestamp,
    pub(crate) flags: InodeFlags,
    pub(crate) xattrs: Xattrs,
}

/// What an inode holds.
pub(crate) enum Body {
    /// Content. Order of locks: content before [`Meta`].
    Regular(RwLock<Content>),
    /// Names. Order of locks: the directory with the lower inode number first, then [`Meta`]; an empty directory that is to go is
    /// locked with its parent, which is sound because whoever calls lets no other rename or removal at either of the two.
    Directory(Mutex<Directory>),
    /// Where a link leads.
    Symlink(Box<[u8]>),
    /// A device, FIFO or socket: a name only.
    Special,
}

impl Body {
    pub(crate) fn regular(shared: &Arc<Shared>, seals: Seals) -> Self {
        Self::Regular(RwLock::new(Content::new(shared, seals)))
    }
}

impl Node {
    /// The root directory.
    pub(crate) fn root(shared: &Arc<Shared>, mode: u32, owner: Owner) -> Arc<Self> {
        shared.inodes.take_anyway(1);
        let number = shared.next_inode();
        let body = Body::Directory(Mutex::new(Directory::new(number)));
        Arc::new(Self::fresh(shared, number, FileKind::Directory, body, mode, owner, Device::default()))
    }

    /// A new inode, with one link (a directory has two) that the caller makes.
    ///
    /// # Errors
    /// `ENOSPC` without a free inode.
    pub(crate) fn make(
        shared: &Arc<Shared>,
        kind: FileKind,
        body: Body,
        mode: u32,
        owner: Owner,
        device: Device,
    ) -> Result<Arc<Self>, Errno> {
        shared.inodes.take(1)?;
        let number = shared.next_inode();
        Ok(Arc::new(Self::fresh(shared, number, kind, body, mode, owner, device)))
    }

    /// As [`Self::make`], with the flags that files in this directory have from it.
    ///
    /// # Errors
    /// As [`Self::make`].
    pub(crate) fn make_within(
        &self,
        kind: FileKind,
        body: Body,
        mode: u32,
        owner: Owner,
        device: Device,
    ) -> Result<Arc<Self>, Errno> {
        let node = Self::make(&self.shared, kind, body, mode, owner, device)?;
        node.meta.lock().flags = self.meta.lock().flags & InodeFlags::INHERITED;
        Ok(node)
    }

    fn fresh(
        shared: &Arc<Shared>,
        number: u64,
        kind: FileKind,
        body: Body,
        mode: u32,
        owner: Owner,
        device: Device,
    ) -> Self {
        let now = Timestamp::now();
        let meta = Meta {
            mode: mode & 0o7777,
            owner,
            links: if kind == FileKind::Directory { 2 } else { 1 },
            accessed: now,
            modified: now,
            changed: now,
            born: now,
            flags: InodeFlags::empty(),
            xattrs: Xattrs::default(),
        };
        let usage = vfs::Usage::new();
        Self { shared: Arc::clone(shared), number, kind, device, meta: Mutex::new(meta), body, usage }
    }

    /// The directory's names.
    ///
    /// # Errors
    /// `ENOTDIR`.
    pub(crate) const fn directory(&self) -> Result<&Mutex<Directory>, Errno> {
        match &self.body {
            Body::Directory(directory) => Ok(directory),
            _ => Err(Errno::ENOTDIR),
        }
    }

    /// The file's content.
    ///
    /// # Errors
    /// `EINVAL` if it is no regular file.
    pub(crate) const fn content(&self) -> Result<&RwLock<Content>, Errno> {
        match &self.body {
            Body::Regular(content) => Ok(content),
            _ => Err(Errno::EINVAL),
        }
    }

    pub(crate) fn report(&self) -> Attributes {
        let (size, blocks) = match &self.body {
            Body::Regular(content) => {
                let content = content.read();
                (content.size(), content.blocks())
            }
            Body::Directory(directory) => {
                (directory.lock().len().saturating_add(2).saturating_mul(ENTRY_SIZE), 0)
            }
            Body::Symlink(target) => (target.len() as u64, if target.len() >= INLINE_LINK { 8 } else { 0 }),
            Body::Special => (0, 0),
        };
        let meta = self.meta.lock();
        Attributes {
            inode: self.number,
            kind: self.kind,
            mode: meta.mode,
            links: meta.links,
            owner: meta.owner,
            device: self.device,
            size,
            blocks,
            block_size: 4096,
            accessed: meta.accessed,
            modified: meta.modified,
            changed: meta.changed,
            born: Some(meta.born),
            flags: Some(meta.flags),
        }
    }

    /// The content, or the names, changed.
    pub(crate) fn modified(&self) {
        let now = Timestamp::now();
        let mut meta = self.meta.lock();
        meta.modified = now;
        meta.changed = now;
    }

    /// The inode changed: its links, its place.
    pub(crate) fn changed(&self) {
        self.meta.lock().changed = Timestamp::now();
    }

    pub(crate) fn add_links(&self, count: u64) {
        let mut meta = self.meta.lock();
        meta.links = meta.links.saturating_add(count);
        meta.changed = Timestamp::now();
    }

    pub(crate) fn remove_links(&self, count: u64) {
        let mut meta = self.meta.lock();
        meta.links = meta.links.saturating_sub(count);
        meta.changed = Timestamp::now();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.shared.inodes.give_back(1);
        // A tree can be as deep as the guest likes: it is taken apart level by level, not recursively.
        let mut doomed: Vec<Arc<Self>> = take_children(self);
        while let Some(node) = doomed.pop() {
            if let Some(mut node) = Arc::into_inner(node) {
                doomed.append(&mut take_children(&mut node));
            }
        }
    }
}

fn take_children(node: &mut Node) -> Vec<Arc<Node>> {
    match &mut node.body {
        Body::Directory(directory) => directory.get_mut().take_all(),
        _ => Vec::new(),
    }
}
