//! Where a task stands in the filesystem: what `CLONE_FS` shares.

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use arc_swap::{ArcSwap, Guard};
use parking_lot::Mutex;
use vfs::caller::Caller;
use vfs::mount_namespace::MountNamespace;
use vfs::path::Path;
use vfs::special::SpecialFiles;
use vfs::{Attributes, Credentials, File, InodeRef, OpenFlags};

use crate::Task;

/// Root, working directory, umask, and the mounts that they lie in.
#[derive(Clone)]
pub struct FsContext {
    /// The mounts.
    pub namespace: Arc<MountNamespace>,
    /// What `/` means.
    pub root: Path,
    /// Where relative paths start.
    pub cwd: Path,
    /// Bits that new files do not get.
    pub umask: u32,
}

impl FsContext {
    /// At the root of a namespace, with the usual umask.
    #[must_use]
    pub fn new(namespace: Arc<MountNamespace>) -> Self {
        let root = namespace.root_path();
        Self { namespace, cwd: root.clone(), root, umask: 0o022 }
    }

    /// Moves it to a copy of its mounts, which belongs to the maker's user namespace.
    ///
    /// # Errors
    /// As [`MountNamespace::copy`].
    pub fn unshare_mounts(&mut self, maker: &Credentials) -> Result<(), Errno> {
        let (namespace, relocation) = self.namespace.copy(maker)?;
        self.root = relocation.translate(&self.root);
        self.cwd = relocation.translate(&self.cwd);
        self.namespace = namespace;
        Ok(())
    }
}

/// A place in the filesystem that tasks share. What it is at some moment stays as it was for who holds it.
pub struct SharedFs {
    now: ArcSwap<FsContext>,
    /// Held by who changes it.
    change: Mutex<()>,
}

impl SharedFs {
    /// At this place.
    #[must_use]
    pub fn new(context: FsContext) -> Arc<Self> {
        Self::at(Arc::new(context))
    }

    /// The place now.
    #[must_use]
    pub fn now(&self) -> Guard<Arc<FsContext>> {
        self.now.load()
    }

    fn at(context: Arc<FsContext>) -> Arc<Self> {
        Arc::new(Self { now: ArcSwap::new(context), change: Mutex::new(()) })
    }

    /// A copy, as fork(2) makes it.
    #[must_use]
    pub fn fork(&self) -> Arc<Self> {
        Self::at(self.now.load_full())
    }

    /// Changes it, one change after the other.
    pub fn change<R>(&self, change: impl FnOnce(&mut FsContext) -> R) -> R {
        let changing = self.change.lock();
        let mut context = (**self.now.load()).clone();
        let result = change(&mut context);
        let old = self.now.swap(Arc::new(context));
        // What was replaced goes without the lock.
        drop(changing);
        drop(old);
        result
    }
}

impl Task {
    /// Carries out an operation on paths on behalf of this task, from where it stands.
    pub fn with_caller<R>(&self, act: impl FnOnce(&Caller<'_>) -> R) -> R {
        let context = self.fs_now();
        let (credentials, files) = (self.credentials(), self.files());
        act(&Caller {
            root: &context.root,
            working_directory: &context.cwd,
            credentials: &credentials,
            umask: context.umask,
            files: &files,
            special: self.kernel.special(),
            namespace: &context.namespace,
            task: Some(self),
        })
    }
}

/// A kernel without devices: what there is before any are registered.
pub struct NoSpecialFiles;

impl SpecialFiles for NoSpecialFiles {
    fn open(
        &self,
        _: &InodeRef,
        _: &Attributes,
        _: OpenFlags,
        _: &Credentials,
        _: Option<&dyn Any>,
    ) -> Result<Arc<dyn File>, Errno> {
        Err(Errno::ENXIO)
    }
}
