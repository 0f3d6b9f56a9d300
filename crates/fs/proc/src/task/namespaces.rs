//! /proc/PID/ns: there is one namespace of each kind, with a number that does not change.

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use synthetic::{Directory, Link, Meta, Node};
use vfs::inode::LinkTarget;
use vfs::{Attributes, Credentials, Device, File, FileKind, OpenFile, OpenFlags, Owner, Timestamp};

use super::Subject;

/// The kinds with the inode numbers that Linux gives the initial namespaces (`include/linux/proc_ns.h`), or one after them.
const KINDS: &[(&str, u32)] = &[
    ("cgroup", 0xefff_fffb),
    ("ipc", 0xefff_ffff),
    ("mnt", 0xeffe_ffff),
    ("net", 0xeffe_fffe),
    ("pid", 0xefff_fffc),
    ("time", 0xefff_fffa),
    ("user", 0xefff_fffd),
    ("uts", 0xefff_fffe),
];

pub(super) fn directory(subject: &Subject, meta: Meta) -> Node {
    Node::Directory(meta, Arc::new(Namespaces { subject: subject.clone(), meta }))
}

struct Namespaces {
    subject: Subject,
    meta: Meta,
}

impl Namespaces {
    const fn inode(&self, number: u32) -> u64 {
        (1 << 61) | self.meta.inode << 32 | number as u64
    }
}

impl Directory for Namespaces {
    fn lookup(&self, name: &[u8]) -> Option<Node> {
        let (kind, number) = KINDS.iter().find(|(kind, _)| kind.as_bytes() == name)?;
        let meta = Meta { inode: self.inode(*number), mode: 0o777, owner: self.meta.owner };
        Some(Node::Link(meta, Arc::new(Namespace { subject: self.subject.clone(), kind, number: *number })))
    }

    fn list(&self) -> Vec<(Vec<u8>, u64, FileKind)> {
        let kinds = KINDS.iter();
        kinds
            .map(|(kind, number)| (kind.as_bytes().to_vec(), self.inode(*number), FileKind::Symlink))
            .collect()
    }
}

struct Namespace {
    subject: Subject,
    kind: &'static str,
    number: u32,
}

impl Link for Namespace {
    fn target(&self, credentials: &Credentials) -> Result<LinkTarget, Errno> {
        self.subject.check_readable(credentials)?;
        let file = Arc::new(Identity { kind: self.kind, number: self.number });
        Ok(LinkTarget::Opened(OpenFile::new(file, None, OpenFlags::empty(), Arc::new(credentials.clone()))))
    }
}

/// What the link leads to: stat(2) tells namespaces apart by it. There is no second one to enter.
struct Identity {
    kind: &'static str,
    number: u32,
}

impl File for Identity {
    fn seekable(&self) -> bool {
        false
    }

    fn attributes(&self) -> Result<Attributes, Errno> {
        let never = Timestamp::default();
        Ok(Attributes {
            inode: self.number.into(),
            kind: FileKind::Regular,
            mode: 0o444,
            links: 1,
            owner: Owner::default(),
            device: Device::default(),
            size: 0,
            blocks: 0,
            block_size: 4096,
            accessed: never,
            modified: never,
            changed: never,
            born: None,
        })
    }

    fn description(&self) -> String {
        format!("{}:[{}]", self.kind, self.number)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
