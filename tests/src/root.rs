//! The root of one run: the test root as it is, or a copy that can be written to.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use crate::place::Place;
use crate::{enclosure, testroot, tools};

/// A root directory, for as long as this lives.
#[derive(Debug)]
pub struct Root {
    path: PathBuf,
    read_only: bool,
    /// A directory of the disk that goes with it.
    disk: Option<PathBuf>,
}

impl Root {
    /// The test root, where nothing can be changed.
    #[must_use]
    pub fn shared(place: &Place) -> Self {
        Self::at(place.root.clone())
    }

    /// Another root, where nothing can be changed.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self { path, read_only: true, disk: None }
    }

    /// A copy of one's own, as a file system layered over another root.
    ///
    /// # Errors
    /// If it cannot be mounted.
    pub fn own(place: &Place, base: &Path, name: &str) -> Result<Self> {
        let directory = place.directory(name)?;
        let path = directory.join("root");
        for part in ["root", "upper", "work"] {
            std::fs::create_dir(directory.join(part))?;
        }
        let layers = format!(
            "lowerdir={},upperdir={},workdir={}",
            base.display(),
            directory.join("upper").display(),
            directory.join("work").display(),
        );
        let layers = std::ffi::CString::new(layers)?;
        mount("overlay", &path, "overlay", MountFlags::empty(), Some(layers.as_c_str()))
            .with_context(|| format!("cannot mount an overlay on {}", path.display()))?;
        Ok(Self { path, read_only: false, disk: None })
    }

    /// The same with an empty directory of the disk, where the caches are: all else is in memory.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn with_disk(mut self, name: &str) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let own = format!(
            "{}-{}-{}",
            name.replace('/', "-"),
            enclosure::run(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let disk = testroot::cached("disk")?.join(own);
        tools::remove_tree(&disk)?;
        std::fs::create_dir_all(&disk)?;
        self.disk = Some(disk);
        Ok(self)
    }

    /// The directory of the disk, if one was asked for.
    #[must_use]
    pub fn disk(&self) -> Option<&Path> {
        self.disk.as_deref()
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether nothing can be changed.
    #[must_use]
    pub fn read_only(&self) -> bool {
        self.read_only
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        if let Some(disk) = &self.disk {
            let _ = tools::remove_tree(disk);
        }
        if !self.read_only {
            // If it is still in use it goes with the enclosure.
            let _ = unmount(&self.path, UnmountFlags::DETACH);
        }
    }
}
