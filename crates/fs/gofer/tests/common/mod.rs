//! A VFS over a gofer in a thread over a temporary directory.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use abi::Errno;
use gofer::{Config, Export, Ids, Links, Local, Tree};
use gofer_fs::{Caching, GoferFs, Handover};
use ninep::client::Server;
use vfs::io::{SliceSource, VecSink};
use vfs::special::SpecialFiles;
use vfs::{
    At, Attributes, Caller, CapabilitySet, Credentials, DirectoryEntry, DirectorySink, FdTable, File,
    InodeRef, Mount, MountFlags, MountNamespace, OpenFile, OpenFlags, OpenHow, Path, SuperBlock,
};

/// Everything that a call on a path needs.
pub(crate) struct World {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) filesystem: Arc<GoferFs>,
    pub(crate) superblock: Arc<SuperBlock>,
    namespace: Arc<MountNamespace>,
    root: Path,
    credentials: Arc<Credentials>,
    files: Arc<FdTable>,
}

/// The socket of a gofer in a thread.
fn gofer(directory: &tempfile::TempDir, read_only: bool, hands_over: bool) -> OwnedFd {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let root: OwnedFd = std::fs::File::open(directory.path()).unwrap().into();
    let exports = vec![Export { socket: theirs.into(), tree: Tree { root, read_only, ids: Ids::default() } }];
    let config = Config { hands_over, ..Config::without_walls(exports) };
    std::thread::spawn(move || gofer::serve(config));
    ours.into()
}

/// There are no devices here.
struct NoSpecialFiles;

impl SpecialFiles for NoSpecialFiles {
    fn open(
        &self,
        _: &InodeRef,
        _: &Attributes,
        _: OpenFlags,
        _: &Credentials,
        _: Option<&dyn core::any::Any>,
    ) -> Result<Arc<dyn File>, Errno> {
        Err(Errno::ENXIO)
    }
}

impl World {
    pub(crate) fn new(caching: Caching) -> Self {
        Self::over(tempfile::tempdir().unwrap(), caching, false)
    }

    pub(crate) fn over(directory: tempfile::TempDir, caching: Caching, read_only: bool) -> Self {
        let filesystem = GoferFs::connect(gofer(&directory, read_only, false), caching).unwrap();
        Self::on(directory, filesystem)
    }

    /// With the server in the client's hands, if the gofer hands its tree over.
    pub(crate) fn taken_over(
        directory: tempfile::TempDir,
        caching: Caching,
        read_only: bool,
        hands_over: bool,
    ) -> Self {
        let mut taken = false;
        let serve = |tree: Handover| -> Box<dyn Server> {
            taken = true;
            let ids = Ids { users: tree.users, groups: tree.groups };
            Box::new(Local::new(
                Tree { root: tree.root, read_only: tree.read_only, ids },
                Links::in_proc(),
                gofer::Reach::default(),
            ))
        };
        let filesystem =
            GoferFs::take_over(gofer(&directory, read_only, hands_over), caching, serve).unwrap();
        assert_eq!(taken, hands_over);
        Self::on(directory, filesystem)
    }

    fn on(directory: tempfile::TempDir, filesystem: Arc<GoferFs>) -> Self {
        let superblock = SuperBlock::new(filesystem.clone());
        let mount = Mount::whole(Arc::clone(&superblock), b"root", MountFlags::empty());
        let namespace = MountNamespace::new(mount);
        let root = namespace.root_path();
        let credentials = Arc::new(Credentials::root(CapabilitySet::FULL));
        Self { directory, filesystem, superblock, namespace, root, credentials, files: FdTable::new() }
    }

    pub(crate) fn host(&self, path: &str) -> std::path::PathBuf {
        self.directory.path().join(path)
    }

    pub(crate) fn caller(&self) -> Caller<'_> {
        Caller {
            root: &self.root,
            working_directory: &self.root,
            credentials: &self.credentials,
            umask: 0,
            files: &self.files,
            special: &NoSpecialFiles,
            namespace: &self.namespace,
            task: None,
        }
    }

    pub(crate) fn open(&self, path: &str, flags: u32) -> Result<Arc<OpenFile>, Errno> {
        self.caller().open(&At::here(path.as_bytes()), &OpenHow::lenient(flags, 0o644)?)
    }

    pub(crate) fn attributes(&self, path: &str) -> Result<Attributes, Errno> {
        let lookup = vfs::Lookup::empty();
        self.caller().find(&At::here(path.as_bytes()), lookup)?.attributes()
    }

    pub(crate) fn names(&self, path: &str) -> Result<Vec<String>, Errno> {
        let file = self.open(path, 0o200_000)?;
        let mut names = Names::default();
        file.read_directory(&mut names)?;
        names.0.sort();
        Ok(names.0)
    }
}

/// Collects names.
#[derive(Default)]
pub(crate) struct Names(pub(crate) Vec<String>);

impl DirectorySink for Names {
    fn put(&mut self, entry: &DirectoryEntry<'_>) -> bool {
        self.0.push(String::from_utf8_lossy(entry.name).into_owned());
        true
    }
}

pub(crate) fn read_at(file: &OpenFile, offset: u64, count: usize) -> Result<Vec<u8>, Errno> {
    let mut sink = VecSink::new(count);
    file.read_at(offset, &mut sink)?;
    Ok(sink.data)
}

pub(crate) fn write_at(file: &OpenFile, offset: u64, data: &[u8]) -> Result<usize, Errno> {
    file.write_at(offset, &mut SliceSource::new(data))
}
