//! Random calls on the host's tmpfs and on ours give the same results.

use std::path::Path;
use std::sync::Arc;

use oracle::{HostWorld, OurWorld, Rules, compare};
use tmpfs::{Options, Store, Tmpfs};

const MEMORY: u64 = 1 << 30;

fn run(seed: u64, make: impl Fn(Options) -> Arc<Tmpfs>) -> std::io::Result<()> {
    let mut host = HostWorld::new(Path::new("/dev/shm"), &format!("tmpfs-{seed}"))?;
    let owner = rustix::process::geteuid().as_raw();
    let group = rustix::process::getegid().as_raw();
    let options = Options { mode: 0o755, uid: owner, gid: group, ..Options::for_memory(MEMORY) };
    let mut ours = OurWorld::new(make(options));
    compare(seed, 4000, Rules::default(), &mut host, &mut ours);
    Ok(())
}

#[test]
fn random_calls_agree_with_the_host() {
    for seed in 1..=60 {
        run(seed, |options| Tmpfs::new(options, MEMORY)).unwrap();
    }
}

#[test]
fn so_they_do_in_a_file_of_the_host() {
    for seed in 101..=130 {
        let file = tempfile::tempfile().unwrap();
        run(seed, |options| {
            let store = Store::new(file.try_clone().unwrap().into());
            Tmpfs::stored(options, MEMORY, Arc::new(store))
        })
        .unwrap();
        // All that was removed has given its room back, and holes keep none.
        let blocks = std::os::unix::fs::MetadataExt::blocks(&file.metadata().unwrap());
        assert!(blocks * 512 < 64 << 20, "{blocks} blocks");
    }
}
