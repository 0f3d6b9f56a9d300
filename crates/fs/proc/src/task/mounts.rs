//! /proc/PID/mounts and mountinfo.

use abi::Errno;
use vfs::mount_list::MountRecord;

use super::Subject;

pub(super) fn mounts(subject: &Subject) -> Result<Vec<u8>, Errno> {
    lines(subject, MountRecord::mounts_line)
}

pub(super) fn mountinfo(subject: &Subject) -> Result<Vec<u8>, Errno> {
    lines(subject, MountRecord::mountinfo_line)
}

pub(super) fn mountstats(subject: &Subject) -> Result<Vec<u8>, Errno> {
    lines(subject, MountRecord::mountstats_line)
}

fn lines(subject: &Subject, show: fn(&MountRecord) -> Vec<u8>) -> Result<Vec<u8>, Errno> {
    let task = subject.task()?;
    let fs = task.fs_now();
    Ok(fs.namespace.list(&fs.root).iter().flat_map(show).collect())
}
