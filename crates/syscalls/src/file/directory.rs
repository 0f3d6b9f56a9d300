//! getdents64(2), getdents(2).

use std::sync::Arc;

use abi::Errno;
use abi::file::{Dirent, Dirent64};
use kernel::memory::write_all;
use kernel::{Task, UserAddr};
use vfs::{DirectoryEntry, DirectorySink, Fd};
use zerocopy::IntoBytes;

use super::descriptor;

/// No listing is longer in one call, whatever the guest has room for.
const MOST: usize = 1 << 20;
/// What C libraries have room for.
const USUAL: usize = 32 << 10;
/// Records begin at multiples of this.
const ALIGNMENT: usize = 8;

/// Which of the two layouts.
#[derive(Clone, Copy)]
enum Layout {
    /// `struct linux_dirent64`.
    New,
    /// `struct linux_dirent`.
    Old,
}

struct Records {
    data: Vec<u8>,
    room: usize,
    layout: Layout,
    /// An entry did not fit.
    full: bool,
}

impl Records {
    /// Adds a record. Nothing, and no change, if it does not fit.
    fn add(&mut self, entry: &DirectoryEntry<'_>) -> Option<()> {
        let kind = entry.kind.directory_type();
        let head = match self.layout {
            Layout::New => size_of::<Dirent64>(),
            Layout::Old => size_of::<Dirent>(),
        };
        // The name's NUL, and in the old layout the type.
        let tail = match self.layout {
            Layout::New => 1,
            Layout::Old => 2,
        };
        let length = (head + entry.name.len() + tail).next_multiple_of(ALIGNMENT);
        let reclen = u16::try_from(length).ok()?;
        let end = self.data.len() + length;
        if end > self.room {
            return None;
        }
        let (ino, off) = (entry.inode, entry.next);
        match self.layout {
            Layout::New => self.data.extend_from_slice(Dirent64 { ino, off, reclen, kind }.as_bytes()),
            Layout::Old => self.data.extend_from_slice(Dirent { ino, off, reclen }.as_bytes()),
        }
        self.data.extend_from_slice(entry.name);
        self.data.resize(end, 0);
        if let (Layout::Old, Some(last)) = (self.layout, self.data.last_mut()) {
            *last = kind;
        }
        Some(())
    }
}

impl DirectorySink for Records {
    fn put(&mut self, entry: &DirectoryEntry<'_>) -> bool {
        let fits = self.add(entry).is_some();
        self.full |= !fits;
        fits
    }
}

fn list(task: &Arc<Task>, fd: Fd, buffer: UserAddr, count: u32, layout: Layout) -> Result<usize, Errno> {
    let file = descriptor::get(task, fd)?;
    let room = usize::try_from(count).map_err(|_| Errno::EINVAL)?.min(MOST);
    let mut records = Records { data: Vec::with_capacity(room.min(USUAL)), room, layout, full: false };
    file.read_directory(&mut records)?;
    if records.data.is_empty() && records.full {
        return Err(Errno::EINVAL);
    }
    write_all(&*task.memory(), buffer, &records.data)?;
    Ok(records.data.len())
}

/// getdents64(2).
///
/// # Errors
/// `EBADF`, `ENOTDIR`, `EINVAL` if not even one entry fits, `EFAULT`.
pub fn getdents64(task: &Arc<Task>, fd: Fd, buffer: UserAddr, count: u32) -> Result<usize, Errno> {
    list(task, fd, buffer, count, Layout::New)
}

/// getdents(2).
///
/// # Errors
/// As [`getdents64`].
pub fn getdents(task: &Arc<Task>, fd: Fd, buffer: UserAddr, count: u32) -> Result<usize, Errno> {
    list(task, fd, buffer, count, Layout::Old)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vfs::FileKind;

    fn put(layout: Layout, room: usize) -> (bool, Vec<u8>) {
        let mut records = Records { data: Vec::new(), room, layout, full: false };
        let entry = DirectoryEntry { inode: 7, kind: FileKind::Directory, name: b"name", next: 9 };
        (records.put(&entry), records.data)
    }

    #[test]
    fn records_have_linuxs_layout() {
        let (stored, new) = put(Layout::New, 24);
        assert!(stored);
        assert_eq!(
            new,
            [&[7, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 24, 0, 4][..], b"name\0"].concat()
        );
        let (_, old) = put(Layout::Old, 100);
        assert_eq!(
            old,
            [&[7, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 24, 0][..], b"name\0\x04"].concat()
        );
        assert!(!put(Layout::New, 23).0);
    }
}
