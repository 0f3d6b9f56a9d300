use abi::Errno;
use abi::file::{Stat, Statx};
use kernel::UserAddr;
use vfs::{Fd, OpenFlags};

use crate::file::at::FDCWD;
use crate::file::{
    access, attributes, directory, names, open, pipe, stat, statx, times, working_directory, xattr,
};
use crate::testing::{Guest, guest, now};

fn stat_of(guest: &Guest, path: &str) -> Result<Stat, Errno> {
    let into = guest.pointer::<Stat>(0x100);
    stat::lstat(&guest.task, guest.path(path), into)?;
    into.read(guest.memory())
}

fn open_directory(guest: &Guest, path: &str) -> Fd {
    now(open::open(&guest.task, guest.path(path), OpenFlags::DIRECTORY.bits(), 0)).unwrap()
}

#[test]
fn making_and_removing() {
    let guest = guest();
    let task = &guest.task;
    names::mkdir(task, guest.path("dir"), 0o777).unwrap();
    assert_eq!(names::mkdir(task, guest.path("dir"), 0o777), Err(Errno::EEXIST));
    assert_eq!(stat_of(&guest, "dir").unwrap().mode, 0o040_755, "the umask holds");
    let dir = open_directory(&guest, "dir");
    let fd = now(open::openat(task, dir, guest.path("file"), 0o101, 0o666)).unwrap();
    assert_eq!(names::linkat(task, dir, guest.path("file"), FDCWD, guest.other_path("link"), 0), Ok(()));
    assert_eq!(stat_of(&guest, "link").unwrap().nlink, 2);
    assert_eq!(names::rmdir(task, guest.path("dir")), Err(Errno::ENOTEMPTY));
    assert_eq!(names::unlinkat(task, dir, guest.path("file"), 0x200), Err(Errno::ENOTDIR));
    assert_eq!(names::unlinkat(task, dir, guest.path("file"), 1), Err(Errno::EINVAL));
    assert_eq!(names::unlinkat(task, dir, guest.path("file"), 0), Ok(()));
    assert_eq!(names::unlink(task, guest.path("dir")), Err(Errno::EISDIR));
    assert_eq!(names::rmdir(task, guest.path("dir")), Ok(()));
    assert_eq!(stat_of(&guest, "dir"), Err(Errno::ENOENT));
    assert_eq!(names::mkdirat(task, dir, guest.path("x"), 0o777), Err(Errno::ENOENT));
    assert_eq!(names::mkdirat(task, fd, guest.path("x"), 0o777), Err(Errno::ENOTDIR));
    assert_eq!(names::mkdirat(task, Fd(99), guest.path("x"), 0o777), Err(Errno::EBADF));
    assert_eq!(
        names::mkdirat(task, Fd(99), guest.path("/x"), 0o777),
        Ok(()),
        "an absolute path needs no directory"
    );
    assert_eq!(names::mkdir(task, guest.path(""), 0o777), Err(Errno::ENOENT));
}

#[test]
fn renaming() {
    let guest = guest();
    let task = &guest.task;
    names::mkdir(task, guest.path("a"), 0o777).unwrap();
    names::mkdir(task, guest.path("b"), 0o777).unwrap();
    let rename =
        |from, to, flags| names::renameat2(task, FDCWD, guest.path(from), FDCWD, guest.other_path(to), flags);
    assert_eq!(rename("a", "b", 1), Err(Errno::EEXIST));
    assert_eq!(rename("a", "b", 3), Err(Errno::EINVAL));
    assert_eq!(rename("a", "b", 0x80), Err(Errno::EINVAL));
    let (a, b) = (stat_of(&guest, "a").unwrap().ino, stat_of(&guest, "b").unwrap().ino);
    assert_eq!(rename("a", "b", 2), Ok(()));
    assert_eq!((stat_of(&guest, "a").unwrap().ino, stat_of(&guest, "b").unwrap().ino), (b, a));
    assert_eq!(rename("a", "a/c", 0), Err(Errno::EINVAL));
    assert_eq!(rename("a", "b", 0), Ok(()));
    assert_eq!(stat_of(&guest, "a"), Err(Errno::ENOENT));
}

#[test]
fn symbolic_links() {
    let guest = guest();
    let task = &guest.task;
    names::symlink(task, guest.path("target"), guest.other_path("link")).unwrap();
    let into = guest.put(0x100, &[0xff; 16]);
    assert_eq!(names::readlink(task, guest.path("link"), into, 4), Ok(4));
    assert_eq!(guest.get(0x100, 5), b"targ\xff");
    assert_eq!(names::readlink(task, guest.path("link"), into, 0), Err(Errno::EINVAL));
    assert_eq!(names::readlink(task, guest.path("/"), into, 4), Err(Errno::EINVAL));
    assert_eq!(stat_of(&guest, "link").unwrap().mode, 0o120_777);
    assert_eq!(access::access(task, guest.path("link"), 0), Err(Errno::ENOENT));
    assert_eq!(access::access(task, guest.path("link"), 8), Err(Errno::EINVAL));
    assert_eq!(access::faccessat2(task, FDCWD, guest.path("link"), 0, 0x100), Ok(()));
    let nofollow = OpenFlags::NOFOLLOW.bits();
    assert_eq!(now(open::open(task, guest.path("link"), nofollow, 0)), Err(Errno::ELOOP));
}

#[test]
fn attributes_of_names_and_descriptors() {
    let guest = guest();
    let task = &guest.task;
    let fd = now(open::open(task, guest.path("file"), 0o102, 0o600)).unwrap();
    attributes::fchmod(task, fd, 0o4755).unwrap();
    attributes::fchownat(task, fd, guest.path(""), 5, u32::MAX, 0x1000).unwrap();
    times::utime(task, guest.path("file"), {
        guest.pointer::<[i64; 2]>(0x200).write(guest.memory(), &[11, 22]).unwrap();
        guest.pointer(0x200)
    })
    .unwrap();
    let seen = stat_of(&guest, "file").unwrap();
    assert_eq!((seen.mode & 0o777, seen.uid, seen.gid), (0o755, 5, 0));
    assert_eq!((seen.atime.sec, seen.mtime.sec), (11, 22));
    let into = guest.pointer::<Statx>(0x300);
    statx::statx(task, fd, guest.path(""), 0x1000, 0x7ff, into).unwrap();
    assert_eq!(into.read(guest.memory()).unwrap().ino, seen.ino);
    assert_eq!(statx::statx(task, fd, guest.path(""), 0, 0x7ff, into), Err(Errno::ENOENT));
    assert_eq!(statx::statx(task, fd, guest.path(""), 0x1000, 1 << 31, into), Err(Errno::EINVAL));
    assert_eq!(statx::statx(task, fd, guest.path(""), 0x7000, 1, into), Err(Errno::EINVAL));
    pipe::pipe(task, guest.pointer(0x400)).unwrap();
    let [reading, _]: [i32; 2] = guest.pointer(0x400).read(guest.memory()).unwrap();
    let into = guest.pointer::<Stat>(0x500);
    stat::fstat(task, Fd(reading), into).unwrap();
    let piped = into.read(guest.memory()).unwrap();
    assert_eq!(piped.mode, 0o010_600);
    assert_ne!(piped.dev, seen.dev);
}

#[test]
fn listing() {
    let guest = guest();
    let task = &guest.task;
    for name in ["one", "two", "three"] {
        names::mkdir(task, guest.path(name), 0o777).unwrap();
    }
    let fd = open_directory(&guest, "/");
    let buffer = guest.put(0x1000, &[0; 4096]);
    assert_eq!(directory::getdents64(task, fd, buffer, 8), Err(Errno::EINVAL));
    let mut found = Vec::new();
    loop {
        let done = directory::getdents64(task, fd, buffer, 60).unwrap();
        let bytes = guest.get(0x1000, done);
        let mut at = 0;
        while at < done {
            let length = usize::from(u16::from_ne_bytes([bytes[at + 16], bytes[at + 17]]));
            let name = bytes[at + 19..at + length].split(|b| *b == 0).next().unwrap();
            found.push(String::from_utf8(name.to_vec()).unwrap());
            assert_eq!(bytes[at + 18], 4, "all are directories");
            at += length;
        }
        if done == 0 {
            break;
        }
    }
    found.sort();
    assert_eq!(found, [".", "..", "one", "three", "two"]);
}

#[test]
fn the_working_directory() {
    let guest = guest();
    let task = &guest.task;
    names::mkdir(task, guest.path("dir"), 0o777).unwrap();
    let into = guest.put(0x100, &[0; 64]);
    working_directory::chdir(task, guest.path("dir")).unwrap();
    assert_eq!(working_directory::getcwd(task, into, 4), Err(Errno::ERANGE));
    assert_eq!(working_directory::getcwd(task, into, 5), Ok(5));
    assert_eq!(guest.get(0x100, 5), b"/dir\0");
    names::mkdir(task, guest.path("jail"), 0o777).unwrap();
    working_directory::chroot(task, guest.path("jail")).unwrap();
    working_directory::chdir(task, guest.path("/")).unwrap();
    assert_eq!(working_directory::getcwd(task, into, 64), Ok(2));
    assert_eq!(names::rmdir(task, guest.path("/jail")), Err(Errno::ENOENT));
    assert_eq!(working_directory::umask(task, 0o7_077), Ok(0o022));
    assert_eq!(working_directory::umask(task, 0), Ok(0o077));
}

#[test]
fn extended_attributes() {
    let guest = guest();
    let task = &guest.task;
    names::mkdir(task, guest.path("dir"), 0o777).unwrap();
    let (name, value) = (guest.put(0x100, b"user.test\0"), guest.put(0x200, b"value"));
    assert_eq!(xattr::setxattr(task, guest.path("dir"), name, value, 5, 0), Ok(()));
    assert_eq!(xattr::setxattr(task, guest.path("dir"), name, value, 5, 1), Err(Errno::EEXIST));
    assert_eq!(xattr::setxattr(task, guest.path("dir"), name, value, 5, 4), Err(Errno::EINVAL));
    assert_eq!(xattr::setxattr(task, guest.path("dir"), name, value, 1 << 20, 0), Err(Errno::E2BIG));
    let into = guest.put(0x300, &[0; 32]);
    assert_eq!(xattr::getxattr(task, guest.path("dir"), name, into, 0), Ok(5));
    assert_eq!(xattr::getxattr(task, guest.path("dir"), name, into, 4), Err(Errno::ERANGE));
    assert_eq!(xattr::getxattr(task, guest.path("dir"), name, into, 32), Ok(5));
    assert_eq!(guest.get(0x300, 5), b"value");
    assert_eq!(xattr::listxattr(task, guest.path("dir"), into, 32), Ok(10));
    assert_eq!(guest.get(0x300, 10), b"user.test\0");
    assert_eq!(xattr::removexattr(task, guest.path("dir"), name), Ok(()));
    assert_eq!(xattr::getxattr(task, guest.path("dir"), name, into, 0), Err(Errno::ENODATA));
    assert_eq!(xattr::getxattr(task, guest.path("dir"), UserAddr(0), into, 0), Err(Errno::EFAULT));
}

#[test]
fn opening_strictly() {
    use abi::file::OpenHow;

    let guest = guest();
    let task = &guest.task;
    names::mkdir(task, guest.path("dir"), 0o777).unwrap();
    let how = guest.pointer::<OpenHow>(0x100);
    let open = |flags, resolve, size| {
        how.write(guest.memory(), &OpenHow { flags, mode: 0, resolve }).unwrap();
        now(open::openat2(task, FDCWD, guest.path("dir/.."), how.addr, size))
    };
    assert_eq!(open(0, 0, 24), Ok(Fd(0)));
    assert_eq!(open(0, 0, 23), Err(Errno::EINVAL));
    assert_eq!(open(1 << 40, 0, 24), Err(Errno::EINVAL));
    guest.put(0x118, &[0; 8]);
    assert_eq!(open(0, 0, 32), Ok(Fd(1)));
    guest.put(0x118, &[1]);
    assert_eq!(open(0, 0, 32), Err(Errno::E2BIG));
}
