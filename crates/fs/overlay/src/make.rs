//! New names in the upper layer.

use std::sync::Arc;

use abi::Errno;
use vfs::{FileKind, Inode, InodeRef, Name};

use crate::marks::{find, is_whiteout};
use crate::node::{Layers, Node, Place};

impl Node {
    /// Makes a file by `maker`, which gets the directory to make it in.
    pub(crate) fn make_child(
        self: &Arc<Self>,
        name: Name<'_>,
        maker: impl FnOnce(&dyn Inode, Name<'_>) -> Result<InodeRef, Errno>,
    ) -> Result<Arc<Self>, Errno> {
        let inode = self.put(name, maker)?;
        self.wrap(name, Layers::of_upper(inode))
    }

    /// Puts what `maker` makes at a name of this directory that is free, or covered with a whiteout.
    fn put(
        self: &Arc<Self>,
        name: Name<'_>,
        maker: impl FnOnce(&dyn Inode, Name<'_>) -> Result<InodeRef, Errno>,
    ) -> Result<InodeRef, Errno> {
        let upper = self.shared.upper()?;
        let directory = self.copy_up()?;
        let _names = self.shared.names.lock();
        let inode = match find(&directory, name)? {
            None => maker(directory.as_ref(), name)?,
            Some(old) if !is_whiteout(&old)? => return Err(Errno::EEXIST),
            Some(_) => upper.install(&self.shared, &directory, name, |work, temporary| {
                let inode = maker(work, temporary)?;
                if inode.kind() == FileKind::Directory {
                    self.shared.marks.set_opaque(&inode)?;
                }
                Ok(inode)
            })?,
        };
        self.touched();
        Ok(inode)
    }

    /// Gives a file another name here.
    pub(crate) fn link_child(self: &Arc<Self>, name: Name<'_>, target: &Arc<Self>) -> Result<(), Errno> {
        let inode = target.copy_up()?;
        self.put(name, |directory, name| directory.link(name, &inode).map(|()| Arc::clone(&inode)))?;
        target.count_link(1)?;
        if target.place().is_none() {
            target.set_place(Some(Place { parent: Arc::clone(self), name: Arc::from(name.as_bytes()) }));
        }
        Ok(())
    }
}
