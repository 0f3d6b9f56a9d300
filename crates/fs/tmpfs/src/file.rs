//! An open regular file.

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use vfs::{Attributes, Credentials, File, InodeRef, MapSource, OpenFlags, Seek, Sink, Source};

use crate::node::Node;
use crate::seals::Seals;

const PROT_WRITE: u32 = 2;
const KEEP_SIZE: u32 = 1;
const PUNCH_HOLE: u32 = 2;

/// A regular file of a tmpfs, open. All descriptions of one file are alike: what it may do is checked above.
pub(crate) struct RegularFile {
    pub(crate) node: Arc<Node>,
    /// For a memfd: the name that it was given.
    name: Option<Vec<u8>>,
    writable: bool,
}

impl RegularFile {
    pub(crate) const fn new(node: Arc<Node>, flags: OpenFlags) -> Self {
        Self { node, name: None, writable: flags.writes() }
    }

    pub(crate) const fn memfd(node: Arc<Node>, name: Vec<u8>, writable: bool) -> Self {
        Self { node, name: Some(name), writable }
    }
}

impl File for RegularFile {
    fn read(&self, offset: u64, into: &mut dyn Sink) -> Result<usize, Errno> {
        self.node.content()?.read().read(offset, into)
    }

    fn write(&self, offset: Option<u64>, from: &mut dyn Source) -> Result<(usize, u64), Errno> {
        let result = self.node.content()?.write().write(offset, from)?;
        if result.0 > 0 {
            self.node.modified();
        }
        Ok(result)
    }

    fn seek(&self, to: Seek) -> Result<u64, Errno> {
        let content = self.node.content()?.read();
        match to {
            Seek::End(by) => content.size().checked_add_signed(by).ok_or(Errno::EINVAL),
            Seek::Data(offset) => content.seek(offset, false),
            Seek::Hole(offset) => content.seek(offset, true),
            Seek::Set(_) | Seek::Current(_) => Err(Errno::EINVAL),
        }
    }

    fn map(&self, protection: u32, shared: bool) -> Result<MapSource, Errno> {
        let mut content = self.node.content()?.write();
        let writable = shared && self.writable;
        if shared && content.seals().intersects(Seals::WRITE | Seals::FUTURE_WRITE) {
            if protection & PROT_WRITE != 0 {
                return Err(Errno::EPERM);
            }
            return content.host_file(false).map(|file| MapSource::Host(Arc::new(file)));
        }
        content.host_file(writable).map(|file| MapSource::Host(Arc::new(file)))
    }

    fn sync(&self, _data_only: bool) -> Result<(), Errno> {
        Ok(())
    }

    fn allocate(&self, mode: u32, offset: u64, length: u64) -> Result<(), Errno> {
        if mode & !(KEEP_SIZE | PUNCH_HOLE) != 0 {
            return Err(Errno::EOPNOTSUPP);
        }
        if length == 0 {
            return Err(Errno::EINVAL);
        }
        let end = offset.checked_add(length).ok_or(Errno::EFBIG)?;
        let mut content = self.node.content()?.write();
        match mode {
            PUNCH_HOLE => return Err(Errno::EOPNOTSUPP),
            0 => content.reserve(offset, end, false)?,
            KEEP_SIZE => content.reserve(offset, end, true)?,
            _ => content.punch(offset, end)?,
        }
        drop(content);
        self.node.modified();
        Ok(())
    }

    fn inode(&self) -> Option<InodeRef> {
        Some(Arc::clone(&self.node) as InodeRef)
    }

    fn attributes(&self) -> Result<Attributes, Errno> {
        Ok(self.node.report())
    }

    fn reopen(&self, flags: OpenFlags, _credentials: &Credentials) -> Result<Arc<dyn File>, Errno> {
        let node = Arc::clone(&self.node);
        Ok(match &self.name {
            Some(name) => Arc::new(Self::memfd(node, name.clone(), flags.writes())),
            None => Arc::new(Self::new(node, flags)),
        })
    }

    fn description(&self) -> String {
        let name = self.name.as_deref().unwrap_or_default();
        format!("/memfd:{} (deleted)", String::from_utf8_lossy(name))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
