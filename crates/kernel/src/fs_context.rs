//! Where a task stands in the filesystem: what `CLONE_FS` shares.

use std::sync::Arc;

use vfs::caller::Caller;
use vfs::mount_namespace::MountNamespace;
use vfs::path::Path;

use crate::Task;

/// Root, working directory, umask and mounts.
#[derive(Clone)]
pub struct FsContext {
    /// The mounts. They are here because whoever gets another namespace stops sharing the rest too.
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
}

impl Task {
    /// Acts on paths on the task's behalf. No lock is held while `act` runs.
    pub fn with_caller<R>(self: &Arc<Self>, act: impl FnOnce(&Caller<'_>) -> R) -> R {
        let fs = self.fs().lock().clone();
        let credentials = self.credentials();
        let files = self.files();
        act(&Caller {
            root: &fs.root,
            working_directory: &fs.cwd,
            credentials: &credentials,
            umask: fs.umask,
            files: &files,
            special: &*self.kernel.special,
            namespace: &fs.namespace,
            task: Some(&**self),
        })
    }
}
