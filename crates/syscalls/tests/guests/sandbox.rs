//! The least of a sandbox: a kernel on the real platform, and a tmpfs with one program.

use std::any::Any;
use std::path::Path;
use std::sync::Arc;

use abi::Errno;
use kernel::exec::Strings;
use kernel::limits::Limits;
use kernel::spawn::{Spawn, spawn};
use kernel::{FsContext, Kernel};
use parking_lot::Mutex;
use platform::stubs::{Mechanisms, Options, StubPlatform, Zygote};
use vfs::io::SliceSource;
use vfs::mount::Mount;
use vfs::mount_flags::MountFlags;
use vfs::mount_namespace::MountNamespace;
use vfs::superblock::SuperBlock;
use vfs::{
    Attributes, CapabilitySet, Credentials, FdTable, File, FileSystem, Name, OpenFile, OpenFlags, Owner,
    Source,
};

/// How a program ended.
pub(crate) struct End {
    pub(crate) output: String,
    pub(crate) status: i32,
}

/// Collects what is written.
#[derive(Default)]
struct Paper(Mutex<Vec<u8>>);

impl File for Paper {
    fn write(&self, _: Option<u64>, from: &mut dyn Source) -> Result<(usize, u64), Errno> {
        let mut bytes = vec![0; from.left()];
        let count = from.take(&mut bytes)?;
        self.0.lock().extend(bytes.iter().take(count));
        Ok((count, 0))
    }

    fn seekable(&self) -> bool {
        false
    }

    fn attributes(&self) -> Result<Attributes, Errno> {
        Ok(anon::attributes())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Runs a static program to its end, as the child of an init.
pub(crate) fn run(init: &Path, program: &Path) -> End {
    let procfs = std::fs::File::open("/proc").unwrap().into();
    let zygote =
        Zygote::start(Options { procfs, identity: None, withheld: Mechanisms::empty(), patching: false })
            .unwrap();
    let platform = Arc::new(StubPlatform::start(zygote).unwrap());
    let strace = std::env::var_os("GUESTS_STRACE").is_some();
    if strace {
        tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    }
    let kernel = Kernel::new(platform, Box::new(syscalls::Table::new()), strace);
    kernel.set_network(std::sync::Arc::new(network::Networks::new()));
    let paper = Arc::new(Paper::default());
    let credentials = Credentials::root(CapabilitySet::FULL);
    let files = FdTable::new();
    for _ in 0..3 {
        let file = OpenFile::new(paper.clone(), None, OpenFlags::RDWR, Arc::new(credentials.clone()));
        files.install(file, false, 0, 3).unwrap();
    }
    let shell = root(&[(b"init", init), (b"program", program)], &credentials);
    let start = |arguments: &[&[u8]]| {
        spawn(
            &kernel,
            Spawn {
                container: 0,
                namespaces: kernel.namespaces.clone(),
                attributes: kernel::task::Attributes::default(),
                id: None,
                program: None,
                strings: Strings {
                    arguments: arguments.iter().map(|a| a.to_vec()).collect(),
                    environment: Vec::new(),
                },
                fs: shell.clone(),
                files: files.clone(),
                credentials: credentials.clone(),
                limits: Limits::default(),
                terminal: None,
            },
        )
        .unwrap()
    };
    let started = start(&[b"/init", b"/program"]);
    started.wait().unwrap();
    let status = kernel.wait_for_end(started.group.pid);
    // Guests and threads of the platform end with the test's process.
    std::mem::forget(kernel);
    let output = String::from_utf8_lossy(&paper.0.lock()).into_owned();
    End { output, status: i32::from(status.to_shell_code()) }
}

fn root(programs: &[(&[u8], &Path)], credentials: &Credentials) -> FsContext {
    let filesystem = tmpfs::Tmpfs::new(tmpfs::Options::for_memory(1 << 30), 1 << 30);
    let (owner, flags) = (Owner::default(), OpenFlags::RDWR);
    let directory = filesystem.root();
    for (name, program) in programs {
        let content = std::fs::read(program).unwrap();
        let name = Name::new(name).unwrap();
        let (_, file) = directory.create_and_open(name, 0o755, owner, flags, credentials).unwrap();
        let mut source = SliceSource::new(&content);
        let mut at = 0;
        while source.left() > 0 {
            at = file.write(Some(at), &mut source).unwrap().1;
        }
    }
    let mount = Mount::whole(SuperBlock::new(filesystem), b"none", MountFlags::empty());
    let root = mount.root_path();
    FsContext { namespace: MountNamespace::new(mount), root: root.clone(), cwd: root, umask: 0o22 }
}
