//! Random calls on a tree through the gofer and on a directory of the host side by side: results, attributes and contents must agree.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[cfg(test)]
#[expect(dead_code, reason = "the parts that only the scenarios use")]
mod common;

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use abi::Errno;
use common::{World, read_at, write_at};
use gofer_fs::Caching;
use proptest::prelude::*;
use rustix::fs::{AtFlags as HostAt, CWD, Mode, OFlags, RenameFlags as HostRename};
use vfs::{At, AtFlags, OpenFile, RenameFlags};

/// A call. Paths are by index into [`PATHS`].
#[derive(Clone, Debug)]
enum Call {
    Open { slot: usize, path: usize, flags: u32 },
    Close(usize),
    Write { slot: usize, offset: u64, length: usize },
    Append { slot: usize, length: usize },
    Read { slot: usize, offset: u64 },
    Truncate { path: usize, size: u64 },
    Stat(usize),
    StatOpen(usize),
    List(usize),
    Mkdir(usize),
    Rmdir(usize),
    Unlink(usize),
    Rename { from: usize, to: usize, flags: u32 },
    Link { from: usize, to: usize },
    Symlink { target: usize, path: usize },
    Chmod { path: usize, mode: u32 },
    DropNames,
}

const PATHS: [&str; 9] = ["a", "b", "c", "a/a", "a/b", "b/a", "b/c", "a/a/b", "a/b/c"];
const SLOTS: usize = 3;
const OPEN_FLAGS: [u32; 6] = [0, 2, 0o101, 0o102, 0o1102, 0o2101];

fn call() -> impl Strategy<Value = Call> {
    let path = || 0..PATHS.len();
    let slot = || 0..SLOTS;
    prop_oneof![
        5 => (slot(), path(), proptest::sample::select(&OPEN_FLAGS[..]))
            .prop_map(|(slot, path, flags)| Call::Open { slot, path, flags }),
        1 => slot().prop_map(Call::Close),
        3 => (slot(), 0u64..9000, 1usize..3000)
            .prop_map(|(slot, offset, length)| Call::Write { slot, offset, length }),
        2 => (slot(), 1usize..3000).prop_map(|(slot, length)| Call::Append { slot, length }),
        2 => (slot(), 0u64..9000).prop_map(|(slot, offset)| Call::Read { slot, offset }),
        1 => (path(), 0u64..9000).prop_map(|(path, size)| Call::Truncate { path, size }),
        6 => path().prop_map(Call::Stat),
        3 => slot().prop_map(Call::StatOpen),
        4 => path().prop_map(Call::List),
        5 => path().prop_map(Call::Mkdir),
        2 => path().prop_map(Call::Rmdir),
        3 => path().prop_map(Call::Unlink),
        4 => (path(), path(), 0u32..3).prop_map(|(from, to, flags)| Call::Rename { from, to, flags }),
        2 => (path(), path()).prop_map(|(from, to)| Call::Link { from, to }),
        1 => (path(), path()).prop_map(|(target, path)| Call::Symlink { target, path }),
        2 => (path(), 0u32..0o7777).prop_map(|(path, mode)| Call::Chmod { path, mode }),
        1 => Just(Call::DropNames),
    ]
}

/// What a call gave, in a form that both sides can be compared by.
#[derive(Debug, PartialEq)]
enum Outcome {
    Done,
    Failed(Errno),
    Data(Vec<u8>),
    Attributes { kind: u32, mode: u32, links: u64, size: u64 },
    Names(Vec<String>),
}

fn outcome<T>(result: Result<T, Errno>, as_outcome: impl FnOnce(T) -> Outcome) -> Outcome {
    result.map_or_else(Outcome::Failed, as_outcome)
}

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|n| u8::try_from(n % 251).unwrap()).collect()
}

/// Through the VFS and the gofer.
struct Ours {
    world: World,
    open: [Option<Arc<OpenFile>>; SLOTS],
}

fn described(attributes: vfs::Attributes) -> Outcome {
    // The size of a directory is the host filesystem's business.
    let directory = attributes.kind == vfs::FileKind::Directory;
    Outcome::Attributes {
        kind: attributes.kind.mode_bits(),
        mode: attributes.mode,
        links: attributes.links,
        size: if directory { 0 } else { attributes.size },
    }
}

impl Ours {
    fn slot(&self, slot: usize) -> Result<&Arc<OpenFile>, Errno> {
        self.open.get(slot).and_then(Option::as_ref).ok_or(Errno::EBADF)
    }

    fn run(&mut self, call: &Call) -> Outcome {
        let at = |path: &usize| At::here(PATHS.get(*path).unwrap().as_bytes());
        let done = |()| Outcome::Done;
        let caller = self.world.caller();
        match call {
            Call::Open { slot, path, flags } => {
                let opened = self.world.open(PATHS.get(*path).unwrap(), *flags);
                let outcome = outcome(opened.as_ref().map_err(|e| *e), |_| Outcome::Done);
                if let Ok(file) = opened {
                    *self.open.get_mut(*slot).unwrap() = Some(file);
                }
                outcome
            }
            Call::Close(slot) => {
                *self.open.get_mut(*slot).unwrap() = None;
                Outcome::Done
            }
            Call::Write { slot, offset, length } => {
                outcome(self.slot(*slot).and_then(|f| write_at(f, *offset, &bytes(*length))), |_| {
                    Outcome::Done
                })
            }
            Call::Append { slot, length } => {
                let write = |f: &Arc<OpenFile>| f.write(&mut vfs::io::SliceSource::new(&bytes(*length)));
                outcome(self.slot(*slot).and_then(write), |_| Outcome::Done)
            }
            Call::Read { slot, offset } => {
                outcome(self.slot(*slot).and_then(|f| read_at(f, *offset, 10_000)), Outcome::Data)
            }
            Call::Truncate { path, size } => outcome(caller.truncate(&at(path), *size), done),
            Call::Stat(path) => outcome(self.world.attributes(PATHS.get(*path).unwrap()), described),
            Call::StatOpen(slot) => outcome(self.slot(*slot).and_then(|f| f.attributes()), described),
            Call::List(path) => outcome(self.world.names(PATHS.get(*path).unwrap()), Outcome::Names),
            Call::Mkdir(path) => outcome(caller.make_directory(&at(path), 0o755), |_| Outcome::Done),
            Call::Rmdir(path) => outcome(caller.remove_directory(&at(path)), done),
            Call::Unlink(path) => outcome(caller.remove(&at(path)), done),
            Call::Rename { from, to, flags } => {
                let flags = RenameFlags::from_bits(*flags).unwrap();
                outcome(caller.rename(&at(from), &at(to), flags), done)
            }
            Call::Link { from, to } => outcome(caller.link(&at(from), &at(to), AtFlags::empty()), done),
            Call::Symlink { target, path } => {
                let target = PATHS.get(*target).unwrap().as_bytes();
                outcome(caller.make_symlink(target, &at(path)), done)
            }
            Call::Chmod { path, mode } => {
                outcome(caller.change_mode(&at(path), *mode, AtFlags::empty()), done)
            }
            Call::DropNames => {
                self.world.superblock.drop_names();
                Outcome::Done
            }
        }
    }
}

/// On the host.
struct Theirs {
    directory: PathBuf,
    open: [Option<OwnedFd>; SLOTS],
}

fn host<T>(result: rustix::io::Result<T>) -> Result<T, Errno> {
    result.map_err(|e| Errno::from_raw(e.raw_os_error()))
}

fn described_host(stat: rustix::fs::Stat) -> Outcome {
    let kind = stat.st_mode & 0o170_000;
    let size = if kind == 0o040_000 { 0 } else { u64::try_from(stat.st_size).unwrap() };
    Outcome::Attributes { kind, mode: stat.st_mode & 0o7777, links: stat.st_nlink, size }
}

impl Theirs {
    fn slot(&self, slot: usize) -> Result<&OwnedFd, Errno> {
        self.open.get(slot).and_then(Option::as_ref).ok_or(Errno::EBADF)
    }

    fn run(&mut self, call: &Call) -> Outcome {
        let at = |path: &usize| self.directory.join(PATHS.get(*path).unwrap());
        let done = |()| Outcome::Done;
        match call {
            Call::Open { slot, path, flags } => {
                let flags = OFlags::from_bits_retain(*flags) | OFlags::CLOEXEC;
                let opened = host(rustix::fs::open(at(path), flags, Mode::from_bits_truncate(0o644)));
                let outcome = outcome(opened.as_ref().map_err(|e| *e), |_| Outcome::Done);
                if let Ok(file) = opened {
                    *self.open.get_mut(*slot).unwrap() = Some(file);
                }
                outcome
            }
            Call::Close(slot) => {
                *self.open.get_mut(*slot).unwrap() = None;
                Outcome::Done
            }
            Call::Write { slot, offset, length } => {
                let write = |f| host(rustix::io::pwrite(f, &bytes(*length), *offset));
                outcome(self.slot(*slot).and_then(write), |_| Outcome::Done)
            }
            Call::Append { slot, length } => {
                let write = |f| host(rustix::io::write(f, &bytes(*length)));
                outcome(self.slot(*slot).and_then(write), |_| Outcome::Done)
            }
            Call::Read { slot, offset } => {
                let read = |f| {
                    let mut data = vec![0; 10_000];
                    let count = host(rustix::io::pread(f, &mut data, *offset))?;
                    data.truncate(count);
                    Ok(data)
                };
                outcome(self.slot(*slot).and_then(read), Outcome::Data)
            }
            Call::Truncate { path, size } => {
                let path = std::ffi::CString::new(at(path).into_os_string().into_encoded_bytes()).unwrap();
                let truncate = || {
                    // truncate(2) as the host has it: opening would differ for what cannot be opened.
                    let stat = host(rustix::fs::stat(&path))?;
                    match stat.st_mode & 0o170_000 {
                        0o040_000 => Err(Errno::EISDIR),
                        _ => {
                            let file = host(rustix::fs::open(&path, OFlags::WRONLY, Mode::empty()))?;
                            host(rustix::fs::ftruncate(file, *size))
                        }
                    }
                };
                outcome(truncate(), done)
            }
            Call::Stat(path) => outcome(host(rustix::fs::lstat(at(path))), described_host),
            Call::StatOpen(slot) => {
                outcome(self.slot(*slot).and_then(|f| host(rustix::fs::fstat(f))), described_host)
            }
            Call::List(path) => {
                let list = || {
                    let fd = host(rustix::fs::open(at(path), OFlags::DIRECTORY, Mode::empty()))?;
                    let entries = host(rustix::fs::Dir::new(fd))?;
                    let name = |e: rustix::fs::DirEntry| e.file_name().to_string_lossy().into_owned();
                    let mut names: Vec<_> = entries.map(|e| name(e.unwrap())).collect();
                    names.sort();
                    Ok(names)
                };
                outcome(list(), Outcome::Names)
            }
            Call::Mkdir(path) => {
                outcome(host(rustix::fs::mkdir(at(path), Mode::from_bits_truncate(0o755))), done)
            }
            Call::Rmdir(path) => outcome(host(rustix::fs::rmdir(at(path))), done),
            Call::Unlink(path) => outcome(host(rustix::fs::unlink(at(path))), done),
            Call::Rename { from, to, flags } => {
                let flags = HostRename::from_bits_retain(*flags);
                outcome(host(rustix::fs::renameat_with(CWD, at(from), CWD, at(to), flags)), done)
            }
            Call::Link { from, to } => {
                outcome(host(rustix::fs::linkat(CWD, at(from), CWD, at(to), HostAt::empty())), done)
            }
            Call::Symlink { target, path } => {
                outcome(host(rustix::fs::symlink(*PATHS.get(*target).unwrap(), at(path))), done)
            }
            Call::Chmod { path, mode } => {
                outcome(host(rustix::fs::chmod(at(path), Mode::from_bits_truncate(*mode))), done)
            }
            Call::DropNames => Outcome::Done,
        }
    }
}

/// Everything below a directory: type, mode, links, and content.
fn tree(directory: &Path) -> BTreeMap<PathBuf, (u32, u64, Vec<u8>)> {
    let mut all = BTreeMap::new();
    let mut todo = vec![directory.to_owned()];
    while let Some(path) = todo.pop() {
        for entry in std::fs::read_dir(&path).unwrap() {
            let path = entry.unwrap().path();
            let meta = std::fs::symlink_metadata(&path).unwrap();
            let content = if meta.is_file() {
                std::fs::read(&path).unwrap()
            } else if meta.is_symlink() {
                std::fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            } else {
                todo.push(path.clone());
                Vec::new()
            };
            let name = path.strip_prefix(directory).unwrap().to_owned();
            all.insert(name, (meta.mode(), meta.nlink(), content));
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_host_agrees(calls in proptest::collection::vec(call(), 1..80), shared: bool, direct: bool) {
        rustix::process::umask(Mode::empty());
        let mirror = tempfile::tempdir().unwrap();
        let caching = if shared { Caching::Shared } else { Caching::Exclusive };
        let directory = tempfile::tempdir().unwrap();
        let world = World::taken_over(directory, caching, false, direct);
        let mut ours = Ours { world, open: Default::default() };
        let mut theirs = Theirs { directory: mirror.path().to_owned(), open: Default::default() };
        for (at, call) in calls.iter().enumerate() {
            let (our, their) = (ours.run(call), theirs.run(call));
            prop_assert_eq!(our, their, "call {}: {:?} with {:?}", at, call, PATHS);
        }
        prop_assert_eq!(tree(ours.world.directory.path()), tree(mirror.path()));
    }
}
