//! The process filesystem: what proc(5) describes, generated from the kernel's state.
//!
//! Memory, CPU time and mappings of a process are the host's to know: those parts come from the host's own files about the stub and are
//! translated, so that no path, device or process of the host shows.
#![forbid(unsafe_code)]

mod root;
mod sysctl;
mod system;
mod task;

use std::sync::Arc;

use abi::Errno;
use devpts::Ptys;
use kernel::Kernel;
use kernel::namespace::Pids;
use synthetic::{Meta, Node, Synthetic};
use vfs::{Device, FileSystem, Owner};

/// `PROC_SUPER_MAGIC`.
const MAGIC: u64 = 0x9fa0;

/// The host's own /proc, of which a few files tell about the machine.
pub trait HostFiles: Send + Sync {
    /// The text of a file right below /proc: `meminfo`, `cpuinfo`, `loadavg`, `stat`.
    ///
    /// # Errors
    /// `ENOENT` if the host has none or does not let it be read.
    fn read(&self, name: &str) -> Result<Vec<u8>, Errno>;
}

/// What the files are generated from.
#[derive(Clone)]
pub(crate) struct System {
    pub(crate) kernel: Arc<Kernel>,
    pub(crate) host: Arc<dyn HostFiles>,
    pub(crate) ptys: Arc<Ptys>,
    /// Whose numbers the directories have.
    pub(crate) pids: Arc<Pids>,
}

/// A proc filesystem that shows the processes of a pid namespace.
#[must_use]
pub fn filesystem(
    kernel: Arc<Kernel>,
    host: Arc<dyn HostFiles>,
    ptys: Arc<Ptys>,
    pids: Arc<Pids>,
    device: Device,
) -> Arc<dyn FileSystem> {
    let system = System { kernel, host, ptys, pids };
    let meta = Meta { inode: root::INODE, mode: 0o555, owner: Owner::default() };
    Synthetic::new("proc", MAGIC, device, Node::Directory(meta, Arc::new(root::Root::new(system))))
}
