//! The server.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use abi::Errno;
use parking_lot::Mutex;
use vfs::filesystem::FileSystemRef;
use vfs::io::{SliceSource, VecSink};
use vfs::{Device as Number, File, MountOption, Owner, UserNamespace};
use zerocopy::{FromBytes, IntoBytes};

use crate::connection::Connection;
use crate::device::Device;
use crate::filesystem::Shared;
use crate::mount::Options;
use crate::wire::{Attr, AttrOut, EntryOut, InHeader, InitFlags, InitOut, Opcode, OpenOut, OutHeader};

/// What to do about a request.
pub(super) enum Act {
    /// Answer with this body.
    Body(Vec<u8>),
    /// Answer with an error.
    Fail(Errno),
    /// Write these bytes as they are; the results are kept.
    Raw(Vec<Vec<u8>>),
    /// Nothing.
    Ignore,
    /// Close the device.
    Die,
}

/// A mount and its server.
pub(super) struct Served {
    pub(super) filesystem: FileSystemRef,
    pub(super) shared: Arc<Shared>,
    pub(super) seen: Arc<Mutex<Vec<(u32, u64)>>>,
    /// What writes of raw bytes returned.
    pub(super) written: Arc<Mutex<VecDeque<Result<usize, Errno>>>>,
    device: Arc<Mutex<Option<Arc<Device>>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// The number of a request's kind, for scripts.
pub(super) const fn number(opcode: Opcode) -> u32 {
    opcode.number()
}

/// A reply as it is written.
pub(super) fn reply(unique: u64, error: i32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(size_of::<OutHeader>() + body.len()).unwrap();
    let header = OutHeader { len: length, error, unique };
    [header.as_bytes(), body].concat()
}

pub(super) fn attr(ino: u64, mode: u32, size: u64) -> Attr {
    Attr { ino, mode, size, nlink: 1, blksize: 4096, ..Attr::default() }
}

/// An entry that may be believed for so many seconds.
pub(super) fn entry(node: u64, attr: Attr, seconds: u64) -> Act {
    let out =
        EntryOut { nodeid: node, entry_valid: seconds, attr_valid: seconds, attr, ..EntryOut::default() };
    Act::Body(out.as_bytes().to_vec())
}

pub(super) fn attributes(attr: Attr) -> Act {
    Act::Body(AttrOut { attr_valid: 0, attr, ..AttrOut::default() }.as_bytes().to_vec())
}

pub(super) fn opened(fh: u64, open_flags: u32) -> Act {
    Act::Body(OpenOut { fh, open_flags, backing_id: 0 }.as_bytes().to_vec())
}

/// Mounts, with a server that does as the script says: a function of the request's header and body.
pub(super) fn serve(
    flags: InitFlags,
    script: impl FnMut(&InHeader, &[u8]) -> Act + Send + 'static,
) -> Served {
    let text = b"fd=3,rootmode=40000,user_id=0,group_id=0,allow_other";
    let options = Options::parse(b"fuse.test", &MountOption::split(text)).unwrap();
    let connection = Connection::new(Number::anonymous(), Owner::default(), UserNamespace::initial());
    let device = Arc::new(Device::default());
    device.bind(&connection).unwrap();
    connection.start(u32::MAX);
    let shared = Shared::new(connection, options);
    let filesystem = shared.filesystem();
    let stop = Arc::new(AtomicBool::new(false));
    let (seen, written) = (Arc::default(), Arc::default());
    let held = Arc::new(Mutex::new(Some(Arc::clone(&device))));
    let worker = Worker {
        device: Some(device),
        held: Arc::clone(&held),
        stop: Arc::clone(&stop),
        seen: Arc::clone(&seen),
        written: Arc::clone(&written),
        flags,
    };
    let thread = Some(std::thread::spawn(move || worker.work(script)));
    Served { filesystem, shared, seen, written, device: held, stop, thread }
}

struct Worker {
    device: Option<Arc<Device>>,
    held: Arc<Mutex<Option<Arc<Device>>>>,
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<Vec<(u32, u64)>>>,
    written: Arc<Mutex<VecDeque<Result<usize, Errno>>>>,
    flags: InitFlags,
}

impl Worker {
    fn work(mut self, mut script: impl FnMut(&InHeader, &[u8]) -> Act) {
        while !self.stop.load(Ordering::SeqCst) {
            let Some(device) = self.device.clone() else { return };
            let mut sink = VecSink::new(2 << 20);
            match device.read(0, &mut sink) {
                Ok(_) => {}
                Err(Errno::EAGAIN) => {
                    std::thread::sleep(Duration::from_micros(200));
                    continue;
                }
                Err(_) => return,
            }
            let (header, body) = InHeader::read_from_prefix(&sink.data).unwrap();
            assert_eq!(usize::try_from(header.len).unwrap(), sink.data.len());
            if header.opcode == Opcode::Init.number() {
                let flags = u32::try_from(self.flags.bits() & 0xffff_ffff).unwrap();
                let out = InitOut {
                    major: 7,
                    minor: 38,
                    max_write: 131_072,
                    flags,
                    flags2: u32::try_from(self.flags.bits() >> 32).unwrap(),
                    max_stack_depth: 1,
                    max_readahead: 131_072,
                    ..InitOut::default()
                };
                // The connection may have been aborted meanwhile. Whoever counts on it will notice.
                let _ = Self::write(&device, &reply(header.unique, 0, out.as_bytes()));
                continue;
            }
            self.seen.lock().push((header.opcode, header.nodeid));
            match script(&header, body) {
                Act::Body(body) => drop(Self::write(&device, &reply(header.unique, 0, &body))),
                Act::Fail(error) => drop(Self::write(&device, &reply(header.unique, -error.raw(), b""))),
                Act::Raw(messages) => {
                    for message in messages {
                        self.written.lock().push_back(Self::write(&device, &message));
                    }
                }
                Act::Ignore => {}
                Act::Die => {
                    drop(self.held.lock().take());
                    self.device = None;
                }
            }
        }
    }

    fn write(device: &Device, message: &[u8]) -> Result<usize, Errno> {
        device.write(None, &mut SliceSource::new(message)).map(|(count, _)| count)
    }
}

impl Served {
    /// Writes to the device, from outside the server.
    pub(super) fn write(&self, message: &[u8]) -> Result<usize, Errno> {
        let device = self.device.lock().clone().unwrap();
        Worker::write(&device, message)
    }

    /// Whether a request of this kind has come.
    pub(super) fn has_seen(&self, opcode: Opcode) -> bool {
        self.seen.lock().iter().any(|(seen, _)| *seen == opcode.number())
    }

    /// How many have come.
    pub(super) fn count(&self, opcode: Opcode) -> usize {
        self.seen.lock().iter().filter(|(seen, _)| *seen == opcode.number()).count()
    }

    /// Waits until one has come.
    pub(super) fn wait_for(&self, opcode: Opcode) {
        for _ in 0..5000 {
            if self.has_seen(opcode) {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("{} never came", opcode.name());
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !std::thread::panicking()
        {
            panic!("the server has failed");
        }
    }
}
