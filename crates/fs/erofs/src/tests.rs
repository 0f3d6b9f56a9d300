//! An image made by hand, and what becomes of it when it is damaged.

use std::sync::Arc;

use abi::Errno;
use vfs::io::VecSink;
use vfs::{
    CapabilitySet, Credentials, DirectoryEntry, DirectorySink, FileKind, InodeRef, LinkTarget, Name,
    OpenFlags,
};

use crate::{Image, mount};

struct Memory(Vec<u8>);

impl Image for Memory {
    fn read(&self, offset: u64, into: &mut [u8]) -> Result<usize, Errno> {
        let from = usize::try_from(offset).ok().and_then(|at| self.0.get(at..)).unwrap_or_default();
        let count = from.len().min(into.len());
        into[..count].copy_from_slice(&from[..count]);
        Ok(count)
    }
}

const BLOCK: usize = 512;

/// A superblock, and inodes from block 4 on: the root (36), a file behind its inode (40), one in whole blocks (50), one in chunks with a hole (52), a link (56).
fn image() -> Vec<u8> {
    let mut bytes = vec![0; 32 * BLOCK];
    let mut put = |at: usize, data: &[u8]| bytes[at..at + data.len()].copy_from_slice(data);
    put(1024, &0xe0f5_e1e2u32.to_le_bytes());
    put(1024 + 12, &[9]);
    put(1024 + 14, &36u16.to_le_bytes());
    put(1024 + 36, &32u32.to_le_bytes());
    put(1024 + 40, &4u32.to_le_bytes());
    put(1024 + 44, &20u32.to_le_bytes());
    put(1024 + 80, &4u32.to_le_bytes());
    let at = |number: usize| 4 * BLOCK + number * 32;
    let mut inode = |number: usize, layout: u16, mode: u16, size: u32, place: u32, xattrs: u16| {
        put(at(number), &(layout << 1).to_le_bytes());
        put(at(number) + 2, &xattrs.to_le_bytes());
        put(at(number) + 4, &mode.to_le_bytes());
        put(at(number) + 6, &1u16.to_le_bytes());
        put(at(number) + 8, &size.to_le_bytes());
        put(at(number) + 16, &place.to_le_bytes());
    };
    let names: [(&str, u64, u8); 6] = [
        (".", 36, 2),
        ("..", 36, 2),
        ("chunks", 52, 1),
        ("inline", 40, 1),
        ("link", 56, 7),
        ("plain", 50, 1),
    ];
    let mut entries = Vec::new();
    let mut text = Vec::new();
    for (name, number, kind) in names {
        entries.extend_from_slice(&number.to_le_bytes());
        entries.extend_from_slice(&u16::try_from(names.len() * 12 + text.len()).unwrap().to_le_bytes());
        entries.extend_from_slice(&[kind, 0]);
        text.extend_from_slice(name.as_bytes());
    }
    entries.extend_from_slice(&text);
    inode(36, 2, 0o40755, u32::try_from(entries.len()).unwrap(), 0, 0);
    // One attribute of its own, and one that is shared.
    inode(40, 2, 0o100_644, 5, 0, 1 + 5);
    inode(50, 0, 0o100_600, 700, 24, 0);
    inode(52, 4, 0o100_644, 1200, 0, 0);
    inode(56, 2, 0o120_777, 5, 0, 0);
    put(at(36) + 32, &entries);
    put(at(40) + 32 + 4, &[1]);
    put(at(40) + 32 + 16, &[3, 1, 3, 0]);
    put(at(40) + 32 + 20, b"ownval");
    put(at(40) + 32 + 32, b"hello");
    put(20 * BLOCK, &[3, 4, 2, 0]);
    put(20 * BLOCK + 4, b"allxy");
    put(24 * BLOCK, &[7; 700]);
    for (chunk, block) in [26u32, u32::MAX, 27].into_iter().enumerate() {
        put(at(52) + 32 + 4 * chunk, &block.to_le_bytes());
    }
    put(26 * BLOCK, &[1; 2 * BLOCK]);
    put(at(56) + 32, b"plain");
    bytes
}

fn name(text: &str) -> Name<'_> {
    Name::new(text.as_bytes()).unwrap()
}

fn read(inode: &InodeRef) -> Result<Vec<u8>, Errno> {
    let kernel = Credentials::root(CapabilitySet::FULL);
    let file = Arc::clone(inode).open(OpenFlags::empty(), &kernel)?;
    let mut sink = VecSink::new(1 << 16);
    file.read(0, &mut sink)?;
    Ok(sink.data)
}

#[derive(Default)]
struct Names {
    names: Vec<Vec<u8>>,
    next: u64,
}

impl DirectorySink for Names {
    fn put(&mut self, entry: &DirectoryEntry<'_>) -> bool {
        self.next = entry.next;
        self.names.push(entry.name.to_vec());
        self.names.len() < 1000
    }
}

#[test]
fn each_layout_is_read() {
    let root = mount(Box::new(Memory(image())), 0).unwrap().root();
    let get = |text| read(&root.lookup(name(text)).unwrap()).unwrap();
    assert_eq!(get("inline"), b"hello");
    assert_eq!(get("plain"), [7; 700]);
    let chunks = get("chunks");
    assert_eq!(
        (chunks.len(), &chunks[..512], &chunks[512..1024], &chunks[1024..]),
        (1200, &[1; 512][..], &[0; 512][..], &[1; 176][..])
    );
    assert_eq!(root.lookup(name("none")).err(), Some(Errno::ENOENT));
    let inline = root.lookup(name("inline")).unwrap();
    assert_eq!(inline.xattr_names().unwrap(), [b"trusted.all".to_vec(), b"user.own".to_vec()]);
    assert_eq!(inline.xattr(b"user.own").unwrap(), b"val");
    let kernel = Credentials::root(CapabilitySet::FULL);
    let link = root.lookup(name("link")).unwrap().read_link(&kernel);
    assert!(matches!(link, Ok(LinkTarget::Path(path)) if path == b"plain"));
}

#[test]
fn what_is_not_known_is_refused() {
    let mounted = |change: fn(&mut Vec<u8>)| {
        let mut bytes = image();
        change(&mut bytes);
        mount(Box::new(Memory(bytes)), 0).err()
    };
    assert_eq!(mounted(|_| ()), None);
    assert_eq!(mounted(|bytes| bytes[1024] = 0), Some(Errno::EINVAL));
    assert_eq!(mounted(|bytes| bytes[1024 + 80] = 1), Some(Errno::EOPNOTSUPP));
    assert_eq!(mounted(|bytes| bytes[1024 + 8] = 1), Some(Errno::EBADMSG));
    assert_eq!(mounted(|bytes| bytes.truncate(1100)), Some(Errno::EINVAL));
    // The root is compressed, or no directory.
    assert_eq!(mounted(|bytes| bytes[4 * BLOCK + 36 * 32] = 2), Some(Errno::EOPNOTSUPP));
    assert_eq!(mounted(|bytes| bytes[4 * BLOCK + 36 * 32 + 5] = 0x80), Some(Errno::EINVAL));
}

/// Looks at everything that can be reached in a few steps.
fn explore(inode: &InodeRef, depth: u32) {
    let kernel = Credentials::root(CapabilitySet::FULL);
    let _ =
        (inode.attributes(), inode.xattr_names(), inode.acl(vfs::AclKind::Access), inode.read_link(&kernel));
    if inode.kind() != FileKind::Directory {
        let _ = read(inode);
        if inode.kind() == FileKind::Regular
            && let Ok(file) = Arc::clone(inode).open(OpenFlags::empty(), &kernel)
        {
            let _ = file.map_range(1, false, 0, 1 << 20);
        }
        return;
    }
    let mut names = Names::default();
    if let Ok(file) = Arc::clone(inode).open(OpenFlags::DIRECTORY, &kernel) {
        let _ = file.read_directory(0, &mut names);
    }
    for found in names.names.iter().take(20) {
        if let Ok(found) = Name::new(found)
            && let Ok(child) = inode.lookup(found)
            && depth > 0
        {
            explore(&child, depth - 1);
        }
    }
}

#[test]
fn damaged_images_do_no_harm() {
    let good = image();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 16).unwrap()
    };
    for _ in 0..4000 {
        let mut bytes = good.clone();
        for _ in 0..random() % 6 + 1 {
            // Most of it is content; what says where that lies is damaged more often.
            let (from, room) = [(1024, 128), (4 * BLOCK + 36 * 32, 32 * 24), (0, bytes.len())][random() % 3];
            let at = from + random() % room;
            bytes[at] = [0, 0xff, 0x80, u8::try_from(random() % 256).unwrap()][random() % 4];
        }
        if random() % 10 == 0 {
            bytes.truncate(random() % good.len());
        }
        if let Ok(filesystem) = mount(Box::new(Memory(bytes)), 0) {
            explore(&filesystem.root(), 3);
        }
    }
}
