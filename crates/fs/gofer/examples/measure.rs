//! What files cost through the gofer, next to what they cost on the host: microseconds an operation.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement, run by hand")]

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Instant;

use gofer::{Config, Export};
use gofer_fs::{Caching, GoferFs};
use vfs::io::VecSink;
use vfs::{CapabilitySet, Credentials, DirectoryEntry, DirectorySink, FileSystem, InodeRef, Name, OpenFlags};

const FILES: u32 = 5000;

struct Count(u32);

impl DirectorySink for Count {
    fn put(&mut self, _: &DirectoryEntry<'_>) -> bool {
        self.0 += 1;
        true
    }
}

fn each(what: &str, count: u32, mut run: impl FnMut(u32)) {
    let start = Instant::now();
    (0..count).for_each(&mut run);
    println!("{what:32} {:8.2}", start.elapsed().as_secs_f64() * 1e6 / f64::from(count));
}

fn name(n: u32) -> String {
    format!("file-{n}")
}

fn find(root: &InodeRef, n: u32) -> InodeRef {
    root.lookup(Name::new(name(n).as_bytes()).unwrap()).unwrap()
}

fn main() {
    let directory = tempfile::tempdir().unwrap();
    for n in 0..FILES {
        std::fs::write(directory.path().join(name(n)), "some text").unwrap();
    }
    let (ours, theirs) = UnixStream::pair().unwrap();
    let root: OwnedFd = std::fs::File::open(directory.path()).unwrap().into();
    let exports = vec![Export {
        socket: theirs.into(),
        tree: gofer::Tree { root, read_only: false, ids: gofer::Ids::default() },
    }];
    std::thread::spawn(move || gofer::serve(Config::without_walls(exports)));
    let filesystem = GoferFs::connect(ours.into(), Caching::Exclusive).unwrap();
    let root = filesystem.root();
    let credentials = Credentials::root(CapabilitySet::FULL);
    let path = |n| directory.path().join(name(n));

    each("host: stat", FILES, |n| {
        std::fs::symlink_metadata(path(n)).unwrap();
    });
    each("first lookup, released at once", FILES, |n| drop(find(&root, n)));
    let mut held = Vec::new();
    each("first lookup, held", FILES, |n| held.push(find(&root, n)));
    each("attributes of a held inode", FILES, |n| {
        held.get(n as usize).unwrap().attributes().unwrap();
    });
    let open =
        |n: u32| Arc::clone(held.get(n as usize).unwrap()).open(OpenFlags::empty(), &credentials).unwrap();
    each("first open, read, close", 1000, |n| {
        open(n).read(0, &mut VecSink::new(100)).unwrap();
    });
    each("second open, read, close", 1000, |n| {
        open(n).read(0, &mut VecSink::new(100)).unwrap();
    });
    each("host: open, read, close", 1000, |n| drop(std::fs::read(path(n)).unwrap()));
    drop(held);
    each("an entry of a listing", 1, |_| {
        let listing = Arc::clone(&root).open(OpenFlags::DIRECTORY, &credentials).unwrap();
        let mut count = Count(0);
        let start = Instant::now();
        listing.read_directory(0, &mut count).unwrap();
        println!("{:32} {:8.2}", "  each", start.elapsed().as_secs_f64() * 1e6 / f64::from(count.0));
    });
    let listed: Vec<_> =
        std::fs::read_dir(directory.path()).unwrap().take(900).map(|e| e.unwrap().file_name()).collect();
    each("lookup of a listed entry", 900, |n| {
        let name = listed.get(n as usize).unwrap().as_encoded_bytes();
        drop(root.lookup(Name::new(name).unwrap()).unwrap());
    });
    each("create, close", 1000, |n| {
        let (name, owner) = (format!("new-{n}"), vfs::Owner::default());
        let name = Name::new(name.as_bytes()).unwrap();
        drop(root.create_and_open(name, 0o644, owner, OpenFlags::RDWR, &credentials).unwrap());
    });
    let made = |n| directory.path().join(format!("made-{n}"));
    each("host: create, close", 1000, |n| drop(std::fs::File::create(made(n)).unwrap()));
    each("host: unlink", 1000, |n| std::fs::remove_file(made(n)).unwrap());
    each("unlink", 1000, |n| root.unlink(Name::new(format!("new-{n}").as_bytes()).unwrap()).unwrap());
}
