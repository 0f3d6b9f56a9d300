//! The filesystem of a group and what lies below it.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use abi::Errno;
use kernel::Kernel;
use kernel::control_group::{GroupId, Hierarchy, Watcher};
use parking_lot::Mutex;
use vfs::{Device, FileSystem, FileSystemStatistics, InodeRef};

use crate::inode::GroupInode;
use crate::rows::Row;

/// `CGROUP_SUPER_MAGIC` and `CGROUP2_SUPER_MAGIC`.
const MAGIC: [u64; 2] = [0x0027_e0eb, 0x6367_7270];

/// See the module.
pub(crate) struct Groups {
    pub(crate) kernel: Arc<Kernel>,
    root: GroupId,
    /// The hierarchy, if it is one of the first version.
    first: Option<Hierarchy>,
    device: Device,
    /// Those that somebody has, by group and name; that of a directory is empty.
    inodes: Mutex<HashMap<(GroupId, &'static str), Weak<GroupInode>>>,
    this: Weak<Self>,
}

impl Groups {
    pub(crate) fn new(kernel: Arc<Kernel>, root: GroupId) -> Arc<Self> {
        let first = kernel.control_groups.with(|tree| tree.mounted(root));
        let filesystem = Arc::new_cyclic(|this| Self {
            kernel,
            root,
            first,
            device: Device::anonymous(),
            inodes: Mutex::default(),
            this: Weak::clone(this),
        });
        let watcher: Arc<dyn Watcher> = Arc::clone(&filesystem) as Arc<dyn Watcher>;
        filesystem.kernel.control_groups.watch(&watcher);
        filesystem
    }

    /// The inode of a group's directory, or of one of its files.
    pub(crate) fn inode(self: &Arc<Self>, group: GroupId, row: Option<&'static Row>) -> InodeRef {
        let key = (group, row.map_or("", |row| row.name));
        let mut inodes = self.inodes.lock();
        if let Some(inode) = inodes.get(&key).and_then(Weak::upgrade) {
            return inode;
        }
        let new = Arc::new(GroupInode::new(Arc::clone(self), group, row));
        inodes.insert(key, Arc::downgrade(&new));
        new
    }

    pub(crate) const fn is_first_version(&self) -> bool {
        self.first.is_some()
    }

    /// An inode that nobody has any more.
    pub(crate) fn forget(&self, group: GroupId, name: &'static str) {
        let mut inodes = self.inodes.lock();
        if inodes.get(&(group, name)).is_some_and(|inode| inode.strong_count() == 0) {
            inodes.remove(&(group, name));
        }
    }
}

impl FileSystem for Groups {
    fn kind(&self) -> &'static str {
        if self.first.is_some() { "cgroup" } else { "cgroup2" }
    }

    fn device(&self) -> Device {
        self.device
    }

    fn root(&self) -> InodeRef {
        match self.this.upgrade() {
            Some(this) => this.inode(self.root, None),
            // It is being taken apart, and nobody asks any more.
            None => Groups::new(Arc::clone(&self.kernel), self.root).inode(self.root, None),
        }
    }

    fn statistics(&self) -> Result<FileSystemStatistics, Errno> {
        let [first, second] = MAGIC;
        let magic = if self.first.is_some() { first } else { second };
        Ok(FileSystemStatistics { magic, block_size: 4096, name_length: 255, ..Default::default() })
    }

    fn options(&self) -> String {
        match &self.first {
            Some(hierarchy) => format!(",{}", String::from_utf8_lossy(&hierarchy.title())),
            None => String::from(",nsdelegate"),
        }
    }

    fn remount(&self, options: &[u8]) -> Result<(), Errno> {
        let mut options = options.split(|byte| *byte == b',').filter(|option| !option.is_empty());
        if options.all(crate::Filesystems::knows) { Ok(()) } else { Err(Errno::EINVAL) }
    }

    /// As seen from the root of the reader's cgroup namespace.
    fn shown_root(&self, within: Vec<u8>) -> Vec<u8> {
        let Some(viewer) = kernel::current::task() else { return within };
        // Those of the first version are seen whole from all namespaces.
        let from = if self.first.is_some() { self.root } else { viewer.control_root() };
        let mut shown = self.kernel.control_groups.with(|tree| tree.path(self.root, from)).0;
        if within == b"/" {
            return shown;
        }
        if shown == b"/" {
            shown.clear();
        }
        shown.extend(within);
        shown
    }

    fn caches_names(&self) -> bool {
        false
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        if self.first.is_some() {
            self.kernel.hierarchy_unmounted(self.root);
        }
    }
}

impl Watcher for Groups {
    fn changed(&self, group: GroupId, file: &'static str) {
        let inode = self.inodes.lock().get(&(group, file)).and_then(Weak::upgrade);
        let directory = self.inodes.lock().get(&(group, "")).and_then(Weak::upgrade);
        if let Some(inode) = inode {
            let inode: InodeRef = inode;
            vfs::notify::modified(&inode);
        }
        if let Some(directory) = directory {
            let directory: InodeRef = directory;
            vfs::notify::modified_in(&directory, file.as_bytes());
        }
    }
}
