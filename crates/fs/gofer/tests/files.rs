//! Files of the host, seen through the VFS and the gofer.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

#[cfg(test)]
mod common;

use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt, symlink};

use abi::Errno;
use common::{World, read_at, write_at};
use gofer_fs::Caching;
use vfs::io::SliceSource;
use vfs::{
    At, AtFlags, AttributeChange, FileSystem, MapSource, Name, Owner, RenameFlags, TimeChange, Timestamp,
};

const RDONLY: u32 = 0;
const WRONLY: u32 = 1;
const RDWR: u32 = 2;
const CREAT: u32 = 0o100;
const EXCL: u32 = 0o200;
const TRUNC: u32 = 0o1000;
const APPEND: u32 = 0o2000;

fn host_file(source: MapSource) -> std::fs::File {
    match source {
        MapSource::Host(file) => file.try_clone().unwrap().into(),
        MapSource::Anonymous => panic!("not a host file"),
    }
}

#[test]
fn a_file_is_made_written_and_read_back() {
    let world = World::new(Caching::Exclusive);
    let file = world.open("file", CREAT | EXCL | RDWR).unwrap();
    assert_eq!(write_at(&file, 0, b"hello world"), Ok(11));
    assert_eq!(world.attributes("file").unwrap().size, 11, "attributes follow a write");
    assert_eq!(read_at(&file, 6, 100), Ok(b"world".to_vec()));
    assert_eq!(std::fs::read(world.host("file")).unwrap(), b"hello world");
    assert_eq!(world.open("file", CREAT | EXCL | RDWR).err(), Some(Errno::EEXIST));
    drop(world.open("file", TRUNC | WRONLY).unwrap());
    assert_eq!(world.attributes("file").unwrap().size, 0);
    assert_eq!(read_at(&file, 0, 10), Ok(vec![]));
}

#[test]
fn deep_paths_and_links_lead_where_they_lead_on_the_host() {
    let world = World::new(Caching::Exclusive);
    std::fs::create_dir_all(world.host("a/b/c")).unwrap();
    std::fs::write(world.host("a/b/c/file"), "text").unwrap();
    symlink("b/c", world.host("a/link")).unwrap();
    symlink("/a/b", world.host("a/b/c/up")).unwrap();
    for path in ["a/b/c/file", "a/link/file", "a/link/../c/file", "a/b/c/up/c/file"] {
        assert_eq!(read_at(&world.open(path, RDONLY).unwrap(), 0, 9), Ok(b"text".to_vec()), "{path}");
    }
    let inode = std::fs::metadata(world.host("a/b/c/file")).unwrap().ino();
    assert_eq!(world.attributes("a/link/file").unwrap().inode, inode);
    assert_eq!(world.open("a/b/none/file", RDONLY).err(), Some(Errno::ENOENT));
    assert_eq!(world.open("a/b/c/file/x", RDONLY).err(), Some(Errno::ENOTDIR));
}

#[test]
fn appending_writers_of_both_sides_overwrite_nothing() {
    let world = World::new(Caching::Exclusive);
    let guest = world.open("log", CREAT | WRONLY | APPEND).unwrap();
    let mut host = std::fs::File::options().append(true).open(world.host("log")).unwrap();
    for n in 0..10u8 {
        let mut line = SliceSource::new(b"guest\n");
        guest.write(&mut line).unwrap();
        host.write_all(&[b'0' + n, b'\n']).unwrap();
    }
    let text = std::fs::read_to_string(world.host("log")).unwrap();
    assert_eq!(text.lines().filter(|l| *l == "guest").count(), 10);
    assert_eq!(text.lines().count(), 20);
    assert_eq!(guest.offset(), text.len() as u64 - 2);
}

#[test]
fn a_removed_file_lives_while_it_is_open() {
    let world = World::new(Caching::Exclusive);
    let file = world.open("file", CREAT | RDWR).unwrap();
    write_at(&file, 0, b"data").unwrap();
    world.caller().remove(&At::here(b"file")).unwrap();
    assert!(!world.host("file").exists());
    assert_eq!(world.attributes("file").err(), Some(Errno::ENOENT));
    assert_eq!(file.attributes().unwrap().links, 0);
    write_at(&file, 4, b"more").unwrap();
    assert_eq!(read_at(&file, 0, 100), Ok(b"datamore".to_vec()));
    world.caller().change_mode_of(&vfs::Found::of(file.clone()), 0o600).unwrap();
    assert_eq!(file.attributes().unwrap().mode, 0o600);
    world.caller().truncate_open(&file, 2).unwrap();
    assert_eq!(file.attributes().unwrap().size, 2);
}

/// While names come to a new directory one after the other, nobody is asked for those that are not there.
#[test]
fn names_of_a_new_directory_are_known_while_it_is_filled() {
    let world = World::new(Caching::Exclusive);
    let mkdir = |path: &str| world.caller().make_directory(&At::here(path.as_bytes()), 0o755);
    mkdir("d").unwrap();
    for n in 0..50 {
        assert_eq!(world.attributes(&format!("d/{n}")).err(), Some(Errno::ENOENT));
        drop(world.open(&format!("d/{n}"), CREAT | EXCL | WRONLY).unwrap());
        assert!(world.host(&format!("d/{n}")).exists());
        assert_eq!(world.attributes(&format!("d/{n}")).unwrap().links, 1);
    }
    world.caller().remove(&At::here(b"d/7")).unwrap();
    assert_eq!(world.attributes("d/7").err(), Some(Errno::ENOENT));
    mkdir("d/7").unwrap();
    assert_eq!(mkdir("d/7"), Err(Errno::EEXIST));
    // An engine copies something into the container, which may take a moment.
    std::fs::write(world.host("d/copied"), "text").unwrap();
    std::thread::sleep(std::time::Duration::from_millis(50));
    assert_eq!(world.attributes("d/copied").unwrap().size, 4);
    assert_eq!(world.names("d").unwrap().len(), 53);
}

/// What a file is opened for next costs no message, and shows what it is all the same.
#[test]
fn a_file_that_was_written_and_closed_is_opened_again() {
    let world = World::new(Caching::Exclusive);
    for n in 0..3 {
        let file = world.open("file", CREAT | WRONLY).unwrap();
        write_at(&file, n, b"ab").unwrap();
        drop(file);
        assert_eq!(world.attributes("file").unwrap().size, n + 2);
        let file = world.open("file", RDONLY).unwrap();
        assert_eq!(read_at(&file, n, 9), Ok(b"ab".to_vec()));
        assert_eq!(write_at(&file, 0, b"x"), Err(Errno::EBADF));
    }
    world.caller().change_mode(&At::here(b"file"), 0o4755, AtFlags::empty()).unwrap();
    write_at(&world.open("file", RDWR).unwrap(), 0, b"x").unwrap();
    let host = std::fs::metadata(world.host("file")).unwrap();
    assert_eq!(world.attributes("file").unwrap().mode, host.mode() & 0o7777);
}

/// A look at each entry after a listing costs no message, and is true all the same.
#[test]
fn entries_of_a_listing_are_what_they_are() {
    let world = World::new(Caching::Exclusive);
    std::fs::create_dir(world.host("d")).unwrap();
    for n in 0..20usize {
        std::fs::write(world.host(&format!("d/{n}")), vec![b'x'; n]).unwrap();
    }
    std::fs::hard_link(world.host("d/1"), world.host("d/one")).unwrap();
    std::fs::create_dir(world.host("d/sub")).unwrap();
    let open = world.open("d/5", RDWR).unwrap();
    let names = world.names("d").unwrap();
    assert_eq!(names.len(), 24);
    write_at(&open, 5, b"yy").unwrap();
    for n in 0..20usize {
        let expected = if n == 5 { 7 } else { n as u64 };
        let attributes = world.attributes(&format!("d/{n}")).unwrap();
        let host = std::fs::metadata(world.host(&format!("d/{n}"))).unwrap();
        assert_eq!((attributes.size, attributes.inode), (expected, host.ino()), "{n}");
    }
    assert_eq!(world.attributes("d/one").unwrap().links, 2);
    // Files that the server was never asked for by name.
    assert_eq!(read_at(&world.open("d/7", RDONLY).unwrap(), 0, 99), Ok(vec![b'x'; 7]));
    let nine = world.open("d/9", 0o10_000_000).unwrap();
    world.caller().remove(&At::here(b"d/9")).unwrap();
    assert_eq!(nine.attributes().unwrap().links, 0, "it can be asked for though its name is gone");
    let eight = world.open("d/8", 0o10_000_000).unwrap();
    let none = RenameFlags::empty();
    world.caller().rename(&At::here(b"d/8"), &At::here(b"d/sub/8"), none).unwrap();
    world.caller().rename(&At::here(b"d/sub"), &At::here(b"elsewhere"), none).unwrap();
    assert_eq!(eight.attributes().unwrap().size, 8);
    assert_eq!(read_at(&world.open("elsewhere/8", RDONLY).unwrap(), 0, 99), Ok(vec![b'x'; 8]));
    assert_eq!(world.attributes("d/8").err(), Some(Errno::ENOENT));
    assert_eq!(world.names("d").unwrap().len(), 21);
}

#[test]
fn a_huge_directory_is_listed_whole() {
    let world = World::new(Caching::Exclusive);
    for n in 0..5000 {
        std::fs::write(world.host(&format!("some-longer-name-{n}")), "").unwrap();
    }
    let names = world.names(".").unwrap();
    assert_eq!(names.len(), 5002);
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    for n in [0, 1500, 4999] {
        world.attributes(&format!("some-longer-name-{n}")).unwrap();
    }
}

#[test]
fn mappings_have_the_access_of_the_open_file() {
    let world = World::new(Caching::Exclusive);
    std::fs::write(world.host("file"), "0123456789").unwrap();
    let reader = world.open("file", RDONLY).unwrap();
    let writer = world.open("file", RDWR).unwrap();
    let (read, write) = (&reader.file, &writer.file);
    assert_eq!(read.map(3, true).err(), Some(Errno::EACCES));
    let strict = host_file(read.map(1, true).unwrap());
    assert_eq!(strict.write_at(b"x", 0).unwrap_err().raw_os_error(), Some(9));
    let shared = host_file(write.map(3, true).unwrap());
    // As the guest would through memory: unseen by the sentry.
    shared.set_len(20).unwrap();
    assert_eq!(world.attributes("file").unwrap().size, 20);
    let mut text = String::new();
    let mut private = host_file(read.map(1, false).unwrap());
    private.seek(SeekFrom::Start(0)).unwrap();
    private.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("0123456789"));
}

#[test]
fn attributes_and_times_go_to_the_host() {
    let world = World::new(Caching::Exclusive);
    std::fs::write(world.host("file"), "x").unwrap();
    let (caller, at) = (world.caller(), At::here(b"file"));
    caller.change_mode(&at, 0o640, AtFlags::empty()).unwrap();
    let exact = TimeChange::To(Timestamp { seconds: -5, nanoseconds: 7 });
    caller.change_times(&at, Some((None, Some(exact))), AtFlags::empty()).unwrap();
    caller.truncate(&at, 100).unwrap();
    let host = std::fs::metadata(world.host("file")).unwrap();
    assert_eq!((host.mode() & 0o7777, host.size()), (0o640, 100));
    caller.change_times(&at, Some((Some(exact), Some(exact))), AtFlags::empty()).unwrap();
    let attributes = world.attributes("file").unwrap();
    assert_eq!((attributes.mode, attributes.size), (0o640, 100));
    assert_eq!((attributes.modified.seconds, attributes.modified.nanoseconds), (-5, 7));
    assert!(attributes.born.is_some());
}

#[test]
fn reading_may_move_the_access_time() {
    let world = World::new(Caching::Exclusive);
    let file = world.open("file", CREAT | RDWR).unwrap();
    write_at(&file, 0, b"x").unwrap();
    assert_eq!(world.attributes("file").unwrap().size, 1);
    read_at(&file, 0, 1).unwrap();
    let host = std::fs::metadata(world.host("file")).unwrap();
    let seen = world.attributes("file").unwrap().accessed;
    assert_eq!((seen.seconds, i64::from(seen.nanoseconds)), (host.atime(), host.atime_nsec()));
}

#[test]
fn shared_trees_show_what_the_host_does() {
    for caching in [Caching::Shared, Caching::Uncached] {
        shows_what_the_host_does(&World::new(caching));
    }
}

fn shows_what_the_host_does(world: &World) {
    assert_eq!(world.attributes("late").err(), Some(Errno::ENOENT));
    std::fs::write(world.host("late"), "1").unwrap();
    assert_eq!(world.attributes("late").unwrap().size, 1);
    let file = world.open("late", RDONLY).unwrap();
    std::fs::write(world.host("late"), "12").unwrap();
    assert_eq!(world.attributes("late").unwrap().size, 2);
    assert_eq!(read_at(&file, 0, 9), Ok(b"12".to_vec()));
    std::fs::remove_file(world.host("late")).unwrap();
    assert_eq!(world.attributes("late").err(), Some(Errno::ENOENT));
    std::fs::write(world.host("late"), "another").unwrap();
    assert_eq!(world.attributes("late").unwrap().size, 7);
    assert_eq!(file.attributes().unwrap().links, 0);
    assert_eq!(read_at(&file, 0, 9), Ok(b"12".to_vec()), "what was opened is still there");
    // Renamed over, renamed away, a directory of the same name, a link that leads elsewhere.
    std::fs::write(world.host("other"), "other").unwrap();
    std::fs::rename(world.host("other"), world.host("late")).unwrap();
    assert_eq!(read_at(&world.open("late", RDONLY).unwrap(), 0, 9), Ok(b"other".to_vec()));
    std::fs::rename(world.host("late"), world.host("gone")).unwrap();
    assert_eq!(world.open("late", RDONLY).err(), Some(Errno::ENOENT));
    std::fs::create_dir(world.host("late")).unwrap();
    std::fs::write(world.host("late/inner"), "x").unwrap();
    assert_eq!(world.attributes("late/inner").unwrap().size, 1);
    std::fs::remove_dir_all(world.host("late")).unwrap();
    std::os::unix::fs::symlink("gone", world.host("late")).unwrap();
    assert_eq!(read_at(&world.open("late", RDONLY).unwrap(), 0, 9), Ok(b"other".to_vec()));
    std::fs::remove_file(world.host("late")).unwrap();
    std::os::unix::fs::symlink("nowhere", world.host("late")).unwrap();
    assert_eq!(world.open("late", RDONLY).err(), Some(Errno::ENOENT));
    // What is written here is the host's at once.
    let written = world.open("gone", RDWR).unwrap();
    vfs::OpenFile::write(&written, &mut vfs::io::SliceSource::new(b"OT")).unwrap();
    assert_eq!(std::fs::read(world.host("gone")).unwrap(), b"OTher");
}

#[test]
fn trees_of_our_own_are_asked_for_once() {
    let world = World::new(Caching::Exclusive);
    std::fs::write(world.host("file"), "1").unwrap();
    assert_eq!(world.attributes("file").unwrap().size, 1);
    std::fs::write(world.host("file"), "12").unwrap();
    assert_eq!(world.attributes("file").unwrap().size, 1, "nobody else was said to change it");
    assert_eq!(
        read_at(&world.open("file", RDONLY).unwrap(), 0, 9),
        Ok(b"12".to_vec()),
        "contents are the host's"
    );
}

#[test]
fn read_only_trees_refuse_changes() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("file"), "x").unwrap();
    let world = World::over(directory, Caching::Exclusive, true);
    assert_eq!(world.open("file", RDWR).err(), Some(Errno::EROFS));
    assert_eq!(world.open("new", CREAT | RDWR).err(), Some(Errno::EROFS));
    assert_eq!(world.caller().remove(&At::here(b"file")).err(), Some(Errno::EROFS));
    assert_eq!(read_at(&world.open("file", RDONLY).unwrap(), 0, 9), Ok(b"x".to_vec()));
}

#[test]
fn what_is_taken_over_stays_read_only() {
    for hands_over in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("file"), "x").unwrap();
        let world = World::taken_over(directory, Caching::Exclusive, true, hands_over);
        assert_eq!(world.open("file", RDWR).err(), Some(Errno::EROFS));
        assert_eq!(world.open("new", CREAT | RDWR).err(), Some(Errno::EROFS));
        assert_eq!(read_at(&world.open("file", RDONLY).unwrap(), 0, 9), Ok(b"x".to_vec()));
    }
}

#[test]
fn a_tree_can_be_one_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("resolv.conf");
    std::fs::write(&path, "nameserver").unwrap();
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let root = std::fs::File::open(&path).unwrap().into();
    let exports = vec![gofer::Export {
        socket: theirs.into(),
        tree: gofer::Tree { root, read_only: true, ids: gofer::Ids::default() },
    }];
    let thread = std::thread::spawn(move || gofer::serve(gofer::Config::without_walls(exports)));
    let filesystem = gofer_fs::GoferFs::connect(ours.into(), Caching::Shared).unwrap();
    let root = vfs::FileSystem::root(&*filesystem);
    assert_eq!(root.kind(), vfs::FileKind::Regular);
    let credentials = vfs::Credentials::root(vfs::CapabilitySet::FULL);
    let file = std::sync::Arc::clone(&root).open(vfs::OpenFlags::empty(), &credentials).unwrap();
    let mut sink = vfs::io::VecSink::new(100);
    file.read(0, &mut sink).unwrap();
    assert_eq!(sink.data, b"nameserver");
    drop((file, root, filesystem));
    thread.join().unwrap().unwrap();
}

/// However many files are seen, the server holds a bounded number for them.
#[test]
fn descriptors_are_bounded() {
    let world = World::new(Caching::Exclusive);
    std::fs::create_dir(world.host("d")).unwrap();
    for n in 0..3000 {
        std::fs::write(world.host(&format!("d/{n}")), "x").unwrap();
    }
    let count = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let before = count();
    for n in 0..3000 {
        drop(world.open(&format!("d/{n}"), RDONLY).unwrap());
    }
    // The gofer is a thread here: an O_PATH descriptor for each file the VFS knows, and the donated ones that are kept.
    assert!(count() - before <= 3000 + 1024 + 64 + 20, "{} more", count() - before);
    world.superblock.drop_names();
    vfs::FileSystem::statistics(&*world.filesystem).unwrap();
    assert!(count() - before < 64, "{} stay", count() - before);
}

/// Threads that get into each other's way in one directory: nothing hangs, and in the end everybody is told what the host says.
#[test]
fn threads_share_a_tree() {
    let world = World::new(Caching::Exclusive);
    std::fs::create_dir(world.host("d")).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4u64 {
            let world = &world;
            scope.spawn(move || {
                for round in 0..150u64 {
                    let name = |n: u64| format!("d/{}", n % 7);
                    let (one, two) = (name(round * 3 + thread), name(round * 5 + thread + 1));
                    // Any of these may fail: another thread was faster.
                    if let Ok(file) = world.open(&one, CREAT | RDWR) {
                        let length = usize::try_from(round % 50).unwrap();
                        write_at(&file, 0, &vec![b'x'; length]).unwrap();
                        assert!(file.attributes().unwrap().size >= length as u64);
                    }
                    let caller = world.caller();
                    let _ = caller.rename(
                        &At::here(one.as_bytes()),
                        &At::here(two.as_bytes()),
                        RenameFlags::empty(),
                    );
                    let _ = world.names("d").unwrap();
                    let _ = world.attributes(&two);
                    if round % 4 == thread {
                        let _ = caller.remove(&At::here(name(round).as_bytes()));
                        world.superblock.drop_names();
                    }
                }
            });
        }
    });
    let names = world.names("d").unwrap();
    assert_eq!(names.len(), std::fs::read_dir(world.host("d")).unwrap().count() + 2);
    for name in names.iter().filter(|name| !name.starts_with('.')) {
        let path = format!("d/{name}");
        let (ours, host) = (world.attributes(&path).unwrap(), std::fs::metadata(world.host(&path)).unwrap());
        assert_eq!((ours.inode, ours.size, ours.links), (host.ino(), host.size(), host.nlink()), "{name}");
    }
}

#[test]
fn what_permissions_depend_on_is_asked_for_again_only_if_it_may_have_changed() {
    use std::os::unix::fs::PermissionsExt;
    let owner = Owner { uid: 0, gid: 0 };
    let of_host = |world: &World, mode| {
        std::fs::set_permissions(world.host("d"), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for (caching, expected) in [(Caching::Exclusive, 0o755), (Caching::Shared, 0o700)] {
        let world = World::new(caching);
        std::fs::create_dir(world.host("d")).unwrap();
        of_host(&world, 0o755);
        let directory = world.filesystem.root().lookup(Name::new(b"d").unwrap()).unwrap();
        directory.create_directory(Name::new(b"new").unwrap(), 0o755, owner).unwrap();
        of_host(&world, 0o700);
        assert_eq!(directory.protection().unwrap().mode, expected, "{caching:?}");
        assert_eq!(directory.attributes().unwrap().mode, 0o700, "the new name changed other attributes");
        let change = AttributeChange { mode: Some(0o711), ..AttributeChange::default() };
        directory.set_attributes(&change).unwrap();
        assert_eq!(directory.protection().unwrap().mode, 0o711);
    }
}
