//! What a server that means well gets, and what its users see.

use std::sync::Arc;

use abi::Errno;
use vfs::io::{SliceSource, VecSink};
use vfs::{
    Capability, CapabilitySet, Credentials, DirectoryEntry, DirectorySink, FileKind, InodeRef, Name,
    OpenFlags, StatusQuery,
};
use zerocopy::{FromBytes, IntoBytes};

use super::server::{Act, Served, attr, attributes, entry, number, opened, reply, serve};
use crate::wire::{
    Dirent, InitFlags, NotifyInvalEntryOut, NotifyInvalInodeOut, Opcode, ReadIn, WriteIn, WriteOut, padded,
};

pub(super) fn root_user() -> Credentials {
    Credentials::root(CapabilitySet::FULL)
}

pub(super) fn find(served: &Served, name: &str) -> Result<InodeRef, Errno> {
    served.filesystem.root().lookup(Name::new(name.as_bytes())?)
}

pub(super) fn read(inode: &InodeRef, flags: OpenFlags, offset: u64, count: usize) -> Result<Vec<u8>, Errno> {
    let file = Arc::clone(inode).open(flags, &root_user())?;
    let mut sink = VecSink::new(count);
    file.read(offset, &mut sink)?;
    Ok(sink.data)
}

/// A server with one file, `file`, that is not cached longer than `seconds` and holds this.
fn one_file(content: &'static [u8], seconds: u64, open_flags: u32) -> Served {
    serve(InitFlags::empty(), move |header, body| {
        let here = attr(2, 0o100_644, content.len() as u64);
        match header.opcode {
            op if op == number(Opcode::Lookup) && body == b"file\0" => entry(2, here, seconds),
            op if op == number(Opcode::Lookup) => Act::Fail(Errno::ENOENT),
            op if op == number(Opcode::Getattr) => attributes(here),
            op if op == number(Opcode::Open) => opened(77, open_flags),
            op if op == number(Opcode::Read) => {
                let what = ReadIn::read_from_bytes(body).unwrap();
                assert_eq!(what.fh, 77);
                let start = usize::try_from(what.offset).unwrap().min(content.len());
                let end = (start + usize::try_from(what.size).unwrap()).min(content.len());
                Act::Body(content[start..end].to_vec())
            }
            op if op == number(Opcode::Write) => {
                let (what, data) = WriteIn::read_from_prefix(body).unwrap();
                assert_eq!(usize::try_from(what.size).unwrap(), data.len());
                Act::Body(WriteOut { size: what.size, padding: 0 }.as_bytes().to_vec())
            }
            op if op == number(Opcode::Forget) || op == number(Opcode::BatchForget) => Act::Ignore,
            op if op == number(Opcode::Release) => Act::Body(Vec::new()),
            _ => Act::Fail(Errno::ENOSYS),
        }
    })
}

#[test]
fn names_and_attributes_are_asked_for_again_when_they_have_expired() {
    let lasting = one_file(b"x", 1000, 0);
    for _ in 0..3 {
        assert_eq!(find(&lasting, "file").unwrap().status(&StatusQuery::default()).unwrap().size, 1);
    }
    assert_eq!((lasting.count(Opcode::Lookup), lasting.count(Opcode::Getattr)), (1, 0));
    let brief = one_file(b"x", 0, 0);
    for _ in 0..3 {
        assert_eq!(find(&brief, "file").unwrap().status(&StatusQuery::default()).unwrap().mode, 0o644);
    }
    assert_eq!((brief.count(Opcode::Lookup), brief.count(Opcode::Getattr)), (3, 3));
    assert_eq!(find(&brief, "none").err(), Some(Errno::ENOENT));
}

#[test]
fn an_inode_that_is_let_go_is_forgotten() {
    let served = one_file(b"x", 0, 0);
    drop(find(&served, "file").unwrap());
    served.wait_for(Opcode::Forget);
}

#[test]
fn content_is_cached_unless_the_server_says_otherwise() {
    let cached = one_file(b"0123456789", 1000, 2);
    let inode = find(&cached, "file").unwrap();
    assert_eq!(read(&inode, OpenFlags::empty(), 2, 5).unwrap(), b"23456");
    assert_eq!(read(&inode, OpenFlags::empty(), 0, 100).unwrap(), b"0123456789");
    assert_eq!(cached.count(Opcode::Read), 1);
    let direct = one_file(b"0123456789", 1000, 1);
    let inode = find(&direct, "file").unwrap();
    assert_eq!(read(&inode, OpenFlags::empty(), 2, 5).unwrap(), b"23456");
    assert_eq!(read(&inode, OpenFlags::empty(), 2, 5).unwrap(), b"23456");
    assert_eq!(direct.count(Opcode::Read), 2);
    direct.wait_for(Opcode::Release);
}

#[test]
fn what_is_written_is_seen_in_the_cache() {
    let served = one_file(b"0123456789", 1000, 2);
    let inode = find(&served, "file").unwrap();
    let file = Arc::clone(&inode).open(OpenFlags::RDWR, &root_user()).unwrap();
    let mut sink = VecSink::new(10);
    file.read(0, &mut sink).unwrap();
    assert_eq!(file.write(Some(3), &mut SliceSource::new(b"abc")), Ok((3, 6)));
    let mut sink = VecSink::new(10);
    file.read(0, &mut sink).unwrap();
    assert_eq!(sink.data, b"012abc6789");
    // A write makes the attributes void, and those say that the size is what it was.
    assert_eq!(file.write(Some(10), &mut SliceSource::new(b"x")), Ok((1, 11)));
}

#[test]
fn notifications_end_what_is_cached() {
    let served = one_file(b"0123456789", 1000, 2);
    let inode = find(&served, "file").unwrap();
    assert_eq!(read(&inode, OpenFlags::empty(), 0, 10).unwrap(), b"0123456789");
    let told = NotifyInvalInodeOut { ino: 2, off: 0, len: 0 };
    assert_eq!(served.write(&reply(0, 2, told.as_bytes())), Ok(16 + 24));
    assert_eq!(read(&inode, OpenFlags::empty(), 0, 10).unwrap(), b"0123456789");
    assert_eq!((served.count(Opcode::Read), served.count(Opcode::Getattr)), (2, 0));
    assert_eq!(inode.status(&StatusQuery::default()).unwrap().size, 10);
    assert_eq!(served.count(Opcode::Getattr), 1);
    let told = NotifyInvalEntryOut { parent: 1, namelen: 4, flags: 0 };
    let message = reply(0, 3, &[told.as_bytes(), b"file\0"].concat());
    assert!(served.write(&message).is_ok());
    assert_eq!(served.write(&message), Err(Errno::ENOENT), "it is not known any more");
    find(&served, "file").unwrap();
    assert_eq!(served.count(Opcode::Lookup), 2);
}

struct Names(Vec<(Vec<u8>, FileKind)>);

impl DirectorySink for Names {
    fn put(&mut self, entry: &DirectoryEntry<'_>) -> bool {
        self.0.push((entry.name.to_vec(), entry.kind));
        true
    }
}

#[test]
fn directories_are_listed() {
    let served = serve(InitFlags::empty(), |header, body| match header.opcode {
        op if op == number(Opcode::Opendir) => opened(5, 0),
        op if op == number(Opcode::Readdir) => {
            let what = ReadIn::read_from_bytes(body).unwrap();
            if what.offset > 0 {
                return Act::Body(Vec::new());
            }
            let mut bytes = Dirent { ino: 9, off: 1, namelen: 3, kind: 4 }.as_bytes().to_vec();
            bytes.extend_from_slice(b"dir");
            bytes.resize(padded(bytes.len()), 0);
            Act::Body(bytes)
        }
        _ => Act::Body(Vec::new()),
    });
    let file = served.filesystem.root().open(OpenFlags::DIRECTORY, &root_user()).unwrap();
    let mut names = Names(Vec::new());
    file.read_directory(0, &mut names).unwrap();
    file.read_directory(1, &mut names).unwrap();
    assert_eq!(names.0, [(b"dir".to_vec(), FileKind::Directory)]);
    drop(file);
    served.wait_for(Opcode::Releasedir);
}

#[test]
fn a_mount_is_for_its_owner_unless_it_is_for_all() {
    let served = one_file(b"", 0, 0);
    let stranger = Credentials::new(1000, 1000, CapabilitySet::EMPTY);
    assert!(!stranger.has(Capability::SysAdmin));
    let root = served.filesystem.root();
    assert_eq!(root.permission(&stranger, vfs::Access::READ, false), Some(Ok(())));
}
