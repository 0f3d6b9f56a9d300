//! A guest for the tests of this crate: a task with memory of the mock platform, on a tmpfs. Handlers are called as functions.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use abi::Errno;
use abi::signal::{Siginfo, Signal};
use kernel::fs_context::SharedFs;
use kernel::limits::Limits;
use kernel::signal::{GroupSignals, TaskSignals};
use kernel::task::{Attributes, Parts, Work};
use kernel::{AddressSpace, Dispatcher, FsContext, Kernel, Outcome, Task, ThreadGroup, UserAddr, UserPtr};
use platform::mock::MockPlatform;
use platform::{Memory, Observer, Platform, Stop, SyscallArgs};
use tmpfs::{Options, Tmpfs};
use vfs::mount::Mount;
use vfs::mount_flags::MountFlags;
use vfs::mount_namespace::MountNamespace;
use vfs::superblock::SuperBlock;
use vfs::{CapabilitySet, Credentials, FdTable};

use crate::argument::PathPtr;

/// Where the guest's memory lies, and how much of it there is.
pub(crate) const MEMORY: u64 = 0x10_0000;
const LENGTH: u64 = 0x10_0000;

struct NoCalls;

impl Dispatcher for NoCalls {
    fn dispatch(&self, _: &Arc<Task>, _: &SyscallArgs) -> Work {
        Work::Done(Err(Errno::ENOSYS))
    }

    fn describe(&self, _: &Task, _: &SyscallArgs, _: Option<&Result<Outcome, Errno>>) -> String {
        String::new()
    }
}

struct Nobody;

impl Observer for Nobody {
    fn stopped(&self, _: Stop) {}
}

/// A task and its memory.
pub(crate) struct Guest {
    pub(crate) task: Arc<Task>,
    memory: Arc<dyn Memory>,
}

/// The guest: root with all capabilities, in the root of an empty tmpfs.
pub(crate) fn guest() -> Guest {
    let platform = Arc::new(MockPlatform::new());
    let guests: Arc<dyn Platform> = platform.clone();
    let kernel = Kernel::new(guests, Box::new(NoCalls), false);
    let group = ThreadGroup::new(
        Arc::clone(&kernel),
        (10, &kernel.namespaces.pids),
        GroupSignals::default(),
        Limits::default(),
        17,
        false,
    );
    let filesystem = Tmpfs::new(Options::for_memory(1 << 30), 1 << 30);
    let mount = Mount::whole(SuperBlock::new(filesystem), b"none", MountFlags::empty());
    let root = mount.root_path();
    let namespace = MountNamespace::new(mount);
    let fs = FsContext { namespace, root: root.clone(), cwd: root, umask: 0o022 };
    let thread = platform.create_process(Arc::new(Nobody)).unwrap();
    if let Some(mock) = platform.threads().pop() {
        mock.mock_memory().map(MEMORY, LENGTH);
    }
    let memory = thread.memory();
    let task = Task::new(Parts {
        tid: 10,
        group,
        signals: TaskSignals::default(),
        files: FdTable::new(),
        fs: SharedFs::new(fs),
        space: AddressSpace::new(thread.memory(), kernel::address_space::Image::default()),
        credentials: Arc::new(Credentials::root(CapabilitySet::FULL)),
        namespaces: Arc::clone(&kernel.namespaces),
        attributes: Attributes::default(),
    });
    Guest { task, memory }
}

impl Guest {
    /// Puts bytes into memory, `offset` bytes into it.
    pub(crate) fn put(&self, offset: u64, bytes: &[u8]) -> UserAddr {
        assert_eq!(self.memory.write(MEMORY + offset, bytes), Ok(bytes.len()));
        UserAddr(MEMORY + offset)
    }

    /// Bytes from memory.
    pub(crate) fn get(&self, offset: u64, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        assert_eq!(self.memory.read(MEMORY + offset, &mut bytes), Ok(count));
        bytes
    }

    /// A path in memory. One at a time.
    pub(crate) fn path(&self, path: &str) -> PathPtr {
        PathPtr(self.put(0xf_0000, &[path.as_bytes(), b"\0"].concat()))
    }

    /// Another one.
    pub(crate) fn other_path(&self, path: &str) -> PathPtr {
        PathPtr(self.put(0xe_0000, &[path.as_bytes(), b"\0"].concat()))
    }

    /// A structure in memory.
    pub(crate) fn pointer<T>(&self, offset: u64) -> UserPtr<T> {
        UserPtr::new(MEMORY + offset)
    }

    /// A signal comes.
    pub(crate) fn interrupt(&self) {
        kernel::signal::send_to_task(&self.task, Siginfo::kernel(Signal::SIGUSR2));
        assert!(self.task.interrupted());
    }

    /// Memory, for pointers.
    pub(crate) fn memory(&self) -> &dyn Memory {
        &*self.memory
    }
}

/// A call that may have to wait.
pub(crate) struct Pending<'a, T>(Pin<Box<dyn Future<Output = T> + 'a>>);

/// Starts a call.
pub(crate) fn start<'a, T>(call: impl Future<Output = T> + 'a) -> Pending<'a, T> {
    Pending(Box::pin(call))
}

impl<T> Pending<'_, T> {
    /// Its result, if it has one by now.
    pub(crate) fn poll(&mut self) -> Option<T> {
        match self.0.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(done) => Some(done),
            Poll::Pending => None,
        }
    }
}

/// The result of a call that does not have to wait.
pub(crate) fn now<T>(call: impl Future<Output = T>) -> T {
    let mut call = std::pin::pin!(call);
    for _ in 0..10_000 {
        if let Poll::Ready(done) = call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return done;
        }
    }
    panic!("the call waits");
}
