//! Names: looking up, making, moving and removing them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use abi::Errno;
use vfs::{Device, FileKind, Inode, InodeRef, OpenFlags, RenameFlags, waiting};

use super::entries::Name as Known;
use super::{Asked, Node, attributes};
use crate::file::{Handle, RegularFile, Turn};
use crate::ops::making::Parent;
use crate::wire::{CreateIn, EntryOut, InitFlags, MknodIn, NAME_MAX, OpenOut};

/// Modes of directories that are made: no set-ID bits.
const DIRECTORY_MODE: u32 = 0o1777;

/// umask(2) of the caller.
fn umask() -> u32 {
    waiting::identity().map_or(0, |identity| identity.umask)
}

/// Itself, if it is a node of this filesystem.
fn ours(inode: &InodeRef) -> Result<&Node, Errno> {
    inode.as_any().downcast_ref::<Node>().ok_or(Errno::EXDEV)
}

impl Node {
    /// Where something is made.
    fn as_parent(&self) -> Parent {
        Parent { id: self.id, group: self.last_known().owner.gid }
    }

    /// What a name names, known or asked for.
    ///
    /// # Errors
    /// `ENOENT`, `EIO` if the server contradicts itself, and its own.
    pub(super) fn find(&self, name: &[u8]) -> Result<Arc<Self>, Errno> {
        self.good()?;
        if name.len() > NAME_MAX {
            return Err(Errno::ENAMETOOLONG);
        }
        if let Some(known) = self.known_name(name) {
            return known;
        }
        let _turn = (self.turn_in_directory()?, self.under_way.ask(name)?);
        // Whoever had a turn before may have asked.
        if let Some(known) = self.known_name(name) {
            return known;
        }
        self.looked_up.store(true, Ordering::Relaxed);
        let asked = self.asks();
        let entry = self.shared.connection.lookup(self.id, name)?;
        if entry.nodeid == 0 {
            let until = attributes::lasts(asked.at, entry.entry_valid, entry.entry_valid_nsec);
            self.entries.note(name, None, until, asked.epoch);
            return Err(Errno::ENOENT);
        }
        self.link_entry(name, &entry, asked)
    }

    /// What a name is known to name.
    fn known_name(&self, name: &[u8]) -> Option<Result<Arc<Self>, Errno>> {
        match self.entries.find(name, self.shared.connection.epoch()) {
            Known::Present(node) if node.renew.swap(false, Ordering::Relaxed) => {
                self.entries.forget(name);
                None
            }
            Known::Present(node) if !node.is_bad() => Some(Ok(node)),
            Known::Missing => Some(Err(Errno::ENOENT)),
            _ => None,
        }
    }

    /// A server that does not say otherwise (`PARALLEL_DIROPS`) is asked to look up or list one thing at a time in a directory.
    ///
    /// # Errors
    /// `EINTR` for a caller that is killed.
    pub(crate) fn turn_in_directory(&self) -> Result<Option<Turn<'_>>, Errno> {
        let together = self.shared.connection.has(InitFlags::PARALLEL_DIROPS);
        if together { Ok(None) } else { self.turns.take(true).map(Some) }
    }

    /// Takes over that a name names what an answer says.
    ///
    /// # Errors
    /// As [`Self::meet`].
    pub(crate) fn link_entry(&self, name: &[u8], entry: &EntryOut, asked: Asked) -> Result<Arc<Self>, Errno> {
        let known = self.shared.known(entry.nodeid).map(|node| node.changes());
        let node = Self::meet(&self.shared, entry, asked.at)?;
        if let Ok(attributes) = attributes::from_wire(&entry.attr, &self.shared.connection.user) {
            let until = attributes::lasts(asked.at, entry.attr_valid, entry.attr_valid_nsec);
            node.keep(attributes, until, known.unwrap_or_else(|| node.changes()));
        }
        let until = attributes::lasts(asked.at, entry.entry_valid, entry.entry_valid_nsec);
        self.entries.note(name, Some(&node), until, asked.epoch);
        if until.is_some() {
            self.shared.kept.keep(&node);
        }
        Ok(node)
    }

    /// A name is outdated; one that was removed only if it named `child`. What it named is let go if nobody uses it, unless the name is only
    /// to be asked for again (`expires`).
    pub(crate) fn name_outdated(&self, name: &[u8], child: Option<u64>, expires: bool) -> Result<(), Errno> {
        let was = self.entries.forget(name).ok_or(Errno::ENOENT)?;
        if let Some(node) = was.as_ref().filter(|_| !expires) {
            self.shared.kept.let_go(node);
        }
        match child {
            Some(child) if was.is_none_or(|node| node.id != child) => Err(Errno::ENOENT),
            _ => Ok(()),
        }
    }

    /// A new name of this directory. An answer of another type than was asked for is a lie.
    fn new_name(
        &self,
        name: &[u8],
        entry: &EntryOut,
        kind: FileKind,
        asked: Asked,
    ) -> Result<Arc<Self>, Errno> {
        self.attributes_outdated();
        self.listing.forget();
        if FileKind::from_mode(entry.attr.mode) != Some(kind) {
            if entry.nodeid != 0 {
                self.shared.connection.forget(entry.nodeid, 1);
            }
            return Err(Errno::EIO);
        }
        self.link_entry(name, entry, asked)
    }

    pub(super) fn make(
        &self,
        name: &[u8],
        kind: FileKind,
        mode: u32,
        device: Device,
    ) -> Result<Arc<Self>, Errno> {
        self.good()?;
        let asked = self.asks();
        let device = u32::try_from(device.encode() & 0xffff_ffff).unwrap_or(0);
        let what =
            MknodIn { mode: kind.mode_bits() | mode & 0o7777, rdev: device, umask: umask(), padding: 0 };
        let entry = self.shared.connection.mknod(self.as_parent(), name, what)?;
        self.new_name(name, &entry, kind, asked)
    }

    pub(super) fn make_directory(&self, name: &[u8], mode: u32) -> Result<Arc<Self>, Errno> {
        self.good()?;
        let asked = self.asks();
        let entry = self.shared.connection.mkdir(self.as_parent(), name, mode & DIRECTORY_MODE, umask())?;
        self.new_name(name, &entry, FileKind::Directory, asked)
    }

    pub(super) fn make_symlink(&self, name: &[u8], target: &[u8]) -> Result<Arc<Self>, Errno> {
        self.good()?;
        let asked = self.asks();
        let entry = self.shared.connection.symlink(self.as_parent(), name, target)?;
        self.new_name(name, &entry, FileKind::Symlink, asked)
    }

    /// Makes a regular file and opens it: at once where the server knows how, else one after the other.
    pub(super) fn make_open(
        &self,
        name: &[u8],
        mode: u32,
        flags: OpenFlags,
    ) -> Result<(Arc<Self>, Arc<Handle>), Errno> {
        self.good()?;
        let asked = self.asks();
        match self.shared.connection.create(self.as_parent(), name, &create_in(mode, flags)) {
            Err(Errno::ENOSYS) => {
                let node = self.make(name, FileKind::Regular, mode, Device::default())?;
                let handle = Handle::open(&node, flags.difference(OpenFlags::CREAT | OpenFlags::EXCL))?;
                Ok((node, handle))
            }
            answer => {
                let (entry, open) = answer?;
                let node = self.new_name(name, &entry, FileKind::Regular, asked);
                self.opened(node, &entry, &open, flags)
            }
        }
    }

    /// Makes a regular file without a name, which is open then: the next who opens it takes that over.
    pub(super) fn make_unnamed(&self, mode: u32, flags: OpenFlags) -> Result<Arc<Self>, Errno> {
        self.good()?;
        let asked = self.asks();
        let (entry, open) = self.shared.connection.tmpfile(self.as_parent(), &create_in(mode, flags))?;
        self.attributes_outdated();
        let node = if FileKind::from_mode(entry.attr.mode) == Some(FileKind::Regular) {
            Self::meet(&self.shared, &entry, asked.at)
        } else {
            self.shared.connection.forget(entry.nodeid, u64::from(entry.nodeid != 0));
            Err(Errno::EIO)
        };
        match node {
            Ok(node) => {
                *node.unopened.lock() = Some(open);
                Ok(node)
            }
            Err(error) => {
                let handle = (open.fh, flags.bits());
                self.shared.connection.release(entry.nodeid, handle, false, None, ());
                Err(error)
            }
        }
    }

    /// The handle that came with a new file. If the file is a lie the handle is given back.
    fn opened(
        &self,
        node: Result<Arc<Self>, Errno>,
        entry: &EntryOut,
        open: &OpenOut,
        flags: OpenFlags,
    ) -> Result<(Arc<Self>, Arc<Handle>), Errno> {
        match node {
            Ok(node) => {
                let handle = Handle::new(&node, flags, open)?;
                Ok((node, handle))
            }
            Err(error) => {
                let handle = (open.fh, flags.bits());
                self.shared.connection.release(entry.nodeid, handle, false, None, ());
                Err(error)
            }
        }
    }

    pub(super) fn add_link(&self, name: &[u8], target: &InodeRef) -> Result<(), Errno> {
        self.good()?;
        let target = ours(target)?;
        let asked = self.asks();
        let entry = self.shared.connection.link(target.id, self.id, name)?;
        self.new_name(name, &entry, target.kind, asked).map(drop)
    }

    pub(super) fn remove(&self, name: &[u8], directory: bool) -> Result<(), Errno> {
        self.good()?;
        let connection = &self.shared.connection;
        let result =
            if directory { connection.rmdir(self.id, name) } else { connection.unlink(self.id, name) };
        self.attributes_outdated();
        self.listing.forget();
        if let Some(Some(node)) = self.entries.forget(name) {
            node.was_renamed();
            if result.is_ok() && (directory || node.last_known().links <= 1) {
                self.shared.kept.let_go(&node);
            }
        }
        result
    }

    pub(super) fn move_name(
        &self,
        name: &[u8],
        to: &InodeRef,
        new_name: &[u8],
        flags: RenameFlags,
    ) -> Result<(), Errno> {
        self.good()?;
        let to = ours(to)?;
        let result = self.shared.connection.rename((self.id, name), (to.id, new_name), flags.bits());
        for (directory, name) in [(self, name), (to, new_name)] {
            directory.attributes_outdated();
            directory.listing.forget();
            if let Known::Present(node) = directory.entries.find(name, self.shared.connection.epoch()) {
                node.was_renamed();
            }
        }
        match result {
            Ok(()) => {
                let exchanged = flags.contains(RenameFlags::EXCHANGE);
                self.entries.rename(name, &to.entries, new_name, exchanged);
            }
            // Whatever is there now is to be asked for.
            Err(Errno::EINTR | Errno::ENOENT) => {
                drop((self.entries.forget(name), to.entries.forget(new_name)))
            }
            Err(_) => {}
        }
        result
    }

    /// The file of a handle that was just made.
    pub(super) fn file_of(handle: Arc<Handle>) -> Arc<RegularFile> {
        Arc::new(RegularFile::new(handle))
    }

    /// The inode as the VFS has it.
    pub(super) fn inode_of(node: Arc<Self>) -> InodeRef {
        node as Arc<dyn Inode>
    }
}

fn create_in(mode: u32, flags: OpenFlags) -> CreateIn {
    CreateIn {
        flags: flags.difference(OpenFlags::NOCTTY).bits(),
        mode: FileKind::Regular.mode_bits() | mode & 0o7777,
        umask: umask(),
        open_flags: 0,
    }
}
