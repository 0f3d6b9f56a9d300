//! FIFOs: which pipe belongs to which inode.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use abi::Errno;
use parking_lot::Mutex;
use vfs::{Attributes, Device, File, InodeRef, OpenFlags};

use crate::{Pipe, PipeEnd};

/// The pipes of all open FIFOs of the sandbox, by filesystem and inode number.
#[derive(Default)]
pub struct Fifos {
    open: Mutex<Registry>,
}

#[derive(Default)]
struct Registry {
    pipes: HashMap<(Device, u64), Weak<Pipe>>,
    /// Closed ones are swept out when there are this many.
    sweep_at: usize,
}

impl Fifos {
    /// Opens a FIFO: the part of [`vfs::special::SpecialFiles::open`] for them. Does not wait; see [`File::opened`].
    ///
    /// # Errors
    /// As [`PipeEnd::open`].
    pub fn open(
        &self,
        inode: &InodeRef,
        attributes: &Attributes,
        flags: OpenFlags,
    ) -> Result<Arc<dyn File>, Errno> {
        let key = (inode.filesystem().device(), attributes.inode);
        let pipe = self.open.lock().pipe(key, || Pipe::new(attributes.owner));
        Ok(PipeEnd::open(&pipe, flags, Some(Arc::clone(inode)))?)
    }
}

impl Registry {
    fn pipe(&mut self, key: (Device, u64), make: impl FnOnce() -> Arc<Pipe>) -> Arc<Pipe> {
        if let Some(pipe) = self.pipes.get(&key).and_then(Weak::upgrade) {
            return pipe;
        }
        if self.pipes.len() >= self.sweep_at {
            self.pipes.retain(|_, pipe| pipe.strong_count() > 0);
            self.sweep_at = self.pipes.len().saturating_mul(2).max(64);
        }
        let pipe = make();
        self.pipes.insert(key, Arc::downgrade(&pipe));
        pipe
    }
}
