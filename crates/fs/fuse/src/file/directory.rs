//! An open directory.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use abi::Errno;
use vfs::{DirectoryEntry, DirectorySink, File, FileKind, InodeRef, IoctlContext, Seek};

use super::entries::{Packed, Unpack};
use super::handle::Handle;
use crate::node::Asked;
use crate::wire::{FileFlags, InitFlags, ReadIn};

/// Bytes of entries that are asked for at a time.
const PIECE: u32 = 32 * 1024;

/// An open directory.
pub(crate) struct Directory {
    handle: Arc<Handle>,
    /// Whether a name of it was looked up since it was listed: then the next entries are asked for with what LOOKUP would say.
    plus: AtomicBool,
    /// Which listing what it reads belongs to, where entries are remembered.
    version: AtomicU64,
}

impl Directory {
    pub(crate) fn new(handle: Arc<Handle>) -> Self {
        Self { handle, plus: AtomicBool::new(false), version: AtomicU64::new(0) }
    }

    /// Whether the entries from a position on are worth asking for with all that LOOKUP would say: at the beginning, and as long as
    /// names are looked up.
    fn wants_plus(&self, position: u64) -> bool {
        let connection = &self.handle.node.shared.connection;
        if !connection.has(InitFlags::DO_READDIRPLUS) {
            return false;
        }
        let looked_up = self.handle.node.looked_up();
        !connection.has(InitFlags::READDIRPLUS_AUTO)
            || position == 0
            || looked_up
            || self.plus.load(Ordering::Relaxed)
    }

    /// A listing begins: what is remembered of an older state of the directory is not shown any more.
    fn begin(&self) -> Result<(), Errno> {
        let node = &self.handle.node;
        if node.shared.connection.has(InitFlags::AUTO_INVAL_DATA) {
            node.refreshed()?;
        }
        self.version.store(node.listing.begin(node.last_known().modified), Ordering::Relaxed);
        Ok(())
    }

    /// What LOOKUP would say of an entry is remembered. It counts as one.
    fn note(&self, packed: &Packed<'_>, asked: Asked) {
        let Some(entry) = packed.entry.filter(|entry| entry.nodeid != 0) else { return };
        if matches!(packed.name, b"." | b"..") {
            return;
        }
        // An entry that makes no sense is not remembered, and the listing goes on.
        let _ = self.handle.node.link_entry(packed.name, &entry, asked);
    }
}

impl File for Directory {
    fn read_directory(&self, position: u64, into: &mut dyn DirectorySink) -> Result<(), Errno> {
        let node = &self.handle.node;
        node.good()?;
        let remembers = self.handle.flags.contains(FileFlags::CACHE_DIR);
        if remembers {
            if position == 0 {
                self.begin()?;
            }
            if node.listing.show(position, into) {
                node.was_read();
                return Ok(());
            }
        }
        let _turn = node.turn_in_directory()?;
        let version = self.version.load(Ordering::Relaxed);
        let plus = self.wants_plus(position);
        let size = PIECE.min(node.shared.connection.settings().max_read);
        let what = ReadIn {
            fh: self.handle.number(),
            offset: position,
            size,
            flags: self.handle.open_flags(),
            ..ReadIn::default()
        };
        let asked = node.asks();
        let answer = node.shared.connection.readdir(node.id, &what, plus)?;
        node.was_read();
        let (mut room, mut listed, mut behind) = (true, false, position);
        if remembers && answer.is_empty() {
            node.listing.end(version, position);
        }
        for packed in Unpack::new(&answer, plus) {
            let packed = match packed {
                Ok(packed) => packed,
                Err(_) if listed => break,
                Err(error) => return Err(error),
            };
            let kind = u8::try_from(packed.kind).map_or(FileKind::Anonymous, FileKind::from_directory_type);
            let entry = DirectoryEntry { inode: packed.inode, kind, name: packed.name, next: packed.next };
            if room {
                room = into.put(&entry);
                listed = true;
            }
            if remembers {
                node.listing.add(version, behind, &entry);
                behind = packed.next;
            }
            self.note(&packed, asked);
        }
        Ok(())
    }

    fn seek(&self, to: Seek) -> Result<u64, Errno> {
        match to {
            Seek::End(by) => self.handle.node.refreshed()?.size.checked_add_signed(by).ok_or(Errno::EINVAL),
            _ => Err(Errno::EINVAL),
        }
    }

    fn ioctl(&self, context: &dyn IoctlContext, request: u32, argument: u64) -> Result<u64, Errno> {
        self.handle.control(context, request, argument)
    }

    fn sync(&self, data_only: bool) -> Result<(), Errno> {
        let node = &self.handle.node;
        node.good()?;
        node.shared.connection.fsync(node.id, self.handle.number(), data_only, true)
    }

    fn inode(&self) -> Option<InodeRef> {
        Some(Arc::clone(&self.handle.node) as InodeRef)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
