//! What an unprivileged user may do among files of several owners is what the host says.
#![cfg(test)]

use std::path::Path;
use std::sync::Arc;

use oracle::{HostWorld, OurWorld, Rules, compare};
use rustix::process::{Gid, Uid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use tmpfs::{Options, Tmpfs};
use vfs::{CapabilitySet, Credentials};

const MEMORY: u64 = 1 << 30;
const USER: u32 = 1000;
const GROUP: u32 = 1000;
const OTHER_GROUP: u32 = 1001;

/// This thread as another user, until it is dropped.
struct Unprivileged;

impl Unprivileged {
    fn begin() -> rustix::io::Result<Self> {
        let (user, group) = (Uid::from_raw(USER), Gid::from_raw(GROUP));
        set_thread_groups(&[Gid::from_raw(OTHER_GROUP)])?;
        set_thread_res_gid(group, group, group)?;
        set_thread_res_uid(user, user, Uid::ROOT)?;
        Ok(Self)
    }
}

impl Drop for Unprivileged {
    fn drop(&mut self) {
        let _ = set_thread_res_uid(Uid::ROOT, Uid::ROOT, Uid::ROOT);
        let _ = set_thread_res_gid(Gid::ROOT, Gid::ROOT, Gid::ROOT);
    }
}

fn run(seed: u64) {
    let mut host = HostWorld::new(Path::new("/dev/shm"), &format!("permissions-{seed}")).unwrap();
    rustix::fs::chmod(host.path(), rustix::fs::Mode::from_raw_mode(0o777)).unwrap();
    let options = Options { mode: 0o777, ..Options::for_memory(MEMORY) };
    let mut ours = OurWorld::new(Tmpfs::new(options, MEMORY));
    // A whiteout belongs to root here, and to whoever renames there.
    let rules = Rules { no_whiteouts: true, ..Rules::default() };
    compare(seed, 1500, rules, &mut host, &mut ours);
    host.close_all();
    ours.close_all();
    let mut credentials = Credentials::new(USER, GROUP, CapabilitySet::EMPTY);
    credentials.groups = Arc::from([OTHER_GROUP]);
    ours.credentials = Arc::new(credentials);
    let unprivileged = Unprivileged::begin().unwrap();
    compare(seed.wrapping_add(1_000_000), 3000, rules, &mut host, &mut ours);
    host.close_all();
    drop(unprivileged);
}

#[test]
fn random_calls_of_a_user_agree_with_the_host() {
    if !rustix::process::geteuid().is_root() {
        println!("needs root to make files of several owners");
        return;
    }
    let protected = std::fs::read_to_string("/proc/sys/fs/protected_hardlinks").unwrap();
    if protected.trim() != "1" {
        println!("this host links what others own");
        return;
    }
    for seed in 1..=60 {
        run(seed);
    }
}
