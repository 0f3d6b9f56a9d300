//! The calls on a filesystem of ours, through the VFS.

use std::collections::BTreeMap;
use std::sync::Arc;

use abi::Errno;
use vfs::filesystem::FileSystemRef;
use vfs::io::{SliceSource, VecSink};
use vfs::{
    Access, At, AtFlags, Attributes, Caller, CapabilitySet, Credentials, DirectoryEntry, DirectorySink,
    FdTable, File, FileKind, InodeRef, Lookup, Mount, MountFlags, MountNamespace, OpenFile, OpenFlags,
    OpenHow, OwnerChange, Path, RenameFlags, Seek, SpecialFiles, SuperBlock, TimeChange, Timestamp,
    XattrMode,
};

use crate::call::{Call, Outcome, World};

/// A mount namespace with one filesystem, and who uses it.
pub struct OurWorld {
    /// Its mounts.
    pub namespace: Arc<MountNamespace>,
    /// The root directory of the calls.
    pub root: Path,
    /// Who calls.
    pub credentials: Arc<Credentials>,
    files: Arc<FdTable>,
    slots: BTreeMap<usize, Arc<OpenFile>>,
}

impl OurWorld {
    /// A world on a filesystem, with the user that the test runs as.
    #[must_use]
    pub fn new(filesystem: FileSystemRef) -> Self {
        let superblock = SuperBlock::new(filesystem);
        let mount = Mount::whole(superblock, b"none", MountFlags::NOATIME);
        let namespace = MountNamespace::new(mount);
        let root = namespace.root_path();
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        let capabilities = if uid == 0 { CapabilitySet::FULL } else { CapabilitySet::EMPTY };
        let mut credentials = Credentials::new(uid, gid, capabilities);
        let groups = rustix::process::getgroups().unwrap_or_default();
        credentials.groups = groups.into_iter().map(|gid| gid.as_raw()).collect();
        Self {
            namespace,
            root,
            credentials: Arc::new(credentials),
            files: FdTable::new(),
            slots: BTreeMap::new(),
        }
    }

    /// The caller that the calls are made by: its working directory is its root.
    #[must_use]
    pub fn caller(&self) -> Caller<'_> {
        Caller {
            root: &self.root,
            working_directory: &self.root,
            credentials: &self.credentials,
            umask: 0o022,
            files: &self.files,
            special: &NoDevices,
            namespace: &self.namespace,
            task: None,
        }
    }

    /// Closes all that the calls have left open.
    pub fn close_all(&mut self) {
        self.slots.clear();
    }

    fn slot(&self, slot: usize) -> Result<&Arc<OpenFile>, Errno> {
        self.slots.get(&slot).ok_or(Errno::EBADF)
    }

    fn run(&mut self, call: &Call) -> Result<String, Errno> {
        let done = |()| String::new();
        let caller = self.caller();
        match call {
            Call::Mkdir { path, mode } => caller.make_directory(&at(path), *mode).map(|_| String::new()),
            Call::Rmdir { path } => caller.remove_directory(&at(path)).map(done),
            Call::Unlink { path } => caller.remove(&at(path)).map(done),
            Call::Symlink { target, path } => caller.make_symlink(target.as_bytes(), &at(path)).map(done),
            Call::Link { from, to, follow } => {
                let flags = if *follow { AtFlags::SYMLINK_FOLLOW } else { AtFlags::empty() };
                caller.link(&at(from), &at(to), flags).map(done)
            }
            Call::Rename { from, to, flags } => {
                caller.rename(&at(from), &at(to), RenameFlags::from_bits_retain(*flags)).map(done)
            }
            Call::Fifo { path, mode } => {
                caller.make_node(&at(path), mode | 0o010_000, vfs::Device::default()).map(|_| String::new())
            }
            Call::Open { slot, path, flags, mode } => {
                self.slots.remove(slot);
                let how = OpenHow::lenient(*flags | OpenFlags::NONBLOCK.bits(), *mode)?;
                let file = match self.caller().open(&at(path), &how) {
                    Err(Errno::ENXIO) => return Ok(String::from("fifo")),
                    result => result?,
                };
                let text = describe(&file.attributes()?);
                self.slots.insert(*slot, file);
                Ok(text)
            }
            Call::Close { slot } => self.slots.remove(slot).map(|_| String::new()).ok_or(Errno::EBADF),
            Call::Write { slot, offset, length, fill } => {
                let data = vec![*fill; *length];
                self.slot(*slot)?.write_at(*offset, &mut SliceSource::new(&data)).map(|n| n.to_string())
            }
            Call::Append { slot, length, fill } => {
                let file = self.slot(*slot)?;
                let end = file.seek(Seek::End(0))?;
                let data = vec![*fill; *length];
                let written = file.write(&mut SliceSource::new(&data))?;
                Ok(format!("{end} {written}"))
            }
            Call::Read { slot, offset, length } => {
                let mut sink = VecSink::new(*length);
                self.slot(*slot)?.read_at(*offset, &mut sink)?;
                Ok(digest(&sink.data))
            }
            Call::Ftruncate { slot, size } => caller.truncate_open(self.slot(*slot)?, *size).map(done),
            Call::Fallocate { slot, mode, offset, length } => {
                self.allocate(*slot, *mode, *offset, *length).map(done)
            }
            Call::SeekData { slot, offset } => {
                self.slot(*slot)?.seek(Seek::Data(*offset)).map(|at| at.to_string())
            }
            Call::SeekHole { slot, offset } => {
                self.slot(*slot)?.seek(Seek::Hole(*offset)).map(|at| at.to_string())
            }
            Call::Fstat { slot } => self.slot(*slot)?.attributes().map(|a| describe(&a)),
            Call::Stat { path } => caller.status(&at(path), Lookup::FOLLOW).map(|s| describe(&s.attributes)),
            Call::Lstat { path } => {
                caller.status(&at(path), Lookup::empty()).map(|s| describe(&s.attributes))
            }
            Call::Readlink { path } => {
                caller.read_link(&at(path)).map(|text| String::from_utf8_lossy(&text).into_owned())
            }
            Call::Chmod { path, mode } => caller.change_mode(&at(path), *mode, AtFlags::empty()).map(done),
            Call::Chown { path, uid, gid } => {
                let id = |id: u32| (id != u32::MAX).then_some(id);
                let owner = OwnerChange { uid: id(*uid), gid: id(*gid) };
                caller.change_owner(&at(path), owner, AtFlags::SYMLINK_NOFOLLOW).map(done)
            }
            Call::Truncate { path, size } => {
                let how = OpenHow::lenient(OpenFlags::WRONLY.bits() | OpenFlags::NONBLOCK.bits(), 0)?;
                let file = caller.open(&at(path), &how)?;
                caller.truncate_open(&file, *size).map(done)
            }
            Call::Times { path, accessed, modified } => {
                let time = |seconds| Some(TimeChange::To(Timestamp { seconds, nanoseconds: 7 }));
                caller.change_times(&at(path), Some((time(*accessed), time(*modified))), AtFlags::empty())?;
                let a = caller.status(&at(path), Lookup::FOLLOW)?.attributes;
                Ok(format!("{}.{} {}", a.accessed.seconds, a.accessed.nanoseconds, a.modified.seconds))
            }
            Call::List { path } => self.list(path),
            Call::SetXattr { path, name, value, flags } => {
                let found = caller.find(&at(path), Lookup::empty())?;
                let mode = XattrMode::parse(*flags)?;
                caller.set_xattr(&found, name.as_bytes(), value.as_bytes(), mode).map(done)
            }
            Call::GetXattr { path, name } => {
                let found = caller.find(&at(path), Lookup::empty())?;
                caller.xattr(&found, name.as_bytes()).map(|v| String::from_utf8_lossy(&v).into_owned())
            }
            Call::RemoveXattr { path, name } => {
                let found = caller.find(&at(path), Lookup::empty())?;
                caller.remove_xattr(&found, name.as_bytes()).map(done)
            }
            Call::ListXattrs { path } => {
                let found = caller.find(&at(path), Lookup::empty())?;
                caller.list_xattrs(&found).map(|list| sorted_names(&list))
            }
            Call::Access { path, mode } => {
                caller.check_access(&at(path), Access::from_bits_retain(*mode), AtFlags::empty()).map(done)
            }
        }
    }

    fn allocate(&self, slot: usize, mode: u32, offset: u64, length: u64) -> Result<(), Errno> {
        let file = self.slot(slot)?;
        file.allocate(mode, offset, length)
    }

    fn list(&self, path: &str) -> Result<String, Errno> {
        let how = OpenHow::lenient(OpenFlags::DIRECTORY.bits(), 0)?;
        let directory = self.caller().open(&at(path), &how)?;
        let mut names = Names(Vec::new());
        directory.read_directory(&mut names)?;
        names.0.sort();
        Ok(names.0.join(" "))
    }
}

impl World for OurWorld {
    fn apply(&mut self, call: &Call) -> Outcome {
        self.run(call).map_err(Errno::raw)
    }
}

fn at(path: &str) -> At<'_> {
    At::here(path.as_bytes())
}

struct Names(Vec<String>);

impl DirectorySink for Names {
    fn put(&mut self, entry: &DirectoryEntry<'_>) -> bool {
        let kind = match entry.kind {
            FileKind::Regular => "RegularFile",
            FileKind::Directory => "Directory",
            FileKind::Symlink => "Symlink",
            FileKind::Fifo => "Fifo",
            FileKind::CharacterDevice => "CharacterDevice",
            FileKind::BlockDevice => "BlockDevice",
            FileKind::Socket => "Socket",
            FileKind::Anonymous => "Unknown",
        };
        self.0.push(format!("{}:{kind}", String::from_utf8_lossy(entry.name)));
        true
    }
}

/// What was read, in short: its length and what it consists of.
pub(crate) fn digest(data: &[u8]) -> String {
    let mut runs: Vec<(u8, usize)> = Vec::new();
    for byte in data {
        match runs.last_mut() {
            Some((last, count)) if last == byte => *count = count.saturating_add(1),
            _ => runs.push((*byte, 1)),
        }
    }
    format!("{} {runs:?}", data.len())
}

pub(crate) fn sorted_names(list: &[u8]) -> String {
    let mut names: Vec<_> = list.split(|b| *b == 0).map(String::from_utf8_lossy).collect();
    names.sort();
    names.join(" ")
}

fn describe(attributes: &Attributes) -> String {
    format!(
        "{:o} links {} owner {}:{} size {} blocks {}",
        attributes.kind.mode_bits() | attributes.mode,
        attributes.links,
        attributes.owner.uid,
        attributes.owner.gid,
        attributes.size,
        attributes.blocks
    )
}

/// Nothing behind device numbers and FIFOs.
struct NoDevices;

impl SpecialFiles for NoDevices {
    fn open(
        &self,
        _inode: &InodeRef,
        _attributes: &Attributes,
        _flags: OpenFlags,
        _credentials: &Credentials,
        _caller: Option<&dyn core::any::Any>,
    ) -> Result<Arc<dyn File>, Errno> {
        Err(Errno::ENXIO)
    }
}
