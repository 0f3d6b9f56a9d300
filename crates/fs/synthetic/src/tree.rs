//! Trees of settings, each a file with one value: the form of /proc/sys and /sys.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use abi::Errno;
use vfs::{FileKind, Owner};

use crate::{Content, Directory, Meta, Node};

/// What a setting says now, without the newline.
pub type Read<S> = fn(&S) -> Result<Vec<u8>, Errno>;
/// What writing a setting does.
pub type Store<S> = fn(&S, &[u8]) -> Result<(), Errno>;

/// A setting of a subject, or a directory of them.
pub enum Setting<S: 'static> {
    /// A directory.
    Directory(&'static [(&'static str, Setting<S>)]),
    /// A setting that can only be read.
    Value(Read<S>),
    /// A setting that its owner can write.
    Changeable(Read<S>, Store<S>),
}

/// The directory of these settings. Inode numbers are hashed from the place in the tree, above those counted up from small ones.
pub fn directory<S: Clone + Send + Sync>(
    subject: &S,
    entries: &'static [(&'static str, Setting<S>)],
    meta: Meta,
) -> Node {
    Node::Directory(meta, Arc::new(Settings { subject: subject.clone(), entries, inode: meta.inode }))
}

struct Settings<S: 'static> {
    subject: S,
    entries: &'static [(&'static str, Setting<S>)],
    inode: u64,
}

impl<S> Settings<S> {
    fn inode_of(&self, name: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.inode, name).hash(&mut hasher);
        hasher.finish() | 1 << 63
    }
}

impl<S: Clone + Send + Sync> Directory for Settings<S> {
    fn lookup(&self, name: &[u8]) -> Option<Node> {
        let (name, setting) = self.entries.iter().find(|(n, _)| n.as_bytes() == name)?;
        let meta = |mode| Meta { inode: self.inode_of(name), mode, owner: Owner::default() };
        let value = |read, store| Arc::new(File { subject: self.subject.clone(), read, store });
        Some(match setting {
            Setting::Directory(entries) => directory(&self.subject, entries, meta(0o555)),
            Setting::Value(read) => Node::File(meta(0o444), value(*read, None)),
            Setting::Changeable(read, store) => Node::File(meta(0o644), value(*read, Some(*store))),
        })
    }

    fn list(&self) -> Vec<(Vec<u8>, u64, FileKind)> {
        let entries = self.entries.iter().map(|(name, setting)| {
            let kind = match setting {
                Setting::Directory(_) => FileKind::Directory,
                _ => FileKind::Regular,
            };
            (name.as_bytes().to_vec(), self.inode_of(name), kind)
        });
        entries.collect()
    }

    fn subdirectories(&self) -> u64 {
        self.entries.iter().filter(|(_, s)| matches!(s, Setting::Directory(_))).count() as u64
    }
}

struct File<S: 'static> {
    subject: S,
    read: Read<S>,
    store: Option<Store<S>>,
}

impl<S: Send + Sync> Content for File<S> {
    fn generate(&self) -> Result<Vec<u8>, Errno> {
        let mut text = (self.read)(&self.subject)?;
        text.push(b'\n');
        Ok(text)
    }

    fn store(&self, _: u64, text: &[u8]) -> Result<(), Errno> {
        self.store.ok_or(Errno::EACCES)?(&self.subject, text)
    }
}
