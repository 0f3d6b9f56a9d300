//! The walls around the gofer: namespace, root, capabilities. The system call filter follows in [`crate::serve`].

use std::ffi::{CStr, CString};
use std::fmt::Display;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use host::mounts::{MountAttributes, set_mount_attributes, unshare_mounts};
use rustix::fs::{CWD, Mode};
use rustix::mount::{
    MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags, mount, mount_change,
    move_mount, open_tree, unmount,
};
use rustix::thread::{CapabilitySet, CapabilitySets};

use crate::session::Tree;
use crate::{Config, Error, Export, Links};

/// One tree of the host to serve, and to whom.
#[derive(Debug)]
pub struct Source {
    /// A connected Unix stream socket; one that listens for [`crate::offer`].
    pub socket: OwnedFd,
    /// Where the tree is on the host: a directory, or a file that is bind mounted.
    pub root: PathBuf,
    /// The options of an overlay of the host's, which is made for this process alone and served instead; `root` is then only its name.
    pub overlay: Option<CString>,
    /// Whether changes are refused.
    pub read_only: bool,
    /// Whether what is mounted below `root` is served too. An unprivileged user must say yes: nothing that a mount hides may be shown to
    /// it.
    pub recursive: bool,
    /// Whose files are whose.
    pub ids: crate::Ids,
}

/// The six capabilities that serving files of any owner takes.
pub const CAPABILITIES: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::DAC_READ_SEARCH)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::SYS_CHROOT);

/// What is mounted over while the new root is built. It must exist in every root, and after this nobody needs it.
const SCAFFOLD: &str = "/proc";
/// Where the links to the process's own descriptors are in the new root.
const LINKS: &str = "fd";

/// Shuts the calling process in, for good: afterwards it sees an empty root with the links to its own descriptors, holds each tree by a
/// descriptor of a mount that is nowhere attached (so that `..` ends at its root), and has at most the six [`CAPABILITIES`].
///
/// Call it while the process has one thread, and before it holds descriptors that it should not: those stay open.
///
/// # Errors
/// [`Error::Confine`] with the step that failed. Nothing is left behind on the host, but the process is in an
/// undefined state and should exit.
pub fn confine(sources: Vec<Source>) -> Result<Config, Error> {
    unshare_mounts().map_err(|e| io::Error::from_raw_os_error(e.raw())).or_fail("make a mount namespace")?;
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
        .or_fail("make its mounts private")?;
    let links = clone_tree(Path::new("/proc/self/fd"), false).or_fail("find its descriptors in /proc")?;
    let exports = sources.into_iter().map(export).collect::<Result<Vec<_>, _>>()?;
    enter_empty_root(&links).or_fail("build its root directory")?;
    drop_privileges().or_fail("give up its capabilities")?;
    Ok(Config {
        exports,
        links: Links::at(Path::new("/").join(LINKS)),
        filter: true,
        hands_over: false,
        reach: crate::Reach::default(),
    })
}

fn export(source: Source) -> Result<Export, Error> {
    let shown = source.root.display();
    let root = match &source.overlay {
        None => clone_tree(&source.root, source.recursive).or_fail(format_args!("open {shown}"))?,
        Some(options) => overlay(options).or_fail(format_args!("mount the overlay {options:?}"))?,
    };
    let mut attributes = MountAttributes::NO_SUID | MountAttributes::NO_DEVICES;
    attributes.set(MountAttributes::READ_ONLY, source.read_only);
    set_mount_attributes(&root, attributes, source.recursive)
        .map_err(|e| io::Error::from_raw_os_error(e.raw()))
        .or_fail(format_args!("restrict {shown}"))?;
    let tree = Tree { root, read_only: source.read_only, ids: source.ids };
    Ok(Export { socket: source.socket, tree })
}

/// A mount of this tree that is attached nowhere, and lives as long as its descriptor.
fn clone_tree(root: &Path, recursive: bool) -> rustix::io::Result<OwnedFd> {
    let mut flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    flags.set(OpenTreeFlags::AT_RECURSIVE, recursive);
    open_tree(CWD, root, flags)
}

/// An overlay of the host's that is attached nowhere: mount(8), "overlay". It is mounted where nobody else sees it, and taken away from there.
fn overlay(options: &CStr) -> rustix::io::Result<OwnedFd> {
    mount("overlay", SCAFFOLD, "overlay", MountFlags::empty(), Some(options))?;
    let tree = clone_tree(Path::new(SCAFFOLD), false);
    unmount(SCAFFOLD, UnmountFlags::DETACH)?;
    tree
}

fn enter_empty_root(links: &OwnedFd) -> rustix::io::Result<()> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("tmpfs", SCAFFOLD, "tmpfs", flags, Some(c"mode=0755,size=64k"))?;
    rustix::process::chdir(SCAFFOLD)?;
    rustix::fs::mkdirat(CWD, LINKS, Mode::from_bits_truncate(0o700))?;
    move_mount(links, "", CWD, LINKS, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?;
    // The old root is put over the new one, and taken away from there: pivot_root(2), "pivot_root(".", ".")".
    rustix::process::pivot_root(".", ".")?;
    unmount(".", UnmountFlags::DETACH)?;
    rustix::process::chdir("/")?;
    let root = rustix::fs::open("/", rustix::fs::OFlags::PATH | rustix::fs::OFlags::CLOEXEC, Mode::empty())?;
    set_mount_attributes(&root, MountAttributes::READ_ONLY, false)
        .map_err(|e| rustix::io::Errno::from_raw_os_error(e.raw()))
}

fn drop_privileges() -> rustix::io::Result<()> {
    for capability in CapabilitySet::all().difference(CAPABILITIES).iter() {
        // A host that does not know a capability does not grant it either.
        match rustix::thread::remove_capability_from_bounding_set(capability) {
            Ok(()) | Err(rustix::io::Errno::INVAL) => {}
            Err(error) => return Err(error),
        }
    }
    rustix::thread::clear_ambient_capability_set()?;
    let has = rustix::thread::capabilities(None)?;
    let kept = has.permitted & CAPABILITIES;
    rustix::thread::set_capabilities(
        None,
        CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() },
    )?;
    rustix::thread::set_no_new_privs(true)
}

/// Names the step that failed.
trait OrFail<T> {
    fn or_fail(self, step: impl Display) -> Result<T, Error>;
}

impl<T, E: Into<io::Error>> OrFail<T> for Result<T, E> {
    fn or_fail(self, step: impl Display) -> Result<T, Error> {
        self.map_err(|source| Error::Confine { step: step.to_string(), source: source.into() })
    }
}
