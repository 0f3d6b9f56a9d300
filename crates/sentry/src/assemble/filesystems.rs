//! The filesystems that need nothing from outside: those of the container's description, and those that its programs mount.

use std::sync::{Arc, Weak};

use abi::Errno;
use devpts::{Devpts, Ptys};
use devtmpfs::Devtmpfs;
use kernel::Kernel;
use kernel::filesystems::FileSystemTypes;
use vfs::{Device, FileSystem, SuperBlock};

use super::host_files::HostProc;

/// What they are made from.
pub(super) struct FileSystems {
    kernel: Weak<Kernel>,
    host: Arc<HostProc>,
    devices: Arc<SuperBlock>,
    ptys: Arc<Ptys>,
}

impl FileSystems {
    pub(super) fn new(kernel: &Arc<Kernel>, host: HostProc, devices: &Devtmpfs) -> Arc<Self> {
        let kernel: Weak<Kernel> = Arc::downgrade(kernel);
        let sessions: Weak<dyn vfs::terminal::Sessions> = kernel.clone();
        Arc::new(Self {
            kernel,
            host: Arc::new(host),
            devices: Arc::clone(devices.superblock()),
            ptys: Arc::new(Ptys::new(sessions)),
        })
    }

    /// proc(5).
    ///
    /// # Errors
    /// `EIO` if there is no kernel any more.
    pub(super) fn proc(&self) -> Result<Arc<dyn FileSystem>, Errno> {
        let kernel = self.kernel.upgrade().ok_or(Errno::EIO)?;
        let host: Arc<dyn proc::HostFiles> = Arc::clone(&self.host) as Arc<dyn proc::HostFiles>;
        Ok(proc::filesystem(kernel, host, Arc::clone(&self.ptys), Device::anonymous()))
    }

    /// sysfs(5).
    pub(super) fn sys() -> Arc<dyn FileSystem> {
        let cpus = std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(1));
        sys::filesystem(cpus, Device::anonymous())
    }

    /// A new instance of devpts.
    pub(super) fn devpts(&self, options: devpts::Options) -> Arc<dyn FileSystem> {
        Devpts::new(options, Arc::clone(&self.ptys))
    }
}

/// What mount(2) knows.
pub(super) struct Types(pub(super) Arc<FileSystems>);

impl FileSystemTypes for Types {
    fn make(&self, kind: &[u8], options: &[u8]) -> Result<Arc<SuperBlock>, Errno> {
        let plain = |filesystem: Arc<dyn FileSystem>| {
            if options.is_empty() { Ok(SuperBlock::new(filesystem)) } else { Err(Errno::EINVAL) }
        };
        match kind {
            b"devtmpfs" => Ok(Arc::clone(&self.0.devices)),
            b"devpts" => Ok(SuperBlock::new(self.0.devpts(devpts::Options::parse(options)?))),
            b"proc" => plain(self.0.proc()?),
            b"sysfs" => plain(FileSystems::sys()),
            _ => Err(Errno::ENODEV),
        }
    }
}
