//! fusectl: `/sys/fs/fuse/connections`, a directory for each connection.

use std::sync::Arc;

use abi::Errno;
use synthetic::{Content, Directory, Meta, Node, Synthetic};
use vfs::{Device, FileKind, FileSystem, FileSystemType, MountOption, MountRequest, Owner, SuperBlock};

use crate::connection::{Connection, connections};
use crate::wire::CONTROL_MAGIC;

/// The filesystem type `fusectl`. There is one filesystem of it.
pub struct Control(Arc<SuperBlock>);

impl Control {
    /// The type, whose mounts all show this.
    #[must_use]
    pub const fn new(superblock: Arc<SuperBlock>) -> Self {
        Self(superblock)
    }
}

impl FileSystemType for Control {
    fn name(&self) -> &'static str {
        "fusectl"
    }

    fn check(&self, _: &MountOption) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    fn make(&self, request: &MountRequest<'_>) -> Result<Arc<SuperBlock>, Errno> {
        if request.options.is_empty() { Ok(Arc::clone(&self.0)) } else { Err(Errno::EINVAL) }
    }
}

/// The filesystem.
#[must_use]
pub fn filesystem() -> Arc<dyn FileSystem> {
    let meta = Meta { inode: 1, mode: 0o755, owner: Owner::default() };
    Synthetic::new("fusectl", CONTROL_MAGIC, Device::anonymous(), Node::Directory(meta, Arc::new(All)))
}

/// All connections.
struct All;

/// Inode numbers of a connection's directory and files: so many for each.
const EACH: u64 = 8;

fn first_inode(connection: &Connection) -> u64 {
    u64::from(connection.device.minor).saturating_mul(EACH)
}

fn meta(connection: &Connection, index: u64, mode: u32) -> Meta {
    let owner = Owner { uid: connection.owner.uid, gid: 0 };
    Meta { inode: first_inode(connection).saturating_add(index), mode, owner }
}

impl Directory for All {
    fn lookup(&self, name: &[u8]) -> Option<Node> {
        let connection = connections().find(name)?;
        Some(Node::Directory(meta(&connection, 0, 0o500), Arc::new(One(connection))))
    }

    fn list(&self) -> Vec<(Vec<u8>, u64, FileKind)> {
        let entry = |connection: Arc<Connection>| {
            (connection.name().into_bytes(), first_inode(&connection), FileKind::Directory)
        };
        connections().all().into_iter().map(entry).collect()
    }

    fn subdirectories(&self) -> u64 {
        connections().all().len() as u64
    }
}

/// One connection.
struct One(Arc<Connection>);

/// A file of it.
#[derive(Clone, Copy)]
enum What {
    /// Writing ends the connection.
    Abort,
    /// How many requests have no answer.
    Waiting,
    /// How many requests without anybody who waits may be under way.
    MaxBackground,
    /// From how many on it counts as congested.
    CongestionThreshold,
}

const FILES: &[(&str, u32, What)] = &[
    ("waiting", 0o400, What::Waiting),
    ("abort", 0o200, What::Abort),
    ("max_background", 0o600, What::MaxBackground),
    ("congestion_threshold", 0o600, What::CongestionThreshold),
];

impl Directory for One {
    fn lookup(&self, name: &[u8]) -> Option<Node> {
        let files = (1..).zip(FILES);
        let (index, (_, mode, what)) = files.into_iter().find(|(_, (file, ..))| file.as_bytes() == name)?;
        let content = Setting { connection: Arc::clone(&self.0), what: *what };
        Some(Node::File(meta(&self.0, index, *mode), Arc::new(content)))
    }

    fn list(&self) -> Vec<(Vec<u8>, u64, FileKind)> {
        let first = first_inode(&self.0);
        let entry = |(index, (name, ..)): (u64, &(&str, u32, What))| {
            (name.as_bytes().to_vec(), first.saturating_add(index), FileKind::Regular)
        };
        (1..).zip(FILES).map(entry).collect()
    }
}

struct Setting {
    connection: Arc<Connection>,
    what: What,
}

impl Content for Setting {
    fn generate(&self) -> Result<Vec<u8>, Errno> {
        let (most, congested) = self.connection.background();
        let number = match self.what {
            What::Abort => return Err(Errno::EINVAL),
            What::Waiting => self.connection.waiting() as u64,
            What::MaxBackground => most.into(),
            What::CongestionThreshold => congested.into(),
        };
        Ok(format!("{number}\n").into_bytes())
    }

    fn store(&self, _: u64, text: &[u8]) -> Result<(), Errno> {
        let limit = || {
            let text = std::str::from_utf8(text).map_err(|_| Errno::EINVAL)?;
            text.trim().parse::<u16>().map(|limit| Some(u32::from(limit))).map_err(|_| Errno::EINVAL)
        };
        match self.what {
            What::Abort => self.connection.abort(),
            What::Waiting => return Err(Errno::EACCES),
            What::MaxBackground => self.connection.set_background(limit()?, None),
            What::CongestionThreshold => self.connection.set_background(None, limit()?),
        }
        Ok(())
    }
}
