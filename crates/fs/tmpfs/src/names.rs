//! Making, removing and moving names.

use std::sync::Arc;

use abi::Errno;
use parking_lot::MutexGuard;
use vfs::{Device, FileKind, Name, Owner, RenameFlags};

use crate::directory::Directory;
use crate::node::{Body, Node};

impl Node {
    /// Adds a new node under a name.
    pub(crate) fn add(&self, name: Name<'_>, node: Arc<Self>) -> Result<Arc<Self>, Errno> {
        self.directory()?.lock().add(name.as_bytes(), Arc::clone(&node))?;
        if node.kind == FileKind::Directory {
            self.add_links(1);
        }
        self.modified();
        Ok(node)
    }

    /// unlink(2).
    pub(crate) fn remove_file(&self, name: Name<'_>) -> Result<(), Errno> {
        let mut directory = self.directory()?.lock();
        let node = directory.get(name.as_bytes()).ok_or(Errno::ENOENT)?;
        if node.kind == FileKind::Directory {
            return Err(Errno::EISDIR);
        }
        let node = directory.remove(name.as_bytes());
        drop(directory);
        if let Some(node) = node {
            node.remove_links(1);
        }
        self.modified();
        Ok(())
    }

    /// rmdir(2).
    pub(crate) fn remove_empty(&self, name: Name<'_>) -> Result<(), Errno> {
        let mut directory = self.directory()?.lock();
        let node = Arc::clone(directory.get(name.as_bytes()).ok_or(Errno::ENOENT)?);
        node.directory()?.lock().close()?;
        directory.remove(name.as_bytes());
        drop(directory);
        node.remove_links(2);
        self.remove_links(1);
        self.modified();
        Ok(())
    }

    /// link(2).
    pub(crate) fn add_link(&self, name: Name<'_>, node: &Arc<Self>) -> Result<(), Errno> {
        if node.kind == FileKind::Directory {
            return Err(Errno::EPERM);
        }
        self.directory()?.lock().add(name.as_bytes(), Arc::clone(node))?;
        node.add_links(1);
        self.modified();
        Ok(())
    }

    /// rename(2) and its flags. The VFS has excluded that a directory goes into itself.
    pub(crate) fn move_name(
        &self,
        name: Name<'_>,
        to: &Self,
        new_name: Name<'_>,
        flags: RenameFlags,
    ) -> Result<(), Errno> {
        let (mut source, mut target) = lock_both(self, to)?;
        let node = Arc::clone(source.get(name.as_bytes()).ok_or(Errno::ENOENT)?);
        let into = target.as_deref_mut().unwrap_or(&mut source);
        let old = into.get(new_name.as_bytes()).map(Arc::clone);
        if old.is_some() && flags.contains(RenameFlags::NOREPLACE) {
            return Err(Errno::EEXIST);
        }
        if flags.contains(RenameFlags::EXCHANGE) {
            let old = old.ok_or(Errno::ENOENT)?;
            into.replace(new_name.as_bytes(), Arc::clone(&node));
            source.replace(name.as_bytes(), Arc::clone(&old));
            let crosses = target.is_some();
            drop((source, target));
            if crosses {
                adopt(&node, self, to)?;
                adopt(&old, to, self)?;
            }
            self.exchanged(to, &node, &old);
            return Ok(());
        }
        if old.as_ref().is_some_and(|old| Arc::ptr_eq(old, &node)) {
            return Ok(());
        }
        if let Some(old) = &old {
            check_replacement(&node, old)?;
        }
        let whiteout = if flags.contains(RenameFlags::WHITEOUT) { Some(self.whiteout()?) } else { None };
        if old.is_some() {
            into.remove(new_name.as_bytes());
        }
        into.add(new_name.as_bytes(), Arc::clone(&node))?;
        match whiteout {
            Some(whiteout) => drop(source.replace(name.as_bytes(), whiteout)),
            None => drop(source.remove(name.as_bytes())),
        }
        let crosses = target.is_some();
        drop((source, target));
        if crosses {
            adopt(&node, self, to)?;
        }
        if let Some(old) = &old {
            if old.kind == FileKind::Directory {
                old.remove_links(2);
                to.remove_links(1);
            } else {
                old.remove_links(1);
            }
        }
        node.changed();
        self.modified();
        to.modified();
        Ok(())
    }

    fn exchanged(&self, to: &Self, node: &Self, old: &Self) {
        for each in [node, old] {
            each.changed();
        }
        self.modified();
        to.modified();
    }

    /// The character device 0:0 that says "removed" to an overlay. It is root's: only root makes them in earnest, and who renames
    /// is not known here.
    fn whiteout(&self) -> Result<Arc<Self>, Errno> {
        const SETGID: u32 = 0o2000;
        let mut owner = Owner::default();
        let meta = self.meta.lock();
        if meta.mode & SETGID != 0 {
            owner.gid = meta.owner.gid;
        }
        drop(meta);
        Self::make(&self.shared, FileKind::CharacterDevice, Body::Special, 0, owner, Device::default())
    }
}

/// A directory that came from `from` to `to` has another `..`.
fn adopt(node: &Node, from: &Node, to: &Node) -> Result<(), Errno> {
    if node.kind == FileKind::Directory {
        node.directory()?.lock().parent = to.number;
        from.remove_links(1);
        to.add_links(1);
    }
    Ok(())
}

/// What may take the place of what.
fn check_replacement(node: &Node, old: &Node) -> Result<(), Errno> {
    match (node.kind == FileKind::Directory, old.kind == FileKind::Directory) {
        (true, false) => Err(Errno::ENOTDIR),
        (false, true) => Err(Errno::EISDIR),
        (true, true) => old.directory()?.lock().close(),
        (false, false) => Ok(()),
    }
}

type Names<'a> = MutexGuard<'a, Directory>;

/// Locks two directories in the order of their numbers; the second only if it is another one.
fn lock_both<'a>(from: &'a Node, to: &'a Node) -> Result<(Names<'a>, Option<Names<'a>>), Errno> {
    let (source, target) = (from.directory()?, to.directory()?);
    if from.number == to.number {
        return Ok((source.lock(), None));
    }
    if from.number < to.number {
        let source = source.lock();
        Ok((source, Some(target.lock())))
    } else {
        let target = target.lock();
        Ok((source.lock(), Some(target)))
    }
}
