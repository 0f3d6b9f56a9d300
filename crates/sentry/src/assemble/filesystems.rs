//! The filesystems that need nothing from outside: those of the container's description, and those that its programs mount.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use abi::Errno;
use devpts::{Devpts, Ptys};
use devtmpfs::Devtmpfs;
use gofer::{Ids, Reach};
use kernel::Kernel;
use kernel::namespace::Pids;
use vfs::{Caller, Device, FileSystem, FileSystemType, MountOption, MountRequest, SuperBlock, UserNamespace};

use super::host_files::HostProc;
use super::images::Images;
use super::ninep_type::Ninep;
use super::overlay_options::OverlayType;

/// What they are made from.
pub(super) struct FileSystems {
    kernel: Weak<Kernel>,
    host: Arc<HostProc>,
    devices: Arc<SuperBlock>,
    ptys: Arc<Ptys>,
    control_groups: cgroup::Filesystems,
    /// As in [`crate::boot::Document`].
    pub(super) direct: Option<Ids>,
    /// What is reached through the files that it then serves itself.
    pub(super) reach: Reach,
}

impl FileSystems {
    pub(super) fn new(
        kernel: &Arc<Kernel>,
        host: HostProc,
        devices: &Devtmpfs,
        (direct, reach): (Option<Ids>, Reach),
    ) -> Arc<Self> {
        let kernel: Weak<Kernel> = Arc::downgrade(kernel);
        let sessions: Weak<dyn vfs::terminal::Sessions> = kernel.clone();
        Arc::new(Self {
            kernel,
            host: Arc::new(host),
            devices: Arc::clone(devices.superblock()),
            ptys: Arc::new(Ptys::new(sessions)),
            control_groups: cgroup::Filesystems::default(),
            direct,
            reach,
        })
    }

    /// proc(5), showing the processes of a pid namespace.
    ///
    /// # Errors
    /// `EIO` if there is no kernel any more.
    pub(super) fn proc(&self, pids: &Arc<Pids>) -> Result<Arc<dyn FileSystem>, Errno> {
        let kernel = self.kernel.upgrade().ok_or(Errno::EIO)?;
        let host: Arc<dyn proc::HostFiles> = Arc::clone(&self.host) as Arc<dyn proc::HostFiles>;
        Ok(proc::filesystem(kernel, host, Arc::clone(&self.ptys), Arc::clone(pids), Device::anonymous()))
    }

    /// sysfs(5).
    pub(super) fn sys() -> Arc<dyn FileSystem> {
        let processors = sys::Processors {
            online: host::machine::processors,
            possible: host::machine::possible_processors,
        };
        sys::filesystem(processors, Device::anonymous())
    }

    /// The control group of a container.
    ///
    /// # Errors
    /// `EIO` if there is no kernel any more.
    pub(super) fn cgroup(&self, container: u32) -> Result<Arc<SuperBlock>, Errno> {
        let kernel = self.kernel.upgrade().ok_or(Errno::EIO)?;
        let root = kernel.control_groups.with(|tree| tree.root(container));
        Ok(self.control_groups.of(&kernel, root, &UserNamespace::initial()))
    }

    /// A new instance of devpts.
    pub(super) fn devpts(&self, options: devpts::Options) -> Arc<dyn FileSystem> {
        Devpts::new(options, Arc::clone(&self.ptys))
    }
}

/// Registers the types that mount(2) knows.
pub(super) fn register(kernel: &Arc<Kernel>, filesystems: &Arc<FileSystems>) {
    let memory = host::machine::memory();
    let plain = |name, make| Arc::new(Plain { name, filesystems: Arc::clone(filesystems), make });
    let sysfs = SuperBlock::new(FileSystems::sys());
    let types: Vec<Arc<dyn FileSystemType>> = vec![
        Arc::new(Ninep),
        Arc::new(Pseudoterminals(Arc::clone(filesystems))),
        Arc::new(FirstControlGroups(Arc::clone(filesystems))),
        Arc::new(ControlGroups(Arc::clone(filesystems))),
        plain("devtmpfs", |filesystems, _| Ok(Arc::clone(&filesystems.devices))),
        Arc::new(fuse::Fuse),
        Arc::new(fuse::Control::new(SuperBlock::new(fuse::control_filesystem()))),
        Arc::new(MessageQueues),
        Arc::new(Images),
        Arc::new(OverlayType),
        Arc::new(Processes(Arc::clone(filesystems))),
        Arc::new(Memory { name: "ramfs", memory }),
        Arc::new(Only { name: "sysfs", superblock: sysfs }),
        Arc::new(Memory { name: "tmpfs", memory }),
    ];
    kernel.set_filesystems(types);
}

/// tmpfs, and ramfs by its name.
struct Memory {
    name: &'static str,
    memory: u64,
}

impl FileSystemType for Memory {
    fn name(&self) -> &'static str {
        self.name
    }

    fn in_user_namespaces(&self) -> bool {
        true
    }

    fn check(&self, option: &MountOption) -> Result<(), Errno> {
        tmpfs::Options::parse(&option.text(), self.memory).map(drop)
    }

    fn make(&self, request: &MountRequest<'_>) -> Result<Arc<SuperBlock>, Errno> {
        let options = tmpfs::Options::parse(&MountOption::join(request.options), self.memory)?;
        let credentials = request.caller.credentials;
        let options = options.given_by(credentials)?;
        let filesystem = tmpfs::Tmpfs::named(self.name, options, self.memory);
        Ok(SuperBlock::of(filesystem, Arc::clone(&credentials.user)))
    }
}

/// devpts: a new instance each time.
struct Pseudoterminals(Arc<FileSystems>);

impl FileSystemType for Pseudoterminals {
    fn name(&self) -> &'static str {
        "devpts"
    }

    fn in_user_namespaces(&self) -> bool {
        true
    }

    fn check(&self, option: &MountOption) -> Result<(), Errno> {
        devpts::Options::parse(&option.text()).map(drop)
    }

    fn make(&self, request: &MountRequest<'_>) -> Result<Arc<SuperBlock>, Errno> {
        let options = devpts::Options::parse(&MountOption::join(request.options))?;
        let credentials = request.caller.credentials;
        let filesystem = self.0.devpts(options.given_by(credentials)?);
        Ok(SuperBlock::of(filesystem, Arc::clone(&credentials.user)))
    }
}

/// mqueue: that of the caller's IPC namespace.
struct MessageQueues;

impl FileSystemType for MessageQueues {
    fn name(&self) -> &'static str {
        "mqueue"
    }

    fn in_user_namespaces(&self) -> bool {
        true
    }

    fn owner(&self, caller: &Caller<'_>) -> Arc<UserNamespace> {
        let task = caller.task.and_then(|task| task.downcast_ref::<kernel::Task>());
        task.map_or_else(UserNamespace::initial, |task| Arc::clone(&task.ipc().user))
    }

    fn check(&self, _: &MountOption) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    fn make(&self, request: &MountRequest<'_>) -> Result<Arc<SuperBlock>, Errno> {
        if !request.options.is_empty() {
            return Err(Errno::EINVAL);
        }
        let task = request.caller.task.and_then(|task| task.downcast_ref::<kernel::Task>());
        Ok(Arc::clone(task.ok_or(Errno::EINVAL)?.ipc().posix.superblock()))
    }
}

/// A type without options.
struct Plain {
    name: &'static str,
    filesystems: Arc<FileSystems>,
    make: fn(&FileSystems, &Caller<'_>) -> Result<Arc<SuperBlock>, Errno>,
}

impl FileSystemType for Plain {
    fn name(&self) -> &'static str {
        self.name
    }

    fn check(&self, _: &MountOption) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    fn make(&self, request: &MountRequest<'_>) -> Result<Arc<SuperBlock>, Errno> {
        if !request.options.is_empty() {
            return Err(Errno::EINVAL);
        }
        (self.make)(&self.filesystems, request.caller)
    }
}

/// cgroup: a hierarchy of the first version.
struct FirstControlGroups(Arc<FileSystems>);

impl FileSystemType for FirstControlGroups {
    fn name(&self) -> &'static str {
        "cgroup"
    }

    fn check(&self, _: &MountOption) -> Result<(), Errno> {
        Ok(())
    }

    fn make(&self, request: &MountRequest<'_>) -> Result<Arc<SuperBlock>, Errno> {
        let wanted = cgroup::FirstVersion::parse(request.options)?;
        let task = request.caller.task.and_then(|task| task.downcast_ref::<kernel::Task>());
        let task = task.ok_or(Errno::EINVAL)?;
        let container = task.group.container.load(Ordering::Relaxed);
        let root = task.kernel.first_version(container, wanted.controllers, wanted.name.as_deref())?;
        Ok(self.0.control_groups.of(&task.kernel, root, &UserNamespace::initial()))
    }
}

/// cgroup2: what is seen from the caller's cgroup namespace.
struct ControlGroups(Arc<FileSystems>);

impl FileSystemType for ControlGroups {
    fn name(&self) -> &'static str {
        "cgroup2"
    }

    fn in_user_namespaces(&self) -> bool {
        true
    }

    fn owner(&self, caller: &Caller<'_>) -> Arc<UserNamespace> {
        let task = caller.task.and_then(|task| task.downcast_ref::<kernel::Task>());
        task.map_or_else(UserNamespace::initial, |task| Arc::clone(&task.namespaces().cgroup.user))
    }

    fn check(&self, option: &MountOption) -> Result<(), Errno> {
        if cgroup::Filesystems::knows(&option.text()) { Ok(()) } else { Err(Errno::EINVAL) }
    }

    fn make(&self, request: &MountRequest<'_>) -> Result<Arc<SuperBlock>, Errno> {
        request.options.iter().try_for_each(|option| self.check(option))?;
        let task = request.caller.task.and_then(|task| task.downcast_ref::<kernel::Task>());
        let task = task.ok_or(Errno::EINVAL)?;
        let owner = self.owner(request.caller);
        Ok(self.0.control_groups.of(&task.kernel, task.control_root(), &owner))
    }
}

/// The pid namespace of whoever mounts.
fn pids_of(caller: &Caller<'_>) -> Option<Arc<Pids>> {
    let task = caller.task.and_then(|task| task.downcast_ref::<kernel::Task>())?;
    Some(Arc::clone(task.pids()))
}

/// proc(5): the processes of the caller's pid namespace.
struct Processes(Arc<FileSystems>);

impl FileSystemType for Processes {
    fn name(&self) -> &'static str {
        "proc"
    }

    fn in_user_namespaces(&self) -> bool {
        true
    }

    fn owner(&self, caller: &Caller<'_>) -> Arc<UserNamespace> {
        pids_of(caller).map_or_else(UserNamespace::initial, |pids| Arc::clone(&pids.user))
    }

    fn reveals(&self) -> bool {
        true
    }

    fn check(&self, _: &MountOption) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    fn make(&self, request: &MountRequest<'_>) -> Result<Arc<SuperBlock>, Errno> {
        if !request.options.is_empty() {
            return Err(Errno::EINVAL);
        }
        let pids = pids_of(request.caller).ok_or(Errno::EINVAL)?;
        Ok(SuperBlock::of(self.0.proc(&pids)?, Arc::clone(&pids.user)))
    }
}

/// A type of which there is one filesystem.
struct Only {
    name: &'static str,
    superblock: Arc<SuperBlock>,
}

impl FileSystemType for Only {
    fn name(&self) -> &'static str {
        self.name
    }

    fn in_user_namespaces(&self) -> bool {
        true
    }

    fn owner(&self, caller: &Caller<'_>) -> Arc<UserNamespace> {
        let task = caller.task.and_then(|task| task.downcast_ref::<kernel::Task>());
        task.map_or_else(UserNamespace::initial, |task| Arc::clone(&task.network().net.user))
    }

    fn reveals(&self) -> bool {
        true
    }

    fn check(&self, _: &MountOption) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    fn make(&self, request: &MountRequest<'_>) -> Result<Arc<SuperBlock>, Errno> {
        if request.options.is_empty() { Ok(Arc::clone(&self.superblock)) } else { Err(Errno::EINVAL) }
    }
}
