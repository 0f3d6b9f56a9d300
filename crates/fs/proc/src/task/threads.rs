//! /proc/PID/task.

use std::sync::Arc;

use synthetic::{Directory, Meta, Node};
use vfs::FileKind;

use super::{ROOM, Subject, inode, parse_id, thread};

pub(super) fn directory(subject: &Subject, meta: Meta) -> Node {
    Node::Directory(meta, Arc::new(Threads(subject.clone())))
}

struct Threads(Subject);

impl Directory for Threads {
    fn lookup(&self, name: &[u8]) -> Option<Node> {
        let tid = self.0.system.pids.known(parse_id(name)?)?;
        let task = self.0.system.kernel.task(tid)?;
        (task.pid() == self.0.pid).then(|| thread(&self.0.system, self.0.pid, tid))
    }

    fn list(&self) -> Vec<(Vec<u8>, u64, FileKind)> {
        let Ok(group) = self.0.group() else { return Vec::new() };
        let mut ids: Vec<i32> = group.tasks().iter().map(|task| task.tid()).collect();
        ids.sort_unstable();
        ids.into_iter()
            .filter_map(|tid| Some((self.0.system.pids.number(tid)?, tid)))
            .map(|(number, tid)| (number.to_string().into_bytes(), inode(tid) + ROOM, FileKind::Directory))
            .collect()
    }

    fn subdirectories(&self) -> u64 {
        self.0.group().map_or(0, |group| group.tasks().len() as u64)
    }
}
