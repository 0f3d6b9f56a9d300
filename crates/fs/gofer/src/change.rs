//! Names that come, go and move.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use abi::Errno;
use ninep::client::{Fid, NewFid};
use ninep::message::{Tbind, Tcreatefile, Tcreateunnamed, Tlink, Tmakenode, Tremovename, Trenameat2};
use ninep::{Attr, NO_FID, Text};
use vfs::{AclKind, FileKind, InodeRef, Name, Owner, RenameFlags};

use crate::attributes::from_wire;
use crate::filesystem::Caching;
use crate::inode::{Node, Place};

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
        let result = self.bring(name, || client.call_with_descriptor(&request, |reply| reply.attr));
        let (attr, file) = result?;
        let node = self.meet_new(name, fid.into_held(), &attr)?;
        node.made_with(file.ok_or(Errno::EIO)?);
        Ok(node)
    }

    /// Makes a regular file without a name, open for whatever its mode says.
    ///
    /// # Errors
    /// `EOPNOTSUPP` where the host's filesystem has none.
    pub(crate) fn make_unnamed(&self, mode: u32, owner: Owner) -> Result<Arc<Self>, Errno> {
        let client = &self.shared.client;
        let (directory, fid) = (self.fid()?, client.new_fid()?);
        let request = Tcreateunnamed {
            dfid: directory.number(),
            newfid: fid.number(),
            flags: READ_WRITE,
            mode,
            uid: owner.uid,
            gid: owner.gid,
        };
        let (attr, file) = client.call_with_descriptor(&request, |reply| reply.attr)?;
        let (fid, attributes) = (fid.into_held(), from_wire(&attr)?);
        let held = || Self::new(&self.shared, Place::Held(Arc::new(fid)), attributes);
        let (node, _) = self.shared.intern(attributes.inode, held);
        node.is_new(self.remembered_acl(AclKind::Default) != Some(None));
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
        let attr = self.bring(name, || client.call(&request, |reply| reply.attr))?;
        let node = self.meet_new(name, fid.into_held(), &attr)?;
        if kind == FileKind::Directory && self.shared.caching == Caching::Exclusive {
            node.listing.lock().names.are_none();
            self.shared.recent.keep(&node);
        }
        Ok(node)
    }

    /// Makes a socket of the host.
    ///
    /// # Errors
    /// `EOPNOTSUPP` where the server makes none.
    pub(crate) fn make_socket(
        &self,
        name: Name<'_>,
        kind: u32,
        mode: u32,
        owner: Owner,
    ) -> Result<(InodeRef, OwnedFd), Errno> {
        let client = &self.shared.client;
        let (directory, fid) = (self.fid()?, client.new_fid()?);
        let request = Tbind {
            dfid: directory.number(),
            newfid: fid.number(),
            name: Text(name.as_bytes()),
            kind,
            mode,
            uid: owner.uid,
            gid: owner.gid,
        };
        let result = self.bring(name, || client.call_with_descriptor(&request, |reply| reply.attr));
        let (attr, socket) = result?;
        let node = self.meet_new(name, fid.into_held(), &attr)?;
        Ok((node, socket.ok_or(Errno::EIO)?))
    }

    /// Has the server make a name.
    fn bring<T>(&self, name: Name<'_>, ask: impl FnOnce() -> Result<T, Errno>) -> Result<T, Errno> {
        let _own = self.own_names(&[(self, name)], None);
        self.listing.lock().names.comes(name.as_bytes());
        let result = ask();
        self.names_changed();
        self.listing.lock().names.came();
        result
    }

    /// The inode of a file that was made here just now. It has what its directory gives it, and nothing else.
    fn meet_new(&self, name: Name<'_>, fid: Fid, attr: &Attr) -> Result<Arc<Self>, Errno> {
        let gives_acls = self.remembered_acl(AclKind::Default) != Some(None);
        let node = self.meet(fid, attr, (self.path, name))?;
        node.is_new(gives_acls);
        Ok(node)
    }

    pub(crate) fn link_to(&self, name: Name<'_>, target: &Self) -> Result<(), Errno> {
        let (directory, fid) = (self.fid()?, target.fid()?);
        let request = Tlink { dfid: directory.number(), fid: fid.number(), name: Text(name.as_bytes()) };
        let _own = self.own_names(&[(self, name)], Some(target.path));
        let result = self.bring(name, || self.shared.client.call(&request, |_| ()));
        target.changed();
        // A file that had no name is found by this one from now on.
        if result.is_ok() && target.seen.lock().is_none() {
            target.seen_at(self.path, name);
        }
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
        let since = self.listing.lock().names.since();
        let _own = self.own_names(&[(self, name)], None);
        let result = client.call(&request, |reply| reply.qid);
        self.names_changed();
        if result.is_ok() {
            self.listing.lock().names.went(name.as_bytes(), since);
        }
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
        let since = self.listing.lock().names.since();
        let own = self.own_names(&[(self, name), (to, new_name)], None);
        let result = to.bring(new_name, || self.shared.client.call(&request, |reply| reply.touched));
        self.names_changed();
        if result.is_ok() && flags.is_empty() {
            self.listing.lock().names.went(name.as_bytes(), since);
        }
        drop(own);
        let touched = result?;
        // The second is exchanged with the first, or gone.
        for (file, (directory, name)) in touched.iter().zip([(to, new_name), (self, name)]) {
            if let Some(node) = self.shared.known(file.path) {
                node.seen_at(directory.path, name);
            }
        }
        self.shared.touched(&touched);
        Ok(())
    }

    /// Has the server hold the file of a name that is about to go, if somebody here has it and the server would not find it any more.
    fn hold(&self, name: Name<'_>) -> Result<(), Errno> {
        let unheld = self.listing.lock().take_unheld(name.as_bytes());
        unheld.map_or(Ok(()), |node| node.fid().map(|_| ()))
    }
}
