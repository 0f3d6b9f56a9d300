//! /proc/sysvipc: the objects of the reader's IPC namespace that it may read.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use abi::Errno;
use abi::ipc::{SHM_DEST, SHM_LOCKED};
use kernel::ipc::{Entry, Ipc};

use crate::System;

/// The namespace of whoever looks.
pub(crate) fn of_reader(system: &System) -> Arc<Ipc> {
    let looks = kernel::current::task().map(|task| task.namespaces());
    Arc::clone(&looks.as_ref().unwrap_or(&system.kernel.namespaces).ipc)
}

fn rows<T>(header: &str, all: &[Arc<Entry<T>>], row: impl Fn(&Entry<T>) -> String) -> Vec<u8> {
    all.iter().fold(String::from(header), |text, entry| text + &row(entry)).into_bytes()
}

/// The fields that all begin with: key, id, permissions.
fn start<T>(of: &Entry<T>, flags: u32) -> String {
    let owner = *of.ownership.lock();
    format!("{:10} {:10}  {:4o}", owner.key, of.id, owner.mode | flags)
}

fn owners<T>(of: &Entry<T>) -> String {
    let o = *of.ownership.lock();
    format!("{:5} {:5} {:5} {:5}", o.uid, o.gid, o.creator_uid, o.creator_gid)
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of all generators")]
pub(crate) fn segments(system: &System) -> Result<Vec<u8>, Errno> {
    const HEADER: &str = "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap\n";
    Ok(rows(HEADER, &of_reader(system).segments.all(), |segment| {
        let object = &segment.object;
        let flag = |set: bool, flag| if set { flag } else { 0 };
        let flags = flag(object.doomed.load(Ordering::Acquire), SHM_DEST)
            | flag(object.locked.load(Ordering::Relaxed), SHM_LOCKED);
        format!(
            "{} {:21} {:5} {:5}  {:5} {} {:10} {:10} {:10} {:21} {:21}\n",
            start(segment, flags),
            object.size,
            object.creator,
            object.last.load(Ordering::Relaxed),
            object.attachments.load(Ordering::Acquire),
            owners(segment),
            object.attached.load(Ordering::Relaxed),
            object.detached.load(Ordering::Relaxed),
            segment.changed.load(Ordering::Relaxed),
            object.resident(),
            0,
        )
    }))
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of all generators")]
pub(crate) fn sets(system: &System) -> Result<Vec<u8>, Errno> {
    const HEADER: &str =
        "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n";
    Ok(rows(HEADER, &of_reader(system).sets.all(), |set| {
        format!(
            "{} {:10} {} {:10} {:10}\n",
            start(set, 0),
            set.object.count(),
            owners(set),
            set.object.operated.load(Ordering::Relaxed),
            set.changed.load(Ordering::Relaxed),
        )
    }))
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of all generators")]
pub(crate) fn queues(system: &System) -> Result<Vec<u8>, Errno> {
    const HEADER: &str = "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime      rtime      ctime\n";
    Ok(rows(HEADER, &of_reader(system).queues.all(), |queue| {
        let told = queue.object.status();
        format!(
            "{}  {:10} {:10} {:5} {:5} {} {:10} {:10} {:10}\n",
            start(queue, 0),
            told.bytes,
            told.count,
            told.sent.1,
            told.received.1,
            owners(queue),
            told.sent.0,
            told.received.0,
            queue.changed.load(Ordering::Relaxed),
        )
    }))
}
