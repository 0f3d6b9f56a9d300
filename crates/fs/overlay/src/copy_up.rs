//! Copying a file into the upper layer before it is changed.

use std::sync::Arc;

use abi::Errno;
use vfs::{AttributeChange, Attributes, FileKind, InodeRef, LinkTarget, Name};

use crate::copy_data::{copy_attributes, copy_content, copy_xattrs, restore_times};
use crate::filesystem::{Several, Upper};
use crate::node::Node;

/// How much of a file is copied.
#[derive(Clone, Copy)]
enum Part {
    /// All, with so many bytes of content at most.
    Up(u64),
    /// Without its content.
    Attributes,
}

impl Node {
    /// Its inode in the upper layer, which is made now if there is none, as are those of the directories above it.
    ///
    /// # Errors
    /// `EROFS` without an upper layer, `ENOSPC`, and those of reading the lower one.
    pub(crate) fn copy_up(self: &Arc<Self>) -> Result<InodeRef, Errno> {
        self.copy_up_part(u64::MAX)
    }

    /// As [`Self::copy_up`], for a file that is to be cut to `size` at once.
    pub(crate) fn copy_up_part(self: &Arc<Self>, size: u64) -> Result<InodeRef, Errno> {
        if let Some(upper) = self.whole_upper() {
            return Ok(upper);
        }
        if self.upper().is_some() {
            return self.complete(size);
        }
        self.copy_with_parents(Part::Up(size))
    }

    /// As [`Self::copy_up`], but what is to change are its attributes alone.
    pub(crate) fn copy_up_attributes(self: &Arc<Self>) -> Result<InodeRef, Errno> {
        match self.upper() {
            Some(upper) => Ok(upper),
            None if self.shared.metacopy && self.kind == FileKind::Regular => {
                self.copy_with_parents(Part::Attributes)
            }
            None => self.copy_with_parents(Part::Up(u64::MAX)),
        }
    }

    /// Gives a copy without content its content, as far as that is not to be cut off.
    fn complete(&self, size: u64) -> Result<InodeRef, Errno> {
        let _copying = self.copying.lock();
        let layers = self.layers();
        let upper = layers.upper.ok_or(Errno::EIO)?;
        if let Some(data) = layers.data {
            let before = upper.attributes()?;
            copy_content(&data, &upper, before.size.min(size), &self.shared.kernel)?;
            restore_times(&upper, &before);
            self.shared.marks.remove_metacopy(&upper)?;
            self.set_upper(Arc::clone(&upper), None);
        }
        Ok(upper)
    }

    fn copy_with_parents(self: &Arc<Self>, part: Part) -> Result<InodeRef, Errno> {
        // From the topmost directory without a copy down to the file.
        let mut pending = vec![Arc::clone(self)];
        while let Some(parent) = pending.last().and_then(|node| node.place()).map(|place| place.parent) {
            if parent.upper().is_some() {
                break;
            }
            pending.push(parent);
        }
        let mut copy = None;
        while let Some(node) = pending.pop() {
            copy = Some(node.copy_one(if pending.is_empty() { part } else { Part::Up(u64::MAX) })?);
        }
        copy.ok_or(Errno::EIO)
    }

    /// Copies it, after the directory it lies in was.
    fn copy_one(self: &Arc<Self>, part: Part) -> Result<InodeRef, Errno> {
        let upper = self.shared.upper()?;
        let _copying = self.copying.lock();
        if let Some(copy) = self.upper() {
            return Ok(copy);
        }
        let layers = self.layers();
        let lower = layers.lowers.first().map(|lower| Arc::clone(&lower.inode)).ok_or(Errno::EIO)?;
        let attributes = lower.attributes()?;
        let content = layers.data.unwrap_or_else(|| Arc::clone(&lower));
        let temporary = self.shared.temporary_name();
        let temporary = Name::new(&temporary)?;
        let made = make_copy(upper, temporary, &lower, &attributes, &self.shared.kernel);
        let ready = made.and_then(|copy| {
            let lacking = self.fill_copy((&lower, &content), &copy, &attributes, part)?;
            self.place_copy(upper, temporary, &copy)?;
            Ok((copy, lacking))
        });
        let (copy, lacking) = ready.inspect_err(|_| {
            // Nothing of what failed shall stay.
            let directory = self.kind == FileKind::Directory;
            let _ =
                if directory { upper.work.remove_directory(temporary) } else { upper.work.unlink(temporary) };
        })?;
        if attributes.links > 1 && self.kind != FileKind::Directory {
            self.note_copy(&copy, attributes.links)?;
        }
        self.set_upper(Arc::clone(&copy), lacking.then_some(content));
        Ok(copy)
    }

    /// Its other names in the lower layer lead to the copy from now on, if it has a name left at all.
    fn note_copy(&self, copy: &InodeRef, links: u64) -> Result<(), Errno> {
        let mut several = self.shared.several.lock();
        let links = if let Some(names) = several.get_mut(&self.number) {
            names.upper = Some(Arc::clone(copy));
            names.links
        } else if self.place().is_some() {
            several.insert(self.number, Several { upper: Some(Arc::clone(copy)), links });
            links
        } else {
            return Ok(());
        };
        drop(several);
        self.shared.index_copy(self.number, copy, links)
    }

    /// Whether the copy has no content yet.
    fn fill_copy(
        &self,
        (lower, content): (&InodeRef, &InodeRef),
        copy: &InodeRef,
        attributes: &Attributes,
        part: Part,
    ) -> Result<bool, Errno> {
        let mut lacking = false;
        if self.kind == FileKind::Regular {
            let size = match part {
                Part::Up(size) => attributes.size.min(size),
                // A filesystem that keeps no marks gets all of it.
                Part::Attributes => {
                    lacking = attributes.size > 0 && self.shared.marks.set_metacopy(copy).is_ok();
                    attributes.size
                }
            };
            if lacking {
                copy.set_attributes(&AttributeChange { size: Some(size), ..Default::default() })?;
            } else {
                copy_content(content, copy, size, &self.shared.kernel)?;
            }
        }
        copy_xattrs(lower, copy, self.shared.marks)?;
        self.shared.marks.set_origin(copy, self.number)?;
        copy_attributes(attributes, copy)?;
        Ok(lacking)
    }

    /// Moves a copy that is ready to where it belongs; if the file was removed by now, it stays without a name.
    fn place_copy(&self, upper: &Upper, temporary: Name<'_>, copy: &InodeRef) -> Result<(), Errno> {
        let _names = self.shared.names.lock();
        let Some(place) = self.place() else {
            return match copy.kind() {
                FileKind::Directory => upper.work.remove_directory(temporary),
                _ => upper.work.unlink(temporary),
            };
        };
        let directory = place.parent.upper().ok_or(Errno::EIO)?;
        let before = directory.attributes()?;
        upper.work.rename(temporary, &directory, Name::new(&place.name)?, vfs::RenameFlags::empty())?;
        restore_times(&directory, &before);
        Ok(())
    }
}

/// Makes an empty file of the same type in the work directory.
fn make_copy(
    upper: &Upper,
    name: Name<'_>,
    lower: &InodeRef,
    attributes: &Attributes,
    kernel: &vfs::Credentials,
) -> Result<InodeRef, Errno> {
    let (mode, owner) = (attributes.mode, attributes.owner);
    match attributes.kind {
        FileKind::Directory => upper.work.create_directory(name, mode, owner),
        FileKind::Symlink => match lower.read_link(kernel)? {
            LinkTarget::Path(target) => upper.work.create_symlink(name, &target, owner),
            LinkTarget::Place(_) | LinkTarget::Opened(_) => Err(Errno::EPERM),
        },
        kind => upper.work.create(name, kind, mode, owner, attributes.device),
    }
}
