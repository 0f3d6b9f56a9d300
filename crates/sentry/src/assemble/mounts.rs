//! The container's tree of mounts.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use abi::Errno;
use devtmpfs::Devtmpfs;
use erofs::HostImage;
use gofer_fs::{Caching, GoferFs, Kept};
use hostfd::Importer;
use kernel::FsContext;
use overlay::{Overlay, Redirects, Settings, Upper};
use vfs::caller::At;
use vfs::mount::Mount;
use vfs::mount_flags::MountFlags;
use vfs::mount_namespace::MountNamespace;
use vfs::propagation::PropagationType;
use vfs::{CapabilitySet, Credentials, FileKind, FileSystem, InodeRef, MountOption, Name, SuperBlock};

use super::filesystems::FileSystems;
use super::lone_file;
use super::paths::{as_root, failed_at, find, mountpoint, working_directory};
use super::process::Place;
use crate::direct;
use crate::failure::{Failure, Trying};
use crate::spec::{
    self, ContainerSpec, DevptsOptions, FileAccess, LayerSpec, MountKind, MountSpec, PropagationKind,
    TmpfsOptions,
};

/// What filesystems are made from.
struct Builder<'a> {
    place: Place<'a>,
    filesystems: &'a FileSystems,
    importer: &'a Importer,
    devices: &'a Devtmpfs,
    /// To the gofer, and behind them the files that layers lie in.
    connections: Vec<Option<OwnedFd>>,
    memory: u64,
}

/// What a container's processes start from.
pub(super) struct Built {
    pub(super) context: FsContext,
    /// What its root is, if what is written there is kept in a layer.
    pub(super) layer: Option<Arc<Overlay>>,
    /// What the layer is to be written to when the container has ended.
    pub(super) archive: Option<OwnedFd>,
    /// The gofer's files, if the root is an image and not those.
    pub(super) beside: Option<Arc<dyn FileSystem>>,
}

/// Mounts everything for a container whose processes will be in this place, and finds the working directory. [`super::shield`] comes last.
pub(super) fn build(
    place: Place<'_>,
    (filesystems, importer): (&FileSystems, &Importer),
    container: &ContainerSpec,
    connections: Vec<OwnedFd>,
    devices: &Devtmpfs,
) -> Result<Built, Failure> {
    let connections = connections.into_iter().map(Some).collect();
    let mut builder =
        Builder { place, filesystems, importer, devices, connections, memory: host::machine::memory() };
    let root = container.root;
    let files = builder.gofer(root.connection, caching(root.access.unwrap_or(FileAccess::All)))?;
    let (files, beside) = match root.image {
        Some(image) => (builder.image(image)?, Some(files)),
        None => (files, None),
    };
    let mut superblock = SuperBlock::new(Arc::clone(&files));
    // What a read-only root lacks is made in a layer over it: the host's files stay as they are.
    let lacking = root.read_only && lacks_mountpoints(&superblock, container);
    let kept = root.overlay.or(lacking.then_some(LayerSpec { file: None, size: None }));
    let layer = kept.map(|kept| builder.overlay(files.root(), kept)).transpose()?;
    if let Some(layer) = &layer {
        superblock = SuperBlock::new(Arc::clone(layer) as Arc<dyn FileSystem>);
    }
    let archive = root.archive.map(|file| builder.take(file)).transpose()?;
    let root_mount = Mount::whole(superblock, b"root", MountFlags::empty());
    let mut context = FsContext::new(beneath(&root_mount)?);
    for mount in &container.mounts {
        builder.mount(&context, mount)?;
    }
    let cwd = &container.process.cwd;
    context.cwd = working_directory(&context, cwd).map_err(|e| failed_at(cwd, "enter process.cwd", e))?;
    context.umask = container.process.umask;
    Ok(Built { context, layer, archive, beside })
}

/// A namespace whose root mount lies upon one that nobody sees, as Linux's upon its rootfs: so it can be moved and pivoted.
fn beneath(root: &Arc<Mount>) -> Result<Arc<MountNamespace>, Failure> {
    let options = tmpfs::Options { size: 4096, inodes: 1, mode: 0o755, uid: 0, gid: 0 };
    let rootfs = SuperBlock::new(tmpfs::Tmpfs::named("rootfs", options, 4096));
    let bottom = Mount::whole(rootfs, b"rootfs", MountFlags::empty());
    let namespace = MountNamespace::new(Arc::clone(&bottom));
    namespace.attach(&bottom.root_path(), root).trying("mount the root")?;
    Ok(namespace)
}

impl Builder<'_> {
    fn take(&mut self, connection: usize) -> Result<OwnedFd, Failure> {
        let taken = self.connections.get_mut(connection).and_then(Option::take);
        taken.ok_or_else(|| Failure::Message(format!("connection {connection} to a file server is missing")))
    }

    fn gofer(&mut self, connection: usize, caching: Caching) -> Result<Arc<dyn FileSystem>, Failure> {
        let socket = self.take(connection)?;
        let files = match &self.filesystems.direct {
            Some(seen) => {
                GoferFs::take_over(socket, caching, |tree| direct::server(seen, self.filesystems.reach, tree))
            }
            None => GoferFs::connect(socket, caching),
        };
        let files = files.trying("talk to the gofer")?;
        let poller = Arc::clone(self.importer.poller());
        files.follow_by(Box::new(move |events, read| Ok(Box::new(poller.follow(events, read)?) as Kept)));
        Ok(files)
    }

    /// An image that the root is in.
    fn image(&mut self, file: usize) -> Result<Arc<dyn FileSystem>, Failure> {
        let image = HostImage::new(self.take(file)?);
        erofs::mount(Box::new(image), 0).trying("mount the image of the root")
    }

    /// A layer over files that stay as they are.
    fn overlay(&mut self, lower: InodeRef, kept: LayerSpec) -> Result<Arc<Overlay>, Failure> {
        let store = kept.file.map(|file| self.take(file)).transpose()?;
        let layer = || {
            let mode = lower.attributes()?.mode;
            let defaults = tmpfs::Options::for_memory(self.memory);
            let size = kept.size.unwrap_or(defaults.size);
            self.layer(lower.clone(), tmpfs::Options { mode, size, ..defaults }, store)
        };
        layer().trying("lay an overlay over the gofer's files")
    }

    /// A layer in memory or a file, within these limits and with this mode, over a directory that stays as it is.
    fn layer(
        &self,
        lower: InodeRef,
        options: tmpfs::Options,
        store: Option<OwnedFd>,
    ) -> Result<Arc<Overlay>, Errno> {
        let owner = lower.attributes()?.owner;
        let (medium, memory) = match store {
            Some(file) => {
                ("file", tmpfs::Tmpfs::stored(options, self.memory, Arc::new(tmpfs::Store::new(file))))
            }
            None => ("memory", tmpfs::Tmpfs::new(options, self.memory)),
        };
        let directory =
            |name: &'static [u8], mode| memory.root().create_directory(Name::new(name)?, mode, owner);
        let root = directory(b"upper", options.mode)?;
        let work = directory(b"work", 0o700)?;
        // Nobody else sees the layer, so that renamed directories can be marked in it.
        let settings = Settings { redirects: Redirects::Made, ..Settings::default() };
        let options = format!(",lowerdir=root,upperdir={medium}");
        Overlay::with(Some(Upper { root, work, index: None }), vec![lower], settings, &options)
    }

    /// A layer over a file that is mounted by itself.
    fn one_file(&mut self, file: InodeRef, kept: LayerSpec) -> Result<Arc<SuperBlock>, Failure> {
        let whole = self.overlay(Arc::new(lone_file::Around(file)), kept)?;
        let name = Name::new(lone_file::NAME).trying("name a file")?;
        let root = whole.root().lookup(name).trying("find a file in its layer")?;
        Ok(SuperBlock::new(Arc::new(lone_file::Part { whole, root })))
    }

    /// A tmpfs that begins with what the directory under it holds: a layer over that, which costs nothing until it is changed. Nobody can reach
    /// the directory itself any more. Nothing where there is no such directory.
    fn copied_up(
        &self,
        context: &FsContext,
        mount: &MountSpec,
        given: &TmpfsOptions,
    ) -> Result<Option<Arc<SuperBlock>>, Failure> {
        let under = match find(context, &mount.destination) {
            Ok(place) if place.inode().kind() == FileKind::Directory => place.inode(),
            _ => return Ok(None),
        };
        let layer = || {
            let mode = given.mode.map_or_else(|| Ok(under.attributes()?.mode), Ok)?;
            self.layer(under.clone(), tmpfs::Options { mode, ..self.tmpfs_options(given) }, None)
        };
        Ok(Some(SuperBlock::new(layer().trying("lay a tmpfs over a directory")?)))
    }

    fn mount(&mut self, context: &FsContext, mount: &MountSpec) -> Result<(), Failure> {
        let destination = mount.destination.as_str();
        if mount.kind == MountKind::Remount {
            remount(context, mount).map_err(|e| failed_at(destination, "remount", e))?;
            return propagate(context, mount);
        }
        let copied = match &mount.kind {
            MountKind::Tmpfs(options) if options.copy_up => self.copied_up(context, mount, options)?,
            _ => None,
        };
        let superblock = match copied {
            Some(superblock) => superblock,
            None => self.superblock(mount)?,
        };
        let is_directory = superblock.root().inode_ref().kind() == FileKind::Directory;
        let place = mountpoint(context, destination, is_directory)
            .map_err(|e| failed_at(destination, "make mountpoint", e))?;
        let source = match mount.source.as_str() {
            "" => superblock.filesystem().kind(),
            source => source,
        };
        let source = source.as_bytes().to_vec();
        let mounted = Mount::whole(superblock, &source, flags(&mount.flags));
        context.namespace.attach(&place, &mounted).map_err(|e| failed_at(destination, "mount on", e))?;
        propagate(context, mount)
    }

    fn superblock(&mut self, mount: &MountSpec) -> Result<Arc<SuperBlock>, Failure> {
        let filesystem: Arc<dyn FileSystem> = match &mount.kind {
            MountKind::Gofer { connection, overlay, access } => {
                let access = access.unwrap_or(FileAccess::Revalidating);
                let files = self.gofer(*connection, caching(access))?;
                let (root, Some(kept)) = (files.root(), *overlay) else {
                    return Ok(SuperBlock::new(files));
                };
                if root.kind() != FileKind::Directory {
                    return self.one_file(root, kept);
                }
                self.overlay(root, kept)?
            }
            // Engines ask for an empty tmpfs and expect the standard devices in it.
            MountKind::Tmpfs(_) | MountKind::Devtmpfs if mount.destination == "/dev" => {
                return Ok(Arc::clone(self.devices.superblock()));
            }
            MountKind::Devtmpfs => return Ok(Arc::clone(self.devices.superblock())),
            MountKind::Tmpfs(options) => tmpfs::Tmpfs::new(self.tmpfs_options(options), self.memory),
            MountKind::Proc => self.filesystems.proc(&self.place.namespaces.pids).trying("make /proc")?,
            MountKind::Sysfs => FileSystems::sys(),
            MountKind::Devpts(options) => self.filesystems.devpts(devpts_options(options)),
            MountKind::Mqueue => return Ok(Arc::clone(self.place.namespaces.ipc.posix.superblock())),
            MountKind::Cgroup => {
                return self.filesystems.cgroup(self.place.container).trying("make the control group");
            }
            MountKind::Ninep { connection, options } => return self.server(*connection, options),
            MountKind::Remount => return Err(Errno::EINVAL).trying("make nothing new"),
        };
        Ok(SuperBlock::new(filesystem))
    }

    /// What somebody else's server offers, who is trusted no more than one that a guest mounts.
    fn server(
        &mut self,
        connection: usize,
        options: &[(String, Option<String>)],
    ) -> Result<Arc<SuperBlock>, Failure> {
        let socket = self.take(connection)?;
        let credentials = Arc::new(Credentials::root(CapabilitySet::FULL));
        let mut files = self.importer.import(vec![socket], &credentials).trying("import a connection")?;
        let file = files.pop().ok_or(Errno::EBADF).trying("find a connection to a file server")?;
        let option = |(key, value): &(String, Option<String>)| MountOption {
            key: key.clone().into_bytes(),
            value: value.clone().map(String::into_bytes),
        };
        let options: Vec<MountOption> = options.iter().map(option).collect();
        let options = v9fs::Options::parse(&options).trying("understand the options of a 9P mount")?;
        let node_name = self.place.namespaces.uts.names.lock().host.clone();
        let connection = v9fs::Connection { reading: Arc::clone(&file), writing: file, node_name };
        v9fs::mount(connection, options).trying("talk to the file server")
    }

    fn tmpfs_options(&self, given: &TmpfsOptions) -> tmpfs::Options {
        let defaults = tmpfs::Options::for_memory(self.memory);
        tmpfs::Options {
            size: given.size.unwrap_or(defaults.size),
            inodes: given.inodes.unwrap_or(defaults.inodes),
            mode: given.mode.unwrap_or(defaults.mode),
            uid: given.uid.unwrap_or(defaults.uid),
            gid: given.gid.unwrap_or(defaults.gid),
        }
    }
}

/// How the client of a gofer keeps a promise about who else changes the files. All of it writes through: the sentry has no content of its
/// own (decision 4).
const fn caching(access: FileAccess) -> Caching {
    match access {
        FileAccess::All => Caching::Exclusive,
        FileAccess::Revalidating => Caching::Shared,
        FileAccess::None => Caching::Uncached,
    }
}

fn devpts_options(given: &DevptsOptions) -> devpts::Options {
    let defaults = devpts::Options::default();
    devpts::Options {
        uid: given.uid,
        gid: given.gid,
        mode: given.mode.unwrap_or(defaults.mode),
        ptmx_mode: given.ptmx_mode.unwrap_or(defaults.ptmx_mode),
        max: given.max.unwrap_or(defaults.max),
    }
}

fn flags(given: &spec::MountFlags) -> MountFlags {
    let words = [
        (given.read_only, MountFlags::RDONLY),
        (given.no_suid, MountFlags::NOSUID),
        (given.no_dev, MountFlags::NODEV),
        (given.no_exec, MountFlags::NOEXEC),
        (given.no_atime, MountFlags::NOATIME),
        (given.no_dir_atime, MountFlags::NODIRATIME),
        (given.strict_atime, MountFlags::STRICTATIME),
        (given.no_sym_follow, MountFlags::NOSYMFOLLOW),
    ];
    words.into_iter().filter(|(on, _)| *on).fold(MountFlags::empty(), |all, (_, flag)| all | flag)
}

/// Gives what is mounted at a place other flags (`MS_REMOUNT | MS_BIND`).
fn remount(context: &FsContext, mount: &MountSpec) -> Result<(), Errno> {
    let place = find(context, &mount.destination)?;
    if !place.is_mount_root() {
        return Err(Errno::EINVAL);
    }
    place.mount.set_flags(flags(&mount.flags))
}

/// Says who hears of mounts below a mount.
fn propagate(context: &FsContext, mount: &MountSpec) -> Result<(), Failure> {
    let destination = mount.destination.as_str();
    for change in &mount.propagation {
        let to = match change.kind {
            PropagationKind::Shared => PropagationType::Shared,
            PropagationKind::Slave => PropagationType::Slave,
            PropagationKind::Private => PropagationType::Private,
            PropagationKind::Unbindable => PropagationType::Unbindable,
        };
        let place = At::here(destination.as_bytes());
        as_root(context, |caller| caller.change_propagation(&place, to, change.recursive))
            .map_err(|e| failed_at(destination, "change the propagation of", e))?;
    }
    Ok(())
}

/// Whether a root has no place for one of the container's mounts or for its working directory.
fn lacks_mountpoints(root: &Arc<SuperBlock>, container: &ContainerSpec) -> bool {
    let mount = Mount::whole(Arc::clone(root), b"root", MountFlags::empty());
    let context = FsContext::new(MountNamespace::new(mount));
    let destinations: Vec<&str> = container.mounts.iter().map(|mount| mount.destination.as_str()).collect();
    let within = |path: &str, mount: &str| path.strip_prefix(mount).is_some_and(|rest| rest.starts_with('/'));
    let wanted = destinations.iter().copied().chain([container.process.cwd.as_str()]);
    wanted
        .filter(|path| !destinations.iter().any(|mount| within(path, mount)))
        .any(|path| find(&context, path).is_err())
}
