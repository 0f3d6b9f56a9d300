//! Names that come, go and move.

use std::sync::Arc;

use abi::Errno;
use ninep::client::NewFid;
use ninep::message::{Tcreatefile, Tlink, Tmakenode, Tremovename, Trenameat2};
use ninep::{NO_FID, Text};
use vfs::{FileKind, InodeRef, Name, Owner, RenameFlags};

use crate::inode::Node;

/// `O_RDWR`.
const READ_WRITE: u32 = 2;

impl Node {
    /// Makes a regular file, open for whatever its mode says.
    pub(crate) fn make_file(&self, name: Name<'_>, mode: u32, owner: Owner) -> Result<Arc<Self>, Errno> {
        let client = &self.shared.client;
        let (directory, fid) = (self.fid()?, client.new_fid()?);
        let request = Tcreatefile {
            dfid: directory.number(),
            newfid: fid.number(),
            name: Text(name.as_bytes()),
            flags: READ_WRITE,
            mode,
            uid: owner.uid,
            gid: owner.gid,
        };
        let result = client.call_with_descriptor(&request, |reply| reply.attr);
        self.names_changed();
        let (attr, file) = result?;
        let node = self.meet(fid.into_held(), &attr)?;
        node.made_with(file.ok_or(Errno::EIO)?);
        Ok(node)
    }

    /// Makes anything else.
    pub(crate) fn make(
        &self,
        name: Name<'_>,
        kind: FileKind,
        mode: u32,
        owner: Owner,
        target: &[u8],
    ) -> Result<InodeRef, Errno> {
        let client = &self.shared.client;
        let (directory, fid) = (self.fid()?, client.new_fid()?);
        let request = Tmakenode {
            dfid: directory.number(),
            newfid: fid.number(),
            name: Text(name.as_bytes()),
            target: Text(target),
            mode: kind.mode_bits() | (mode & 0o7777),
            uid: owner.uid,
            gid: owner.gid,
        };
        let result = client.call(&request, |reply| reply.attr);
        self.names_changed();
        let attr = result?;
        let node = self.meet(fid.into_held(), &attr)?;
        Ok(node)
    }

    pub(crate) fn link_to(&self, name: Name<'_>, target: &Self) -> Result<(), Errno> {
        let (directory, fid) = (self.fid()?, target.fid()?);
        let request = Tlink { dfid: directory.number(), fid: fid.number(), name: Text(name.as_bytes()) };
        let result = self.shared.client.call(&request, |_| ());
        target.changed();
        self.names_changed();
        result
    }

    pub(crate) fn remove_name(&self, name: Name<'_>, flags: u32) -> Result<(), Errno> {
        let client = &self.shared.client;
        let directory = self.fid()?;
        // Somebody may have the file, and the server would not find it any more.
        let unheld = self.listing.lock().take_unheld(name.as_bytes()).filter(|node| !node.is_held());
        let fid = unheld.as_ref().map(|_| client.new_fid()).transpose()?;
        // Whoever looks for it meanwhile waits.
        let origin = unheld.as_ref().map(|node| node.origin.lock());
        let newfid = fid.as_ref().map_or(NO_FID, NewFid::number);
        let request = Tremovename { dirfid: directory.number(), newfid, name: Text(name.as_bytes()), flags };
        let result = client.call(&request, |reply| reply.qid);
        self.names_changed();
        if let (Ok(qid), Some(node), Some(fid)) = (&result, &unheld, fid) {
            let fid = fid.into_held();
            if qid.path == node.path {
                node.hold_as(fid);
            }
        }
        drop(origin);
        if let (Err(_), Some(node)) = (&result, unheld) {
            self.listing.lock().unheld(name.as_bytes(), &node);
        }
        self.shared.touched(&[result?]);
        Ok(())
    }

    pub(crate) fn move_name(
        &self,
        name: Name<'_>,
        to: &Self,
        new_name: Name<'_>,
        flags: RenameFlags,
    ) -> Result<(), Errno> {
        let (from, into) = (self.fid()?, to.fid()?);
        self.hold(name)?;
        to.hold(new_name)?;
        let request = Trenameat2 {
            olddirfid: from.number(),
            oldname: Text(name.as_bytes()),
            newdirfid: into.number(),
            newname: Text(new_name.as_bytes()),
            flags: flags.bits(),
        };
        let result = self.shared.client.call(&request, |reply| reply.touched);
        self.names_changed();
        to.names_changed();
        self.shared.touched(&result?);
        Ok(())
    }

    /// Has the server hold the file of a name that is about to go, if somebody here has it and the server would not find it any more.
    fn hold(&self, name: Name<'_>) -> Result<(), Errno> {
        let unheld = self.listing.lock().take_unheld(name.as_bytes());
        unheld.map_or(Ok(()), |node| node.fid().map(|_| ()))
    }
}
