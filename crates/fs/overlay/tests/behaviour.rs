//! What an overlay does that a plain filesystem does not.
#![cfg(test)]

use std::sync::Arc;

use abi::Errno;
use oracle::OurWorld;
use overlay::{Overlay, Upper};
use tmpfs::{Options, Tmpfs};
use vfs::io::{SliceSource, VecSink};
use vfs::{
    At, AtFlags, Device, DirectoryEntry, DirectorySink, FileSystem, InodeRef, Lookup, Name, OpenFile,
    OpenHow, Owner, RenameFlags,
};

const MEMORY: u64 = 1 << 30;
const RDWR_CREAT: u32 = 0o102;

fn tmpfs() -> Arc<Tmpfs> {
    Tmpfs::new(Options { mode: 0o755, ..Options::for_memory(MEMORY) }, MEMORY)
}

fn name(text: &str) -> Name<'_> {
    Name::new(text.as_bytes()).unwrap()
}

fn upper() -> Upper {
    let top = tmpfs().root();
    let make = |text| top.create_directory(name(text), 0o755, Owner::default()).unwrap();
    Upper { root: make("upper"), work: make("work"), index: None }
}

fn put(world: &OurWorld, path: &str, text: &[u8]) {
    let file = open(world, path, RDWR_CREAT).unwrap();
    file.write(&mut SliceSource::new(text)).unwrap();
}

fn open(world: &OurWorld, path: &str, flags: u32) -> Result<Arc<OpenFile>, Errno> {
    world.caller().open(&At::here(path.as_bytes()), &OpenHow::lenient(flags, 0o644)?)
}

fn get(file: &OpenFile) -> Vec<u8> {
    let mut sink = VecSink::new(1000);
    file.read_at(0, &mut sink).unwrap();
    sink.data
}

fn list(world: &OurWorld, path: &str) -> Vec<String> {
    struct Names(Vec<String>);
    impl DirectorySink for Names {
        fn put(&mut self, entry: &DirectoryEntry<'_>) -> bool {
            self.0.push(String::from_utf8_lossy(entry.name).into_owned());
            true
        }
    }
    let mut names = Names(Vec::new());
    open(world, path, 0).unwrap().read_directory(&mut names).unwrap();
    names.0.retain(|name| name != "." && name != "..");
    names.0.sort();
    names.0
}

fn inode(world: &OurWorld, path: &str) -> u64 {
    world.caller().status(&At::here(path.as_bytes()), Lookup::empty()).unwrap().attributes.inode
}

/// A lower layer with `dir/file` and a hard link `dir/other` of it, and an overlay over it.
fn world() -> (OurWorld, InodeRef) {
    let lower = tmpfs();
    let below = OurWorld::new(lower.clone());
    below.caller().make_directory(&At::here(b"dir"), 0o755).unwrap();
    put(&below, "dir/file", b"lower");
    below.caller().link(&At::here(b"dir/file"), &At::here(b"dir/other"), AtFlags::empty()).unwrap();
    let overlay = Overlay::new(Some(upper()), vec![lower.root()], "").unwrap();
    (OurWorld::new(overlay), lower.root())
}

#[test]
fn a_copy_keeps_its_inode_number_and_its_links() {
    let (world, _) = world();
    let before = (inode(&world, "dir"), inode(&world, "dir/file"));
    put(&world, "dir/file", b"UPPER");
    assert_eq!(before, (inode(&world, "dir"), inode(&world, "dir/file")));
    world.root.mount.superblock().drop_names();
    assert_eq!(before, (inode(&world, "dir"), inode(&world, "dir/file")));
    assert_eq!(inode(&world, "dir/other"), before.1);
    assert_eq!(get(&open(&world, "dir/other", 0).unwrap()), b"UPPER");
}

#[test]
fn a_description_from_before_the_copy_sees_what_is_written_after() {
    let (world, lower) = world();
    let reader = open(&world, "dir/file", 0).unwrap();
    assert_eq!(get(&reader), b"lower");
    put(&world, "dir/file", b"later");
    assert_eq!(get(&reader), b"later");
    let kept = lower.lookup(name("dir")).and_then(|dir| dir.lookup(name("file"))).unwrap();
    assert_eq!(kept.attributes().unwrap().size, 5);
}

#[test]
fn a_removed_file_lives_on_with_its_description() {
    let (world, _) = world();
    let reader = open(&world, "dir/file", 0).unwrap();
    world.caller().remove(&At::here(b"dir/file")).unwrap();
    world.caller().remove(&At::here(b"dir/other")).unwrap();
    assert_eq!(get(&reader), b"lower");
    assert_eq!(reader.attributes().unwrap().links, 0);
    world.caller().truncate(&At::here(b"dir/file"), 0).unwrap_err();
    assert!(list(&world, "dir").is_empty());
    world.caller().remove_directory(&At::here(b"dir")).unwrap();
    assert!(list(&world, ".").is_empty());
}

#[test]
fn a_directory_made_again_is_empty() {
    let (world, _) = world();
    for path in [&b"dir/file"[..], b"dir/other"] {
        world.caller().remove(&At::here(path)).unwrap();
    }
    world.caller().remove_directory(&At::here(b"dir")).unwrap();
    world.caller().make_directory(&At::here(b"dir"), 0o700).unwrap();
    world.root.mount.superblock().drop_names();
    assert!(list(&world, "dir").is_empty());
    world.caller().rename(&At::here(b"dir"), &At::here(b"new"), RenameFlags::empty()).unwrap();
    assert_eq!(list(&world, "."), ["new"]);
}

#[test]
fn a_directory_of_the_lower_layer_cannot_be_renamed() {
    let (world, _) = world();
    let rename =
        |from: &[u8], to: &[u8]| world.caller().rename(&At::here(from), &At::here(to), RenameFlags::empty());
    assert_eq!(rename(b"dir", b"new"), Err(Errno::EXDEV));
    rename(b"dir/file", b"file").unwrap();
    assert_eq!(list(&world, "dir"), ["other"]);
    world.caller().make_directory(&At::here(b"fresh"), 0o755).unwrap();
    rename(b"fresh", b"dir/fresh").unwrap();
    assert_eq!(list(&world, "dir"), ["fresh", "other"]);
}

#[test]
fn whiteouts_and_opaque_directories_of_lower_layers_count() {
    let (bottom, middle) = (tmpfs(), tmpfs());
    let below = OurWorld::new(bottom.clone());
    for path in ["dir", "gone"] {
        below.caller().make_directory(&At::here(path.as_bytes()), 0o755).unwrap();
        put(&below, &format!("{path}/old"), b"old");
    }
    let root = middle.root();
    let dir = root.create_directory(name("dir"), 0o755, Owner::default()).unwrap();
    dir.set_xattr(b"trusted.overlay.opaque", b"y", false, false).unwrap();
    dir.create(name("new"), vfs::FileKind::Regular, 0o644, Owner::default(), Device::default()).unwrap();
    let covered = vfs::FileKind::CharacterDevice;
    root.create(name("gone"), covered, 0, Owner::default(), Device::default()).unwrap();
    let overlay = Overlay::new(None, vec![root, bottom.root()], "").unwrap();
    let world = OurWorld::new(overlay);
    assert_eq!(list(&world, "."), ["dir"]);
    assert_eq!(list(&world, "dir"), ["new"]);
    assert_eq!(open(&world, "gone/old", 0).err(), Some(Errno::ENOENT));
    assert_eq!(open(&world, "file", RDWR_CREAT).err(), Some(Errno::EROFS));
}
