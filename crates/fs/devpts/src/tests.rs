use std::sync::{Arc, Weak};

use abi::Errno;
use abi::signal::Signal;
use parking_lot::Mutex;
use vfs::io::{SliceSource, VecSink};
use vfs::terminal::Sessions;
use vfs::{CapabilitySet, Credentials, Events, File, FileSystem, Inode, Name, OpenFlags, TerminalId};

use crate::{Devpts, MasterFile, Options, Ptys};

#[derive(Default)]
struct Told(Mutex<Vec<Option<Signal>>>);

impl Sessions for Told {
    fn signal_foreground(&self, _: TerminalId, signal: Signal) {
        self.0.lock().push(Some(signal));
    }

    fn hung_up(&self, _: TerminalId) {
        self.0.lock().push(None);
    }
}

struct Bench {
    told: Arc<Told>,
    ptys: Arc<Ptys>,
    devpts: Arc<Devpts>,
    credentials: Credentials,
}

impl Bench {
    fn new(options: Options) -> Self {
        let told = Arc::new(Told::default());
        let sessions: Weak<dyn Sessions> = Arc::downgrade(&told) as Weak<dyn Sessions>;
        let ptys = Arc::new(Ptys::new(sessions));
        let devpts = Devpts::new(options, Arc::clone(&ptys));
        Self { told, ptys, devpts, credentials: Credentials::root(CapabilitySet::EMPTY) }
    }

    fn master(&self) -> Result<Arc<MasterFile>, Errno> {
        self.devpts.open_master(&self.credentials)
    }

    fn node(&self, number: u32) -> Result<Arc<dyn Inode>, Errno> {
        self.devpts.root().lookup(Name::new(number.to_string().as_bytes())?)
    }

    fn pair(&self) -> (Arc<MasterFile>, Arc<dyn File>) {
        let master = self.master().unwrap();
        master.unlock();
        let slave = self.node(master.number()).unwrap().open(OpenFlags::RDWR, &self.credentials).unwrap();
        (master, slave)
    }
}

fn read(file: &dyn File) -> Result<Vec<u8>, Errno> {
    let mut sink = VecSink::new(100);
    file.read(0, &mut sink).map(|_| sink.data)
}

fn write(file: &dyn File, bytes: &[u8]) -> Result<usize, Errno> {
    file.write(None, &mut SliceSource::new(bytes)).map(|(count, _)| count)
}

#[test]
fn a_line_goes_through() {
    let (master, slave) = Bench::new(Options::default()).pair();
    assert_eq!(read(&*slave), Err(Errno::EAGAIN));
    assert_eq!(write(&*master, b"hello\n"), Ok(6));
    assert!(slave.poll().contains(Events::IN));
    assert_eq!(read(&*slave), Ok(b"hello\n".to_vec()));
    assert_eq!(read(&*master), Ok(b"hello\r\n".to_vec()));
}

#[test]
fn the_lowest_number_is_used_as_long_as_either_side_is_open() {
    let bench = Bench::new(Options { max: 3, ..Options::default() });
    let (first, slave) = bench.pair();
    let (second, third) = (bench.master().unwrap(), bench.master().unwrap());
    assert_eq!((first.number(), second.number(), third.number()), (0, 1, 2));
    assert_eq!(bench.master().err(), Some(Errno::ENOSPC));
    drop(first);
    assert_eq!(bench.node(0).err(), Some(Errno::ENOENT));
    assert_eq!(bench.master().err(), Some(Errno::ENOSPC));
    drop(slave);
    assert_eq!(bench.master().unwrap().number(), 0);
    assert_eq!(bench.ptys.used(), 2);
}

#[test]
fn a_sandbox_has_only_so_many() {
    let bench = Bench::new(Options::default());
    bench.ptys.set_limit(2);
    let _two = (bench.master().unwrap(), bench.master().unwrap());
    assert_eq!(bench.master().err(), Some(Errno::ENOSPC));
}

#[test]
fn a_locked_slave_does_not_open() {
    let bench = Bench::new(Options::default());
    let master = bench.master().unwrap();
    let open = || bench.node(0).unwrap().open(OpenFlags::RDWR, &bench.credentials).err();
    assert_eq!(open(), Some(Errno::EIO));
    master.unlock();
    assert_eq!(open(), None);
}

#[test]
fn a_closed_master_kills_the_slave() {
    let bench = Bench::new(Options::default());
    let (master, slave) = bench.pair();
    drop(master);
    assert_eq!(*bench.told.0.lock(), [None]);
    assert_eq!((read(&*slave), write(&*slave, b"x")), (Ok(Vec::new()), Err(Errno::EIO)));
    assert!(slave.poll().contains(Events::HUP | Events::ERR) && slave.terminal().is_none());
}

#[test]
fn a_closed_slave_ends_what_the_master_reads() {
    let bench = Bench::new(Options::default());
    let (master, slave) = bench.pair();
    write(&*slave, b"last").unwrap();
    drop(slave);
    assert_eq!(read(&*master), Ok(b"last".to_vec()));
    assert_eq!(read(&*master), Err(Errno::EIO));
    assert_eq!(master.poll() & Events::HUP, Events::HUP);
    let _again = bench.node(0).unwrap().open(OpenFlags::RDWR, &bench.credentials).unwrap();
    assert_eq!(read(&*master), Err(Errno::EAGAIN));
}

#[test]
fn keys_and_sizes_signal() {
    let bench = Bench::new(Options::default());
    let (master, slave) = bench.pair();
    write(&*master, b"\x03").unwrap();
    let window = abi::termios::WindowSize { rows: 24, columns: 80, ..Default::default() };
    master.resize(window);
    master.resize(window);
    assert_eq!(*bench.told.0.lock(), [Some(Signal::SIGINT), Some(Signal::SIGWINCH)]);
    assert_eq!(slave.terminal().map(|t| t.device()), Some(vfs::Device::new(136, 0)));
}

#[test]
fn what_is_written_waits_only_so_far() {
    let (master, _slave) = Bench::new(Options::default()).pair();
    let mut written = 0;
    write(&*master, b"\n").unwrap();
    while let Ok(count) = write(&*master, &[b'x'; 100]) {
        written += count;
        assert!(written < 20_000);
    }
    assert!(written > 8000 && !master.poll().contains(Events::OUT));
}
