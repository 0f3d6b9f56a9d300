//! The part of sysfs that programs without devices read: processors, memory policy, and the directories that they expect to list.
#![forbid(unsafe_code)]

use std::sync::Arc;

use synthetic::tree::{self, Setting};
use synthetic::{Meta, Synthetic};
use vfs::{Device, FileSystem, Owner};

/// `SYSFS_MAGIC`.
const MAGIC: u64 = 0x6265_6572;

/// How many processors a sandbox has. Asked each time: its limits may be changed.
#[derive(Clone, Copy)]
pub struct Processors {
    /// As many as its time comes to.
    pub online: fn() -> usize,
    /// One more than the highest number that a thread may find itself on: getcpu(2), rseq(2).
    pub possible: fn() -> usize,
}

/// What the files tell of.
#[derive(Clone)]
struct Machine {
    processors: Processors,
}

impl Machine {
    fn online(&self) -> String {
        list((self.processors.online)())
    }

    fn possible(&self) -> String {
        list((self.processors.possible)().max((self.processors.online)()))
    }
}

/// A list of so many processors, as in `0-3`.
fn list(count: usize) -> String {
    match count {
        0 | 1 => String::from("0"),
        count => format!("0-{}", count - 1),
    }
}

/// A sysfs for a sandbox with these processors.
#[must_use]
pub fn filesystem(processors: Processors, device: Device) -> Arc<dyn FileSystem> {
    let meta = Meta { inode: 1, mode: 0o555, owner: Owner::default() };
    Synthetic::new("sysfs", MAGIC, device, tree::directory(&Machine { processors }, ROOT, meta))
}

const EMPTY: Setting<Machine> = Setting::Directory(&[]);
const ONLINE: Setting<Machine> = Setting::Value(|machine| Ok(machine.online().into_bytes()));
const POSSIBLE: Setting<Machine> = Setting::Value(|machine| Ok(machine.possible().into_bytes()));
const NODE_ZERO: Setting<Machine> = Setting::Value(|_| Ok(b"0".to_vec()));

static ROOT: &[(&str, Setting<Machine>)] = &[
    ("block", EMPTY),
    ("bus", EMPTY),
    ("class", Setting::Directory(&[("net", EMPTY)])),
    ("dev", Setting::Directory(&[("block", EMPTY), ("char", EMPTY)])),
    (
        "devices",
        Setting::Directory(&[(
            "system",
            Setting::Directory(&[
                (
                    "cpu",
                    Setting::Directory(&[("online", ONLINE), ("possible", POSSIBLE), ("present", POSSIBLE)]),
                ),
                ("node", Setting::Directory(&[("online", NODE_ZERO), ("possible", NODE_ZERO)])),
            ]),
        )]),
    ),
    ("firmware", EMPTY),
    ("fs", Setting::Directory(&[("cgroup", EMPTY), ("fuse", Setting::Directory(&[("connections", EMPTY)]))])),
    ("kernel", Setting::Directory(&[("mm", EMPTY)])),
    ("module", EMPTY),
    ("power", EMPTY),
];

#[cfg(test)]
mod tests {
    #[test]
    fn processors_are_listed_from_zero() {
        assert_eq!(super::list(1), "0");
        assert_eq!(super::list(4), "0-3");
    }
}
