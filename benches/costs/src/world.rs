//! A kernel as a sandbox has it: a root from a gofer in a thread, a tmpfs on `/tmp`, loopback, and one process.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;

use abi::Errno;
use anyhow::{Context, Result, anyhow};
use gofer::{Config, Export};
use gofer_fs::{Caching, GoferFs};
use kernel::exec::Strings;
use kernel::fs_context::NoSpecialFiles;
use kernel::limits::Limits;
use kernel::spawn::{Spawn, spawn};
use kernel::task::Attributes;
use kernel::{FsContext, Kernel};
use network::Networks;
use vfs::{At, Caller, CapabilitySet, Credentials, FdTable, Lookup};
use vfs::{Mount, MountFlags, MountNamespace, SuperBlock};

use crate::elf;
use crate::guest::{Guest, Machine};

/// Bytes of memory that the kernel takes the machine to have.
const MEMORY: u64 = 1 << 30;
/// Where guests keep paths and structures.
const SCRATCH: u64 = 0x1000;

/// The kernel and its first process.
pub(crate) struct World {
    machine: Arc<Machine>,
    /// The first process.
    pub(crate) guest: Arc<Guest>,
    /// Holds the root's files.
    _files: tempfile::TempDir,
}

fn failed(what: &str, errno: Errno) -> anyhow::Error {
    anyhow!("cannot {what}: {}", errno.description())
}

impl World {
    pub(crate) fn new() -> Result<Self> {
        let files = tempfile::tempdir()?;
        fill(files.path())?;
        let machine = Arc::new(Machine::default());
        let platform: Arc<dyn platform::Platform> = machine.clone();
        let kernel = Kernel::new(platform, Box::new(syscalls::Table::new()), false);
        kernel.set_network(Arc::new(Networks::new()));
        let credentials = Credentials::root(CapabilitySet::FULL);
        let fs = mounts(files.path(), &Arc::new(credentials.clone()))?;
        let strings = Strings { arguments: vec![b"/bin/program".to_vec()], environment: Vec::new() };
        let (files_of_process, limits) = (FdTable::new(), Limits::default());
        let what = Spawn {
            container: 0,
            namespaces: Arc::clone(&kernel.namespaces),
            strings,
            fs,
            files: files_of_process,
            credentials,
            limits,
            terminal: None,
            attributes: Attributes::default(),
            id: None,
            program: None,
        };
        let started = spawn(&kernel, what).map_err(|errno| failed("start a process", errno))?;
        machine.settle();
        started.wait().map_err(|errno| failed("execute the program", errno))?;
        let guest = machine.newest().context("there is no thread")?;
        Ok(Self { machine, guest, _files: files })
    }

    /// A child of the first process, which shares its open files.
    pub(crate) fn fork(&self) -> Result<Arc<Guest>> {
        self.guest.trap(abi::nr::fork, [0; 6]);
        self.machine.settle();
        self.machine.newest().context("there is no child")
    }

    /// Makes a call that must succeed.
    pub(crate) fn must(&self, number: u64, args: &[u64]) -> Result<u64> {
        let mut all = [0; 6];
        all.iter_mut().zip(args).for_each(|(to, from)| *to = *from);
        let name = abi::nr::name(number).unwrap_or("a call");
        let value = self.guest.call(number, all).with_context(|| format!("{name} waits"))?;
        u64::try_from(value).map_err(|_| anyhow!("{name} fails: {value}"))
    }

    /// The address of a path in the guest's memory. `which` keeps several apart.
    pub(crate) fn path(&self, which: u64, path: &str) -> u64 {
        let at = SCRATCH + which * 0x1000;
        self.guest.put(at, path.as_bytes());
        self.guest.put(at + path.len() as u64, b"\0");
        at
    }
}

/// What the root has: a program, a file to read, and a directory with many entries.
fn fill(root: &Path) -> Result<()> {
    for directory in ["bin", "tmp", "deep/er/and/deeper", "many"] {
        std::fs::create_dir_all(root.join(directory))?;
    }
    std::fs::write(root.join("bin/program"), elf::smallest())?;
    std::fs::write(root.join("data"), vec![7; 1 << 20])?;
    std::fs::write(root.join("deep/er/and/deeper/file"), b"x")?;
    for number in 0..500 {
        std::fs::write(root.join("many").join(number.to_string()), b"")?;
    }
    let program = root.join("bin/program");
    std::fs::set_permissions(program, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    Ok(())
}

fn mounts(root: &Path, credentials: &Arc<Credentials>) -> Result<FsContext> {
    let (ours, theirs) = UnixStream::pair()?;
    let directory: OwnedFd = std::fs::File::open(root)?.into();
    let exports = vec![Export {
        socket: theirs.into(),
        tree: gofer::Tree { root: directory, read_only: false, ids: gofer::Ids::default() },
    }];
    std::thread::spawn(move || gofer::serve(Config::without_walls(exports)));
    let files =
        GoferFs::connect(ours.into(), Caching::Exclusive).map_err(|e| failed("talk to the gofer", e))?;
    let root = Mount::whole(SuperBlock::new(files), b"root", MountFlags::empty());
    let context = FsContext::new(MountNamespace::new(root));
    let place = Caller {
        root: &context.root,
        working_directory: &context.cwd,
        credentials,
        umask: 0,
        files: &FdTable::new(),
        special: &NoSpecialFiles,
        namespace: &context.namespace,
        task: None,
    }
    .find_path(&At::here(b"/tmp"), Lookup::empty())
    .map_err(|e| failed("find /tmp", e))?;
    let tmpfs = tmpfs::Tmpfs::new(tmpfs::Options::for_memory(MEMORY), MEMORY);
    let mounted = Mount::whole(SuperBlock::new(tmpfs), b"tmpfs", MountFlags::empty());
    context.namespace.attach(&place, &mounted).map_err(|e| failed("mount a tmpfs", e))?;
    Ok(context)
}
