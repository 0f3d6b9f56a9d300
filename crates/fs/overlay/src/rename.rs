//! Renaming across layers.

use std::sync::Arc;

use abi::Errno;
use vfs::{FileKind, InodeRef, Name, RenameFlags};

use crate::marks::{find, is_whiteout};
use crate::node::{Node, Place};

impl Node {
    /// renameat2(2). A directory that a lower layer has a part in stays where it is (`EXDEV`) unless it can be marked.
    pub(crate) fn rename_child(
        self: &Arc<Self>,
        name: Name<'_>,
        to: &Arc<Self>,
        new_name: Name<'_>,
        flags: RenameFlags,
    ) -> Result<(), Errno> {
        if flags.contains(RenameFlags::WHITEOUT) {
            return Err(Errno::EINVAL);
        }
        let node = self.child(name)?;
        let old = match to.child(new_name) {
            Ok(old) => Some(old),
            Err(Errno::ENOENT) => None,
            Err(error) => return Err(error),
        };
        if old.is_some() && flags.contains(RenameFlags::NOREPLACE) {
            return Err(Errno::EEXIST);
        }
        if old.as_ref().is_some_and(|old| Arc::ptr_eq(old, &node)) {
            return Ok(());
        }
        node.movable()?;
        let from = Place { parent: Arc::clone(self), name: Arc::from(name.as_bytes()) };
        let to = Place { parent: Arc::clone(to), name: Arc::from(new_name.as_bytes()) };
        if flags.contains(RenameFlags::EXCHANGE) {
            return exchange(&node, &from, &old.ok_or(Errno::ENOENT)?, &to);
        }
        if let Some(old) = &old {
            check_replacement(&node, old)?;
        }
        replace(&node, &from, old.as_ref(), &to)
    }
}

/// What may take the place of what.
fn check_replacement(node: &Node, old: &Node) -> Result<(), Errno> {
    match (node.kind == FileKind::Directory, old.kind == FileKind::Directory) {
        (true, false) => Err(Errno::ENOTDIR),
        (false, true) => Err(Errno::EISDIR),
        (true, true) if !old.is_empty()? => Err(Errno::ENOTEMPTY),
        _ => Ok(()),
    }
}

/// Makes sure that a file has its name in the upper layer: a copy of a file with several names has only one of them.
fn ensure_named(directory: &InodeRef, name: Name<'_>, file: &InodeRef) -> Result<(), Errno> {
    match find(directory, name)? {
        Some(_) => Ok(()),
        None => directory.link(name, file),
    }
}

fn replace(node: &Arc<Node>, from: &Place, old: Option<&Arc<Node>>, to: &Place) -> Result<(), Errno> {
    let (name, new_name) = (Name::new(&from.name)?, Name::new(&to.name)?);
    let (source, target) = (from.parent.copy_up()?, to.parent.copy_up()?);
    let file = node.copy_up()?;
    let covered = from.parent.lower_has(name)?;
    let upper = node.shared.upper()?;
    let names = node.shared.names.lock();
    ensure_named(&source, name, &file)?;
    let is_directory = node.kind == FileKind::Directory;
    node.mark_moved(&file, from, to)?;
    let flags = if covered { RenameFlags::WHITEOUT } else { RenameFlags::empty() };
    match find(&target, new_name)? {
        Some(whiteout) if is_directory && is_whiteout(&whiteout)? => {
            // A directory cannot replace a whiteout: the two change places, and the whiteout may be wanted there.
            source.rename(name, &target, new_name, RenameFlags::EXCHANGE)?;
            if !covered {
                source.unlink(name)?;
            }
        }
        Some(directory) if directory.kind() == FileKind::Directory => {
            upper.clear(&directory)?;
            source.rename(name, &target, new_name, flags)?;
        }
        _ => source.rename(name, &target, new_name, flags)?,
    }
    if let Some(old) = old {
        old.count_link(-1)?;
        to.parent.forget(old, new_name);
    }
    node.set_place(Some(to.clone()));
    from.parent.touched();
    to.parent.touched();
    drop(names);
    Ok(())
}

fn exchange(node: &Arc<Node>, from: &Place, other: &Arc<Node>, to: &Place) -> Result<(), Errno> {
    other.movable()?;
    let (name, new_name) = (Name::new(&from.name)?, Name::new(&to.name)?);
    let (source, target) = (from.parent.copy_up()?, to.parent.copy_up()?);
    let (file, other_file) = (node.copy_up()?, other.copy_up()?);
    let names = node.shared.names.lock();
    ensure_named(&source, name, &file)?;
    ensure_named(&target, new_name, &other_file)?;
    node.mark_moved(&file, from, to)?;
    other.mark_moved(&other_file, to, from)?;
    source.rename(name, &target, new_name, RenameFlags::EXCHANGE)?;
    node.set_place(Some(to.clone()));
    other.set_place(Some(from.clone()));
    from.parent.touched();
    to.parent.touched();
    drop(names);
    Ok(())
}
