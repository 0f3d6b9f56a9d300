//! Directories that become symbolic links while a client walks over them.
#[cfg(test)]
#[expect(dead_code, reason = "the part with the thread is for the others")]
mod common;

use std::io::Read;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use abi::Errno;
use common::{serve, walk};
use ninep::message::{Rdonate, Tdonate};

/// How long the two race.
const TIME: Duration = Duration::from_secs(2);

/// Somebody on the host (or another container) exchanges a directory and a link that leads out, as fast as it can. Through the server nobody
/// ever gets to what the link leads to.
#[test]
fn a_link_that_takes_a_directorys_place_leads_nowhere() {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("file"), "outside").unwrap();
    let mut served = serve(false);
    let tree = served.path().to_path_buf();
    std::fs::create_dir(tree.join("directory")).unwrap();
    std::fs::write(tree.join("directory/file"), "inside").unwrap();
    symlink(outside.path(), tree.join("link")).unwrap();
    let stop = AtomicBool::new(false);
    let (client, root) = served.client();
    let (mut inside, mut refused) = (0_u32, 0_u32);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (directory, link) = (tree.join("directory"), tree.join("link"));
            while !stop.load(Ordering::Relaxed) {
                let flags = rustix::fs::RenameFlags::EXCHANGE;
                rustix::fs::renameat_with(rustix::fs::CWD, &directory, rustix::fs::CWD, &link, flags)
                    .unwrap();
            }
        });
        let end = Instant::now() + TIME;
        while Instant::now() < end {
            match walk(&root, "directory/file") {
                Ok((fid, _)) => {
                    let request = Tdonate { fid: fid.number(), flags: 0 };
                    let (_, file) = client.call_with_descriptor(&request, |Rdonate { attr }| attr).unwrap();
                    let mut text = String::new();
                    std::fs::File::from(file.unwrap()).read_to_string(&mut text).unwrap();
                    assert_eq!(text, "inside");
                    inside += 1;
                }
                Err(errno) => {
                    assert!(matches!(errno, Errno::ELOOP | Errno::ENOENT | Errno::ENOTDIR), "{errno:?}");
                    refused += 1;
                }
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(inside > 0 && refused > 0, "both were met: {inside} and {refused}");
}

/// A tree deeper than any path may be long, made, walked and removed name by name.
#[test]
fn a_deep_tree_is_no_deeper_for_the_server() {
    const DEPTH: usize = 2000;
    let mut served = serve(false);
    let top = served.path().to_path_buf();
    let (_, root) = served.client();
    let name = "d".repeat(10);
    let mut at: std::os::fd::OwnedFd = std::fs::File::open(&top).unwrap().into();
    for _ in 0..DEPTH {
        rustix::fs::mkdirat(&at, &name, rustix::fs::Mode::from_bits_truncate(0o755)).unwrap();
        let flags = rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::RDONLY;
        at = rustix::fs::openat(&at, &name, flags, rustix::fs::Mode::empty()).unwrap();
    }
    let path = vec![name.as_str(); 16].join("/");
    let (mut fid, _) = walk(&root, &path).unwrap();
    for _ in 1..DEPTH / 16 {
        fid = walk(&fid, &path).unwrap().0;
    }
    assert_eq!(walk(&fid, &name).err(), Some(Errno::ENOENT), "that was the deepest");
}
