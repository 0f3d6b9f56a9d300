//! Directories whose names are fixed, written as a table.

use std::sync::Arc;

use abi::Errno;
use vfs::{FileKind, Owner};

use crate::{Content, Directory, Meta, Node};

/// One file of a [`Table`]: name, permission bits, and the function that generates it from the subject.
pub struct Entry<S: 'static> {
    /// Name.
    pub name: &'static str,
    /// Permission bits.
    pub mode: u32,
    /// What is there.
    pub make: Make<S>,
}

/// How an entry of a table comes to be.
pub enum Make<S: 'static> {
    /// A file whose text this function generates.
    Text(fn(&S) -> Result<Vec<u8>, Errno>),
    /// Anything else: the function gets the subject and the node's own meta data.
    Node(fn(&S, Meta) -> Node, FileKind),
}

/// A directory with the entries of a table, about one subject (a task, the kernel).
pub struct Table<S: 'static> {
    subject: S,
    entries: &'static [Entry<S>],
    owner: Owner,
    first_inode: u64,
}

impl<S: Clone + Send + Sync> Table<S> {
    /// A directory. The entries' inode numbers count up from `first_inode`.
    pub const fn new(subject: S, entries: &'static [Entry<S>], owner: Owner, first_inode: u64) -> Self {
        Self { subject, entries, owner, first_inode }
    }

    fn inode(&self, index: usize) -> u64 {
        self.first_inode.wrapping_add(index as u64)
    }
}

struct Text<S: 'static> {
    subject: S,
    generate: fn(&S) -> Result<Vec<u8>, Errno>,
}

impl<S: Send + Sync> Content for Text<S> {
    fn generate(&self) -> Result<Vec<u8>, Errno> {
        (self.generate)(&self.subject)
    }
}

impl<S: Clone + Send + Sync> Directory for Table<S> {
    fn lookup(&self, name: &[u8]) -> Option<Node> {
        let (index, entry) = self.entries.iter().enumerate().find(|(_, e)| e.name.as_bytes() == name)?;
        let meta = Meta { inode: self.inode(index), mode: entry.mode, owner: self.owner };
        Some(match entry.make {
            Make::Text(generate) => {
                Node::File(meta, Arc::new(Text { subject: self.subject.clone(), generate }))
            }
            Make::Node(make, _) => make(&self.subject, meta),
        })
    }

    fn list(&self) -> Vec<(Vec<u8>, u64, FileKind)> {
        let numbered = self.entries.iter().enumerate();
        numbered
            .map(|(index, entry)| {
                let kind = match entry.make {
                    Make::Text(_) => FileKind::Regular,
                    Make::Node(_, kind) => kind,
                };
                (entry.name.as_bytes().to_vec(), self.inode(index), kind)
            })
            .collect()
    }

    fn subdirectories(&self) -> u64 {
        let directories =
            self.entries.iter().filter(|e| matches!(e.make, Make::Node(_, FileKind::Directory)));
        directories.count() as u64
    }
}
