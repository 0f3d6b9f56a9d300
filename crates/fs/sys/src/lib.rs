//! The part of sysfs that programs without devices read: processors, memory policy, and the directories that they expect to list.
#![forbid(unsafe_code)]

use std::sync::Arc;

use synthetic::tree::{self, Setting};
use synthetic::{Meta, Synthetic};
use vfs::{Device, FileSystem, Owner};

/// `SYSFS_MAGIC`.
const MAGIC: u64 = 0x6265_6572;

/// How many processors a sandbox has. Asked each time: its limits may be changed.
pub type Processors = fn() -> usize;

/// What the files tell of.
#[derive(Clone)]
struct Machine {
    processors: Processors,
}

impl Machine {
    /// A list of all processors, as in `0-3`.
    fn list(&self) -> String {
        match (self.processors)() {
            0 | 1 => String::from("0"),
            count => format!("0-{}", count - 1),
        }
    }
}

/// A sysfs for a sandbox with these processors.
#[must_use]
pub fn filesystem(processors: Processors, device: Device) -> Arc<dyn FileSystem> {
    let meta = Meta { inode: 1, mode: 0o555, owner: Owner::default() };
    Synthetic::new("sysfs", MAGIC, device, tree::directory(&Machine { processors }, ROOT, meta))
}

const EMPTY: Setting<Machine> = Setting::Directory(&[]);
const CPUS: Setting<Machine> = Setting::Value(|machine| Ok(machine.list().into_bytes()));
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
                ("cpu", Setting::Directory(&[("online", CPUS), ("possible", CPUS), ("present", CPUS)])),
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
        assert_eq!(super::Machine { processors: || 1 }.list(), "0");
        assert_eq!(super::Machine { processors: || 4 }.list(), "0-3");
    }
}
