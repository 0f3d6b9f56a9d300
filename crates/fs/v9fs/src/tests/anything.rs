//! A server that answers anything: whatever it says, nobody panics, and nobody waits for ever.

use std::sync::Arc;

use abi::Errno;
use ninep::frame::first;
use vfs::io::{SliceSource, VecSink};
use vfs::waiting::{self, Patience};
use vfs::{
    AttributeChange, CapabilitySet, Credentials, Device, DirectoryEntry, DirectorySink, File, FileKind,
    InodeRef, MountOption, Name, OpenFile, OpenFlags, Owner, RenameFlags, StatusQuery,
};

use crate::{Connection, Options};

/// Servers that are tried.
const SERVERS: u64 = 2000;
/// What is asked of each.
const STEPS: usize = 60;

/// Numbers that look like any.
struct Any(u64);

impl Any {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: u64) -> usize {
        usize::try_from(self.next() % end).unwrap()
    }

    fn bytes(&mut self, most: u64) -> Vec<u8> {
        (0..self.below(most)).map(|_| u8::try_from(self.next() & 0xff).unwrap()).collect()
    }

    fn qid(&mut self) -> Vec<u8> {
        let kind = [0x80_u8, 0x80, 0, 2][self.below(4)];
        // Few numbers, so that files are taken for each other.
        [vec![kind], vec![0; 4], (self.next() % 5).to_le_bytes().to_vec()].concat()
    }

    /// The fields of a reply of this number: mostly what belongs there.
    fn body(&mut self, number: u8, request: &[u8]) -> Vec<u8> {
        if self.below(40) == 0 {
            return self.bytes(200);
        }
        match number {
            101 => [8192_u32.to_le_bytes().to_vec(), vec![8, 0], b"9P2000.L".to_vec()].concat(),
            105 => self.qid(),
            111 => {
                let asked = u16::from_le_bytes([request[8], request[9]]);
                let count = if self.below(6) == 0 { self.below(20) } else { usize::from(asked) };
                let qids: Vec<u8> = (0..count).flat_map(|_| self.qid()).collect();
                [u16::try_from(count).unwrap().to_le_bytes().to_vec(), qids].concat()
            }
            25 => {
                let mode = [0o40755_u32, 0o40755, 0o100_644, 0o120_777, 0o10_644, 0][self.below(6)];
                let rest: Vec<u8> = (0..15)
                    .flat_map(|_| [self.next() >> self.below(60)])
                    .flat_map(u64::to_le_bytes)
                    .collect();
                [0x7ff_u64.to_le_bytes().to_vec(), self.qid(), mode.to_le_bytes().to_vec(), vec![0; 8], rest]
                    .concat()
            }
            13 | 15 => [self.qid(), u32::try_from(self.next() & 0xffff_ffff).unwrap().to_le_bytes().to_vec()]
                .concat(),
            19 | 73 => self.qid(),
            23 => {
                let text = self.bytes(50);
                [u16::try_from(text.len()).unwrap().to_le_bytes().to_vec(), text].concat()
            }
            31 => (self.next() >> self.below(64)).to_le_bytes().to_vec(),
            41 => {
                let entries: Vec<u8> = (0..self.below(5))
                    .flat_map(|_| {
                        let name = self.bytes(12);
                        let length = u16::try_from(name.len()).unwrap().to_le_bytes().to_vec();
                        [self.qid(), (self.next() % 9).to_le_bytes().to_vec(), vec![8], length, name].concat()
                    })
                    .collect();
                [u32::try_from(entries.len()).unwrap().to_le_bytes().to_vec(), entries].concat()
            }
            117 => {
                let data = self.bytes(9000);
                [u32::try_from(data.len()).unwrap().to_le_bytes().to_vec(), data].concat()
            }
            119 => u32::try_from(self.next() % 5000).unwrap().to_le_bytes().to_vec(),
            53 => vec![u8::try_from(self.below(2)).unwrap()],
            _ => Vec::new(),
        }
    }

    /// What is said to a request.
    fn answer(&mut self, number: u8, tag: u16, request: &[u8]) -> Vec<u8> {
        let tag = if self.below(500) == 0 { tag ^ 1 } else { tag };
        let (number, body) = match self.below(30) {
            0 | 1 => (7, u32::try_from(self.next() % 600).unwrap().to_le_bytes().to_vec()),
            2 if self.below(8) == 0 => (u8::try_from(self.next() & 0xff).unwrap(), self.bytes(64)),
            _ => (number + 1, self.body(number + 1, request)),
        };
        let size = u32::try_from(body.len() + 7).unwrap();
        [size.to_le_bytes().to_vec(), vec![number], tag.to_le_bytes().to_vec(), body].concat()
    }
}

fn patiently(file: &dyn File, mut attempt: impl FnMut() -> Result<usize, Errno>) -> usize {
    let mut result = Err(Errno::EAGAIN);
    waiting::until(file.readiness().unwrap(), Patience::Endless, || {
        result = attempt();
        result != Err(Errno::EAGAIN)
    })
    .unwrap();
    result.unwrap_or(0)
}

/// Answers until the other end is gone, or for so long as it likes.
fn serve(mut any: Any, requests: &dyn File, replies: &dyn File) {
    let mut input = Vec::new();
    let patience = any.below(400);
    for _ in 0..patience {
        while first(&input, 1 << 20).unwrap().is_none() {
            let mut sink = VecSink::new(4096);
            if patiently(requests, || requests.read(0, &mut sink)) == 0 {
                return;
            }
            input.append(&mut sink.data);
        }
        let (frame, used) = first(&input, 1 << 20).unwrap().unwrap();
        let answer = any.answer(frame.number, frame.tag, frame.body);
        input.drain(..used);
        let mut source = SliceSource::new(&answer);
        while vfs::Source::left(&source) > 0 {
            if patiently(replies, || replies.write(None, &mut source).map(|(count, _)| count)) == 0 {
                return;
            }
        }
    }
}

/// Takes some entries.
struct Few(usize);

impl DirectorySink for Few {
    fn put(&mut self, entry: &DirectoryEntry<'_>) -> bool {
        assert!(entry.name == b"." || entry.name == b".." || Name::new(entry.name).is_ok());
        self.0 = self.0.saturating_sub(1);
        self.0 > 0
    }
}

fn step(any: &mut Any, inodes: &mut Vec<InodeRef>, credentials: &Credentials) {
    let at = any.below(inodes.len() as u64);
    let inode = Arc::clone(&inodes[at]);
    // The VFS looks for names in directories alone.
    let first = if inode.kind() == FileKind::Directory { 0 } else { 10 };
    let directories: Vec<_> = inodes.iter().filter(|inode| inode.kind() == FileKind::Directory).collect();
    let other = Arc::clone(directories[any.below(directories.len() as u64)]);
    let names = [&b"a"[..], b"b", b"c"];
    let (name, second) = (Name::new(names[any.below(3)]).unwrap(), Name::new(names[any.below(3)]).unwrap());
    let owner = Owner::default();
    let met = match first + any.below(16 - first as u64) {
        0..=3 => inode.lookup(name),
        4 => inode.create(name, FileKind::Fifo, 0o600, owner, Device::default()),
        5 => inode.create_directory(name, 0o700, owner),
        6 => inode.create_and_open(name, 0o600, owner, OpenFlags::RDWR, credentials).map(|(inode, _)| inode),
        7 => inode.unlink(name).map(|()| other),
        8 => inode.rename(name, &other, second, RenameFlags::empty()).map(|()| inode),
        9 => inode.link(name, &other).map(|()| other),
        10 => inode.status(&StatusQuery::default()).map(|_| inode),
        11 => {
            let change = AttributeChange { size: Some(any.next() >> 40), ..AttributeChange::default() };
            inode.set_attributes(&change).map(|()| inode)
        }
        12 => inode
            .xattr_names()
            .and(inode.xattr(b"user.a"))
            .and(inode.set_xattr(b"user.a", b"v", false, false))
            .map(|()| inode),
        13 => inode.read_link(credentials).map(|_| inode),
        _ => used(any, inode, credentials),
    };
    match met {
        Ok(inode) if inodes.len() < 20 => inodes.push(inode),
        Ok(inode) if at > 0 => inodes[at] = inode,
        _ => {}
    }
}

fn used(any: &mut Any, inode: InodeRef, credentials: &Credentials) -> Result<InodeRef, Errno> {
    let file = Arc::clone(&inode).open(OpenFlags::RDWR, credentials)?;
    if inode.kind() == FileKind::Directory {
        file.read_directory(0, &mut Few(50))?;
        return Ok(inode);
    }
    let mut sink = VecSink::new(any.below(20_000));
    let _ = file.read(any.next() >> any.below(64), &mut sink);
    let data = any.bytes(20_000);
    let offset = (any.below(3) > 0).then(|| any.next() >> any.below(64));
    let _ = file.write(offset, &mut SliceSource::new(&data));
    let _ = file.map_range(3, true, 0, 10_000);
    let _ = file.sync(false);
    file.flush()?;
    Ok(inode)
}

#[test]
fn whatever_a_server_says_everybody_goes_on() {
    let credentials = Arc::new(Credentials::root(CapabilitySet::default()));
    let mut mounted = 0;
    for seed in 1..=SERVERS {
        let (requests, to_server) = pipe::pair(Owner::default(), false);
        let (replies, from_server) = pipe::pair(Owner::default(), false);
        let any = Any(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let server = std::thread::spawn(move || serve(any, &*requests, &*from_server));
        let open = |file: Arc<dyn File>, flags| OpenFile::new(file, None, flags, Arc::clone(&credentials));
        let connection = Connection {
            reading: open(replies, OpenFlags::empty()),
            writing: open(to_server, OpenFlags::WRONLY),
            node_name: b"here".to_vec(),
        };
        let options =
            [&b"cache=mmap,posixacl"[..], b"access=any", b"cache=loose"][usize::try_from(seed % 3).unwrap()];
        let options = Options::parse(&MountOption::split(options)).unwrap();
        if let Ok(superblock) = crate::mount(connection, options) {
            mounted += 1;
            let mut any = Any(seed);
            let mut inodes = vec![superblock.filesystem().root()];
            (0..STEPS).for_each(|_| step(&mut any, &mut inodes, &credentials));
        }
        server.join().unwrap();
    }
    assert!(mounted > 50, "{mounted} were mounted");
}
