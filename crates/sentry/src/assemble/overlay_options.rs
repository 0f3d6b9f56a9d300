//! `mount -t overlay`: the options of Linux's overlayfs.

use std::sync::Arc;

use abi::Errno;
use overlay::{Marks, Overlay, Redirects, Settings, Upper};
use vfs::caller::{At, Caller};
use vfs::path::Path;
use vfs::resolve::Lookup;
use vfs::{Access, FileKind, FileSystemType, MountOption, MountRequest, SuperBlock};

/// Lower layers in one overlay.
const LAYERS_MAX: usize = 500;

/// The type.
pub(super) struct OverlayType;

/// What the options say.
#[derive(Default)]
struct Options {
    lowers: Vec<Vec<u8>>,
    upper: Option<Vec<u8>>,
    work: Option<Vec<u8>>,
    redirects: Option<Redirects>,
    user_marks: bool,
    volatile: bool,
    xino: bool,
}

impl FileSystemType for OverlayType {
    fn name(&self) -> &'static str {
        "overlay"
    }

    fn in_user_namespaces(&self) -> bool {
        true
    }

    fn check(&self, option: &MountOption) -> Result<(), Errno> {
        Options::default().take(option)
    }

    fn make(&self, request: &MountRequest<'_>) -> Result<Arc<SuperBlock>, Errno> {
        let mut options = Options::default();
        for option in request.options {
            options.take(option)?;
        }
        options.mount(request.caller)
    }
}

impl Options {
    fn take(&mut self, option: &MountOption) -> Result<(), Errno> {
        let value = option.value.as_deref();
        match (option.key.as_slice(), value) {
            (b"lowerdir", Some(value)) => self.lowers = layers(value)?,
            (b"lowerdir+", Some(value)) => self.lowers.push(value.to_vec()),
            (b"upperdir", Some(value)) => self.upper = Some(unescape(value)),
            (b"workdir", Some(value)) => self.work = Some(unescape(value)),
            (b"redirect_dir", Some(b"on")) => self.redirects = Some(Redirects::Made),
            (b"redirect_dir", Some(b"off" | b"follow")) => self.redirects = Some(Redirects::Followed),
            (b"redirect_dir", Some(b"nofollow")) => self.redirects = Some(Redirects::Refused),
            (b"userxattr", None) => self.user_marks = true,
            // That nothing need be brought to the disk is no reason not to do it.
            (b"volatile", None) => self.volatile = true,
            // Numbers of inodes always say which layer they are from.
            (b"xino", Some(value @ (b"on" | b"off" | b"auto"))) => self.xino = value == b"on",
            // What the overlay does anyway.
            (b"index" | b"metacopy" | b"nfs_export", Some(b"off"))
            | (b"uuid", Some(b"on" | b"auto" | b"null" | b"off")) => {}
            _ => return Err(Errno::EINVAL),
        }
        if self.lowers.len() > LAYERS_MAX { Err(Errno::EINVAL) } else { Ok(()) }
    }

    fn mount(&self, caller: &Caller<'_>) -> Result<Arc<SuperBlock>, Errno> {
        if self.lowers.is_empty() || self.upper.is_some() && self.work.is_none() {
            return Err(Errno::EINVAL);
        }
        let settings = self.settings()?;
        let directory = |path: &[u8]| -> Result<Path, Errno> {
            let found = caller.find_path(&At::here(path), Lookup::FOLLOW)?;
            if found.inode().kind() == FileKind::Directory { Ok(found) } else { Err(Errno::EINVAL) }
        };
        let lowers = self.lowers.iter().map(|path| directory(path)).collect::<Result<Vec<_>, _>>()?;
        let upper = match (&self.upper, &self.work) {
            (Some(upper), Some(work)) => {
                let (upper, work) = (directory(upper)?, directory(work)?);
                // The overlay writes there for whoever mounts it.
                for path in [&upper, &work] {
                    let access = Access::READ | Access::WRITE | Access::EXECUTE;
                    caller.credentials.check_inode(&path.inode(), &path.attributes()?, access)?;
                }
                Some(layer_pair(&upper, &work)?)
            }
            _ => None,
        };
        let read_only = upper.is_none();
        let lowers = lowers.iter().map(Path::inode).collect();
        let overlay = Overlay::with(upper, lowers, settings, &self.text())?;
        let superblock = SuperBlock::of(overlay, Arc::clone(&caller.credentials.user));
        superblock.set_read_only(read_only);
        Ok(superblock)
    }

    /// # Errors
    /// `EINVAL` for marks that anybody may set and that would be followed.
    fn settings(&self) -> Result<Settings, Errno> {
        if !self.user_marks {
            return Ok(Settings { marks: Marks::Trusted, redirects: self.redirects.unwrap_or_default() });
        }
        if matches!(self.redirects, Some(Redirects::Made)) {
            return Err(Errno::EINVAL);
        }
        Ok(Settings { marks: Marks::User, redirects: Redirects::Refused })
    }

    /// As /proc/mounts shows it.
    fn text(&self) -> String {
        let lowers: Vec<_> = self.lowers.iter().map(|path| String::from_utf8_lossy(path)).collect();
        let mut text = format!(",lowerdir={}", lowers.join(":"));
        for (key, path) in [("upperdir", &self.upper), ("workdir", &self.work)] {
            if let Some(path) = path {
                text.push_str(&format!(",{key}={}", String::from_utf8_lossy(path)));
            }
        }
        let others = [
            (self.redirects == Some(Redirects::Made), ",redirect_dir=on"),
            (self.redirects == Some(Redirects::Refused), ",redirect_dir=nofollow"),
            (self.xino, ",xino=on"),
            (self.volatile, ",volatile"),
            (self.user_marks, ",userxattr"),
        ];
        others.iter().filter(|(is, _)| *is).for_each(|(_, shown)| text.push_str(shown));
        text
    }
}

/// The writable layer: both directories on one writable filesystem, neither in the other.
fn layer_pair(upper: &Path, work: &Path) -> Result<Upper, Errno> {
    let same_filesystem = Arc::ptr_eq(upper.mount.superblock(), work.mount.superblock());
    let nested = upper.dentry.is_within(&work.dentry) || work.dentry.is_within(&upper.dentry);
    if !same_filesystem || nested || upper.mount.is_read_only() {
        return Err(Errno::EINVAL);
    }
    // The overlay changes the layer below the VFS.
    upper.mount.superblock().stop_caching();
    Ok(Upper { root: upper.inode(), work: work.inode() })
}

/// Directories with colons between them.
fn layers(text: &[u8]) -> Result<Vec<Vec<u8>>, Errno> {
    let mut layers = vec![Vec::new()];
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match (byte, layers.last_mut()) {
            (b':', _) => layers.push(Vec::new()),
            (b'\\', Some(layer)) => layer.extend(bytes.next()),
            (byte, Some(layer)) => layer.push(*byte),
            (_, None) => {}
        }
    }
    if layers.iter().any(Vec::is_empty) { Err(Errno::EINVAL) } else { Ok(layers) }
}

fn unescape(text: &[u8]) -> Vec<u8> {
    let mut bytes = text.iter();
    let mut plain = Vec::new();
    while let Some(byte) = bytes.next() {
        plain.extend(if *byte == b'\\' { bytes.next() } else { Some(byte) });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_told_apart_by_colons() {
        assert_eq!(layers(b"/a:/b\\:c"), Ok(vec![b"/a".to_vec(), b"/b:c".to_vec()]));
        assert_eq!(layers(b"/a:"), Err(Errno::EINVAL));
        assert_eq!(layers(b"/a::/b"), Err(Errno::EINVAL));
    }

    #[test]
    fn options_that_would_change_something_are_refused() {
        let take = |text: &[u8]| MountOption::split(text).iter().try_for_each(|o| Options::default().take(o));
        assert_eq!(take(b"metacopy=on"), Err(Errno::EINVAL));
        assert_eq!(take(b"redirect_dir=on,userxattr,volatile,xino=on"), Ok(()));
        assert_eq!(take(b"redirect_dir=perhaps"), Err(Errno::EINVAL));
        assert_eq!(take(b"metacopy=off,index=off"), Ok(()));
        assert_eq!(take(b"colour=red"), Err(Errno::EINVAL));
    }
}
