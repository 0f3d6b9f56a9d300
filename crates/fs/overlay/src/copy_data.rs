//! Copying a file's content and attributes from one layer to another.

use std::sync::Arc;

use abi::Errno;
use vfs::io::{SliceSource, VecSink};
use vfs::{AttributeChange, Attributes, Credentials, File, InodeRef, OpenFlags, Seek, TimeChange};

use crate::marks::Marks;

/// Bytes copied at once.
const CHUNK: u64 = 1 << 20;

/// Copies the first `size` bytes. Holes stay holes where the source can tell them.
pub(crate) fn copy_content(
    from: &InodeRef,
    to: &InodeRef,
    size: u64,
    kernel: &Credentials,
) -> Result<(), Errno> {
    if size == 0 {
        return Ok(());
    }
    let source = Arc::clone(from).open(OpenFlags::empty(), kernel)?;
    let target = Arc::clone(to).open(OpenFlags::RDWR, kernel)?;
    let mut at = 0;
    while let Some(start) = next_data(source.as_ref(), at, size) {
        let end = source.seek(Seek::Hole(start)).unwrap_or(size).min(size);
        let length = usize::try_from(end.saturating_sub(start).min(CHUNK)).unwrap_or(0);
        let mut sink = VecSink::new(length);
        source.read(start, &mut sink)?;
        if sink.data.is_empty() {
            break;
        }
        write_all(target.as_ref(), start, &sink.data)?;
        at = start.saturating_add(sink.data.len() as u64);
    }
    to.set_attributes(&AttributeChange { size: Some(size), ..Default::default() })
}

/// Where the next data begins; if the file cannot tell, right here.
fn next_data(file: &dyn File, at: u64, size: u64) -> Option<u64> {
    if at >= size {
        return None;
    }
    match file.seek(Seek::Data(at)) {
        Ok(start) => Some(start).filter(|start| *start < size),
        Err(Errno::ENXIO) => None,
        Err(_) => Some(at),
    }
}

fn write_all(file: &dyn File, mut at: u64, mut data: &[u8]) -> Result<(), Errno> {
    while !data.is_empty() {
        let (count, _) = file.write(Some(at), &mut SliceSource::new(data))?;
        if count == 0 {
            return Err(Errno::ENOSPC);
        }
        at = at.saturating_add(count as u64);
        data = data.get(count..).unwrap_or_default();
    }
    Ok(())
}

/// Copies the extended attributes that the target keeps.
pub(crate) fn copy_xattrs(from: &InodeRef, to: &InodeRef, marks: Marks) -> Result<(), Errno> {
    for name in from.xattr_names()?.iter().filter(|name| !marks.is_private(name)) {
        let value = match from.xattr(name) {
            Ok(value) => value,
            Err(Errno::ENODATA | Errno::EOPNOTSUPP) => continue,
            Err(error) => return Err(error),
        };
        match to.set_xattr(name, &value, false, false) {
            Ok(()) | Err(Errno::EOPNOTSUPP) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Gives a copy the mode, the owner and the times of what it is a copy of.
pub(crate) fn copy_attributes(from: &Attributes, to: &InodeRef) -> Result<(), Errno> {
    to.set_attributes(&AttributeChange {
        mode: Some(from.mode),
        uid: Some(from.owner.uid),
        gid: Some(from.owner.gid),
        size: None,
        accessed: Some(TimeChange::To(from.accessed)),
        modified: Some(TimeChange::To(from.modified)),
    })
}

/// Puts back the times of a directory that something was moved into without its content having changed.
pub(crate) fn restore_times(directory: &InodeRef, before: &Attributes) {
    let change = AttributeChange {
        accessed: Some(TimeChange::To(before.accessed)),
        modified: Some(TimeChange::To(before.modified)),
        ..Default::default()
    };
    // A wrong time is no reason to fail what was asked for.
    let _ = directory.set_attributes(&change);
}
