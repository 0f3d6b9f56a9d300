use abi::Errno;
use abi::fcntl::{
    F_DUPFD, F_GETFD, F_GETLK, F_OFD_SETLK, F_RDLCK, F_SETLK, F_SETLKW, F_UNLCK, F_WRLCK, SEEK_CUR,
    SEEK_DATA, SEEK_END, SEEK_SET,
};
use abi::file::{Flock, IoVec};
use abi::signal::Signal;
use kernel::UserAddr;
use kernel::limits::{Limit, Resource};
use vfs::{Fd, OpenFlags};

use crate::file::io::{copy, read, vectored, write};
use crate::file::{close, duplicate, fcntl::fcntl, lock, open, seek::lseek, size};
use crate::testing::{Guest, MEMORY, guest, now, start};

const READ_WRITE_CREATE: u32 = 0o102;

fn file(guest: &Guest, name: &str, flags: u32) -> Fd {
    now(open::open(&guest.task, guest.path(name), flags, 0o644)).unwrap()
}

fn write_text(guest: &Guest, fd: Fd, text: &[u8]) -> Result<usize, Errno> {
    now(write::write(&guest.task, fd, guest.put(0x1000, text), text.len()))
}

fn read_text(guest: &Guest, fd: Fd, offset: i64, count: usize) -> Result<Vec<u8>, Errno> {
    let into = guest.put(0x2000, &[0; 64]);
    let done = now(read::pread(&guest.task, fd, into, count, offset))?;
    Ok(guest.get(0x2000, done))
}

#[test]
fn reading_writing_seeking() {
    let guest = guest();
    let task = &guest.task;
    let fd = file(&guest, "file", READ_WRITE_CREATE);
    assert_eq!(write_text(&guest, fd, b"hello world"), Ok(11));
    assert_eq!(lseek(task, fd, 0, SEEK_CUR), Ok(11));
    assert_eq!(lseek(task, fd, -5, SEEK_END), Ok(6));
    assert_eq!(lseek(task, fd, -1, SEEK_SET), Err(Errno::EINVAL));
    assert_eq!(lseek(task, fd, 100, SEEK_DATA), Err(Errno::ENXIO));
    assert_eq!(lseek(task, fd, 0, 9), Err(Errno::EINVAL));
    assert_eq!(read_text(&guest, fd, 6, 64), Ok(b"world".to_vec()));
    assert_eq!(read_text(&guest, fd, -1, 64), Err(Errno::EINVAL));
    let appending = file(&guest, "file", OpenFlags::APPEND.bits() | 1);
    assert_eq!(write_text(&guest, appending, b"!"), Ok(1));
    assert_eq!(read_text(&guest, fd, 0, 64), Ok(b"hello world!".to_vec()));
    assert_eq!(read_text(&guest, appending, 0, 64), Err(Errno::EBADF));
    assert_eq!(read_text(&guest, Fd(77), 0, 64), Err(Errno::EBADF));
    let wild = UserAddr(0x10);
    assert_eq!(now(read::pread(task, fd, wild, 4, 0)), Err(Errno::EFAULT));
    assert_eq!(now(write::write(task, fd, wild, 4)), Err(Errno::EFAULT));
    assert_eq!(now(read::read(task, fd, wild, usize::MAX)), Err(Errno::EFAULT));
}

#[test]
fn directories_are_not_read() {
    let guest = guest();
    let fd = file(&guest, "/", 0);
    assert_eq!(read_text(&guest, fd, 0, 10), Err(Errno::EISDIR));
}

#[test]
fn arrays_of_buffers() {
    let guest = guest();
    let task = &guest.task;
    let fd = file(&guest, "file", READ_WRITE_CREATE);
    guest.put(0x100, b"abc");
    guest.put(0x200, b"defgh");
    let array = guest.pointer::<IoVec>(0x300);
    let piece = |at, len| IoVec { base: MEMORY + at, len };
    array.write_many(guest.memory(), &[piece(0x100, 3), piece(0, 0), piece(0x200, 5)]).unwrap();
    assert_eq!(now(vectored::writev(task, fd, array, 3)), Ok(8));
    assert_eq!(now(vectored::preadv2(task, fd, array, 3, 2, 0, 0)), Ok(6));
    assert_eq!((guest.get(0x100, 3), guest.get(0x200, 3)), (b"cde".to_vec(), b"fgh".to_vec()));
    assert_eq!(now(vectored::pwritev2(task, fd, array, 3, 0, 0, 0x40)), Err(Errno::EOPNOTSUPP));
    assert_eq!(now(vectored::writev(task, fd, array, 1025)), Err(Errno::EINVAL));
    array.write_many(guest.memory(), &[piece(0x100, u64::MAX)]).unwrap();
    assert_eq!(now(vectored::readv(task, fd, array, 1)), Err(Errno::EINVAL));
}

#[test]
fn a_limit_cuts_and_then_kills() {
    let guest = guest();
    guest.task.group.limits.lock().set(Resource::Fsize, Limit::new(6, 6));
    let fd = file(&guest, "file", READ_WRITE_CREATE);
    assert_eq!(write_text(&guest, fd, b"1234"), Ok(4));
    assert_eq!(write_text(&guest, fd, b"5678"), Ok(2));
    assert_eq!(write_text(&guest, fd, b"9"), Err(Errno::EFBIG));
    assert!(guest.task.signals.pending().has(Signal::SIGXFSZ));
    assert_eq!(size::ftruncate(&guest.task, fd, 7), Err(Errno::EFBIG));
    assert_eq!(size::ftruncate(&guest.task, fd, 5), Ok(()));
}

#[test]
fn copying_between_files() {
    let guest = guest();
    let task = &guest.task;
    let from = file(&guest, "from", READ_WRITE_CREATE);
    let to = file(&guest, "to", READ_WRITE_CREATE);
    assert_eq!(write_text(&guest, from, b"0123456789"), Ok(10));
    let null = kernel::UserPtr::<i64>::new(0);
    let offset = guest.pointer::<i64>(0x300);
    offset.write(guest.memory(), &3).unwrap();
    assert_eq!(now(copy::sendfile(task, to, from, offset, 4)), Ok(4));
    assert_eq!(offset.read(guest.memory()), Ok(7));
    assert_eq!(lseek(task, from, 0, SEEK_SET), Ok(0));
    assert_eq!(now(copy::sendfile(task, to, from, null, 100)), Ok(10));
    assert_eq!(lseek(task, from, 0, SEEK_CUR), Ok(10));
    assert_eq!(read_text(&guest, to, 0, 64), Ok(b"34560123456789".to_vec()));
    assert_eq!(now(copy::copy_file_range(task, from, offset, to, null, 100, 0)), Ok(3));
    assert_eq!(offset.read(guest.memory()), Ok(10));
    assert_eq!(read_text(&guest, to, 14, 64), Ok(b"789".to_vec()));
    offset.write(guest.memory(), &0).unwrap();
    assert_eq!(lseek(task, to, 5, SEEK_SET), Ok(5));
    assert_eq!(now(copy::copy_file_range(task, to, offset, to, null, 6, 0)), Err(Errno::EINVAL));
    assert_eq!(now(copy::copy_file_range(task, to, offset, to, null, 5, 0)), Ok(5));
    assert_eq!(now(copy::copy_file_range(task, from, null, to, null, 5, 1)), Err(Errno::EINVAL));
}

#[test]
fn descriptors() {
    let guest = guest();
    let task = &guest.task;
    let fd = file(&guest, "file", READ_WRITE_CREATE | OpenFlags::CLOEXEC.bits());
    assert_eq!(fd, Fd(0));
    assert_eq!(now(fcntl(task, fd, F_GETFD, 0)), Ok(1));
    assert_eq!(duplicate::dup(task, fd), Ok(Fd(1)));
    assert_eq!(now(fcntl(task, Fd(1), F_GETFD, 0)), Ok(0));
    assert_eq!(now(fcntl(task, fd, F_DUPFD, 7)), Ok(7));
    assert_eq!(now(fcntl(task, fd, F_DUPFD, 1 << 20)), Err(Errno::EINVAL));
    assert_eq!(duplicate::dup2(task, fd, Fd(1)), Ok(Fd(1)));
    assert_eq!(duplicate::dup2(task, fd, fd), Ok(fd));
    assert_eq!(duplicate::dup3(task, fd, fd, 0), Err(Errno::EINVAL));
    assert_eq!(duplicate::dup2(task, fd, Fd(-1)), Err(Errno::EBADF));
    assert_eq!(duplicate::dup2(task, fd, Fd(5000)), Err(Errno::EBADF));
    assert_eq!(close::close_range(task, 1, 6, 0), Ok(()));
    assert_eq!(close::close(task, Fd(1)), Err(Errno::EBADF));
    assert_eq!(close::close_range(task, 5, u32::MAX, 4), Ok(()));
    assert_eq!(now(fcntl(task, Fd(7), F_GETFD, 0)), Ok(1));
    assert_eq!(close::close(task, Fd(7)), Ok(()));
}

#[test]
fn record_locks() {
    let guest = guest();
    let task = &guest.task;
    let fd = file(&guest, "file", READ_WRITE_CREATE);
    let other = file(&guest, "file", 2);
    let at = guest.pointer::<Flock>(0x100);
    let put = |kind, start, len| {
        let flock = Flock { kind, start, len, ..Flock::default() };
        at.write(guest.memory(), &flock).unwrap();
        at.addr.0
    };
    assert_eq!(now(fcntl(task, fd, F_SETLK, put(F_WRLCK, 10, 10))), Ok(0));
    assert_eq!(now(fcntl(task, fd, F_GETLK, put(F_RDLCK, 0, 0))), Ok(0));
    assert_eq!(at.read(guest.memory()).unwrap().kind, F_UNLCK, "its own lock does not stand against it");
    assert_eq!(now(fcntl(task, other, F_OFD_SETLK, put(F_RDLCK, 0, 0))), Err(Errno::EAGAIN));
    assert_eq!(now(fcntl(task, other, F_OFD_SETLK, put(F_RDLCK, 0, 10))), Ok(0));
    let mut waiting = start(fcntl(task, fd, F_SETLKW, put(F_WRLCK, 5, -5)));
    assert_eq!(waiting.poll(), None);
    assert_eq!(now(fcntl(task, other, F_OFD_SETLK, put(F_UNLCK, 0, 0))), Ok(0));
    assert_eq!(waiting.poll(), Some(Ok(0)));
    assert_eq!(now(fcntl(task, fd, F_SETLK, put(9, 0, 0))), Err(Errno::EINVAL));
    drop(waiting);
    close::close(task, other).unwrap();
    let third = file(&guest, "file", 2);
    assert_eq!(now(fcntl(task, third, F_OFD_SETLK, put(F_WRLCK, 0, 0))), Ok(0), "closing any released all");
}

#[test]
fn whole_locks() {
    let guest = guest();
    let task = &guest.task;
    let (one, other) = (file(&guest, "file", READ_WRITE_CREATE), file(&guest, "file", 2));
    assert_eq!(now(lock::flock(task, one, 2)), Ok(()));
    assert_eq!(now(lock::flock(task, other, 1 | 4)), Err(Errno::EAGAIN));
    let mut waiting = start(lock::flock(task, other, 1));
    assert_eq!(waiting.poll(), None);
    close::close(task, one).unwrap();
    assert_eq!(waiting.poll(), Some(Ok(())));
    assert_eq!(now(lock::flock(task, other, 3)), Err(Errno::EINVAL));
}
