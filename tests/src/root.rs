//! The root of one run: the test root as it is, or a copy that can be written to.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use crate::place::Place;

/// A root directory, for as long as this lives.
#[derive(Debug)]
pub struct Root {
    path: PathBuf,
    read_only: bool,
}

impl Root {
    /// The test root, where nothing can be changed.
    #[must_use]
    pub fn shared(place: &Place) -> Self {
        Self { path: place.root.clone(), read_only: true }
    }

    /// Another root, where nothing can be changed.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self { path, read_only: true }
    }

    /// A copy of one's own, as a file system layered over the test root.
    ///
    /// # Errors
    /// If it cannot be mounted.
    pub fn own(place: &Place, name: &str) -> Result<Self> {
        let directory = place.directory(name)?;
        let path = directory.join("root");
        for part in ["root", "upper", "work"] {
            std::fs::create_dir(directory.join(part))?;
        }
        let layers = format!(
            "lowerdir={},upperdir={},workdir={}",
            place.root.display(),
            directory.join("upper").display(),
            directory.join("work").display(),
        );
        let layers = std::ffi::CString::new(layers)?;
        mount("overlay", &path, "overlay", MountFlags::empty(), Some(layers.as_c_str()))
            .with_context(|| format!("cannot mount an overlay on {}", path.display()))?;
        Ok(Self { path, read_only: false })
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
        if !self.read_only {
            // If it is still in use it goes with the enclosure.
            let _ = unmount(&self.path, UnmountFlags::DETACH);
        }
    }
}
