//! The server against the client, over a directory of the host.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[cfg(test)]
mod common;

use std::io::{Read, Write};
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, PermissionsExt, symlink};

use abi::Errno;
use common::{serve, walk};
use ninep::client::{Client, Fid};
use ninep::entry::{Entry, EntryAttr, all};
use ninep::flags::{Open, SetAttrMask};
use ninep::message::*;
use ninep::{Data, NO_FID, NO_UID, SetAttr, Target, Text, Time};

fn create(root: &Fid, name: &str, mode: u32) -> (Fid, std::fs::File) {
    let client = root.client();
    let fid = client.new_fid().unwrap();
    let request = Tcreatefile {
        dfid: root.number(),
        newfid: fid.number(),
        name: Text(name.as_bytes()),
        flags: 2,
        mode,
        uid: NO_UID,
        gid: NO_UID,
    };
    let (_, file) = client.call_with_descriptor(&request, |_| ()).unwrap();
    (fid.into_held(), file.unwrap().into())
}

fn make(root: &Fid, name: &str, mode: u32, target: &str) -> Result<Fid, Errno> {
    let client = root.client();
    let fid = client.new_fid()?;
    let request = Tmakenode {
        dfid: root.number(),
        newfid: fid.number(),
        name: Text(name.as_bytes()),
        target: Text(target.as_bytes()),
        mode,
        uid: NO_UID,
        gid: NO_UID,
    };
    client.call(&request, |_| ())?;
    Ok(fid.into_held())
}

#[test]
fn a_walk_describes_each_step_and_says_why_it_stopped() {
    let mut served = serve(false);
    std::fs::create_dir_all(served.path().join("a/b")).unwrap();
    std::fs::write(served.path().join("a/b/file"), "hello").unwrap();
    symlink("b", served.path().join("a/link")).unwrap();
    let (client, root) = served.client();
    let walk = |path: &str| {
        let targets =
            path.split('/').map(|name| Target { fid: NO_FID, name: Text(name.as_bytes()) }).collect();
        client
            .call(&Twalkattr { fid: root.number(), targets }, |r| {
                (Errno::from_raw(r.stopped.cast_signed()), r.stopped, r.attrs)
            })
            .unwrap()
    };
    let (_, stopped, attrs) = walk("a/b/file");
    assert_eq!((stopped, attrs.len(), attrs[2].size, attrs[2].mode & 0o170_000), (0, 3, 5, 0o100_000));
    let inode = std::fs::metadata(served.path().join("a/b/file")).unwrap().ino();
    assert_eq!(attrs[2].qid.path, inode);
    let (errno, _, attrs) = walk("a/b/none");
    assert_eq!((errno, attrs.len()), (Errno::ENOENT, 2));
    let (errno, _, attrs) = walk("a/link/file");
    assert_eq!((errno, attrs.len(), attrs[1].mode & 0o170_000), (Errno::ELOOP, 2, 0o120_000));
    let (errno, _, attrs) = walk("a/b/file/x");
    assert_eq!((errno, attrs.len()), (Errno::ENOTDIR, 3));
    let (_, stopped, attrs) = walk("a/link");
    assert_eq!((stopped, attrs.len()), (0, 2));
    let (errno, _, attrs) = walk("a/../a");
    assert_eq!((errno, attrs.len()), (Errno::EINVAL, 1));
}

#[test]
fn donated_descriptors_have_the_access_asked_for() {
    let mut served = serve(false);
    std::fs::write(served.path().join("file"), "hello").unwrap();
    let (client, root) = served.client();
    let (fid, _) = walk(&root, "file").unwrap();
    let donate = |flags| {
        let (attr, file) =
            client.call_with_descriptor(&Tdonate { fid: fid.number(), flags }, |r| r.attr).unwrap();
        (attr, std::fs::File::from(file.unwrap()))
    };
    let (attr, mut read) = donate(0);
    assert_eq!(attr.size, 5);
    let mut text = String::new();
    read.read_to_string(&mut text).unwrap();
    assert_eq!(text, "hello");
    assert_eq!(read.write(b"x").unwrap_err().raw_os_error(), Some(9), "not open for writing");
    let (_, both) = donate(2);
    both.write_all_at(b"J", 0).unwrap();
    let (attr, _) = donate(1 | Open::TRUNCATE.bits());
    assert_eq!(attr.size, 0);
    assert_eq!(
        client.call(&Tdonate { fid: fid.number(), flags: 3 }, |_| ()),
        Err(Errno::EINVAL),
        "access mode 3"
    );
    assert_eq!(client.call(&Tdonate { fid: root.number(), flags: 0 }, |_| ()), Err(Errno::EISDIR));
}

#[test]
fn a_file_is_found_and_opened_at_once() {
    let mut served = serve(false);
    std::fs::write(served.path().join("file"), "hello").unwrap();
    symlink("file", served.path().join("link")).unwrap();
    let (client, root) = served.client();
    let open = |name: &[u8], flags| {
        let fid = client.new_fid().unwrap();
        let request = Twalkdonate { fid: root.number(), newfid: fid.number(), name: Text(name), flags };
        let (attr, file) = client.call_with_descriptor(&request, |r| r.attr)?;
        Ok((fid.into_held(), attr, std::fs::File::from(file.unwrap())))
    };
    let (fid, attr, mut read) = open(b"file", 0).unwrap();
    let mut text = String::new();
    read.read_to_string(&mut text).unwrap();
    assert_eq!((text.as_str(), attr.size), ("hello", 5));
    let held = client.call(&Tgetattr { fid: fid.number(), mask: u64::MAX }, |r| r.attr).unwrap();
    assert_eq!(held.qid.path, attr.qid.path);
    for (name, errno) in [("none", Errno::ENOENT), ("link", Errno::ELOOP), ("..", Errno::EINVAL)] {
        assert_eq!(open(name.as_bytes(), 0).map(drop), Err(errno), "{name}");
    }
    assert_eq!(open(b"file", 3).map(drop), Err(Errno::EINVAL), "access mode 3");
    let again = Twalkdonate { fid: root.number(), newfid: fid.number(), name: Text(b"file"), flags: 0 };
    assert_eq!(client.call(&again, |_| ()), Err(Errno::EBADF), "a fid in use");
    let below = Twalkdonate { fid: fid.number(), newfid: 1000, name: Text(b"file"), flags: 0 };
    assert_eq!(client.call(&below, |_| ()), Err(Errno::ENOTDIR));
}

#[test]
fn nothing_but_files_and_directories_is_opened() {
    let mut served = serve(false);
    symlink("/etc/passwd", served.path().join("link")).unwrap();
    let (client, root) = served.client();
    make(&root, "fifo", 0o010_644, "").unwrap();
    make(&root, "socket", 0o140_644, "").unwrap();
    let none = [
        ("fifo", Errno::EOPNOTSUPP, Errno::ENXIO),
        ("socket", Errno::ENXIO, Errno::ENXIO),
        ("link", Errno::ELOOP, Errno::ELOOP),
    ];
    for (name, donated, opened) in none {
        let (fid, _) = walk(&root, name).unwrap();
        let fid = fid.number();
        assert_eq!(client.call(&Tdonate { fid, flags: 0 }, |_| ()), Err(donated), "{name}");
        assert_eq!(client.call(&Tlopen { fid, flags: 0 }, |_| ()), Err(opened), "{name}");
        assert_eq!(client.call(&Tconnect { fid, kind: 1 }, |_| ()), Err(Errno::ECONNREFUSED), "{name}");
    }
    assert_eq!(make(&root, "disk", 0o060_666, "").unwrap_err(), Errno::EPERM);
    // A character device without a number is a whiteout, and opened as little as others.
    let whiteout = make(&root, "gone", 0o020_000, "").unwrap();
    assert_eq!(served.path().join("gone").metadata().unwrap().rdev(), 0);
    assert_eq!(client.call(&Tdonate { fid: whiteout.number(), flags: 0 }, |_| ()), Err(Errno::ENXIO));
    let dfid = root.number();
    let null = Tmknod { dfid, name: Text(b"null"), mode: 0o020_666, major: 1, minor: 3, gid: 0 };
    assert_eq!(client.call(&null, |_| ()), Err(Errno::EPERM));
}

#[test]
fn a_read_only_mount_refuses_every_change() {
    let mut served = serve(true);
    std::fs::write(served.path().join("file"), "hello").unwrap();
    std::fs::create_dir(served.path().join("dir")).unwrap();
    let (client, root) = served.client();
    let (file, _) = walk(&root, "file").unwrap();
    let (fid, root) = (file.number(), root.number());
    let name = Text(b"x");
    let set = SetAttr { valid: SetAttrMask::MODE.bits(), ..SetAttr::default() };
    let new = client.new_fid().unwrap();
    let newfid = new.number();
    let refusals = [
        client.call(&Tdonate { fid, flags: 1 }, |_| ()),
        client.call(&Tdonate { fid, flags: 2 }, |_| ()),
        client.call(&Tdonate { fid, flags: Open::TRUNCATE.bits() }, |_| ()),
        client.call(&Tlopen { fid, flags: 1 }, |_| ()),
        client.call(&Tlcreate { fid: root, name, flags: 1, mode: 0o644, gid: 0 }, |_| ()),
        client.call(&Tcreatefile { dfid: root, newfid, name, flags: 0, mode: 0o644, uid: 0, gid: 0 }, |_| ()),
        client.call(&Tcreateunnamed { dfid: root, newfid, flags: 2, mode: 0o644, uid: 0, gid: 0 }, |_| ()),
        client.call(
            &Tmakenode { dfid: root, newfid, name, target: Text(b""), mode: 0o040_755, uid: 0, gid: 0 },
            |_| (),
        ),
        client.call(&Tmkdir { dfid: root, name, mode: 0o755, gid: 0 }, |_| ()),
        client.call(&Tsymlink { dfid: root, name, target: Text(b"y"), gid: 0 }, |_| ()),
        client.call(&Tmknod { dfid: root, name, mode: 0o010_644, major: 0, minor: 0, gid: 0 }, |_| ()),
        client.call(&Tlink { dfid: root, fid, name }, |_| ()),
        client.call(
            &Trenameat { olddirfid: root, oldname: Text(b"file"), newdirfid: root, newname: name },
            |_| (),
        ),
        client.call(&Tunlinkat { dirfid: root, name: Text(b"file"), flags: 0 }, |_| ()),
        client.call(&Tunlinkat { dirfid: root, name: Text(b"dir"), flags: 0x200 }, |_| ()),
        client.call(&Tsetattr { fid, set }, |_| ()),
        client.call(&Tchangeattr { fid, set }, |_| ()),
        client.call(&Txattrset { fid, flags: 0, name: Text(b"user.a"), value: Data(b"b") }, |_| ()),
        client.call(&Txattrremove { fid, name: Text(b"user.a") }, |_| ()),
        client.call(&Txattrcreate { fid, name: Text(b"user.a"), size: 1, flags: 0 }, |_| ()),
    ];
    for (at, refusal) in refusals.into_iter().enumerate() {
        assert_eq!(refusal, Err(Errno::EROFS), "request {at}");
    }
    let (_, file) = client.call_with_descriptor(&Tdonate { fid, flags: 0 }, |_| ()).unwrap();
    let mut file = std::fs::File::from(file.unwrap());
    assert_eq!(file.write(b"x").unwrap_err().raw_os_error(), Some(9));
}

#[test]
fn files_are_made_moved_linked_and_removed() {
    let mut served = serve(false);
    let path = served.path().to_owned();
    let (client, root) = served.client();
    let (fid, mut file) = create(&root, "one", 0o4750);
    file.write_all(b"data").unwrap();
    assert_eq!(std::fs::metadata(path.join("one")).unwrap().mode(), 0o104_750);
    let rootfid = root.number();
    client.call(&Tlink { dfid: rootfid, fid: fid.number(), name: Text(b"two") }, |_| ()).unwrap();
    assert_eq!(client.call(&Tgetattr { fid: fid.number(), mask: 0x7ff }, |r| r.attr.nlink), Ok(2));
    let exchange = |flags, old: &'static [u8], new: &'static [u8]| {
        let request = Trenameat2 {
            olddirfid: rootfid,
            oldname: Text(old),
            newdirfid: rootfid,
            newname: Text(new),
            flags,
        };
        client.call(&request, |_| ())
    };
    make(&root, "dir", 0o040_755, "").unwrap();
    assert_eq!(exchange(1, b"two", b"one"), Err(Errno::EEXIST));
    exchange(2, b"two", b"dir").unwrap();
    assert!(path.join("two").is_dir() && path.join("dir").is_file());
    exchange(0, b"dir", b"three").unwrap();
    exchange(4, b"three", b"four").unwrap();
    assert!(path.join("three").metadata().unwrap().file_type().is_char_device(), "a whiteout");
    for (name, flags) in [(&b"one"[..], 0), (b"three", 0), (b"four", 0), (b"two", 0x200)] {
        client.call(&Tunlinkat { dirfid: rootfid, name: Text(name), flags }, |_| ()).unwrap();
    }
    assert_eq!(std::fs::read_dir(&path).unwrap().count(), 0);
    assert_eq!(
        client.call(&Tgetattr { fid: fid.number(), mask: 0 }, |r| (r.attr.nlink, r.attr.size)),
        Ok((0, 4))
    );
}

#[test]
fn symbolic_links_are_read_and_never_followed() {
    let mut served = serve(false);
    let path = served.path().to_owned();
    std::fs::write(path.join("victim"), "x").unwrap();
    let (client, root) = served.client();
    let link = make(&root, "link", 0o120_777, "victim").unwrap();
    let fid = link.number();
    let target = client.call(&Treadlink { fid }, |r| r.target.0.to_vec());
    assert_eq!(target.as_deref(), Ok(&b"victim"[..]));
    let set = |valid, mode| {
        client.call(&Tsetattr { fid, set: SetAttr { valid, mode, ..SetAttr::default() } }, |_| ())
    };
    assert_eq!(set(SetAttrMask::MODE.bits(), 0o777), Err(Errno::EOPNOTSUPP));
    let time = SetAttr {
        valid: (SetAttrMask::MTIME | SetAttrMask::MTIME_SET).bits(),
        mtime: Time { seconds: 1000, nanoseconds: 5 },
        ..SetAttr::default()
    };
    client.call(&Tsetattr { fid, set: time }, |_| ()).unwrap();
    assert_eq!(std::fs::symlink_metadata(path.join("link")).unwrap().mtime(), 1000);
    assert_ne!(std::fs::metadata(path.join("victim")).unwrap().mtime(), 1000);
    client.call(&Tlink { dfid: root.number(), fid, name: Text(b"link2") }, |_| ()).unwrap();
    assert!(std::fs::symlink_metadata(path.join("link2")).unwrap().is_symlink());
    assert_eq!(make(&link, "x", 0o040_755, "").unwrap_err(), Errno::ENOTDIR);
}

#[test]
fn attributes_change_together() {
    let mut served = serve(false);
    let path = served.path().join("file");
    std::fs::write(&path, "hello world").unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    let (client, root) = served.client();
    let (fid, _) = walk(&root, "file").unwrap();
    let mask = SetAttrMask::MODE | SetAttrMask::SIZE | SetAttrMask::ATIME | SetAttrMask::ATIME_SET;
    let set = SetAttr {
        valid: mask.bits(),
        mode: 0o641,
        size: 5,
        atime: Time { seconds: 12, nanoseconds: 345 },
        ..SetAttr::default()
    };
    let attr = client.call(&Tchangeattr { fid: fid.number(), set }, |r| r.attr).unwrap();
    assert_eq!((attr.mode, attr.size, attr.atime), (0o100_641, 5, set.atime));
    assert_eq!(std::fs::read(&path).unwrap(), b"hello");
    let bad = SetAttr { atime: Time { seconds: 0, nanoseconds: 1_073_741_823 }, ..set };
    assert_eq!(
        client.call(&Tchangeattr { fid: fid.number(), set: bad }, |_| ()),
        Err(Errno::EINVAL),
        "UTIME_NOW in disguise"
    );
}

#[test]
fn files_without_names_get_them_later_or_are_gone() {
    let mut served = serve(false);
    let path = served.path().to_owned();
    let (client, root) = served.client();
    let make = |flags| {
        let new = client.new_fid().unwrap();
        let (dfid, newfid) = (root.number(), new.number());
        let request = Tcreateunnamed { dfid, newfid, flags, mode: 0o640, uid: NO_UID, gid: NO_UID };
        let (attr, file) = client.call_with_descriptor(&request, |reply| reply.attr)?;
        Ok::<_, Errno>((new.into_held(), attr, std::fs::File::from(file.unwrap())))
    };
    assert_eq!(make(0).map(|_| ()), Err(Errno::EINVAL), "only to write");
    let (fid, attr, mut file) = match make(2) {
        Err(Errno::EOPNOTSUPP) => return eprintln!("the host's filesystem has no files without names"),
        made => made.unwrap(),
    };
    assert_eq!((attr.nlink, attr.mode & 0o7777), (0, 0o640));
    file.write_all(b"text").unwrap();
    assert_eq!(std::fs::read_dir(&path).unwrap().count(), 0);
    client.call(&Tlink { dfid: root.number(), fid: fid.number(), name: Text(b"named") }, |_| ()).unwrap();
    assert_eq!(std::fs::read(path.join("named")).unwrap(), b"text");
    drop(make(2).unwrap());
    assert_eq!(std::fs::read_dir(&path).unwrap().count(), 1);
}

#[test]
fn owners_are_given_where_the_server_may() {
    let mut served = serve(false);
    let path = served.path().to_owned();
    let (client, root) = served.client();
    let new = client.new_fid().unwrap();
    let request = Tcreatefile {
        dfid: root.number(),
        newfid: new.number(),
        name: Text(b"file"),
        flags: 1,
        mode: 0o6755,
        uid: 1234,
        gid: 5678,
    };
    let attr = client.call(&request, |r| r.attr).unwrap();
    let meta = std::fs::metadata(path.join("file")).unwrap();
    assert_eq!((attr.uid, attr.gid, attr.mode), (meta.uid(), meta.gid(), meta.mode()));
    if rustix::process::geteuid().is_root() {
        assert_eq!((meta.uid(), meta.gid(), meta.mode()), (1234, 5678, 0o106_755));
    } else {
        assert_eq!(meta.uid(), rustix::process::geteuid().as_raw());
    }
}

#[test]
fn a_directory_is_listed_in_pieces_with_attributes() {
    let mut served = serve(false);
    for n in 0..2000u32 {
        std::fs::write(served.path().join(format!("file-{n}")), vec![0; n as usize % 7]).unwrap();
    }
    let (client, root) = served.client();
    let mut names = std::collections::BTreeMap::new();
    let (mut offset, mut end, mut rounds) = (0, 0, 0);
    while end == 0 {
        let request = Treaddirattr { fid: root.number(), offset, count: 20_000 };
        client
            .call(&request, |reply| {
                assert!(reply.data.0.len() <= 20_000);
                end = reply.end;
                for entry in all::<EntryAttr<'_>>(reply.data.0).unwrap() {
                    offset = entry.offset;
                    assert!(names.insert(entry.name.0.to_vec(), entry.attr).is_none());
                }
            })
            .unwrap();
        rounds += 1;
    }
    assert!(rounds > 5);
    assert_eq!(names.len(), 2002);
    assert_eq!(names[&b"file-13"[..]].size, 6);
    assert_eq!(names[&b".."[..]].valid, 0, "what is above the root is not described");
    assert_eq!(
        client.call(&Treaddirattr { fid: root.number(), offset: 0, count: 50 }, |_| ()),
        Err(Errno::EINVAL)
    );
}

#[test]
fn extended_attributes_come_and_go() {
    let mut served = serve(false);
    std::fs::write(served.path().join("file"), "").unwrap();
    let (client, root) = served.client();
    let (file, _) = walk(&root, "file").unwrap();
    let fid = file.number();
    let name = Text(b"user.colour");
    let get = |size| client.call(&Txattrget { fid, size, name }, |r| (r.length, r.data.0.to_vec()));
    match client.call(&Txattrset { fid, flags: 0, name, value: Data(b"blue") }, |_| ()) {
        Err(Errno::EOPNOTSUPP) => return,
        result => result.unwrap(),
    }
    assert_eq!(get(0), Ok((4, vec![])));
    assert_eq!(get(3), Err(Errno::ERANGE));
    assert_eq!(get(100), Ok((4, b"blue".to_vec())));
    assert_eq!(
        client.call(&Txattrset { fid, flags: 1, name, value: Data(b"x") }, |_| ()),
        Err(Errno::EEXIST)
    );
    let names = client.call(&Txattrlist { fid, size: 1000 }, |r| r.data.0.to_vec()).unwrap();
    assert!(names.split(|b| *b == 0).any(|n| n == b"user.colour"));
    client.call(&Txattrremove { fid, name }, |_| ()).unwrap();
    assert_eq!(get(100), Err(Errno::ENODATA));
}

#[test]
fn connections_end_when_the_client_goes() {
    let mut served = serve(false);
    let (client, root) = served.client();
    drop(root);
    drop(client);
    served.thread.join().unwrap().unwrap();
}

/// What other clients of the dialect send.
#[test]
fn the_base_dialect_works_by_itself() {
    let mut served = serve(false);
    let path = served.path().to_owned();
    let socket = served.socket.take().unwrap();
    let client = Client::connect_as(socket.into(), ninep::version::Dialect::Base).unwrap();
    let root = client.attach(b"/").unwrap();
    let clone = |names: &[&'static str]| {
        let fid = client.new_fid().unwrap();
        let names = names.iter().map(|n| Text(n.as_bytes())).collect();
        client
            .call(&Twalk { fid: root.number(), newfid: fid.number(), names }, |r| r.qids)
            .map(|_| fid.into_held())
    };
    let file = clone(&[]).unwrap();
    let fid = file.number();
    client.call(&Tlcreate { fid, name: Text(b"file"), flags: 2, mode: 0o640, gid: NO_UID }, |_| ()).unwrap();
    assert_eq!(client.call(&Twrite { fid, offset: 0, data: Data(b"hello") }, |r| r.count), Ok(5));
    assert_eq!(
        client.call(&Tread { fid, offset: 1, count: 100 }, |r| r.data.0.to_vec()),
        Ok(b"ello".to_vec())
    );
    client.call(&Tfsync { fid, datasync: 0 }, |_| ()).unwrap();
    let lock = |fid, kind| {
        let client_id = Text(b"me");
        client.call(&Tlock { fid, kind, flags: 0, start: 0, length: 0, proc_id: 1, client_id }, |r| r.status)
    };
    assert_eq!(lock(fid, 1), Ok(0));
    let other = clone(&["file"]).unwrap();
    client.call(&Tlopen { fid: other.number(), flags: 2 }, |_| ()).unwrap();
    assert_eq!(lock(other.number(), 0), Ok(1), "blocked");
    let asked =
        Tgetlock { fid: other.number(), kind: 0, start: 0, length: 0, proc_id: 1, client_id: Text(b"me") };
    assert_eq!(client.call(&asked, |r| r.kind), Ok(1));
    client
        .call(&Tmkdir { dfid: root.number(), name: Text(b"dir"), mode: 0o750, gid: NO_UID }, |_| ())
        .unwrap();
    client.call(&Trename { fid, dfid: root.number(), name: Text(b"renamed") }, |_| ()).unwrap();
    assert!(path.join("renamed").exists() && !path.join("file").exists());
    let listing = clone(&[]).unwrap();
    client.call(&Tlopen { fid: listing.number(), flags: 0 }, |_| ()).unwrap();
    let names = client
        .call(&Treaddir { fid: listing.number(), offset: 0, count: 8000 }, |r| {
            let mut names: Vec<_> =
                all::<Entry<'_>>(r.data.0).unwrap().iter().map(|e| e.name.0.to_vec()).collect();
            names.sort();
            names
        })
        .unwrap();
    assert_eq!(names, [&b"."[..], b"..", b"dir", b"renamed"]);
    let removed = clone(&["dir"]).unwrap();
    client.call(&Tremove { fid: removed.number() }, |_| ()).unwrap();
    assert!(!path.join("dir").exists());
    let stat = client.call(&Tstatfs { fid: root.number() }, |r| r.statfs).unwrap();
    assert!(stat.bsize > 0 && stat.namelen == 255);
    assert_eq!(client.call(&Tdonate { fid, flags: 0 }, |_| ()), Err(Errno::EOPNOTSUPP), "not agreed on");
    assert_eq!(
        client.call(&Tauth { afid: 9, uname: Text(b""), aname: Text(b""), n_uname: 0 }, |_| ()),
        Err(Errno::ENOENT)
    );
}

/// A sentry that is killed has told its guests of what it had sent.
#[test]
fn what_was_sent_is_done_though_the_client_is_gone() {
    let mut served = serve(false);
    let socket = served.socket.as_ref().unwrap().try_clone().unwrap();
    let (client, root) = served.client();
    let files: Vec<Fid> = (0..20).map(|n| create(&root, &format!("file{n}"), 0o600).0).collect();
    let later = std::sync::Arc::new(ninep::client::Later::default());
    for file in &files {
        let set = SetAttr { valid: SetAttrMask::MODE.bits(), mode: 0o640, ..SetAttr::default() };
        client.change_later(&Tchangeattr { fid: file.number(), set }, &later).unwrap();
    }
    let path = served.path().to_owned();
    socket.shutdown(std::net::Shutdown::Both).unwrap();
    let common::Served { directory, thread, .. } = served;
    thread.join().unwrap().unwrap();
    for n in 0..20 {
        let mode = std::fs::metadata(path.join(format!("file{n}"))).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o640, "file{n}");
    }
    drop(directory);
}
