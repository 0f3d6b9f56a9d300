//! Where what a container writes is kept: with the files, or in a layer over them that ends with the container (`--overlay2`).

use std::fs::{File, OpenOptions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use rustix::fs::{Mode, OFlags};
use sentry::spec::{LayerSpec, MountKind};

use super::Plan;
use crate::error::{Error, Trying};
use crate::sizes;

/// The annotation that chooses it for one container, before the command line.
pub(crate) const ANNOTATION: &str = "dev.casemate.overlay2";

/// What the layer of a container's root is kept in, in the container's directory, when it has ended.
pub(crate) const ARCHIVE: &str = "rootfs-upper";

/// A choice: `none`, or `MOUNTS:MEDIUM[,size=SIZE][,archive]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Layers {
    /// What is written goes to the files.
    None,
    /// It goes to layers.
    Over {
        /// Over bind mounts too, and not over the root alone.
        all: bool,
        /// What they lie in.
        medium: Medium,
        /// The most that each may hold, in bytes.
        size: Option<u64>,
        /// Whether the root's is to be had when the container has ended.
        archive: bool,
    },
}

/// What layers lie in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Medium {
    /// The sentry's memory.
    Memory,
    /// A file in the directory that the layer is over.
    Own,
    /// A file in this directory.
    Directory(PathBuf),
}

/// A file that the sentry gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Handed {
    /// A new one for a layer, in this directory.
    Store(PathBuf),
    /// This one, which is an image.
    Image(PathBuf),
    /// A new one of this name.
    Archive(PathBuf),
}

impl Handed {
    /// Opens or makes it.
    pub(crate) fn open(&self) -> Result<OwnedFd, Error> {
        match self {
            Self::Store(directory) => make_store(directory),
            Self::Image(path) => {
                let file = File::open(path).trying_on("open the image of the root", path)?;
                Ok(file.into())
            }
            Self::Archive(path) => {
                let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
                Ok(file.trying_on("make", path)?.into())
            }
        }
    }
}

impl FromStr for Layers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self::None);
        }
        let usage = || {
            format!("{text:?} is neither none nor (root|all):(memory|self|dir=/PATH)[,size=SIZE][,archive]")
        };
        let (mounts, rest) = text.split_once(':').ok_or_else(usage)?;
        let all = match mounts {
            "root" => false,
            "all" => true,
            _ => return Err(usage()),
        };
        let (rest, archive) = rest.strip_suffix(",archive").map_or((rest, false), |rest| (rest, true));
        let (medium, size) = match rest.split_once(",size=") {
            Some((medium, size)) => (medium, Some(capacity(size).ok_or_else(usage)?)),
            None => (rest, None),
        };
        let medium = match (medium, medium.strip_prefix("dir=")) {
            ("memory", _) => Medium::Memory,
            ("self", _) => Medium::Own,
            (_, Some(path)) if path.starts_with('/') => Medium::Directory(PathBuf::from(path)),
            _ => return Err(usage()),
        };
        Ok(Self::Over { all, medium, size, archive })
    }
}

/// A layer without room could hold nothing at all.
fn capacity(text: &str) -> Option<u64> {
    sizes::bytes(text).ok().filter(|bytes| *bytes > 0)
}

impl Plan {
    /// Puts layers over what the container may write to. Read-only files need none. What is kept of the root's lies in the container's directory.
    ///
    /// # Errors
    /// Files that cannot be looked at; a layer to be kept where nothing stays of the container.
    pub(crate) fn layered(mut self, otherwise: &Layers, container: Option<&Path>) -> Result<Self, Error> {
        let chosen = self.layers.take();
        let (all, medium, size, archive) = match chosen.as_ref().unwrap_or(otherwise) {
            Layers::None => {
                // Nobody writes to an image.
                self.container.root.read_only |= self.container.root.image.is_some();
                return Ok(self);
            }
            Layers::Over { all, medium, size, archive } => (*all, medium, *size, *archive),
        };
        let (exports, files) = (&mut self.exports, &mut self.files);
        let count = exports.len().saturating_add(self.servers.len());
        let mut layer = |connection: usize| -> Result<Option<LayerSpec>, Error> {
            let Some(export) = exports.get_mut(connection) else { return Ok(None) };
            if std::mem::replace(&mut export.read_only, true) {
                return Ok(None);
            }
            let directory = match medium {
                Medium::Memory => None,
                // A file has no room for another.
                Medium::Own => Some(export.path.as_path()).filter(|path| path.is_dir()),
                Medium::Directory(path) => Some(path.as_path()),
            };
            let size = match (size, directory) {
                (None, Some(directory)) => Some(free(directory)?),
                (size, _) => size,
            };
            let file = directory.map(|_| count.saturating_add(files.len()));
            files.extend(directory.map(|directory| Handed::Store(directory.to_path_buf())));
            Ok(Some(LayerSpec { file, size }))
        };
        let directory = container;
        let container = &mut self.container;
        container.root.overlay = layer(container.root.connection)?;
        for mount in container.mounts.iter_mut().filter(|_| all) {
            if let MountKind::Gofer { connection, overlay, .. } = &mut mount.kind {
                *overlay = layer(*connection)?;
            }
        }
        if archive && container.root.overlay.is_some() {
            let nowhere =
                || Error::Message("nothing stays of the container that an archive belongs to".to_owned());
            container.root.archive = Some(count.saturating_add(files.len()));
            files.push(Handed::Archive(directory.ok_or_else(nowhere)?.join(ARCHIVE)));
        }
        Ok(self)
    }
}

/// Bytes that are free where a directory lies.
fn free(directory: &Path) -> Result<u64, Error> {
    let found = rustix::fs::statvfs(directory).trying_on("look at", directory)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Makes the file of a layer in a directory. It has no name there: whatever ends the sandbox, nothing of it is left.
fn make_store(directory: &Path) -> Result<OwnedFd, Error> {
    let mode = Mode::RUSR | Mode::WUSR;
    let what = "make a file for a layer in";
    let unnamed =
        rustix::fs::open(directory, OFlags::TMPFILE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC, mode);
    match unnamed {
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::ISDIR) => {}
        other => return other.trying_on(what, directory),
    }
    // Not every filesystem has files without names: there it has one for a moment.
    let path = directory.join(format!(".casemate-layer-{}", std::process::id()));
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::RDWR | OFlags::CLOEXEC;
    let file = rustix::fs::open(&path, flags, mode).trying_on(what, directory)?;
    rustix::fs::unlink(&path).trying_on(what, directory)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_those_of_runsc() {
        let over = |all, medium, size| Ok(Layers::Over { all, medium, size, archive: false });
        let kept = Ok(Layers::Over { all: true, medium: Medium::Own, size: Some(4096), archive: true });
        assert_eq!("all:self,size=4k,archive".parse(), kept);
        assert_eq!("none".parse(), Ok(Layers::None));
        assert_eq!("root:memory".parse(), over(false, Medium::Memory, None));
        assert_eq!("all:self,size=2g".parse(), over(true, Medium::Own, Some(2 << 30)));
        assert_eq!("root:dir=/a,b".parse(), over(false, Medium::Directory("/a,b".into()), None));
        let sized = over(false, Medium::Directory("/a".into()), Some(4096));
        assert_eq!("root:dir=/a,size=4k".parse(), sized);
        for wrong in [
            "",
            "memory",
            "root",
            "root:",
            "root:dir=a",
            "some:memory",
            "root:memory,size=",
            "all:self,size=0",
        ] {
            assert!(wrong.parse::<Layers>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_layers_file_has_no_name() {
        let directory = tempfile::tempdir().unwrap();
        let file = make_store(directory.path()).unwrap();
        rustix::io::write(&file, b"x").unwrap();
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
