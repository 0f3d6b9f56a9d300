//! The way through the upper layer.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::sync::Arc;

use abi::Errno;
use vfs::{Attributes, FileKind, Inode, LinkTarget, Name};

use super::content::Content;
use super::entry::{Entry, Kind, Records};
use crate::listing;
use crate::marks::is_whiteout;
use crate::node::Node;

/// `PATH_MAX`: nobody could unpack longer ones.
const LONGEST: usize = 4096;
/// What stands before the name of something that was removed.
const REMOVED: &[u8] = b".wh.";
/// What says that nothing of the layers below is seen in a directory.
const OPAQUE: &[u8] = b".wh..wh..opq";

/// A directory that is still to be looked through.
struct Pending {
    node: Arc<Node>,
    path: Vec<u8>,
    /// Whether all that is seen in it is written, and not only what the upper layer has.
    whole: bool,
}

/// What was written so far.
pub(super) struct Walk<'a> {
    to: &'a mut dyn Write,
    /// Files with several names: the path of the first.
    first_names: HashMap<u64, Vec<u8>>,
    /// All names of those.
    written: HashSet<Vec<u8>>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(to: &'a mut dyn Write) -> Self {
        Self { to, first_names: HashMap::new(), written: HashSet::new() }
    }

    /// Writes the layer whose root this is.
    pub(super) fn layer(&mut self, root: &Arc<Node>) -> Result<(), Errno> {
        self.file(root, b"./")?;
        let mut pending = vec![Pending { node: Arc::clone(root), path: Vec::new(), whole: false }];
        while let Some(directory) = pending.pop() {
            self.directory(&directory, &mut pending)?;
        }
        Ok(())
    }

    fn directory(&mut self, directory: &Pending, pending: &mut Vec<Pending>) -> Result<(), Errno> {
        let Pending { node, path, whole } = directory;
        let shared = &node.shared;
        let upper = node.upper();
        let moved = match &upper {
            Some(upper) if !whole => shared.redirect_of(upper)?.is_some(),
            _ => false,
        };
        let opaque = upper.as_ref().is_some_and(|upper| shared.marks.is_opaque(upper));
        if !whole && (moved || opaque) {
            self.mark(&[path, OPAQUE].concat(), node)?;
        }
        let whole = *whole || moved;
        let entries = match &upper {
            _ if whole => node.list()?.entries.clone(),
            Some(upper) => listing::entries(upper)?,
            None => return Ok(()),
        };
        for entry in entries {
            let name = Name::new(&entry.name)?;
            let own = [path, entry.name.as_slice()].concat();
            if own.len() > LONGEST {
                return Err(Errno::ENAMETOOLONG);
            }
            let removed = match upper.as_ref().filter(|_| !whole).map(|upper| upper.lookup(name)) {
                Some(Ok(inode)) => is_whiteout(&inode)?,
                // It was removed just now.
                Some(Err(_)) => continue,
                None => false,
            };
            if removed {
                self.mark(&[path, REMOVED, &entry.name].concat(), node)?;
                continue;
            }
            let Ok(child) = node.child(name) else { continue };
            if child.kind == FileKind::Directory {
                let own = [own.as_slice(), b"/"].concat();
                self.file(&child, &own)?;
                pending.push(Pending { node: child, path: own, whole });
            } else {
                self.file(&child, &own)?;
            }
        }
        Ok(())
    }

    /// An empty file whose name says something about its directory.
    fn mark(&mut self, path: &[u8], directory: &Node) -> Result<(), Errno> {
        let attributes = Attributes { kind: FileKind::Regular, mode: 0, ..directory.attributes()? };
        Entry { path, attributes: &attributes, kind: Kind::File, size: 0, records: Vec::new() }.write(self.to)
    }

    /// A file as it is seen. A socket, which is nothing without its process, is left out, as tar(1) does.
    fn file(&mut self, node: &Arc<Node>, path: &[u8]) -> Result<(), Errno> {
        let attributes = node.attributes()?;
        let target = match node.kind {
            FileKind::Symlink => match node.read_link(&node.shared.kernel)? {
                LinkTarget::Path(target) => target,
                LinkTarget::Place(_) | LinkTarget::Opened(_) => return Ok(()),
            },
            _ => Vec::new(),
        };
        let Some(kind) = Kind::of(node.kind, &target) else { return Ok(()) };
        let several = node.kind != FileKind::Directory && attributes.links > 1;
        if several {
            self.written.insert(path.to_vec());
            if self.link(node.number, &attributes, path)? {
                return Ok(());
            }
            self.first_names.insert(node.number, path.to_vec());
        }
        let mut records = xattrs(node)?;
        let content =
            if node.kind == FileKind::Regular { Some(Content::of(node, attributes.size)?) } else { None };
        let size = content.as_ref().map_or(0, Content::len);
        records.extend(content.as_ref().map(|content| content.records(path)).unwrap_or_default());
        Entry { path, attributes: &attributes, kind, size, records }.write(self.to)?;
        content.map_or(Ok(()), |content| content.write(self.to))
    }

    /// Another name of what has been written, if it was.
    fn link(&mut self, number: u64, attributes: &Attributes, path: &[u8]) -> Result<bool, Errno> {
        let Some(first) = self.first_names.get(&number) else { return Ok(false) };
        Entry { path, attributes, kind: Kind::Link(first), size: 0, records: Vec::new() }.write(self.to)?;
        Ok(true)
    }

    /// Files of the lower layers that were copied under one name, and are seen under others: those are told too.
    pub(super) fn other_names(&mut self, root: &Arc<Node>) -> Result<(), Errno> {
        let several = root.shared.several.lock();
        let copied = several.iter().filter(|(_, names)| names.upper.is_some());
        let copied: HashSet<u64> = copied.map(|(number, _)| *number).collect();
        drop(several);
        if copied.is_empty() {
            return Ok(());
        }
        let mut pending = vec![(Arc::clone(root), Vec::new())];
        while let Some((node, path)) = pending.pop() {
            for entry in &node.list()?.entries {
                let directory = entry.kind == FileKind::Directory;
                if !directory && !copied.contains(&entry.inode) {
                    continue;
                }
                let own = [path.as_slice(), &entry.name].concat();
                if own.len() > LONGEST {
                    return Err(Errno::ENAMETOOLONG);
                }
                let Ok(child) = node.child(Name::new(&entry.name)?) else { continue };
                if directory {
                    pending.push((child, [own.as_slice(), b"/"].concat()));
                } else if !self.written.contains(&own) {
                    self.file(&child, &own)?;
                }
            }
        }
        Ok(())
    }
}

/// Extended attributes as keywords. A name with an equals sign cannot be one.
fn xattrs(node: &Node) -> Result<Records, Errno> {
    let names = match node.xattr_names() {
        Err(Errno::EOPNOTSUPP) => return Ok(Vec::new()),
        names => names?,
    };
    let mut records = Vec::new();
    for name in names.into_iter().filter(|name| !name.contains(&b'=')) {
        if let Ok(value) = node.xattr(&name) {
            records.push(([b"SCHILY.xattr.", name.as_slice()].concat(), value));
        }
    }
    Ok(records)
}
