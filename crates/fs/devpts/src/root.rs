//! The directory of an instance.

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use vfs::filesystem::FileSystemRef;
use vfs::{
    AttributeChange, Attributes, Credentials, Device, DirectoryEntry, DirectorySink, File, FileKind, Inode,
    InodeRef, Name, OpenFlags, Owner,
};

use crate::filesystem::{Devpts, Instance};

/// The root, which is the only directory.
pub(crate) struct Root {
    instance: Arc<Instance>,
}

const ROOT: u64 = 1;
const PTMX: (&[u8], u64) = (b"ptmx", 2);

impl Root {
    pub(crate) const fn new(instance: Arc<Instance>) -> Self {
        Self { instance }
    }
}

impl Inode for Root {
    fn filesystem(&self) -> FileSystemRef {
        Devpts::of(&self.instance)
    }

    fn attributes(&self) -> Result<Attributes, Errno> {
        let born = self.instance.born;
        Ok(Attributes {
            inode: ROOT,
            kind: FileKind::Directory,
            mode: 0o755,
            links: 2,
            owner: Owner::default(),
            device: Device::default(),
            size: 0,
            blocks: 0,
            block_size: 1024,
            accessed: born,
            modified: born,
            changed: born,
            born: None,
            flags: None,
        })
    }

    fn kind(&self) -> FileKind {
        FileKind::Directory
    }

    fn set_attributes(&self, _: &AttributeChange) -> Result<(), Errno> {
        Err(Errno::EPERM)
    }

    fn lookup(&self, name: Name<'_>) -> Result<InodeRef, Errno> {
        if name.as_bytes() == PTMX.0 {
            return Ok(self.instance.ptmx());
        }
        let text = str::from_utf8(name.as_bytes()).map_err(|_| Errno::ENOENT)?;
        let number: u32 = text.parse().map_err(|_| Errno::ENOENT)?;
        // Neither `01` nor `+1`.
        if number.to_string() != text {
            return Err(Errno::ENOENT);
        }
        Ok(self.instance.node(number).ok_or(Errno::ENOENT)?)
    }

    /// Files cannot be made here, which Linux says differently of regular ones.
    fn create(&self, _: Name<'_>, kind: FileKind, _: u32, _: Owner, _: Device) -> Result<InodeRef, Errno> {
        Err(if kind == FileKind::Regular { Errno::EACCES } else { Errno::EPERM })
    }

    fn open(self: Arc<Self>, _: OpenFlags, _: &Credentials) -> Result<Arc<dyn File>, Errno> {
        Ok(Arc::new(Listing { instance: Arc::clone(&self.instance) }))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The directory, open.
struct Listing {
    instance: Arc<Instance>,
}

impl File for Listing {
    fn read_directory(&self, position: u64, into: &mut dyn DirectorySink) -> Result<(), Errno> {
        let fixed = [(&b"."[..], ROOT, FileKind::Directory), (&b".."[..], ROOT, FileKind::Directory)];
        let fixed = fixed.into_iter().chain([(PTMX.0, PTMX.1, FileKind::CharacterDevice)]);
        for (at, (name, inode, kind)) in (0_u64..).zip(fixed) {
            if at >= position && !into.put(&DirectoryEntry { inode, kind, name, next: at + 1 }) {
                return Ok(());
            }
        }
        for number in self.instance.numbers() {
            // The positions are those of inode numbers, which stay as others come and go.
            let at = u64::from(number).saturating_add(3);
            let name = number.to_string();
            let kind = FileKind::CharacterDevice;
            let entry = DirectoryEntry { inode: at, kind, name: name.as_bytes(), next: at.saturating_add(1) };
            if at >= position && !into.put(&entry) {
                return Ok(());
            }
        }
        Ok(())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
