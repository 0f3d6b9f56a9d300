//! Advisory locks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use abi::Errno;
use vfs::locks::{LockKey, LockOwner, RecordLock, locks};
use vfs::{Events, Listener};

use crate::tree::{open, tree};

fn record(owner: u64, start: u64, end: u64) -> RecordLock {
    RecordLock { owner: LockOwner::Process(owner), exclusive: true, start, end, pid: 1 }
}

struct Count(AtomicU32);

impl Listener for Count {
    fn notify(&self, _events: Events) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn key(name: &str) -> LockKey {
    LockKey::of(&open(&tree(&[name]), name, 0).unwrap()).unwrap()
}

#[test]
fn a_circle_of_waiting_processes_is_refused() {
    let key = key("f");
    let (one, two, three) = (1001, 1002, 1003);
    for (owner, byte) in [(one, 1), (two, 2), (three, 3)] {
        locks().set(key, record(owner, byte, byte)).unwrap();
    }
    let first = locks().set_or_wait(key, record(one, 2, 2)).unwrap();
    let second = locks().set_or_wait(key, record(two, 3, 3)).unwrap();
    assert!(first.is_some() && second.is_some());
    assert_eq!(locks().set_or_wait(key, record(three, 1, 1)).err(), Some(Errno::EDEADLK));
    drop(second);
    assert!(locks().set_or_wait(key, record(three, 1, 1)).unwrap().is_some());
    for owner in [one, two, three] {
        locks().clear(key, LockOwner::Process(owner), 0, u64::MAX);
    }
}

#[test]
fn who_waits_is_told_and_gets_the_lock() {
    let key = key("f");
    locks().set(key, record(2001, 0, u64::MAX)).unwrap();
    assert_eq!(locks().set(key, record(2002, 5, 5)), Err(Errno::EAGAIN));
    let waiting = locks().set_or_wait(key, record(2002, 5, 5)).unwrap().unwrap();
    let count = Arc::new(Count(AtomicU32::new(0)));
    let registration = waiting.queue.register(Events::OUT, Arc::clone(&count) as Arc<dyn Listener>);
    locks().clear(key, LockOwner::Process(2001), 0, u64::MAX);
    assert_eq!(count.0.load(Ordering::Relaxed), 1);
    drop((registration, waiting));
    assert!(locks().set_or_wait(key, record(2002, 5, 5)).unwrap().is_none());
    assert_eq!(locks().test(key, &record(2001, 0, 9)).map(|lock| (lock.start, lock.end)), Some((5, 5)));
    locks().clear(key, LockOwner::Process(2002), 0, u64::MAX);
}

#[test]
fn flock_ends_with_its_description() {
    let world = tree(&["f"]);
    let (one, two) = (open(&world, "f", 0).unwrap(), open(&world, "f", 0).unwrap());
    let key = LockKey::of(&one).unwrap();
    let lock = |file: &vfs::OpenFile, exclusive| {
        vfs::locks::note_description(file);
        locks().lock_whole(key, file.id, exclusive)
    };
    lock(&one, false).unwrap();
    lock(&two, false).unwrap();
    assert_eq!(lock(&one, true), Err(Errno::EAGAIN));
    // The attempt cost the old lock.
    lock(&two, true).unwrap();
    assert_eq!(lock(&one, false), Err(Errno::EAGAIN));
    drop(two);
    lock(&one, true).unwrap();
    drop(one);
    assert!(locks().whole().iter().all(|(other, _)| *other != key));
}
