//! Runs a static program of the host in a kernel of this process: `dev [--strace] PROGRAM [ARGUMENT...]`.
//!
//! For working on the kernel without runtime and gofer: the root is a tmpfs that holds the program at its own path, and a copy of
//! what `DEV_FILES` names (host paths, separated by colons). With `DEV_COUNTERS` set it tells what the platform's hand-off has done.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a tool for developers, which may say what went wrong by panicking"
)]

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use hostfd::{Importer, Poller};
use kernel::exec::Strings;
use kernel::limits::Limits;
use kernel::spawn::{Spawn, spawn};
use kernel::{FsContext, Kernel};
use platform::stubs::{Mechanisms, Options, StubPlatform, Zygote};
use vfs::mount::Mount;
use vfs::mount_flags::MountFlags;
use vfs::mount_namespace::MountNamespace;
use vfs::superblock::SuperBlock;
use vfs::{CapabilitySet, Credentials, Device, FdTable, FileKind, Name, OpenFlags, Owner};

fn main() -> std::process::ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let strace = arguments.first().is_some_and(|a| a == "--strace");
    if strace {
        arguments.remove(0);
    }
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(tracing::Level::INFO).init();
    let procfs = File::open("/proc").unwrap().into();
    let zygote =
        Zygote::start(Options { procfs, identity: None, withheld: Mechanisms::empty(), patching: false })
            .unwrap();
    let platform = Arc::new(StubPlatform::start(zygote).unwrap());
    let stubs = Arc::clone(&platform);
    let kernel = Kernel::new(platform, Box::new(syscalls::Table::new()), strace);

    let memory = 4 << 30;
    let filesystem =
        tmpfs::Tmpfs::new(tmpfs::Options { mode: 0o755, ..tmpfs::Options::for_memory(memory) }, memory);
    let superblock = SuperBlock::new(filesystem);
    let wanted = std::env::var("DEV_FILES").unwrap_or_default();
    let program = arguments.first().expect("a program").clone();
    for path in wanted.split(':').filter(|p| !p.is_empty()).chain([program.as_str()]) {
        copy(&superblock, path);
    }
    let mount = Mount::whole(superblock, b"tmpfs", MountFlags::empty());
    let namespace = MountNamespace::new(mount);

    let credentials = Credentials::root(CapabilitySet::FULL);
    let poller = Poller::start(|report| kernel::executor::turn(report)).unwrap();
    let importer = Importer::new(poller);
    let stdio: Vec<OwnedFd> = vec![
        std::io::stdin().as_fd().try_clone_to_owned().unwrap(),
        std::io::stdout().as_fd().try_clone_to_owned().unwrap(),
        std::io::stderr().as_fd().try_clone_to_owned().unwrap(),
    ];
    let files = FdTable::new();
    for file in importer.import(stdio, &Arc::new(credentials.clone())).unwrap() {
        files.install(file, false, 0, 1024).unwrap();
    }
    let environment: Vec<Vec<u8>> = vec![b"PATH=/bin:/usr/bin".to_vec(), b"HOME=/".to_vec()];
    let strings = Strings { arguments: arguments.into_iter().map(String::into_bytes).collect(), environment };
    let what = Spawn {
        container: 0,
        namespaces: Arc::clone(&kernel.namespaces),
        strings,
        fs: FsContext::new(namespace),
        files,
        credentials,
        limits: Limits::default(),
        terminal: None,
        attributes: kernel::task::Attributes::default(),
        id: None,
        program: None,
    };
    let started = spawn(&kernel, what).unwrap();
    if let Err(errno) = started.wait() {
        eprintln!("cannot start: {errno}");
        return std::process::ExitCode::FAILURE;
    }
    let status = kernel.wait_for_end(started.group.pid);
    eprintln!("{status:?}");
    if std::env::var_os("DEV_COUNTERS").is_some() {
        platform::Platform::counters(&*stubs).iter().for_each(|(name, value)| eprintln!("{name:24}{value}"));
    }
    std::process::ExitCode::from(status.to_shell_code())
}

fn copy(superblock: &Arc<SuperBlock>, path: &str) {
    let mut directory = superblock.root().inode();
    let mut parts = path.split('/').filter(|p| !p.is_empty()).peekable();
    while let Some(part) = parts.next() {
        let name = Name::new(part.as_bytes()).unwrap();
        if parts.peek().is_some() {
            directory = match directory.lookup(name) {
                Ok(found) => found,
                Err(_) => directory.create_directory(name, 0o755, Owner::default()).unwrap(),
            };
            continue;
        }
        let content = std::fs::read(path).unwrap();
        let inode =
            directory.create(name, FileKind::Regular, 0o755, Owner::default(), Device::default()).unwrap();
        let file = inode.open(OpenFlags::WRONLY, &Credentials::root(CapabilitySet::FULL)).unwrap();
        let mut source = vfs::io::SliceSource::new(&content);
        let mut offset = 0;
        while offset < content.len() as u64 {
            offset = file.write(Some(offset), &mut source).unwrap().1;
        }
    }
}
