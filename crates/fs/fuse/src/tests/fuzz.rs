//! Servers that answer anything to anybody, for as long as `CASEMATE_FUZZ_SECONDS` says, two seconds unless told.
//!
//! Whatever a server says, nothing panics, and when its connection is ended nobody waits any longer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use oracle::Random;
use vfs::io::{SliceSource, VecSink};
use vfs::{
    AttributeChange, DirectoryEntry, DirectorySink, File, FileKind, InodeRef, Name, OpenFlags, Owner,
    RenameFlags, Seek, StatusQuery,
};
use zerocopy::{FromBytes, IntoBytes};

use super::behaviour::root_user;
use super::server::{Act, Served, attr, reply, serve};
use crate::wire::{
    Attr, AttrOut, Dirent, EntryOut, InHeader, InitFlags, LkIn, NotifyInvalInodeOut, NotifyStoreOut, Opcode,
    OpenOut, ReadIn, StatxOut, SxStat, WriteIn, WriteOut, padded,
};

fn short(dice: &mut Random) -> u32 {
    u32::try_from(dice.pick(NUMBERS) & 0xffff_ffff).unwrap()
}

fn bytes(dice: &mut Random, most: usize) -> Vec<u8> {
    let count = dice.index(most + 1);
    (0..count).map(|_| dice.bits().to_le_bytes()[3]).collect()
}

const NUMBERS: &[u64] = &[
    0,
    1,
    2,
    3,
    100,
    4095,
    4096,
    5000,
    131_072,
    1 << 20,
    0x7fff_ffff,
    0xffff_ffff,
    1 << 40,
    i64::MAX.cast_unsigned(),
    1 << 63,
    u64::MAX,
];
const MODES: &[u32] = &[0o100_644, 0o100_644, 0o040_755, 0o040_755, 0o120_777, 0o010_600, 0, 0o170_777];
const NAMES: &[&str] = &["a", "b", "file", "dir", "gone"];

fn an_attr(dice: &mut Random) -> Attr {
    let size = if dice.index(3) > 0 { dice.index(20_000) as u64 } else { dice.pick(NUMBERS) };
    let mut attr = attr(dice.bits() % 6, dice.pick(MODES), size);
    attr.mtime = dice.pick(NUMBERS);
    attr.mtimensec = short(dice);
    attr.blksize = short(dice);
    attr
}

fn an_entry(dice: &mut Random) -> EntryOut {
    EntryOut {
        nodeid: dice.bits() % 6,
        generation: dice.bits() % 2,
        entry_valid: dice.pick(NUMBERS),
        attr_valid: dice.pick(NUMBERS),
        entry_valid_nsec: short(dice),
        attr_valid_nsec: 0,
        attr: an_attr(dice),
    }
}

fn an_open(dice: &mut Random) -> OpenOut {
    OpenOut {
        fh: dice.bits() % 4,
        open_flags: dice.pick(&[0, 1, 2, 3, 8, 10, 16, 66, 128, u32::MAX]),
        backing_id: 1,
    }
}

fn entries(dice: &mut Random, plus: bool) -> Vec<u8> {
    let mut all = Vec::new();
    for _ in 0..dice.index(6) {
        let name = dice.pick(NAMES);
        let start = all.len();
        if plus {
            all.extend_from_slice(an_entry(dice).as_bytes());
        }
        let namelen = if dice.index(20) == 0 { short(dice) } else { u32::try_from(name.len()).unwrap() };
        let dirent = Dirent { ino: dice.bits() % 6, off: dice.bits() % 9, namelen, kind: short(dice) % 20 };
        all.extend_from_slice(dirent.as_bytes());
        all.extend_from_slice(name.as_bytes());
        all.resize(start + padded(all.len() - start), 0);
    }
    all
}

/// An answer of the right form, with what comes to mind in it.
fn answer(dice: &mut Random, header: &InHeader, body: &[u8]) -> Vec<u8> {
    let is = |opcode: Opcode| header.opcode == opcode.number();
    let makes = [Opcode::Lookup, Opcode::Mknod, Opcode::Mkdir, Opcode::Symlink, Opcode::Link];
    if makes.into_iter().any(is) {
        return an_entry(dice).as_bytes().to_vec();
    }
    if is(Opcode::Create) || is(Opcode::Tmpfile) {
        return [an_entry(dice).as_bytes(), an_open(dice).as_bytes()].concat();
    }
    if is(Opcode::Open) || is(Opcode::Opendir) {
        return an_open(dice).as_bytes().to_vec();
    }
    if is(Opcode::Getattr) || is(Opcode::Setattr) {
        let out = AttrOut { attr_valid: dice.pick(NUMBERS), attr: an_attr(dice), ..AttrOut::default() };
        return out.as_bytes().to_vec();
    }
    if is(Opcode::Statx) {
        let stat = SxStat { mask: dice.pick(&[0, 0x7ff, 0xfff]), mode: 0o100_644, ..SxStat::default() };
        return StatxOut { stat, ..StatxOut::default() }.as_bytes().to_vec();
    }
    if is(Opcode::Read) {
        let size = ReadIn::read_from_prefix(body).map_or(0, |(what, _)| usize::try_from(what.size).unwrap());
        return vec![7; dice.index(size + 1)];
    }
    if is(Opcode::Readdir) || is(Opcode::Readdirplus) {
        return entries(dice, is(Opcode::Readdirplus));
    }
    if is(Opcode::Write) {
        let size = WriteIn::read_from_prefix(body).map_or(0, |(what, _)| what.size);
        let size = if dice.index(4) > 0 { size } else { short(dice) };
        return WriteOut { size, padding: 0 }.as_bytes().to_vec();
    }
    if is(Opcode::Readlink) {
        return bytes(dice, 5000);
    }
    if is(Opcode::Getlk) {
        return bytes(dice, size_of::<LkIn>());
    }
    let length = dice.pick(&[0, 0, 8, 16, 80]);
    vec![dice.bits().to_le_bytes()[5]; length]
}

/// Something that was not asked for.
fn junk(dice: &mut Random, unique: u64) -> Vec<u8> {
    let code = i32::try_from(dice.index(9)).unwrap();
    let node = dice.bits() % 6;
    match dice.index(6) {
        0 => bytes(dice, 200),
        1 => reply(0, code, &bytes(dice, 100)),
        2 => reply(unique.wrapping_add(dice.bits() % 8), 0, &bytes(dice, 150)),
        3 => {
            let told = NotifyInvalInodeOut {
                ino: node,
                off: dice.pick(NUMBERS).cast_signed(),
                len: dice.pick(NUMBERS).cast_signed(),
            };
            reply(0, 2, told.as_bytes())
        }
        4 => {
            let data = bytes(dice, 5000);
            let size = u32::try_from(data.len()).unwrap();
            let told = NotifyStoreOut { nodeid: node, offset: dice.pick(NUMBERS), size, padding: 0 };
            reply(0, 4, &[told.as_bytes(), &data].concat())
        }
        _ => reply(0, 7, b""),
    }
}

fn act(dice: &mut Random, header: &InHeader, body: &[u8]) -> Act {
    let good = |dice: &mut Random| reply(header.unique, 0, &answer(dice, header, body));
    match dice.index(24) {
        0 => Act::Ignore,
        1 => Act::Raw(vec![reply(header.unique, 0, &bytes(dice, 300))]),
        2 => Act::Raw(vec![reply(header.unique, -i32::try_from(dice.index(600)).unwrap(), b"")]),
        3 => Act::Raw(vec![junk(dice, header.unique), good(dice), good(dice)]),
        4 => {
            let mut cut = good(dice);
            cut.truncate(dice.index(cut.len() + 1));
            Act::Raw(vec![cut, good(dice)])
        }
        5 => Act::Fail(abi::Errno::ENOSYS),
        _ => Act::Raw(vec![good(dice)]),
    }
}

struct Nobody(usize);

impl DirectorySink for Nobody {
    fn put(&mut self, _: &DirectoryEntry<'_>) -> bool {
        self.0 = self.0.saturating_sub(1);
        self.0 > 0
    }
}

/// One who uses the mount. What becomes of it does not matter, as long as it ends.
fn use_it(served: &Served, mut dice: Random) {
    let root = served.filesystem.root();
    let mut inodes: Vec<InodeRef> = vec![root];
    let mut files: Vec<Arc<dyn File>> = Vec::new();
    for _ in 0..40 {
        let inode = Arc::clone(&inodes[dice.index(inodes.len())]);
        let name = Name::new(dice.pick(NAMES).as_bytes()).unwrap();
        let made = match dice.index(9) {
            0 => inode.create(name, FileKind::Regular, 0o644, Owner::default(), vfs::Device::default()).ok(),
            1 => inode.create_directory(name, 0o755, Owner::default()).ok(),
            2 => {
                let to = Arc::clone(&inodes[dice.index(inodes.len())]);
                let _ = inode.rename(name, &to, Name::new(b"a").unwrap(), RenameFlags::empty());
                None
            }
            3 => {
                let _ = inode.unlink(name);
                None
            }
            4 => {
                let size = Some(dice.pick(NUMBERS) >> 1);
                let _ = inode.set_attributes(&AttributeChange { size, ..Default::default() });
                None
            }
            5 => {
                let query = StatusQuery { fields: 0xfff, ..StatusQuery::default() };
                let _ = (inode.status(&query), inode.read_link(&root_user()), inode.xattr(b"user.x"));
                None
            }
            6 => {
                let flags =
                    dice.pick(&[OpenFlags::RDWR, OpenFlags::empty(), OpenFlags::RDWR | OpenFlags::TRUNC]);
                if let Ok(file) = Arc::clone(&inode).open(flags, &root_user()) {
                    files.push(file);
                }
                None
            }
            _ => inode.lookup(name).ok(),
        };
        inodes.extend(made);
        if !files.is_empty() {
            let file = Arc::clone(&files[dice.index(files.len())]);
            use_file(&*file, &mut dice);
            if files.len() > 4 {
                files.remove(0);
            }
        }
    }
}

fn use_file(file: &dyn File, dice: &mut Random) {
    let offset = if dice.index(3) > 0 { dice.index(30_000) as u64 } else { dice.pick(NUMBERS) >> 1 };
    match dice.index(9) {
        0 | 1 => drop(file.read(offset, &mut VecSink::new(dice.index(300_000)))),
        2 | 3 => drop(file.write(Some(offset), &mut SliceSource::new(&vec![1; dice.index(20_000)]))),
        4 => drop(file.sync(false)),
        5 => drop(file.flush()),
        6 => drop(file.read_directory(dice.bits() % 9, &mut Nobody(10))),
        7 => drop((file.seek(Seek::End(0)), file.seek(Seek::Data(offset)), file.poll())),
        _ => drop((file.map_range(1, true, 0, 65_536), file.write_mapped())),
    }
}

fn round(seed: u64) {
    let mut dice = Random::new(seed);
    let flags = InitFlags::from_bits_truncate(dice.bits());
    let mut server = dice.clone();
    let served = Arc::new(serve(flags, move |header, body| act(&mut server, header, body)));
    let ended = Arc::new(AtomicUsize::new(0));
    let users: Vec<_> = (0..3u64)
        .map(|number| {
            let (served, ended, dice) =
                (Arc::clone(&served), Arc::clone(&ended), Random::new(seed.wrapping_mul(31 + 2 * number)));
            std::thread::spawn(move || {
                use_it(&served, dice);
                ended.fetch_add(1, Ordering::SeqCst);
            })
        })
        .collect();
    let start = Instant::now();
    while ended.load(Ordering::SeqCst) < users.len() && start.elapsed() < Duration::from_millis(60) {
        let _ = served.write(&junk(&mut dice, 2));
        std::thread::sleep(Duration::from_millis(1));
    }
    served.shared.connection.abort();
    let end = Instant::now();
    while ended.load(Ordering::SeqCst) < users.len() {
        assert!(
            !users.iter().any(|user| user.is_finished()) || ended.load(Ordering::SeqCst) > 0,
            "seed {seed}: a panic"
        );
        assert!(end.elapsed() < Duration::from_secs(120), "seed {seed}: somebody hangs");
        std::thread::sleep(Duration::from_millis(1));
    }
    for user in users {
        assert!(user.join().is_ok(), "seed {seed}: a panic");
    }
}

#[test]
fn servers_may_say_what_they_like() {
    let seconds = std::env::var("CASEMATE_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(2);
    let start = Instant::now();
    let mut seed = u64::from(std::process::id()) << 20;
    while start.elapsed() < Duration::from_secs(seconds) {
        round(seed);
        seed += 1;
    }
}
