//! The terminal that a process asks for: a pair in the container's own devpts, carried to the host.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use abi::Errno;
use abi::termios::WindowSize;
use devpts::MasterFile;
use hostfd::Importer;
use kernel::FsContext;
use vfs::caller::At;
use vfs::mount::Mount;
use vfs::mount_flags::MountFlags;
use vfs::{CapabilitySet, Credentials, FileKind, OpenFile, OpenFlags, OpenHow};

use super::bridge::{Bridge, Outside};
use super::paths;
use crate::failure::{Failure, Trying};
use crate::modes::Modes;
use crate::spec::ProcessSpec;

/// A process's terminal: its side, and the bridge to the host.
pub(super) struct Console {
    pub(super) slave: Arc<OpenFile>,
    pub(super) bridge: Arc<Bridge>,
}

/// Makes the terminal. Of the descriptors the first brings what is typed, and the second takes what is shown; `resized` is
/// readable when the window has another size.
pub(super) fn make(
    importer: &Importer,
    context: &FsContext,
    process: &ProcessSpec,
    descriptors: Vec<OwnedFd>,
    resized: Option<OwnedFd>,
) -> Result<Console, Failure> {
    let credentials =
        Credentials { fsuid: process.uid, fsgid: process.gid, ..Credentials::root(CapabilitySet::FULL) };
    let credentials = Arc::new(credentials);
    let mut descriptors = descriptors.into_iter();
    let (Some(input), Some(output)) = (descriptors.next(), descriptors.next()) else {
        return Err(Failure::Message("the terminal has no descriptors of the host".to_owned()));
    };
    let sizes = output.try_clone().map_err(|e| Errno::from_raw(e.raw_os_error().unwrap_or(0)));
    let terminal = sizes.trying("keep the host's terminal")?;
    let modes = Modes::of(terminal.as_fd());
    let imported = importer.import(vec![input, output], &credentials).trying("import the host's terminal")?;
    let Ok([input, output]) = <[Arc<OpenFile>; 2]>::try_from(imported) else {
        return Err(Failure::Message("the host's terminal was lost".to_owned()));
    };
    let resized = importer.import(resized.into_iter().collect(), &credentials);
    let resized = resized.trying("import a pipe")?.pop();

    let open = |path: &str| {
        let flags = OpenFlags::RDWR | OpenFlags::NOCTTY;
        let how = OpenHow::lenient(flags.bits(), 0)?;
        paths::as_user(context, &credentials, |caller| caller.open(&At::here(path.as_bytes()), &how))
    };
    let master = open("/dev/pts/ptmx").trying("open /dev/pts/ptmx for process.terminal")?;
    let pair = master.file.as_any().downcast_ref::<MasterFile>();
    let pair = pair.ok_or(Errno::ENODEV).trying("open /dev/pts/ptmx for process.terminal")?;
    pair.unlock();
    if let Some((rows, columns)) = process.console.size {
        pair.resize(WindowSize { rows, columns, ..WindowSize::default() });
    }
    let name = format!("/dev/pts/{}", pair.number());
    let slave = open(&name).trying("open the terminal of process.terminal")?;
    let bridge = Bridge::start(master, Outside { input, output, terminal, modes, resized });
    Ok(Console { slave, bridge })
}

/// Shows the terminal as /dev/console too.
pub(super) fn show(context: &FsContext, slave: &OpenFile) -> Result<(), Failure> {
    let Some(path) = &slave.path else { return Ok(()) };
    let place = paths::mountpoint(context, "/dev/console", false).trying("make /dev/console")?;
    if place.inode().kind() == FileKind::Directory {
        return Err(Failure::Message("/dev/console is a directory".to_owned()));
    }
    let superblock = Arc::clone(path.mount.superblock());
    let mount = Mount::new(superblock, Arc::clone(&path.dentry), b"devpts", MountFlags::empty());
    context.namespace.attach(&place, &mount).trying("mount the terminal on /dev/console")
}
