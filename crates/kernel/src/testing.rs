//! A kernel on the mock platform, for the tests of this crate.

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use platform::mock::{MockPlatform, MockThread};
use platform::{Platform, Registers, Resume, Stop, SyscallArgs};
use vfs::filesystem::FileSystemRef;
use vfs::mount::Mount;
use vfs::mount_flags::MountFlags;
use vfs::mount_namespace::MountNamespace;
use vfs::superblock::SuperBlock;
use vfs::{
    AttributeChange, Attributes, CapabilitySet, Credentials, Device, FdTable, File, FileKind, FileSystem,
    FileSystemStatistics, Inode, InodeRef, OpenFlags,
};

use crate::fs_context::SharedFs;
use crate::limits::Limits;
use crate::signal::{GroupSignals, TaskSignals};
use crate::task::{Binding, Parts, Work};
use crate::{AddressSpace, Dispatcher, FsContext, Kernel, Outcome, Task, ThreadGroup};

/// A handler of the test's: all numbers go to it.
pub(crate) type Handler = Box<dyn Fn(&Arc<Task>, &SyscallArgs) -> Work + Send + Sync>;

struct Calls(Handler);

impl Dispatcher for Calls {
    fn dispatch(&self, task: &Arc<Task>, args: &SyscallArgs) -> Work {
        (self.0)(task, args)
    }

    fn describe(&self, _: &Task, args: &SyscallArgs, _: Option<&Result<Outcome, Errno>>) -> String {
        args.number.to_string()
    }
}

/// A filesystem that is one empty directory.
struct Nothing;

impl FileSystem for Nothing {
    fn kind(&self) -> &'static str {
        "nothing"
    }
    fn device(&self) -> Device {
        Device::default()
    }
    fn root(&self) -> InodeRef {
        Arc::new(Nothing)
    }
    fn statistics(&self) -> Result<FileSystemStatistics, Errno> {
        Ok(FileSystemStatistics::default())
    }
}

impl Inode for Nothing {
    fn filesystem(&self) -> FileSystemRef {
        Arc::new(Nothing)
    }
    fn attributes(&self) -> Result<Attributes, Errno> {
        Err(Errno::EIO)
    }
    fn kind(&self) -> FileKind {
        FileKind::Directory
    }
    fn set_attributes(&self, _: &AttributeChange) -> Result<(), Errno> {
        Err(Errno::EPERM)
    }
    fn open(self: Arc<Self>, _: OpenFlags, _: &Credentials) -> Result<Arc<dyn File>, Errno> {
        Err(Errno::EPERM)
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A kernel with processes that the test plays.
pub(crate) struct Machine {
    pub(crate) platform: Arc<MockPlatform>,
    pub(crate) kernel: Arc<Kernel>,
}

/// A task and the thread that carries it.
#[derive(Clone)]
pub(crate) struct Guest {
    pub(crate) task: Arc<Task>,
    pub(crate) thread: Arc<MockThread>,
}

/// Where guests have memory: 64 KiB to play with.
pub(crate) const MEMORY: u64 = 0x10_0000;
/// Their stack pointer.
pub(crate) const STACK: u64 = MEMORY + 0xf000;
/// Where their system calls return to.
pub(crate) const IP: u64 = MEMORY + 0x102;

impl Machine {
    pub(crate) fn new(handler: impl Fn(&Arc<Task>, &SyscallArgs) -> Work + Send + Sync + 'static) -> Self {
        let platform = Arc::new(MockPlatform::new());
        let guests: Arc<dyn Platform> = platform.clone();
        let kernel = Kernel::new(guests, Box::new(Calls(Box::new(handler))), false);
        Self { platform, kernel }
    }

    /// A process without parent. It runs.
    pub(crate) fn process(&self, pid: i32) -> Guest {
        self.enter(pid, (0, 0))
    }

    /// A process with a parent.
    pub(crate) fn child(&self, pid: i32, parent: &Guest) -> Guest {
        self.enter(pid, (parent.task.pid(), parent.task.tid()))
    }

    fn enter(&self, pid: i32, (parent, thread): (i32, i32)) -> Guest {
        let signals = GroupSignals::default();
        let group = ThreadGroup::new(
            Arc::clone(&self.kernel),
            (pid, &self.kernel.namespaces.pids),
            signals,
            Limits::default(),
            17,
            false,
        );
        self.kernel.pids.enter_group(&group, parent, thread);
        self.thread(&group, pid)
    }

    /// A thread of a process. It runs.
    pub(crate) fn thread(&self, group: &Arc<ThreadGroup>, tid: i32) -> Guest {
        let mount = Mount::whole(SuperBlock::new(Arc::new(Nothing)), b"none", MountFlags::empty());
        let root = mount.root_path();
        let namespace = MountNamespace::new(mount);
        let fs = FsContext { namespace, root: root.clone(), cwd: root, umask: 0 };
        let task = Task::new(Parts {
            tid,
            group: Arc::clone(group),
            signals: TaskSignals::default(),
            files: FdTable::new(),
            fs: SharedFs::new(fs),
            space: AddressSpace::none(),
            credentials: Arc::new(Credentials::root(CapabilitySet::FULL)),
            namespaces: Arc::clone(&self.kernel.namespaces),
            attributes: crate::task::Attributes::default(),
        });
        let host = self.platform.create_process(Binding::first(&task)).unwrap();
        let thread = self.platform.threads().pop().unwrap();
        thread.mock_memory().map(MEMORY, 0x10000);
        drop(task.replace_space(AddressSpace::new(host.memory(), crate::address_space::Image::default())));
        group.add_task(&task).unwrap();
        self.kernel.pids.enter_task(&task);
        let registers = Registers { rsp: STACK, rip: IP, eflags: 0x246, rbx: 0xb, ..Registers::default() };
        host.set_registers(&registers).unwrap();
        task.start(host, Resume::Context);
        let guest = Guest { task, thread };
        guest.answers();
        guest
    }

    /// Delivers what is queued until nothing is; stray wake-ups on another thread get a moment.
    pub(crate) fn settle(&self) {
        for _ in 0..20 {
            self.platform.run();
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }

    /// As [`Self::settle`], where no other thread takes part.
    pub(crate) fn settle_at_once(&self) {
        (0..20).for_each(|_| self.platform.run());
    }

    /// The guest makes a system call that saves no registers.
    pub(crate) fn call(&self, guest: &Guest, number: u64, args: [u64; 6]) {
        guest.thread.stop(Stop::Syscall(SyscallArgs { number, args, ip: IP }));
        self.platform.run();
    }

    /// The guest makes a system call that saves its registers.
    pub(crate) fn trap(&self, guest: &Guest, number: u64, args: [u64; 6]) {
        guest.thread.stop(Stop::Trap(SyscallArgs { number, args, ip: IP }));
        self.platform.run();
    }
}

impl Guest {
    /// How the kernel has answered since the last time.
    pub(crate) fn answers(&self) -> Vec<Resume> {
        self.thread.take_resume()
    }

    /// The registers that the guest runs with.
    pub(crate) fn registers(&self) -> Registers {
        self.thread.mock_context().registers
    }
}
