//! What all tasks of a sandbox share.

use std::os::fd::OwnedFd;
use std::sync::{Arc, OnceLock};

use parking_lot::{Condvar, Mutex};
use platform::{Platform, SyscallArgs};

use abi::Errno;
use socket::{Address, HostEnds, Socket};
use vfs::special::SpecialFiles;
use vfs::{Credentials, FileSystemType, InodeRef, Owner};

use crate::fs_context::NoSpecialFiles;
use crate::namespace::Namespaces;
use crate::pids::PidNamespace;
use crate::task::Work;
use crate::time::Timers;
use crate::{ExitStatus, Outcome, Task, ThreadGroup};

/// Finds the handler of a system call.
pub trait Dispatcher: Send + Sync {
    /// Starts a call; the result may be there at once.
    fn dispatch(&self, task: &Arc<Task>, args: &SyscallArgs) -> Work;

    /// A line for `--strace`: the call with its arguments, and its result if it has one yet.
    fn describe(
        &self,
        task: &Task,
        args: &SyscallArgs,
        result: Option<&Result<Outcome, abi::Errno>>,
    ) -> String;
}

/// The kernel of one sandbox.
pub struct Kernel {
    /// Where guests run.
    pub platform: Arc<dyn Platform>,
    /// The system calls.
    pub dispatcher: Box<dyn Dispatcher>,
    /// Timers.
    pub timers: Arc<Timers>,
    /// Process and thread ids.
    pub pids: PidNamespace,
    /// Queued signals and timers of each user.
    pub signal_quota: Arc<crate::signal::Quota>,
    /// Notified when a signal has become pending anywhere: for signalfd(2).
    pub signal_arrivals: Arc<vfs::WaitQueue>,
    /// All IPC namespaces.
    pub ipcs: crate::ipc::IpcNamespaces,
    /// How much asynchronous I/O there may be.
    pub asynchronous: Arc<crate::aio::Requests>,
    /// Whether system calls are logged.
    pub strace: bool,
    /// Its control groups.
    pub control_groups: crate::control_group::ControlGroups,
    /// Whether its tasks are paused.
    pub freezer: crate::freezer::Freezer,
    /// The namespaces of the first process.
    pub namespaces: Arc<Namespaces>,
    /// When the sandbox started.
    pub started: std::time::Instant,
    last_end: Mutex<Option<std::time::Instant>>,
    ends: Mutex<Vec<(i32, ExitStatus)>>,
    ended: Condvar,
    pub(crate) unclaimed: crate::container::Unclaimed,
    special: OnceLock<Arc<dyn SpecialFiles>>,
    filesystems: OnceLock<Vec<Arc<dyn FileSystemType>>>,
    host_ends: OnceLock<Box<dyn HostEnds>>,
    network: OnceLock<(Arc<socket::Namespace>, Arc<dyn socket::Maker>)>,
}

/// What uname(2) reports and sethostname(2) changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// Host name.
    pub host: Vec<u8>,
    /// NIS domain name.
    pub domain: Vec<u8>,
}

impl Default for Names {
    fn default() -> Self {
        Self { host: b"localhost".to_vec(), domain: b"(none)".to_vec() }
    }
}

impl Kernel {
    /// A kernel without processes.
    #[must_use]
    pub fn new(platform: Arc<dyn Platform>, dispatcher: Box<dyn Dispatcher>, strace: bool) -> Arc<Self> {
        vfs::waiting::set_host(Box::new(crate::waiting::Threads));
        let ipcs = crate::ipc::IpcNamespaces::default();
        let namespaces = Arc::new(Namespaces::first(&ipcs));
        let kernel = Arc::new(Self {
            platform,
            dispatcher,
            timers: Arc::default(),
            pids: PidNamespace::default(),
            signal_quota: Arc::default(),
            signal_arrivals: Arc::default(),
            ipcs,
            asynchronous: Arc::default(),
            strace,
            control_groups: crate::control_group::ControlGroups::default(),
            freezer: crate::freezer::Freezer::default(),
            namespaces,
            started: std::time::Instant::now(),
            last_end: Mutex::default(),
            ends: Mutex::default(),
            ended: Condvar::new(),
            unclaimed: crate::container::Unclaimed::default(),
            special: OnceLock::new(),
            filesystems: OnceLock::new(),
            host_ends: OnceLock::new(),
            network: OnceLock::new(),
        });
        kernel.control_groups.belong_to(&kernel);
        kernel
    }

    /// Says who opens devices and FIFOs. Once, before the first process.
    pub fn set_special(&self, special: Arc<dyn SpecialFiles>) {
        if self.special.set(special).is_err() {
            tracing::error!("devices were registered twice; the first registration stays");
        }
    }

    /// Who opens devices and FIFOs.
    #[must_use]
    pub fn special(&self) -> &dyn SpecialFiles {
        match self.special.get() {
            Some(special) => &**special,
            None => &NoSpecialFiles,
        }
    }

    /// Says who makes sockets of descriptors of the host. Once, before the first process.
    pub fn set_host_ends(&self, ends: Box<dyn HostEnds>) {
        let _ = self.host_ends.set(ends);
    }

    /// Connects a socket to the host's that an inode stands for.
    ///
    /// # Errors
    /// `ECONNREFUSED` if it stands for none, and those of connect(2).
    pub fn connect_to_host(
        &self,
        socket: &dyn Socket,
        inode: &InodeRef,
        address: &Address,
        credentials: &Credentials,
    ) -> Result<(), Errno> {
        let ends = self.host_ends.get().ok_or(Errno::ECONNREFUSED)?;
        let host = inode.connect_on_host(socket.core().kind.raw())?;
        let owner = Owner { uid: credentials.fsuid, gid: credentials.fsgid };
        socket.connect_to_host(ends.take(host, owner)?, address)
    }

    /// A socket of a guest was bound, and this socket of the host to the same name.
    ///
    /// # Errors
    /// As the host says.
    pub fn bound_on_host(
        &self,
        socket: &dyn Socket,
        host: OwnedFd,
        credentials: &Credentials,
    ) -> Result<(), Errno> {
        let ends = self.host_ends.get().ok_or(Errno::EOPNOTSUPP)?;
        let owner = Owner { uid: credentials.fsuid, gid: credentials.fsgid };
        socket.bound_on_host(ends.take(host, owner)?)
    }

    /// Says which types of filesystems can be mounted. Once, before the first process.
    pub fn set_filesystems(&self, types: Vec<Arc<dyn FileSystemType>>) {
        if self.filesystems.set(types).is_err() {
            tracing::error!("the filesystems were registered twice; the first registration stays");
        }
    }

    /// The types of filesystems that can be mounted.
    #[must_use]
    pub fn filesystems(&self) -> &[Arc<dyn FileSystemType>] {
        self.filesystems.get().map_or(&[], Vec::as_slice)
    }

    /// Says what network namespaces are made of. Once, before the first process, which is in the first of them.
    pub fn set_network(&self, maker: Arc<dyn socket::Maker>) {
        if self.network.set((maker.make(socket::Net::first()), maker)).is_err() {
            tracing::error!("the network was registered twice; the first registration stays");
        }
    }

    /// The first network namespace: one without any address family if nothing was registered.
    #[must_use]
    pub fn network(&self) -> Arc<socket::Namespace> {
        self.network.get().map_or_else(
            || socket::Namespace::new(socket::Net::first(), []),
            |(network, _)| Arc::clone(network),
        )
    }

    /// A further network namespace, of its maker's user namespace: its only interface is down.
    ///
    /// # Errors
    /// `ENOSPC` if the maker has too many, `EINVAL` if nothing was registered.
    pub fn new_network(&self, maker: &Credentials) -> Result<Arc<socket::Namespace>, Errno> {
        let (_, networks) = self.network.get().ok_or(Errno::EINVAL)?;
        Ok(networks.make(socket::Net::new(maker)?))
    }

    /// The living thread of an id.
    #[must_use]
    pub fn task(&self, tid: i32) -> Option<Arc<Task>> {
        self.pids.task(tid)
    }

    /// The process of an id, zombies too.
    #[must_use]
    pub fn group(&self, pid: i32) -> Option<Arc<ThreadGroup>> {
        self.pids.group(pid)
    }

    /// Waits, on a thread that is none of the kernel's, until a process without parent has ended. For the sentry's control.
    #[must_use]
    pub fn wait_for_end(&self, pid: i32) -> ExitStatus {
        let mut ends = self.ends.lock();
        loop {
            if let Some(at) = ends.iter().position(|(of, _)| *of == pid) {
                return ends.swap_remove(at).1;
            }
            self.ended.wait(&mut ends);
        }
    }

    /// Waits, on a thread that is none of the kernel's, until any process that was started from outside has ended: its id and how.
    #[must_use]
    pub fn wait_for_an_end(&self) -> (i32, ExitStatus) {
        let mut ends = self.ends.lock();
        loop {
            if let Some(end) = ends.pop() {
                return end;
            }
            self.ended.wait(&mut ends);
        }
    }

    /// Whether a process has ended so lately that the host may not have taken its memory apart.
    #[must_use]
    pub fn process_ended_lately(&self) -> bool {
        const LATELY: std::time::Duration = std::time::Duration::from_secs(1);
        self.last_end.lock().is_some_and(|end| end.elapsed() < LATELY)
    }

    /// Notes that a process has ended, before anybody hears of it.
    pub(crate) fn note_end(&self) {
        *self.last_end.lock() = Some(std::time::Instant::now());
    }

    /// Notes the end of a process that has no parent to wait for it.
    pub(crate) fn process_ended(&self, group: &ThreadGroup, status: ExitStatus) {
        if group.detached {
            self.ends.lock().push((group.pid, status));
            self.ended.notify_all();
        }
    }
}
