//! A tree of files to walk in.

use std::sync::Arc;

use abi::Errno;
use oracle::OurWorld;
use tmpfs::{Options, Tmpfs};
use vfs::{At, Mount, MountFlags, OpenFile, OpenHow, Path, SuperBlock};

const MEMORY: u64 = 1 << 30;
const WRONLY_CREAT: u32 = 0o101;

/// An empty tmpfs.
pub(crate) fn tmpfs() -> Arc<Tmpfs> {
    Tmpfs::new(Options { mode: 0o755, ..Options::for_memory(MEMORY) }, MEMORY)
}

/// A world whose caller is root, with directories (a slash at the end), links (`name -> target`) and files.
pub(crate) fn tree(entries: &[&str]) -> OurWorld {
    let mut world = OurWorld::new(tmpfs());
    let root = vfs::Credentials::root(vfs::CapabilitySet::FULL);
    world.credentials = Arc::new(root);
    for entry in entries {
        if let Some((name, target)) = entry.split_once(" -> ") {
            world.caller().make_symlink(target.as_bytes(), &at(name)).unwrap();
        } else if entry.ends_with('/') {
            world.caller().make_directory(&at(entry), 0o755).unwrap();
        } else {
            open(&world, entry, WRONLY_CREAT).unwrap();
        }
    }
    world
}

pub(crate) fn at(path: &str) -> At<'_> {
    At::here(path.as_bytes())
}

pub(crate) fn open(world: &OurWorld, path: &str, flags: u32) -> Result<Arc<OpenFile>, Errno> {
    world.caller().open(&at(path), &OpenHow::lenient(flags, 0o644)?)
}

/// Where a path leads, as a name.
pub(crate) fn walk(world: &OurWorld, path: &str) -> Result<String, Errno> {
    let place = world.caller().find_path(&at(path), vfs::Lookup::FOLLOW)?;
    Ok(name(world, &place))
}

pub(crate) fn name(world: &OurWorld, place: &Path) -> String {
    String::from_utf8(vfs::path_name::name_of(place, &world.root)).unwrap()
}

/// Mounts an empty tmpfs.
pub(crate) fn mount(world: &OurWorld, path: &str, flags: MountFlags) -> Arc<Mount> {
    let mount = Mount::whole(SuperBlock::new(tmpfs()), b"none", flags);
    world.caller().mount(&at(path), &mount).unwrap();
    mount
}
