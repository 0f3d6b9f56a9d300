//! /proc/PID/ns.

use std::sync::Arc;

use abi::Errno;
use kernel::namespace::{Kind, Namespace, NamespaceFile};
use synthetic::{Directory, Link, Meta, Node};
use vfs::inode::LinkTarget;
use vfs::{Credentials, FileKind, OpenFile, OpenFlags};

use super::Subject;

/// All entries: namespaces that the task is in, and those that its children will be in.
const ENTRIES: &[(&str, Kind)] = &[
    ("cgroup", Kind::Cgroup),
    ("ipc", Kind::Ipc),
    ("mnt", Kind::Mount),
    ("net", Kind::Network),
    ("pid", Kind::Pid),
    ("pid_for_children", Kind::Pid),
    ("time", Kind::Time),
    ("time_for_children", Kind::Time),
    ("user", Kind::User),
    ("uts", Kind::Uts),
];

pub(super) fn directory(subject: &Subject, meta: Meta) -> Node {
    Node::Directory(meta, Arc::new(Namespaces { subject: subject.clone(), meta }))
}

struct Namespaces {
    subject: Subject,
    meta: Meta,
}

impl Namespaces {
    const fn inode(&self, index: u64) -> u64 {
        (1 << 61) | self.meta.inode << 8 | index
    }
}

impl Directory for Namespaces {
    fn lookup(&self, name: &[u8]) -> Option<Node> {
        let (index, (_, kind)) = (0..).zip(ENTRIES).find(|(_, (known, _))| known.as_bytes() == name)?;
        let meta = Meta { inode: self.inode(index), mode: 0o777, owner: self.meta.owner };
        let of_children = name.ends_with(b"_for_children");
        Some(Node::Link(meta, Arc::new(Entry { subject: self.subject.clone(), kind: *kind, of_children })))
    }

    fn list(&self) -> Vec<(Vec<u8>, u64, FileKind)> {
        let entries = (0..).zip(ENTRIES);
        entries
            .map(|(index, (name, _))| (name.as_bytes().to_vec(), self.inode(index), FileKind::Symlink))
            .collect()
    }
}

struct Entry {
    subject: Subject,
    kind: Kind,
    of_children: bool,
}

impl Link for Entry {
    fn target(&self, credentials: &Credentials) -> Result<LinkTarget, Errno> {
        self.subject.check_readable(credentials)?;
        let task = self.subject.task()?;
        let namespace = match self.kind {
            Kind::Pid if self.of_children => Namespace::Pid(Arc::clone(&task.namespaces().pids)),
            kind => task.namespace(kind),
        };
        let file = Arc::new(NamespaceFile(namespace));
        Ok(LinkTarget::Opened(OpenFile::new(file, None, OpenFlags::empty(), Arc::new(credentials.clone()))))
    }
}
