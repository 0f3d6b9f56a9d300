use abi::Errno;
use abi::fcntl::{F_GETFL, F_GETPIPE_SZ, F_SETFL, F_SETPIPE_SZ};
use abi::signal::Signal;
use vfs::{Fd, OpenFlags};

use crate::file::io::{read::read, splice, write::write};
use crate::file::{close::close, fcntl::fcntl, names, open, pipe};
use crate::testing::{Guest, guest, now, start};

fn new_pipe(guest: &Guest, flags: u32) -> (Fd, Fd) {
    pipe::pipe2(&guest.task, guest.pointer(0), flags).unwrap();
    let [reading, writing]: [i32; 2] = guest.pointer(0).read(guest.memory()).unwrap();
    (Fd(reading), Fd(writing))
}

#[test]
fn a_reader_waits_for_the_writer() {
    let guest = guest();
    let task = &guest.task;
    let (reading, writing) = new_pipe(&guest, 0);
    let (into, from) = (guest.put(0x100, &[0; 16]), guest.put(0x200, b"hello"));
    let mut waiting = start(read(task, reading, into, 16));
    assert_eq!(waiting.poll(), None);
    assert_eq!(now(write(task, writing, from, 5)), Ok(5));
    assert_eq!(waiting.poll(), Some(Ok(5)));
    assert_eq!(guest.get(0x100, 5), b"hello");
    let mut waiting = start(read(task, reading, into, 16));
    assert_eq!(waiting.poll(), None);
    close(task, writing).unwrap();
    assert_eq!(waiting.poll(), Some(Ok(0)));
}

#[test]
fn a_writer_waits_until_all_is_written() {
    let guest = guest();
    let task = &guest.task;
    let (reading, writing) = new_pipe(&guest, 0);
    let (from, into) = (guest.put(0, &[7; 100_000]), guest.put(0x4_0000, &[0; 65_536]));
    let mut waiting = start(write(task, writing, from, 100_000));
    assert_eq!(waiting.poll(), None);
    assert_eq!(now(read(task, reading, into, 65_536)), Ok(65_536));
    assert_eq!(waiting.poll(), Some(Ok(100_000)));
    assert_eq!(now(read(task, reading, into, 65_536)), Ok(100_000 - 65_536));
}

#[test]
fn a_signal_ends_a_wait_and_leaves_what_was_done() {
    let guest = guest();
    let task = &guest.task;
    let (reading, writing) = new_pipe(&guest, 0);
    let from = guest.put(0, &[7; 100_000]);
    let mut reader = start(read(task, reading, from, 1));
    let mut writer = start(write(task, writing, from, 100_000));
    assert_eq!(reader.poll(), None);
    assert_eq!(writer.poll(), None);
    assert_eq!(reader.poll(), Some(Ok(1)));
    guest.interrupt();
    assert_eq!(writer.poll(), Some(Ok(65_536)));
    let mut writer = start(write(task, writing, from, 100_000));
    assert_eq!(writer.poll(), Some(Err(Errno::ERESTARTSYS)));
}

#[test]
fn without_readers_there_is_a_signal() {
    let guest = guest();
    let task = &guest.task;
    let (reading, writing) = new_pipe(&guest, 0);
    close(task, reading).unwrap();
    let from = guest.put(0, b"x");
    assert_eq!(now(write(task, writing, from, 1)), Err(Errno::EPIPE));
    assert!(task.signals.pending().has(Signal::SIGPIPE));
}

#[test]
fn flags_and_sizes() {
    let guest = guest();
    let task = &guest.task;
    let (reading, _writing) = new_pipe(&guest, 0);
    let into = guest.put(0x100, &[0; 16]);
    let nonblocking = u64::from(OpenFlags::NONBLOCK.bits());
    assert_eq!(now(fcntl(task, reading, F_SETFL, nonblocking)), Ok(0));
    assert_eq!(now(fcntl(task, reading, F_GETFL, 0)), Ok(nonblocking));
    assert_eq!(now(read(task, reading, into, 16)), Err(Errno::EAGAIN));
    assert_eq!(now(fcntl(task, reading, F_SETPIPE_SZ, 100_000)), Ok(131_072));
    assert_eq!(now(fcntl(task, reading, F_GETPIPE_SZ, 0)), Ok(131_072));
    assert_eq!(now(fcntl(task, reading, 99, 0)), Err(Errno::EINVAL));
    assert_eq!(pipe::pipe2(task, guest.pointer(0), 1), Err(Errno::EINVAL));
}

#[test]
fn splicing_between_pipes_and_files() {
    let guest = guest();
    let task = &guest.task;
    let (reading, writing) = new_pipe(&guest, 0);
    let (second_reading, second_writing) = new_pipe(&guest, 0);
    let (from, into) = (guest.put(0x100, b"0123456789"), guest.put(0x200, &[0; 16]));
    assert_eq!(now(write(task, writing, from, 10)), Ok(10));
    let none = || guest.pointer::<i64>(0).at(0);
    let null = kernel::UserPtr::<i64>::new(0);
    assert_eq!(now(splice::tee(task, reading, second_writing, 4, 0)), Ok(4));
    assert_eq!(now(splice::splice(task, reading, null, second_writing, null, 3, 0)), Ok(3));
    assert_eq!(now(read(task, second_reading, into, 16)), Ok(7));
    assert_eq!(guest.get(0x200, 7), b"0123012");
    let file = now(open::open(task, guest.path("file"), 0o102, 0o644)).unwrap();
    assert_eq!(now(splice::splice(task, reading, null, file, null, 100, 0)), Ok(7));
    let offset = guest.pointer::<i64>(0x300);
    offset.write(guest.memory(), &2).unwrap();
    assert_eq!(now(splice::splice(task, file, offset, second_writing, null, 3, 0)), Ok(3));
    assert_eq!(offset.read(guest.memory()), Ok(5));
    assert_eq!(now(read(task, second_reading, into, 16)), Ok(3));
    assert_eq!(guest.get(0x200, 3), b"567");
    assert_eq!(now(splice::splice(task, reading, none(), file, null, 3, 0)), Err(Errno::ESPIPE));
    assert_eq!(now(splice::splice(task, file, null, file, null, 3, 0)), Err(Errno::EINVAL));
    assert_eq!(now(splice::splice(task, reading, null, writing, null, 3, 0)), Err(Errno::EINVAL));
    let mut waiting = start(splice::splice(task, reading, null, file, null, 3, 0));
    assert_eq!(waiting.poll(), None);
    close(task, writing).unwrap();
    assert_eq!(waiting.poll(), Some(Ok(0)));
}

#[test]
fn a_fifo_waits_for_its_other_end() {
    use std::sync::Arc;

    use vfs::special::SpecialFiles;

    struct Devices(::pipe::Fifos);
    impl SpecialFiles for Devices {
        fn open(
            &self,
            inode: &vfs::InodeRef,
            attributes: &vfs::Attributes,
            flags: OpenFlags,
            _: &vfs::Credentials,
            _: Option<&dyn core::any::Any>,
        ) -> Result<Arc<dyn vfs::File>, Errno> {
            self.0.open(inode, attributes, flags)
        }
    }

    let guest = guest();
    let task = &guest.task;
    task.kernel.set_special(Arc::new(Devices(::pipe::Fifos::default())));
    names::mknod(task, guest.path("fifo"), 0o010_644, 0).unwrap();
    let (read_only, write_only, nonblocking) = (0, 1, OpenFlags::NONBLOCK.bits());
    let open = |flags| open::open(task, guest.path("fifo"), flags, 0);
    assert_eq!(now(open(write_only | nonblocking)), Err(Errno::ENXIO));
    let mut reader = start(open(read_only));
    assert_eq!(reader.poll(), None);
    let writing = now(open(write_only)).unwrap();
    let reading = reader.poll().unwrap().unwrap();
    let (from, into) = (guest.put(0x100, b"x"), guest.put(0x200, &[0; 4]));
    assert_eq!(now(write(task, writing, from, 1)), Ok(1));
    assert_eq!(now(read(task, reading, into, 4)), Ok(1));
    close(task, reading).unwrap();
    close(task, writing).unwrap();
    let mut reader = start(open(read_only));
    assert_eq!(reader.poll(), None);
    drop(reader);
    assert_eq!(now(open(write_only | nonblocking)), Err(Errno::ENXIO));
    assert!(now(open(read_only | nonblocking)).is_ok());
    assert!(now(open(write_only | nonblocking)).is_ok());
}
