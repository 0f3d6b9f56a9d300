//! What a guest can make large stays bounded, and what it can make deep does not overflow.

use crate::tree::{at, open, tree, walk};
use abi::Errno;
use vfs::Lookup;

#[test]
fn walking_many_files_keeps_few_names() {
    let world = tree(&["d/"]);
    for number in 0..40_000 {
        open(&world, &format!("d/{number}"), 0o101).unwrap();
    }
    for number in 0..40_000 {
        world.caller().status(&at(&format!("d/{number}")), Lookup::FOLLOW).unwrap();
        assert_eq!(walk(&world, &format!("missing-{number}")), Err(Errno::ENOENT));
    }
    assert_eq!(world.root.mount.superblock().names_kept(), 16_384);
    assert_eq!(walk(&world, "d/1"), Ok(String::from("/d/1")));
}

#[test]
fn what_was_missing_is_found_once_it_is_there() {
    let world = tree(&[]);
    assert_eq!(walk(&world, "f"), Err(Errno::ENOENT));
    open(&world, "f", 0o101).unwrap();
    assert!(walk(&world, "f").is_ok());
    world.caller().remove(&at("f")).unwrap();
    assert_eq!(walk(&world, "f"), Err(Errno::ENOENT));
    world.caller().make_symlink(b"g", &at("f")).unwrap();
    world.caller().make_directory(&at("g"), 0o755).unwrap();
    assert_eq!(walk(&world, "f"), Ok(String::from("/g")));
}

#[test]
fn a_deep_tree_is_made_and_dropped() {
    const DEPTH: usize = 50_000;
    let world = tree(&[]);
    let mut place = world.root.clone();
    for _ in 0..DEPTH {
        place = world.caller().make_directory(&vfs::At::from(&place, b"d"), 0o755).unwrap();
    }
    let name = vfs::path_name::name_of(&place, &world.root);
    assert_eq!(name.len(), DEPTH * 2);
    drop(place);
    drop(world);
}

#[test]
fn removed_files_give_their_memory_back() {
    let world = tree(&[]);
    let free = || world.root.mount.superblock().filesystem().statistics().unwrap().files_free;
    let before = free();
    for _ in 0..10 {
        open(&world, "f", 0o101).unwrap();
        walk(&world, "f").unwrap();
        world.caller().remove(&at("f")).unwrap();
    }
    assert_eq!(free(), before);
    let open_file = open(&world, "g", 0o101).unwrap();
    open(&world, "h", 0o101).unwrap();
    world.caller().rename(&at("h"), &at("g"), vfs::RenameFlags::empty()).unwrap();
    assert_eq!(free(), before - 2);
    let deleted = vfs::path_name::name_of(open_file.path.as_ref().unwrap(), &world.root);
    assert_eq!(deleted, b"/g (deleted)");
    drop(open_file);
    assert_eq!(free(), before - 1);
}
