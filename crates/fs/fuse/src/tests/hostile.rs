//! What a server that means ill achieves: errors for those who use its mount.

use std::sync::Arc;
use std::time::Duration;

use abi::Errno;
use vfs::{Name, OpenFlags, StatusQuery};
use zerocopy::IntoBytes;

use super::behaviour::{find, read, root_user};
use super::server::{Act, Served, attr, attributes, entry, number, opened, reply, serve};
use crate::wire::{EntryOut, InitFlags, Opcode};

/// A server that answers every look-up so.
fn lookups(act: impl Fn(u64) -> Act + Send + 'static) -> Served {
    serve(InitFlags::empty(), move |header, _| {
        if header.opcode == number(Opcode::Lookup) { act(header.unique) } else { Act::Ignore }
    })
}

#[test]
fn replies_of_the_wrong_form_are_refused_and_the_caller_gets_eio() {
    let good = EntryOut { nodeid: 2, attr: attr(2, 0o100_644, 0), ..EntryOut::default() };
    type Make = fn(u64, &EntryOut) -> Vec<u8>;
    let cases: [(Make, Errno); 4] = [
        (|unique, entry| reply(unique, 0, &entry.as_bytes()[1..]), Errno::EINVAL),
        (|unique, entry| reply(unique, 0, &[entry.as_bytes(), b"x"].concat()), Errno::EINVAL),
        (|unique, _| reply(unique, 0, b""), Errno::EINVAL),
        (|unique, _| reply(unique, -5, b"body"), Errno::EINVAL),
    ];
    for (make, refused) in cases {
        let served = lookups(move |unique| Act::Raw(vec![make(unique, &good)]));
        assert_eq!(find(&served, "a").err(), Some(Errno::EIO));
        assert_eq!(served.written.lock().pop_front(), Some(Err(refused)));
    }
}

#[test]
fn what_is_no_reply_at_all_changes_nothing() {
    let served = lookups(|unique| {
        let good = EntryOut { nodeid: 2, attr: attr(2, 0o100_644, 0), ..EntryOut::default() };
        let mut cut = reply(unique, 0, good.as_bytes());
        cut.truncate(50);
        Act::Raw(vec![
            b"short".to_vec(),
            cut,
            reply(unique, 5, b""),
            reply(unique, -512, b""),
            reply(unique + 2, 0, good.as_bytes()),
            reply(unique, 0, good.as_bytes()),
            reply(unique, 0, good.as_bytes()),
        ])
    });
    find(&served, "a").unwrap();
    while served.written.lock().len() < 7 {
        std::thread::sleep(Duration::from_millis(1));
    }
    let (bad, gone) = (Err(Errno::EINVAL), Err(Errno::ENOENT));
    assert_eq!(*served.written.lock(), [bad, bad, bad, bad, gone, Ok(144), gone]);
}

#[test]
fn lies_about_files_are_eio() {
    for (node, mode, size) in [(2, 0, 0), (2, 0o100_644, 1 << 63), (1, 0o040_755, 0)] {
        let served = lookups(move |_| entry(node, attr(2, mode, size), 1000));
        assert_eq!(find(&served, "a").err(), Some(Errno::EIO), "{node} {mode:o} {size}");
    }
}

#[test]
fn a_file_that_changes_its_type_is_of_no_use() {
    let served = serve(InitFlags::empty(), |header, _| match header.opcode {
        op if op == number(Opcode::Lookup) => entry(2, attr(2, 0o100_644, 0), 0),
        op if op == number(Opcode::Getattr) => attributes(attr(2, 0o040_755, 0)),
        _ => Act::Ignore,
    });
    let inode = find(&served, "a").unwrap();
    assert_eq!(inode.status(&StatusQuery::default()).err(), Some(Errno::EIO));
    assert_eq!(inode.status(&StatusQuery::default()).err(), Some(Errno::EIO));
    assert_eq!(served.count(Opcode::Getattr), 1, "it is not asked again");
}

#[test]
fn a_directory_in_itself_is_walked_as_often_as_asked_and_let_go() {
    let served = lookups(|_| entry(2, attr(2, 0o040_755, 0), 1000));
    let mut inode = find(&served, "a").unwrap();
    for _ in 0..100 {
        inode = inode.lookup(Name::new(b"a").unwrap()).unwrap();
    }
    assert!(served.count(Opcode::Lookup) <= 2);
    drop(inode);
    assert!(served.shared.known(2).is_some(), "kept");
    served.shared.kept.clear();
    assert!(served.shared.known(2).is_none(), "no circle holds it");
}

#[test]
fn too_much_content_is_refused() {
    let served = serve(InitFlags::empty(), |header, _| match header.opcode {
        op if op == number(Opcode::Lookup) => entry(2, attr(2, 0o100_644, 10), 1000),
        op if op == number(Opcode::Open) => opened(1, 1),
        op if op == number(Opcode::Read) => Act::Body(vec![0; 11]),
        _ => Act::Ignore,
    });
    let inode = find(&served, "a").unwrap();
    assert_eq!(read(&inode, OpenFlags::empty(), 0, 10).err(), Some(Errno::EIO));
}

#[test]
fn the_death_of_a_server_wakes_those_who_wait() {
    let served = lookups(|_| Act::Die);
    assert_eq!(find(&served, "a").err(), Some(Errno::ECONNABORTED));
    assert_eq!(find(&served, "b").err(), Some(Errno::ENOTCONN));
    assert_eq!(served.filesystem.root().status(&StatusQuery::default()).err(), Some(Errno::ENOTCONN));
}

#[test]
fn an_abort_wakes_those_who_wait() {
    let served = Arc::new(lookups(|_| Act::Ignore));
    let waiting = {
        let served = Arc::clone(&served);
        std::thread::spawn(move || find(&served, "a").err())
    };
    served.wait_for(Opcode::Lookup);
    served.shared.connection.abort();
    assert_eq!(waiting.join().unwrap(), Some(Errno::ECONNABORTED));
    assert_eq!(
        served.filesystem.root().open(OpenFlags::DIRECTORY, &root_user()).err(),
        Some(Errno::ENOTCONN)
    );
}
