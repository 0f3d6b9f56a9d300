//! Names that are looked up, come, go and move.

use std::sync::Arc;

use abi::Errno;
use ninep::Text;
use ninep::message::{
    Rlcreate, Tlcreate, Tlink, Tmkdir, Tmknod, Tremove, Trename, Trenameat, Tsymlink, Tunlinkat,
};
use vfs::{Device, FileKind, InodeRef, OpenFlags, Owner, RenameFlags};

use super::Node;
use crate::client::Fid;
use crate::filesystem::ask;

/// Itself, if it is one of these.
///
/// # Errors
/// `EXDEV`.
pub(super) fn ours(inode: &InodeRef) -> Result<&Node, Errno> {
    inode.as_any().downcast_ref::<Node>().ok_or(Errno::EXDEV)
}

impl Node {
    /// The inode of a name.
    pub(super) fn find(&self, name: &[u8]) -> Result<Arc<Self>, Errno> {
        let user = self.shared.user();
        let (fid, _) = self.shared.client.walk(&*self.fid()?, std::iter::once(name))?;
        let attributes = ask(&self.shared.client, &fid)?;
        self.meet(user, name, Arc::new(fid), attributes)
    }

    /// What was just made under a name.
    fn made(&self, name: &[u8]) -> Result<Arc<Self>, Errno> {
        self.changed();
        self.find(name)
    }

    /// Makes a regular file, open: it, what it is open by, and how much the server likes to move at once.
    pub(super) fn make_open(
        &self,
        name: &[u8],
        mode: u32,
        owner: Owner,
        flags: OpenFlags,
    ) -> Result<(Arc<Self>, Fid, u32), Errno> {
        let (fid, _) = self.shared.client.walk(&*self.fid()?, std::iter::empty())?;
        let request = Tlcreate {
            fid: fid.number(),
            name: Text(name),
            flags: (flags | OpenFlags::CREAT).difference(OpenFlags::CLOEXEC | OpenFlags::NOCTTY).bits(),
            mode: FileKind::Regular.mode_bits() | mode & 0o7777,
            gid: owner.gid,
        };
        let liked = self.shared.client.call(&request, |reply: Rlcreate| reply.iounit)?;
        let node = self.made(name)?;
        if node.kind == FileKind::Regular { Ok((node, fid, liked)) } else { Err(Errno::EIO) }
    }

    /// Makes anything that is no directory and no link.
    pub(super) fn make(
        &self,
        name: &[u8],
        kind: FileKind,
        mode: u32,
        owner: Owner,
        device: Device,
    ) -> Result<Arc<Self>, Errno> {
        let request = Tmknod {
            dfid: self.fid()?.number(),
            name: Text(name),
            mode: kind.mode_bits() | mode & 0o7777,
            major: device.major,
            minor: device.minor,
            gid: owner.gid,
        };
        self.shared.client.call(&request, |_| ())?;
        self.made(name)
    }

    pub(super) fn make_directory(&self, name: &[u8], mode: u32, owner: Owner) -> Result<Arc<Self>, Errno> {
        let mode = FileKind::Directory.mode_bits() | mode & 0o7777;
        let request = Tmkdir { dfid: self.fid()?.number(), name: Text(name), mode, gid: owner.gid };
        self.shared.client.call(&request, |_| ())?;
        self.made(name)
    }

    pub(super) fn make_symlink(&self, name: &[u8], target: &[u8], owner: Owner) -> Result<Arc<Self>, Errno> {
        let dfid = self.fid()?.number();
        let request = Tsymlink { dfid, name: Text(name), target: Text(target), gid: owner.gid };
        self.shared.client.call(&request, |_| ())?;
        self.made(name)
    }

    pub(super) fn link_to(&self, name: &[u8], target: &Self) -> Result<(), Errno> {
        let (directory, fid) = (self.fid()?, target.fid()?);
        let request = Tlink { dfid: directory.number(), fid: fid.number(), name: Text(name) };
        self.shared.client.call(&request, |_| ())?;
        self.changed();
        target.changed();
        if let (Some(directory), Some(target)) = (self.this.upgrade(), target.this.upgrade()) {
            directory.lies_under(name, &target);
        }
        Ok(())
    }

    pub(super) fn remove(&self, name: &[u8], flags: u32) -> Result<(), Errno> {
        let directory = self.fid()?;
        let request = Tunlinkat { dirfid: directory.number(), name: Text(name), flags };
        let result = match self.shared.client.call(&request, |_| ()) {
            Err(Errno::EOPNOTSUPP) => self.remove_by_fid(&directory, name),
            result => result,
        };
        result?;
        self.changed();
        self.name_went(name);
        Ok(())
    }

    /// For servers that remove files only by their fids.
    fn remove_by_fid(&self, directory: &Fid, name: &[u8]) -> Result<(), Errno> {
        let (fid, _) = self.shared.client.walk(directory, std::iter::once(name))?;
        let result = self.shared.client.call(&Tremove { fid: fid.number() }, |_| ());
        // The fid goes even if the file does not.
        fid.consumed();
        result
    }

    /// Moves a name. As Linux has it, without any of the flags.
    pub(super) fn move_name(
        &self,
        name: &[u8],
        to: &Self,
        new_name: &[u8],
        flags: RenameFlags,
    ) -> Result<(), Errno> {
        if !flags.is_empty() {
            return Err(Errno::EINVAL);
        }
        let (from, into) = (self.fid()?, to.fid()?);
        let request = Trenameat {
            olddirfid: from.number(),
            oldname: Text(name),
            newdirfid: into.number(),
            newname: Text(new_name),
        };
        match self.shared.client.call(&request, |_| ()) {
            Err(Errno::EOPNOTSUPP) => {
                let (fid, _) = self.shared.client.walk(&from, std::iter::once(name))?;
                let request = Trename { fid: fid.number(), dfid: into.number(), name: Text(new_name) };
                self.shared.client.call(&request, |_| ())?;
            }
            result => result?,
        }
        self.changed();
        to.changed();
        self.name_moved(name, to, new_name);
        Ok(())
    }
}
