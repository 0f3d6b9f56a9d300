//! Copies of files that have several names in a lower layer, remembered from one mount to the next (`index=on`): one more link of each
//! copy, in a directory of its own, named after the inode number that the file is seen with.

use std::sync::Arc;

use abi::Errno;
use vfs::{Attributes, FileKind, InodeRef, Name};

use crate::filesystem::{Several, Shared};
use crate::marks::find;

/// What a file is called in the index.
fn name_of(number: u64) -> Vec<u8> {
    format!("{number:016x}").into_bytes()
}

impl Shared {
    fn index(&self) -> Option<&InodeRef> {
        self.upper.as_ref().and_then(|upper| upper.index.as_ref())
    }

    /// The copy of a file of a lower layer that another of its names led to.
    pub(crate) fn copy_of(&self, number: u64, lower: &Attributes) -> Result<Option<InodeRef>, Errno> {
        if lower.links < 2 || lower.kind == FileKind::Directory {
            return Ok(None);
        }
        if let Some(names) = self.several.lock().get(&number) {
            return Ok(names.upper.clone());
        }
        let Some(index) = self.index() else { return Ok(None) };
        let Some(copy) = find(index, Name::new(&name_of(number))?)? else { return Ok(None) };
        let links = self.marks.links(&copy).unwrap_or(lower.links);
        let mut several = self.several.lock();
        let names = several.entry(number).or_insert(Several { upper: Some(copy), links });
        Ok(names.upper.clone())
    }

    /// A copy was met in the upper layer: if the index has it, its link there is not to be counted.
    pub(crate) fn index_known(&self, number: u64, copy: &InodeRef) -> Result<(), Errno> {
        let Some(index) = self.index() else { return Ok(()) };
        if copy.kind() == FileKind::Directory || self.several.lock().contains_key(&number) {
            return Ok(());
        }
        let Some(links) = self.marks.links(copy) else { return Ok(()) };
        if find(index, Name::new(&name_of(number))?)?.is_some() {
            let names = Several { upper: Some(Arc::clone(copy)), links };
            self.several.lock().entry(number).or_insert(names);
        }
        Ok(())
    }

    /// A copy of a file with so many names is to be remembered.
    pub(crate) fn index_copy(&self, number: u64, copy: &InodeRef, links: u64) -> Result<(), Errno> {
        let Some(index) = self.index() else { return Ok(()) };
        self.marks.set_links(copy, links)?;
        match index.link(Name::new(&name_of(number))?, copy) {
            Err(Errno::EEXIST) => Ok(()),
            other => other,
        }
    }

    /// The number of names has changed. What cannot be noted is found out of date at the next mount, which changes no content.
    pub(crate) fn index_count(&self, number: u64, names: &Several) {
        let (Some(index), Some(copy)) = (self.index(), &names.upper) else { return };
        let name = name_of(number);
        let noted = match names.links {
            0 => Name::new(&name).and_then(|name| index.unlink(name)),
            links => self.marks.set_links(copy, links),
        };
        let _ = noted;
    }
}
