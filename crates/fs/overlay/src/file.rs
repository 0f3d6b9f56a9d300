//! A file of a lower layer, open for reading.

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use parking_lot::RwLock;
use vfs::{Events, File, IoctlContext, MapSource, OpenFlags, Seek, Sink, Source, WaitQueue};

use crate::node::Node;

/// Reads the lower file until there is a copy, and then the copy. (What was mapped before stays mapped, as in Linux.)
pub(crate) struct LowerFile {
    node: Arc<Node>,
    flags: OpenFlags,
    lower: Arc<dyn File>,
    copy: RwLock<Option<Arc<dyn File>>>,
}

impl LowerFile {
    pub(crate) const fn new(node: Arc<Node>, flags: OpenFlags, lower: Arc<dyn File>) -> Self {
        Self { node, flags, lower, copy: RwLock::new(None) }
    }

    /// The file to read now.
    fn current(&self) -> Result<Arc<dyn File>, Errno> {
        let Some(upper) = self.node.whole_upper() else { return Ok(Arc::clone(&self.lower)) };
        if let Some(copy) = self.copy.read().as_ref() {
            return Ok(Arc::clone(copy));
        }
        let opened = upper.open(self.flags, &self.node.shared.kernel)?;
        Ok(Arc::clone(self.copy.write().get_or_insert(opened)))
    }
}

impl File for LowerFile {
    fn read(&self, offset: u64, into: &mut dyn Sink) -> Result<usize, Errno> {
        self.current()?.read(offset, into)
    }

    fn write(&self, offset: Option<u64>, from: &mut dyn Source) -> Result<(usize, u64), Errno> {
        self.current()?.write(offset, from)
    }

    fn seekable(&self) -> bool {
        self.lower.seekable()
    }

    fn seek(&self, to: Seek) -> Result<u64, Errno> {
        self.current()?.seek(to)
    }

    fn poll(&self) -> Events {
        self.lower.poll()
    }

    fn readiness(&self) -> Option<&Arc<WaitQueue>> {
        self.lower.readiness()
    }

    fn ioctl(&self, context: &dyn IoctlContext, request: u32, argument: u64) -> Result<u64, Errno> {
        self.current()?.ioctl(context, request, argument)
    }

    fn map(&self, protection: u32, shared: bool) -> Result<MapSource, Errno> {
        self.current()?.map(protection, shared)
    }

    fn sync(&self, data_only: bool) -> Result<(), Errno> {
        self.current()?.sync(data_only)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
