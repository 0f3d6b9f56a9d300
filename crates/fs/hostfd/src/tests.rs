use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

use abi::Errno;
use rustix::fs::{Mode, OFlags, SeekFrom, fcntl_getfl};
use vfs::io::{SliceSource, VecSink};
use vfs::{Capability, CapabilitySet, Credentials, Events, Listener, OpenFile, OpenFlags, Seek};

use crate::{Importer, Kind, Poller};

fn importer() -> &'static Importer {
    static IMPORTER: OnceLock<Importer> = OnceLock::new();
    IMPORTER.get_or_init(|| Importer::new(Poller::start(|report| report()).unwrap()))
}

fn import(fds: Vec<OwnedFd>) -> Result<Vec<Arc<OpenFile>>, Errno> {
    importer().import(fds, &Arc::new(Credentials::root(CapabilitySet::EMPTY.with(Capability::Kill))))
}

fn one(fd: impl Into<OwnedFd>) -> Arc<OpenFile> {
    import(vec![fd.into()]).unwrap().remove(0)
}

fn read(file: &OpenFile, count: usize) -> Result<Vec<u8>, Errno> {
    let mut sink = VecSink::new(count);
    file.read(&mut sink).map(|_| sink.data)
}

fn write(file: &OpenFile, data: &[u8]) -> Result<usize, Errno> {
    file.write(&mut SliceSource::new(data))
}

fn temporary(flags: OFlags) -> OwnedFd {
    let flags = flags | OFlags::RDWR | OFlags::TMPFILE;
    rustix::fs::open(std::env::temp_dir(), flags, Mode::from_raw_mode(0o600)).unwrap()
}

struct Channel(mpsc::Sender<Events>);

impl Listener for Channel {
    fn notify(&self, events: Events) {
        let _ = self.0.send(events);
    }
}

#[test]
fn the_offset_is_the_hosts() {
    let fd = temporary(OFlags::empty());
    let outside = fd.try_clone().unwrap();
    let file = one(fd);
    assert_eq!(write(&file, b"inside "), Ok(7));
    rustix::io::write(&outside, b"outside ").unwrap();
    assert_eq!(write(&file, b"inside"), Ok(6));
    assert_eq!(rustix::fs::tell(&outside), Ok(21));
    assert_eq!(file.seek(Seek::Set(7)), Ok(7));
    assert_eq!(read(&file, 7), Ok(b"outside".to_vec()));
    assert_eq!(rustix::fs::seek(&outside, SeekFrom::Current(0)), Ok(14));
    let mut sink = VecSink::new(6);
    assert_eq!(file.read_at(0, &mut sink), Ok(6));
    assert_eq!(sink.data, b"inside");
    assert_eq!(file.seek(Seek::Current(0)), Ok(14));
}

#[test]
fn appending_overwrites_nothing() {
    let file = one(temporary(OFlags::APPEND));
    assert!(file.flags().contains(OpenFlags::APPEND));
    assert_eq!(write(&file, b"first "), Ok(6));
    assert_eq!(file.seek(Seek::Set(0)), Ok(0));
    assert_eq!(write(&file, b"second"), Ok(6));
    let fd = temporary(OFlags::empty());
    let outside = fd.try_clone().unwrap();
    let other = one(fd);
    assert_eq!(write(&other, b"first "), Ok(6));
    other.set_flags(OpenFlags::APPEND).unwrap();
    assert_eq!(other.seek(Seek::Set(0)), Ok(0));
    assert_eq!(write(&other, b"second"), Ok(6));
    assert!(!fcntl_getfl(&outside).unwrap().contains(OFlags::APPEND));
    for file in [file, other] {
        file.seek(Seek::Set(0)).unwrap();
        assert_eq!(read(&file, 100), Ok(b"first second".to_vec()));
    }
}

#[test]
fn one_description_stays_one() {
    let fd = temporary(OFlags::empty());
    let (copy, other) = (fd.try_clone().unwrap(), temporary(OFlags::empty()));
    let files = import(vec![fd, copy, other]).unwrap();
    assert!(Arc::ptr_eq(&files[0], &files[1]));
    assert!(!Arc::ptr_eq(&files[0], &files[2]));
}

#[test]
fn a_pipe_neither_blocks_nor_changes_for_others() {
    let (reading, writing) = rustix::pipe::pipe().unwrap();
    let outside = (reading.try_clone().unwrap(), writing.try_clone().unwrap());
    let (input, output) = (one(reading), one(writing));
    assert_eq!(read(&input, 10), Err(Errno::EAGAIN));
    assert_eq!(input.poll(), Events::empty());
    assert_eq!(write(&output, b"abc"), Ok(3));
    assert!(input.poll().contains(Events::IN));
    assert_eq!(read(&input, 10), Ok(b"abc".to_vec()));
    let mut written = 0;
    while let Ok(n) = write(&output, &[1; 10_000]) {
        written += n;
    }
    assert!(written >= 65_536 - 4096, "{written}");
    assert_eq!(write(&output, b"x"), Err(Errno::EAGAIN));
    assert!(!fcntl_getfl(&outside.0).unwrap().contains(OFlags::NONBLOCK));
    assert!(!fcntl_getfl(&outside.1).unwrap().contains(OFlags::NONBLOCK));
}

#[test]
fn ends_are_seen() {
    let (reading, writing) = rustix::pipe::pipe().unwrap();
    let output = one(writing);
    drop(reading);
    assert_eq!(write(&output, b"x"), Err(Errno::EPIPE));
    assert!(output.poll().contains(Events::ERR));
    let (reading, writing) = rustix::pipe::pipe().unwrap();
    let input = one(reading);
    drop(one(writing));
    assert_eq!(read(&input, 10), Ok(Vec::new()));
    assert!(input.poll().contains(Events::HUP));
}

#[test]
fn the_poller_tells_of_each_arrival() {
    let (here, there) = rustix::net::socketpair(
        rustix::net::AddressFamily::UNIX,
        rustix::net::SocketType::STREAM,
        rustix::net::SocketFlags::empty(),
        None,
    )
    .unwrap();
    let file = one(here);
    let (sender, receiver) = mpsc::channel();
    let queue = Arc::clone(file.file.readiness().unwrap());
    let _registration = queue.register(Events::IN, Arc::new(Channel(sender)));
    for _ in 0..3 {
        while receiver.try_recv().is_ok() {}
        assert_eq!(read(&file, 10), Err(Errno::EAGAIN));
        rustix::io::write(&there, b"x").unwrap();
        let events = receiver.recv_timeout(Duration::from_secs(100)).unwrap();
        assert!(events.contains(Events::IN));
        assert_eq!(read(&file, 10), Ok(b"x".to_vec()));
    }
    assert_eq!(read(&file, 10), Err(Errno::EAGAIN));
    while receiver.try_recv().is_ok() {}
    drop(there);
    assert!(receiver.recv_timeout(Duration::from_secs(100)).is_ok());
    assert_eq!(read(&file, 10), Ok(Vec::new()));
}

#[test]
fn a_terminal_reads_lines() {
    let flags = rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY;
    let master = rustix::pty::openpt(flags).unwrap();
    rustix::pty::grantpt(&master).unwrap();
    rustix::pty::unlockpt(&master).unwrap();
    let name = rustix::pty::ptsname(&master, Vec::new()).unwrap();
    let slave = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    let outside = slave.try_clone().unwrap();
    assert_eq!(Kind::of(slave.as_fd()), Ok(Kind::Terminal));
    let file = one(slave);
    assert_eq!(read(&file, 10), Err(Errno::EAGAIN));
    rustix::io::write(&master, b"line\n").unwrap();
    assert_eq!(read(&file, 10), Ok(b"line\n".to_vec()));
    let mut written = 0;
    while let Ok(n) = write(&file, &[b'x'; 1000]) {
        written += n;
        assert!(written < 10_000_000, "a terminal that nobody reads took everything");
    }
    assert!(file.file.terminal().is_some());
    assert_eq!(file.attributes().unwrap().device, vfs::Device::new(136, 0));
    assert!(!fcntl_getfl(&outside).unwrap().contains(OFlags::NONBLOCK));
}

#[test]
fn kinds_are_chosen() {
    let open = |path: &str| rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).unwrap();
    assert_eq!(import(vec![open("/")]).err(), Some(Errno::EPERM));
    let null = one(open("/dev/null"));
    assert_eq!(read(&null, 10), Ok(Vec::new()));
    assert!(null.file.readiness().is_none());
    let epoll = rustix::event::epoll::create(rustix::event::epoll::CreateFlags::CLOEXEC).unwrap();
    assert_eq!(import(vec![epoll]).err(), Some(Errno::EPERM));
}

#[test]
fn attributes_are_the_hosts_but_for_identity() {
    let file = one(temporary(OFlags::empty()));
    write(&file, b"12345").unwrap();
    let change = vfs::AttributeChange { mode: Some(0o640), size: Some(3), ..Default::default() };
    file.file.set_attributes(&change).unwrap();
    let attributes = file.attributes().unwrap();
    assert_eq!((attributes.mode, attributes.size), (0o640, 3));
    let chown = vfs::AttributeChange { uid: Some(1), ..Default::default() };
    assert_eq!(file.file.set_attributes(&chown), Err(Errno::EPERM));
}
