//! Mounting, and what mounts restrict.

use std::sync::Arc;

use crate::tree::{at, mount, open, tree, walk};
use abi::Errno;
use vfs::{Caller, CapabilitySet, Credentials, MountFlags, UnmountFlags};

const WRONLY: u32 = 1;
const CREAT: u32 = 0o100;

#[test]
fn a_read_only_mount_refuses_changes_and_writers_keep_it_writable() {
    let world = tree(&["m/"]);
    mount(&world, "m", MountFlags::empty());
    let writer = open(&world, "m/f", WRONLY | CREAT).unwrap();
    let remount = |flags| world.caller().remount(&at("m"), flags, true, b"");
    assert_eq!(remount(MountFlags::RDONLY), Err(Errno::EBUSY));
    drop(writer);
    remount(MountFlags::RDONLY).unwrap();
    let caller = world.caller();
    assert_eq!(open(&world, "m/f", WRONLY).err(), Some(Errno::EROFS));
    assert_eq!(open(&world, "m/new", WRONLY | CREAT).err(), Some(Errno::EROFS));
    assert_eq!(caller.remove(&at("m/f")), Err(Errno::EROFS));
    assert_eq!(caller.make_directory(&at("m/d"), 0o755).err(), Some(Errno::EROFS));
    assert_eq!(caller.make_directory(&at("m/f"), 0o755).err(), Some(Errno::EEXIST));
    assert_eq!(caller.truncate(&at("m/f"), 0), Err(Errno::EROFS));
    assert_eq!(caller.change_mode(&at("m/f"), 0, vfs::AtFlags::empty()), Err(Errno::EROFS));
    assert_eq!(caller.check_access(&at("m/f"), vfs::Access::WRITE, vfs::AtFlags::empty()), Err(Errno::EROFS));
    assert!(open(&world, "m/f", 0).is_ok());
    remount(MountFlags::empty()).unwrap();
    assert!(open(&world, "m/f", WRONLY).is_ok());
}

#[test]
fn a_mount_in_use_stays() {
    let world = tree(&["m/"]);
    mount(&world, "m", MountFlags::empty());
    world.caller().make_directory(&at("m/d"), 0o755).unwrap();
    let user = open(&world, "m/d", 0).unwrap();
    let unmount = |flags| world.caller().unmount(&at("m"), flags);
    assert_eq!(unmount(UnmountFlags::empty()), Err(Errno::EBUSY));
    assert_eq!(world.caller().remove_directory(&at("m")), Err(Errno::EBUSY));
    let away = world.caller().rename(&at("m"), &at("n"), vfs::RenameFlags::empty());
    assert_eq!(away, Err(Errno::EBUSY));
    unmount(UnmountFlags::DETACH).unwrap();
    assert!(user.attributes().is_ok());
    assert_eq!(walk(&world, "m/d"), Err(Errno::ENOENT));
    assert_eq!(unmount(UnmountFlags::empty()), Err(Errno::EINVAL));
    world.caller().remove_directory(&at("m")).unwrap();
}

#[test]
fn bind_mounts_show_the_same_files() {
    let world = tree(&["a/", "a/sub/", "b/", "file", "target"]);
    mount(&world, "a/sub", MountFlags::empty());
    open(&world, "a/sub/inner", CREAT | WRONLY).unwrap();
    let caller = world.caller();
    caller.bind_mount(&at("a"), &at("b"), false).unwrap();
    assert_eq!(walk(&world, "b/sub/inner"), Err(Errno::ENOENT));
    caller.unmount(&at("b"), UnmountFlags::empty()).unwrap();
    caller.bind_mount(&at("a"), &at("b"), true).unwrap();
    assert_eq!(walk(&world, "b/sub/inner"), Ok(String::from("/b/sub/inner")));
    assert_eq!(caller.bind_mount(&at("file"), &at("b"), false), Err(Errno::ENOTDIR));
    caller.bind_mount(&at("file"), &at("target"), false).unwrap();
    assert_eq!(caller.remove(&at("target")), Err(Errno::EBUSY));
    let link = caller.link(&at("file"), &at("a/sub/x"), vfs::AtFlags::empty());
    assert_eq!(link, Err(Errno::EXDEV));
}

#[test]
fn a_directory_moved_out_of_a_bind_mount_has_no_way_up() {
    let world = tree(&["a/", "a/in/", "a/in/deep/", "out/", "b/"]);
    let caller = world.caller();
    caller.bind_mount(&at("a/in"), &at("b"), false).unwrap();
    let deep = caller.find_path(&at("b/deep"), vfs::Lookup::FOLLOW).unwrap();
    caller.rename(&at("a/in/deep"), &at("out/deep"), vfs::RenameFlags::empty()).unwrap();
    let above = vfs::At::from(&deep, b"..");
    assert_eq!(caller.find_path(&above, vfs::Lookup::FOLLOW).err(), Some(Errno::ENOENT));
}

#[test]
fn a_copied_namespace_goes_its_own_way() {
    let world = tree(&["m/"]);
    mount(&world, "m", MountFlags::NOSUID);
    open(&world, "m/f", CREAT | WRONLY).unwrap();
    let (copy, relocation) = world.namespace.copy(&Credentials::root(CapabilitySet::FULL)).unwrap();
    let root = relocation.translate(&world.root);
    drop(relocation);
    assert!(!Arc::ptr_eq(&root.mount, &world.root.mount));
    let there = Caller { root: &root, working_directory: &root, namespace: &copy, ..world.caller() };
    there.unmount(&at("m"), UnmountFlags::empty()).unwrap();
    assert_eq!(there.find(&at("m/f"), vfs::Lookup::FOLLOW).err(), Some(Errno::ENOENT));
    assert_eq!(walk(&world, "m/f"), Ok(String::from("/m/f")));
}

#[test]
fn pivot_root_exchanges_root_and_mount() {
    let world = tree(&["new/", "old-file"]);
    mount(&world, "new", MountFlags::empty());
    world.caller().make_directory(&at("new/put"), 0o755).unwrap();
    let caller = world.caller();
    assert_eq!(caller.pivot_root(&at("."), &at(".")).err(), Some(Errno::EBUSY));
    let (old, new) = caller.pivot_root(&at("new"), &at("new/put")).unwrap();
    assert!(old == world.root);
    let after = Caller { root: &new, working_directory: &new, ..caller };
    assert!(after.find(&at("/put/old-file"), vfs::Lookup::FOLLOW).is_ok());
    assert!(after.find(&at("/put/new"), vfs::Lookup::FOLLOW).is_ok());
    after.unmount(&at("/put"), UnmountFlags::DETACH).unwrap();
    assert_eq!(after.find(&at("/put/old-file"), vfs::Lookup::FOLLOW).err(), Some(Errno::ENOENT));
}

#[test]
fn the_tables_say_what_is_mounted() {
    let world = tree(&["with space/"]);
    let mounted = mount(&world, "with space", MountFlags::NODEV | MountFlags::RDONLY);
    let list = world.namespace.list(&world.root);
    let record = list.iter().find(|record| record.id == mounted.id).unwrap();
    let line = String::from_utf8(record.mounts_line()).unwrap();
    assert_eq!(line, "none /with\\040space tmpfs ro,nodev,relatime,mode=755 0 0\n");
    let line = String::from_utf8(record.mountinfo_line()).unwrap();
    let device = mounted.superblock().filesystem().device();
    let start = format!(
        "{} {} 0:{} / /with\\040space ro,nodev,relatime - tmpfs none rw,",
        record.id, record.parent, device.minor
    );
    assert!(line.starts_with(&start), "{line}");
    assert_eq!(list.first().map(|record| record.mountpoint.clone()), Some(b"/".to_vec()));
}
