//! The one instance of devtmpfs.

use std::sync::Arc;

use abi::Errno;
use tmpfs::{Options, Tmpfs};
use vfs::{Dentry, Device, FileKind, Name, Owner, SuperBlock};

/// Device nodes that are there from the start: path, major, minor, mode.
const NODES: &[(&str, u32, u32, u32)] = &[
    ("null", 1, 3, 0o666),
    ("zero", 1, 5, 0o666),
    ("full", 1, 7, 0o666),
    ("random", 1, 8, 0o666),
    ("urandom", 1, 9, 0o666),
    ("tty", 5, 0, 0o666),
    ("fuse", 10, 229, 0o666),
];

/// Links that are there from the start.
const LINKS: &[(&str, &str)] = &[
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
];

/// Directories that others are mounted upon.
const DIRECTORIES: &[&str] = &["shm", "pts"];

/// The filesystem of /dev. All mounts of it show the same nodes.
pub struct Devtmpfs {
    superblock: Arc<SuperBlock>,
}

impl Devtmpfs {
    /// The filesystem with its standard nodes, on a machine with so many bytes of memory.
    ///
    /// # Errors
    /// `ENOSPC` on a machine with next to no memory.
    pub fn new(memory: u64) -> Result<Self, Errno> {
        let options = Options { mode: 0o755, ..Options::for_memory(memory) };
        let devtmpfs = Self { superblock: SuperBlock::new(Tmpfs::named("devtmpfs", options, memory)) };
        for (path, major, minor, mode) in NODES {
            let device = Device::new(*major, *minor);
            devtmpfs.add(path.as_bytes(), FileKind::CharacterDevice, device, *mode, Owner::default())?;
        }
        for (name, target) in LINKS {
            let name = Name::new(name.as_bytes())?;
            let root = devtmpfs.superblock.root();
            devtmpfs.superblock.make(root, name, |directory| {
                directory.create_symlink(name, target.as_bytes(), Owner::default())
            })?;
        }
        for name in DIRECTORIES {
            devtmpfs.directory(devtmpfs.superblock.root(), Name::new(name.as_bytes())?)?;
        }
        Ok(devtmpfs)
    }

    /// What to mount.
    #[must_use]
    pub const fn superblock(&self) -> &Arc<SuperBlock> {
        &self.superblock
    }

    /// Adds a node at a path below /dev, and the directories that it lies in. A node that is there already stays.
    ///
    /// # Errors
    /// `EINVAL` for a path with empty components, `.` or `..`; `ENOTDIR`; `ENOSPC`.
    pub fn add(
        &self,
        path: &[u8],
        kind: FileKind,
        device: Device,
        mode: u32,
        owner: Owner,
    ) -> Result<(), Errno> {
        let mut directory = Arc::clone(self.superblock.root());
        let mut parts = path.split(|byte| *byte == b'/').peekable();
        while let Some(part) = parts.next() {
            let name = Name::new(part)?;
            if parts.peek().is_some() {
                directory = self.directory(&directory, name)?;
            } else {
                let make = |d: &vfs::InodeRef| d.create(name, kind, mode, owner, device);
                self.superblock.make(&directory, name, make)?;
            }
        }
        Ok(())
    }

    fn directory(&self, directory: &Arc<Dentry>, name: Name<'_>) -> Result<Arc<Dentry>, Errno> {
        let make = |d: &vfs::InodeRef| d.create_directory(name, 0o755, Owner::default());
        let dentry = self.superblock.make(directory, name, make)?;
        if dentry.inode_ref().kind() == FileKind::Directory { Ok(dentry) } else { Err(Errno::ENOTDIR) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMORY: u64 = 1 << 30;

    fn find(devtmpfs: &Devtmpfs, path: &str) -> Result<vfs::Attributes, Errno> {
        let mut inode = devtmpfs.superblock().filesystem().root();
        for part in path.split('/') {
            inode = inode.lookup(Name::new(part.as_bytes())?)?;
        }
        inode.attributes()
    }

    #[test]
    fn the_standard_nodes_are_there() {
        let devtmpfs = Devtmpfs::new(MEMORY).unwrap();
        let null = find(&devtmpfs, "null").unwrap();
        assert_eq!((null.kind, null.mode), (FileKind::CharacterDevice, 0o666));
        assert_eq!(null.device, Device::new(1, 3));
        assert_eq!(find(&devtmpfs, "ptmx").unwrap().kind, FileKind::Symlink);
        assert_eq!(find(&devtmpfs, "shm").unwrap().mode, 0o755);
        assert_eq!(find(&devtmpfs, "core").unwrap_err(), Errno::ENOENT);
    }

    #[test]
    fn a_node_comes_with_its_directories() {
        let devtmpfs = Devtmpfs::new(MEMORY).unwrap();
        let device = Device::new(10, 200);
        let add =
            |path: &[u8]| devtmpfs.add(path, FileKind::CharacterDevice, device, 0o600, Owner::default());
        add(b"net/deep/tun").unwrap();
        assert_eq!(find(&devtmpfs, "net/deep/tun").unwrap().device, device);
        assert_eq!(find(&devtmpfs, "net").unwrap().mode, 0o755);
        assert_eq!(add(b"null/tun"), Err(Errno::ENOTDIR));
        assert_eq!(add(b"../escape"), Err(Errno::EINVAL));
    }
}
