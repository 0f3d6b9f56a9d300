//! Changes that nobody waits for: whoever looks finds them made, and what comes after them comes after them.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[cfg(test)]
#[expect(dead_code, reason = "the other half is for the other tests")]
mod common;

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::sync::Arc;

use common::{World, read_at, write_at};
use gofer_fs::Caching;
use vfs::{Found, OpenFile, OwnerChange, TimeChange, Timestamp};

const WRONLY: u32 = 1;
const RDWR: u32 = 2;
const CREAT: u32 = 0o100;
const EXCL: u32 = 0o200;

const LONG_AGO: Timestamp = Timestamp { seconds: 86_400, nanoseconds: 7 };

/// What tar(1) does once a file is written.
fn finish(world: &World, file: &Arc<OpenFile>, mode: u32) {
    let (caller, found) = (world.caller(), Found::of(Arc::clone(file)));
    let long_ago = Some(TimeChange::To(LONG_AGO));
    caller.change_times_of(&found, Some((long_ago, long_ago))).unwrap();
    caller.change_owner_of(&found, OwnerChange { uid: Some(0), gid: Some(0) }).unwrap();
    caller.change_mode_of(&found, mode).unwrap();
}

fn close(file: Arc<OpenFile>) {
    file.file.flush().unwrap();
    drop(file);
}

#[test]
fn who_asks_finds_them_made() {
    let world = World::new(Caching::Exclusive);
    for n in 0..100u32 {
        let name = format!("file{n}");
        let file = world.open(&name, CREAT | EXCL | WRONLY).unwrap();
        write_at(&file, 0, b"text").unwrap();
        finish(&world, &file, 0o600 | n & 0o77);
        let told = world.attributes(&name).unwrap();
        assert_eq!((told.mode, told.size, told.modified), (0o600 | n & 0o77, 4, LONG_AGO));
        let host = std::fs::metadata(world.host(&name)).unwrap();
        assert_eq!((host.mode() & 0o7777, host.mtime(), host.len()), (0o600 | n & 0o77, 86_400, 4));
        assert_eq!(told.changed.seconds, host.ctime());
        close(file);
    }
}

#[test]
fn a_closed_file_is_what_it_was_made() {
    let world = World::new(Caching::Exclusive);
    for n in 0..100u32 {
        let name = format!("file{n}");
        let file = world.open(&name, CREAT | EXCL | WRONLY).unwrap();
        finish(&world, &file, 0o640);
        close(file);
        let host = std::fs::metadata(world.host(&name)).unwrap();
        assert_eq!((host.permissions().mode() & 0o7777, host.atime(), host.mtime()), (0o640, 86_400, 86_400));
    }
}

#[test]
fn what_is_written_afterwards_is_younger() {
    let world = World::new(Caching::Exclusive);
    for n in 0..50u32 {
        let name = format!("file{n}");
        let file = world.open(&name, CREAT | EXCL | RDWR).unwrap();
        finish(&world, &file, 0o644);
        write_at(&file, 0, b"more").unwrap();
        assert!(std::fs::metadata(world.host(&name)).unwrap().mtime() > 86_400);
        assert!(world.attributes(&name).unwrap().modified.seconds > 86_400);
        finish(&world, &file, 0o600);
        assert_eq!(read_at(&file, 0, 9), Ok(b"more".to_vec()));
        assert_eq!(world.attributes(&name).unwrap().modified, LONG_AGO);
    }
}

#[test]
fn more_than_can_be_on_their_way() {
    let world = World::new(Caching::Exclusive);
    let file = world.open("file", CREAT | EXCL | WRONLY).unwrap();
    for n in 0..1000u32 {
        finish(&world, &file, n & 0o777);
    }
    close(file);
    assert_eq!(world.attributes("file").unwrap().mode, 999 & 0o777);
    assert_eq!(std::fs::metadata(world.host("file")).unwrap().mode() & 0o7777, 999 & 0o777);
}

#[test]
fn a_program_may_do_what_the_mode_lets_it() {
    let world = World::new(Caching::Exclusive);
    let file = world.open("file", CREAT | EXCL | WRONLY).unwrap();
    let found = Found::of(Arc::clone(&file));
    for mode in [0o4755, 0o755, 0o2711, 0o644] {
        world.caller().change_mode_of(&found, mode).unwrap();
        assert_eq!(world.attributes("file").unwrap().mode, mode);
        assert_eq!(std::fs::metadata(world.host("file")).unwrap().mode() & 0o6000, mode & 0o6000);
    }
    close(file);
}
