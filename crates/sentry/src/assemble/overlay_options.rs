//! `mount -t overlay`: the options of Linux's overlayfs.

use std::sync::Arc;

use abi::Errno;
use overlay::{Marks, Overlay, Redirects, Settings, Upper};
use vfs::caller::{At, Caller};
use vfs::path::Path;
use vfs::resolve::Lookup;
use vfs::{
    Access, FileKind, FileSystem, FileSystemType, InodeRef, MountOption, MountRequest, Name, Owner,
    SuperBlock,
};

/// Lower layers in one overlay.
const LAYERS_MAX: usize = 500;

/// How many filesystems may lie upon each other: one more than Linux has, because the container's root may be one of them.
pub(super) const STACK_MOST: u32 = 3;

/// The type.
pub(super) struct OverlayType;

/// What the options say.
#[derive(Default)]
struct Options {
    lowers: Vec<Vec<u8>>,
    upper: Option<Vec<u8>>,
    work: Option<Vec<u8>>,
    redirects: Option<Redirects>,
    metacopy: bool,
    index: bool,
    /// What is shown of `uuid=`; everything has the filesystem's own, `on`.
    uuid: Option<&'static str>,
    user_marks: bool,
    volatile: bool,
    xino: bool,
    default_permissions: bool,
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
            (b"metacopy", Some(value @ (b"on" | b"off"))) => self.metacopy = value == b"on",
            (b"index", Some(value @ (b"on" | b"off"))) => self.index = value == b"on",
            (b"uuid", Some(b"on" | b"auto")) => self.uuid = None,
            (b"uuid", Some(b"null")) => self.uuid = Some("null"),
            (b"uuid", Some(b"off")) => self.uuid = Some("off"),
            // As is always done.
            (b"default_permissions", None) => self.default_permissions = true,
            (b"nfs_export" | b"verity", Some(b"off")) | (b"override_creds", None) => {}
            // Handles of files, digests of content, and copying as whoever writes are not there.
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
            // An overlay shows the owners that its layers store: idmapped ones are refused, as by Linux before 5.19.
            let usable = found.inode().kind() == FileKind::Directory && found.mount.ids().is_none();
            if usable { Ok(found) } else { Err(Errno::EINVAL) }
        };
        let lowers = self.lowers.iter().map(|path| directory(path)).collect::<Result<Vec<_>, _>>()?;
        let upper = match (&self.upper, &self.work) {
            (Some(upper), Some(work)) => {
                let (upper, work) = (directory(upper)?, directory(work)?);
                // The overlay writes there for whoever mounts it.
                for path in [&upper, &work] {
                    let access = Access::READ | Access::WRITE | Access::EXECUTE;
                    path.check(caller.credentials, &path.attributes()?, access)?;
                }
                let same = |lower: &Path| Arc::ptr_eq(lower.mount.superblock(), upper.mount.superblock());
                let one_filesystem = lowers.iter().all(same);
                Some((layer_pair(&upper, &work, self.index)?, one_filesystem))
            }
            _ => None,
        };
        let read_only = upper.is_none();
        let text = self.text(upper.as_ref().map(|(_, one_filesystem)| *one_filesystem));
        let lowers = lowers.iter().map(Path::inode).collect();
        let overlay = Overlay::with(upper.map(|(upper, _)| upper), lowers, settings, &text)?;
        if overlay.stack_depth() > STACK_MOST {
            return Err(Errno::EINVAL);
        }
        let superblock = SuperBlock::of(overlay, Arc::clone(&caller.credentials.user));
        superblock.set_read_only(read_only);
        Ok(superblock)
    }

    /// # Errors
    /// `EINVAL` for marks that anybody may set and that would be followed, and for files without content that are not followed.
    fn settings(&self) -> Result<Settings, Errno> {
        let Self { redirects, metacopy, .. } = *self;
        if self.user_marks {
            let followed = metacopy || matches!(redirects, Some(Redirects::Made));
            let settings = Settings { marks: Marks::User, redirects: Redirects::Refused, metacopy };
            return if followed { Err(Errno::EINVAL) } else { Ok(settings) };
        }
        let redirects = match redirects {
            None if metacopy => Redirects::Made,
            Some(Redirects::Followed | Redirects::Refused) if metacopy => return Err(Errno::EINVAL),
            other => other.unwrap_or_default(),
        };
        Ok(Settings { marks: Marks::Trusted, redirects, metacopy })
    }

    /// As /proc/mounts shows it. With an upper layer it is told whether all layers are of one filesystem: then numbers of inodes need no bits
    /// that say which.
    fn text(&self, one_filesystem: Option<bool>) -> String {
        let lowers: Vec<_> = self.lowers.iter().map(|path| String::from_utf8_lossy(path)).collect();
        let mut text = format!(",lowerdir={}", lowers.join(":"));
        for (key, path) in [("upperdir", &self.upper), ("workdir", &self.work)] {
            if let Some(path) = path {
                text.push_str(&format!(",{key}={}", String::from_utf8_lossy(path)));
            }
        }
        let upper = one_filesystem.is_some();
        let redirects = self.settings().map_or(Redirects::default(), |settings| settings.redirects);
        // Without an upper layer none are made, and to follow them is all that "on" means.
        let on = redirects == Redirects::Made || redirects == Redirects::Followed && !upper;
        let others = [
            (self.default_permissions, ",default_permissions"),
            (on, ",redirect_dir=on"),
            (redirects == Redirects::Refused, ",redirect_dir=nofollow"),
            (self.index && upper, ",index=on"),
            (self.uuid.is_none() && upper, ",uuid=on"),
            (self.uuid == Some("null"), ",uuid=null"),
            (self.uuid == Some("off"), ",uuid=off"),
            (self.xino && one_filesystem == Some(false), ",xino=on"),
            (self.metacopy, ",metacopy=on"),
            (self.volatile && upper, ",volatile"),
            (self.user_marks, ",userxattr"),
        ];
        others.iter().filter(|(is, _)| *is).for_each(|(_, shown)| text.push_str(shown));
        text
    }
}

/// The writable layer: both directories on one writable filesystem, neither in the other.
fn layer_pair(upper: &Path, work: &Path, index: bool) -> Result<Upper, Errno> {
    let same_filesystem = Arc::ptr_eq(upper.mount.superblock(), work.mount.superblock());
    let nested = upper.dentry.is_within(&work.dentry) || work.dentry.is_within(&upper.dentry);
    if !same_filesystem || nested || upper.mount.is_read_only() {
        return Err(Errno::EINVAL);
    }
    // The overlay changes the layer below the VFS.
    upper.mount.superblock().stop_caching();
    let index = if index { Some(index_directory(&work.inode())?) } else { None };
    Ok(Upper { root: upper.inode(), work: work.inode(), index })
}

/// The directory of the index, beside what is made ready.
fn index_directory(work: &InodeRef) -> Result<InodeRef, Errno> {
    let name = Name::new(b"index")?;
    match work.lookup(name) {
        Ok(index) if index.kind() == FileKind::Directory => Ok(index),
        Ok(_) => Err(Errno::EINVAL),
        Err(Errno::ENOENT) => work.create_directory(name, 0, Owner::default()),
        Err(error) => Err(error),
    }
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
        assert_eq!(take(b"nfs_export=on"), Err(Errno::EINVAL));
        assert_eq!(take(b"index=perhaps"), Err(Errno::EINVAL));
        assert_eq!(take(b"redirect_dir=on,userxattr,volatile,xino=on"), Ok(()));
        assert_eq!(take(b"redirect_dir=perhaps"), Err(Errno::EINVAL));
        assert_eq!(take(b"metacopy=off,index=off"), Ok(()));
        assert_eq!(take(b"colour=red"), Err(Errno::EINVAL));
    }
}
