//! An overlay behaves as one filesystem: random calls on it and on a plain directory of the host give the same results, and
//! the lower layer is as it was.

use std::path::Path;

use oracle::{HostWorld, OurWorld, Rules, compare};
use overlay::{Overlay, Upper};
use tmpfs::{Options, Tmpfs};
use vfs::{FileSystem, InodeRef, Name, Owner};

const MEMORY: u64 = 1 << 30;

fn owner() -> Owner {
    Owner { uid: rustix::process::geteuid().as_raw(), gid: rustix::process::getegid().as_raw() }
}

fn tmpfs() -> std::sync::Arc<Tmpfs> {
    let Owner { uid, gid } = owner();
    Tmpfs::new(Options { mode: 0o755, uid, gid, ..Options::for_memory(MEMORY) }, MEMORY)
}

/// Everything that can be seen below a directory.
fn picture(directory: &InodeRef, prefix: &str, into: &mut Vec<String>) {
    for name in ["a", "b", "c", "d", "nowhere"] {
        let Ok(inode) = Name::new(name.as_bytes()).and_then(|name| directory.lookup(name)) else { continue };
        let path = format!("{prefix}/{name}");
        into.push(format!("{path} {:?}", inode.attributes()));
        picture(&inode, &path, into);
    }
}

fn run(seed: u64) -> Result<(), Box<dyn std::error::Error>> {
    let mut host = HostWorld::new(Path::new("/dev/shm"), &format!("overlay-{seed}"))?;
    let lower = tmpfs();
    let mut before = OurWorld::new(lower.clone());
    let rules = Rules { own_directories: true, directories_stay: true, no_whiteouts: true };
    compare(seed, 1500, rules, &mut host, &mut before);
    host.close_all();
    before.close_all();

    let top = tmpfs().root();
    let root = top.create_directory(Name::new(b"upper")?, 0o755, owner())?;
    let work = top.create_directory(Name::new(b"work")?, 0o755, owner())?;
    let overlay =
        Overlay::new(Some(Upper { root, work: work.clone(), index: None }), vec![lower.root()], "")?;
    let mut untouched = Vec::new();
    picture(&lower.root(), "", &mut untouched);
    compare(seed.wrapping_add(1_000_000), 4000, rules, &mut host, &mut OurWorld::new(overlay));

    let mut after = Vec::new();
    picture(&lower.root(), "", &mut after);
    assert_eq!(untouched, after, "seed {seed}: the lower layer changed");
    assert_eq!(work.attributes()?.size, 40, "seed {seed}: something was left in the work directory");
    Ok(())
}

/// The same over a directory of the host that a gofer serves: the lower layer of `casemate do`.
fn run_over_gofer(seed: u64) -> Result<(), Box<dyn std::error::Error>> {
    let parent = Path::new("/dev/shm");
    let mut host = HostWorld::new(parent, &format!("overlay-plain-{seed}"))?;
    let mut below = HostWorld::new(parent, &format!("overlay-lower-{seed}"))?;
    let rules = Rules { own_directories: true, directories_stay: true, no_whiteouts: true };
    compare(seed, 1500, rules, &mut host, &mut below);
    host.close_all();
    below.close_all();

    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    let root = std::fs::File::open(below.path())?.into();
    let exports = vec![gofer::Export {
        socket: theirs.into(),
        tree: gofer::Tree { root, read_only: true, ids: gofer::Ids::default() },
    }];
    std::thread::spawn(move || gofer::serve(gofer::Config::without_walls(exports)));
    let lower = gofer_fs::GoferFs::connect(ours.into(), gofer_fs::Caching::Exclusive)?;

    let top = tmpfs().root();
    let root = top.create_directory(Name::new(b"upper")?, 0o755, owner())?;
    let work = top.create_directory(Name::new(b"work")?, 0o755, owner())?;
    let overlay = Overlay::new(Some(Upper { root, work, index: None }), vec![lower.root()], "")?;
    compare(seed.wrapping_add(1_000_000), 3000, rules, &mut host, &mut OurWorld::new(overlay));
    Ok(())
}

#[test]
fn random_calls_over_a_gofer_agree_with_one_filesystem() {
    for seed in (1..=39).step_by(2) {
        run_over_gofer(seed).unwrap();
    }
}

#[test]
fn random_calls_agree_with_one_filesystem() {
    // Odd seeds reserve no memory, which a copy would not keep.
    for seed in (1..=79).step_by(2) {
        run(seed).unwrap();
    }
}
