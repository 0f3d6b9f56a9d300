//! Random calls on the host's tmpfs and on ours give the same results.

use std::path::Path;

use oracle::{HostWorld, OurWorld, Rules, compare};
use tmpfs::{Options, Tmpfs};

const MEMORY: u64 = 1 << 30;

fn run(seed: u64) -> std::io::Result<()> {
    let mut host = HostWorld::new(Path::new("/dev/shm"), &format!("tmpfs-{seed}"))?;
    let owner = rustix::process::geteuid().as_raw();
    let group = rustix::process::getegid().as_raw();
    let options = Options { mode: 0o755, uid: owner, gid: group, ..Options::for_memory(MEMORY) };
    let mut ours = OurWorld::new(Tmpfs::new(options, MEMORY));
    compare(seed, 4000, Rules::default(), &mut host, &mut ours);
    Ok(())
}

#[test]
fn random_calls_agree_with_the_host() {
    for seed in 1..=60 {
        run(seed).unwrap();
    }
}
