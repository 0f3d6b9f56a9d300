//! Finding and opening what is to be executed.

use std::sync::{Arc, OnceLock};

use abi::Errno;
use platform::Source;
use vfs::caller::{At, Found};
use vfs::inode::LinkTarget;
use vfs::mount_flags::MountFlags;
use vfs::path::Path;
use vfs::resolve::Lookup;
use vfs::usage::Executing;
use vfs::{Access, Attributes, File, FileKind, MapSource, MountIds, OpenFile, OpenFlags};

use super::credentials::{FileCapabilities, Identity};
use crate::Task;

/// A regular file that the caller may execute.
pub(super) struct Executable {
    /// Where it was found; nothing for a file without a name (a memfd).
    pub(super) path: Option<Path>,
    file: Arc<dyn File>,
    attributes: Attributes,
    /// What private mappings are made from, once one was: the same for all segments.
    mapped: OnceLock<MapSource>,
    /// Keeps writers away while it runs.
    pub(super) executing: Option<Executing>,
}

impl Executable {
    /// Finds and opens a file for execution.
    ///
    /// # Errors
    /// `EACCES` for what is no regular file, has no execute permission or lies on a mount without execution, `ETXTBSY` if it is open for writing, and the errors of path walks.
    pub(super) fn open(task: &Arc<Task>, at: &At<'_>, lookup: Lookup) -> Result<Self, Errno> {
        let found = task.with_caller(|caller| caller.find(at, lookup))?;
        let attributes = found.attributes()?;
        if attributes.kind == FileKind::Symlink {
            return Err(Errno::ELOOP);
        }
        if attributes.kind != FileKind::Regular {
            return Err(Errno::EACCES);
        }
        let credentials = task.credentials();
        found.check(&credentials, &attributes, Access::EXECUTE)?;
        match found {
            Found::Path(path) => {
                if path.mount.flags().contains(MountFlags::NOEXEC) {
                    return Err(Errno::EACCES);
                }
                let executing = Executing::start(path.dentry.inode_ref())?;
                let file = path.inode().open(OpenFlags::empty(), &credentials)?;
                Ok(Self { path: Some(path), file, attributes, mapped: OnceLock::new(), executing })
            }
            Found::File(open) => Ok(Self {
                path: None,
                file: Arc::clone(&open.file),
                attributes,
                mapped: OnceLock::new(),
                executing: None,
            }),
        }
    }

    /// Reads up to so many bytes from an offset on.
    ///
    /// # Errors
    /// As the file says.
    pub(super) fn read(&self, offset: u64, count: usize) -> Result<Vec<u8>, Errno> {
        let mut sink = vfs::io::VecSink::new(count);
        while sink.data.len() < count {
            let at = offset.saturating_add(sink.data.len() as u64);
            if self.file.read(at, &mut sink)? == 0 {
                break;
            }
        }
        Ok(sink.data)
    }

    /// Where a private mapping of it comes from, at an offset.
    ///
    /// # Errors
    /// As the file says.
    pub(super) fn source(&self, protection: u32, offset: u64) -> Result<Source, Errno> {
        let mapped = match self.mapped.get() {
            Some(mapped) => mapped.clone(),
            None => {
                let mapped = self.file.map(protection, false)?;
                self.mapped.get_or_init(|| mapped).clone()
            }
        };
        Ok(match mapped {
            MapSource::Host(file) => Source::File { file, offset },
            MapSource::Anonymous => Source::Anonymous,
        })
    }

    /// Who it makes its executor.
    pub(super) fn identity(&self, task: &Task) -> Identity {
        let (namespace, credentials) = (Arc::clone(&task.fs_now().namespace), task.credentials());
        let trusted = |path: &Path| {
            let foreign = !credentials.user.is_within(path.mount.superblock().user());
            !path.mount.flags().contains(MountFlags::NOSUID) && namespace.contains(&path.mount) && !foreign
        };
        let no_set_id = !self.path.as_ref().is_some_and(trusted);
        let value = self
            .path
            .as_ref()
            .filter(|_| !no_set_id)
            .and_then(|p| p.inode().xattr(b"security.capability").ok());
        Identity {
            uid: self.attributes.owner.uid,
            gid: self.attributes.owner.gid,
            mode: self.attributes.mode,
            capabilities: value.and_then(|v| FileCapabilities::parse(&v)).and_then(|of| match self.ids() {
                None => Some(of),
                Some(ids) => of.seen_through(ids),
            }),
            no_set_id,
        }
    }

    fn ids(&self) -> Option<&Arc<MountIds>> {
        self.path.as_ref()?.mount.ids()
    }

    /// What /proc/PID/exe leads to.
    pub(super) fn link(&self, task: &Task) -> LinkTarget {
        match &self.path {
            Some(path) => LinkTarget::Place(path.clone()),
            None => {
                let (file, flags) = (Arc::clone(&self.file), OpenFlags::empty());
                LinkTarget::Opened(OpenFile::new(file, None, flags, Arc::clone(&task.credentials())))
            }
        }
    }

    /// Whether the caller may read it: what may not be read must not be dumped either.
    pub(super) fn readable(&self, task: &Task) -> bool {
        task.credentials().check(&self.attributes, Access::READ).is_ok()
    }
}
