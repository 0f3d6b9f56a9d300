//! /proc/PID/fd and /proc/PID/fdinfo.

use std::sync::Arc;

use abi::Errno;
use synthetic::{Content, Directory, Link, Meta, Node};
use vfs::inode::LinkTarget;
use vfs::{Credentials, Fd, FileKind, OpenFile};

use super::Subject;

/// Where the numbers of a directory's entries begin, from the number of the directory.
const FIRST_ENTRY: u64 = 1 << 8;

pub(super) fn directory(subject: &Subject, meta: Meta) -> Node {
    Node::Directory(meta, Arc::new(Descriptors { subject: subject.clone(), meta, information: false }))
}

pub(super) fn information(subject: &Subject, meta: Meta) -> Node {
    Node::Directory(meta, Arc::new(Descriptors { subject: subject.clone(), meta, information: true }))
}

struct Descriptors {
    subject: Subject,
    meta: Meta,
    information: bool,
}

impl Descriptors {
    fn entry(&self, fd: Fd, mode: u32) -> Meta {
        let number = u64::from(fd.0.unsigned_abs());
        let inode = (1 << 62) | (self.meta.inode.wrapping_mul(FIRST_ENTRY).wrapping_add(number));
        Meta { inode, mode, owner: self.meta.owner }
    }
}

impl Directory for Descriptors {
    fn lookup(&self, name: &[u8]) -> Option<Node> {
        let fd = if name == b"0" { Fd(0) } else { Fd(super::parse_id(name)?) };
        let file = self.subject.task().ok()?.files().get(fd).ok()?;
        let reference = Arc::new(Descriptor { subject: self.subject.clone(), fd });
        if self.information {
            return Some(Node::File(self.entry(fd, 0o400), reference));
        }
        let flags = file.flags();
        let mode = 0o100 | if flags.reads() { 0o400 } else { 0 } | if flags.writes() { 0o200 } else { 0 };
        Some(Node::Link(self.entry(fd, mode), reference))
    }

    /// A process reaches its own descriptors even if its files in /proc are root's, as after it has changed its user.
    fn admits_viewer(&self) -> bool {
        let own = || Some(kernel::current::task()?.pid() == self.subject.task().ok()?.pid());
        !self.information && own().unwrap_or_default()
    }

    fn list(&self) -> Vec<(Vec<u8>, u64, FileKind)> {
        let Ok(task) = self.subject.task() else { return Vec::new() };
        let kind = if self.information { FileKind::Regular } else { FileKind::Symlink };
        let open = task.files().list();
        open.iter().map(|(fd, _)| (fd.0.to_string().into_bytes(), self.entry(*fd, 0).inode, kind)).collect()
    }
}

struct Descriptor {
    subject: Subject,
    fd: Fd,
}

impl Descriptor {
    fn file(&self) -> Result<Arc<OpenFile>, Errno> {
        self.subject.task()?.files().get(self.fd).map_err(|_| Errno::ENOENT)
    }
}

impl Link for Descriptor {
    fn target(&self, credentials: &Credentials) -> Result<LinkTarget, Errno> {
        self.subject.check_readable(credentials)?;
        Ok(LinkTarget::Opened(self.file()?))
    }
}

impl Content for Descriptor {
    fn generate(&self) -> Result<Vec<u8>, Errno> {
        let file = self.file()?;
        let mut flags = file.flags().bits();
        if self.subject.task()?.files().close_on_exec(self.fd)? {
            flags |= vfs::OpenFlags::CLOEXEC.bits();
        }
        let inode = file.attributes().map_or(0, |a| a.inode);
        let mount = file.path.as_ref().map_or(0, |path| path.mount.id);
        let common =
            format!("pos:\t{}\nflags:\t0{flags:o}\nmnt_id:\t{mount}\nino:\t{inode}\n", file.offset());
        Ok((common + &file.file.details()).into_bytes())
    }

    fn check_open(&self, credentials: &Credentials) -> Result<(), Errno> {
        self.subject.check_readable(credentials)
    }
}
