//! Removing names: from the upper layer, and from sight.

use std::sync::Arc;

use abi::Errno;
use vfs::{FileKind, Name};

use crate::node::Node;

impl Node {
    /// unlink(2).
    pub(crate) fn remove_child(self: &Arc<Self>, name: Name<'_>) -> Result<(), Errno> {
        let child = self.child(name)?;
        if child.kind == FileKind::Directory {
            return Err(Errno::EISDIR);
        }
        let covered = self.lower_has(name)?;
        let upper = self.shared.upper()?;
        let directory = self.copy_up()?;
        let names = self.shared.names.lock();
        if covered {
            upper.cover(&self.shared, &directory, name)?;
        } else {
            directory.unlink(name)?;
        }
        child.count_link(-1)?;
        self.forget(&child, name);
        drop(names);
        Ok(())
    }

    /// rmdir(2).
    pub(crate) fn remove_empty_child(self: &Arc<Self>, name: Name<'_>) -> Result<(), Errno> {
        let child = self.child(name)?;
        if child.kind != FileKind::Directory {
            return Err(Errno::ENOTDIR);
        }
        if !child.is_empty()? {
            return Err(Errno::ENOTEMPTY);
        }
        let covered = self.lower_has(name)?;
        let upper = self.shared.upper()?;
        let directory = self.copy_up()?;
        let names = self.shared.names.lock();
        match child.upper() {
            None => upper.cover(&self.shared, &directory, name)?,
            Some(_) if covered => upper.cover_directory(&self.shared, &directory, name)?,
            Some(own) => {
                upper.clear(&own)?;
                directory.remove_directory(name)?;
            }
        }
        self.forget(&child, name);
        drop(names);
        Ok(())
    }

    /// The child has lost this name.
    pub(crate) fn forget(&self, child: &Self, name: Name<'_>) {
        if child.is_at(self, name) {
            child.set_place(None);
        }
        self.touched();
    }
}
