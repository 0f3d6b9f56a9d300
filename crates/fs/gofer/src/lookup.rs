//! Finding files.

use std::sync::Arc;

use abi::Errno;
use ninep::client::Fid;
use ninep::message::Twalkattr;
use ninep::{Attr, Target, Text};
use vfs::{FileKind, Inode, InodeRef, Name};

use crate::attributes::from_wire;
use crate::filesystem::Caching;
use crate::inode::{Node, Origin, Place};

impl Node {
    /// The files of these names, each in the one before, as far as there are any: from listings, and the rest in one message.
    pub(crate) fn find_many(&self, names: &[Name<'_>]) -> Vec<Result<InodeRef, Errno>> {
        let mut found: Vec<Result<InodeRef, Errno>> = Vec::new();
        let mut here: Option<Arc<Self>> = None;
        let mut rest = names;
        while let Some((name, behind)) = rest.split_first() {
            let directory = here.as_deref().unwrap_or(self);
            if directory.lacks_name(*name) {
                found.push(Err(Errno::ENOENT));
                return found;
            }
            let Some(node) = directory.listed(*name) else { break };
            let more = node.kind() == FileKind::Directory;
            found.push(Ok(Arc::clone(&node) as InodeRef));
            if !more || behind.is_empty() {
                return found;
            }
            here = Some(node);
            rest = behind;
        }
        match here.as_deref().unwrap_or(self).walk(rest) {
            Ok(walked) => found.extend(walked),
            Err(errno) => found.push(Err(errno)),
        }
        found
    }

    /// An entry of this directory that its listing described. Each description is used once: from then on the inode knows
    /// better.
    fn listed(&self, name: Name<'_>) -> Option<Arc<Self>> {
        if self.shared.caching != Caching::Exclusive {
            return None;
        }
        let me = self.shared.known(self.path)?;
        let mut listing = self.listing.lock();
        let attributes = listing.take(name.as_bytes())?;
        let (node, new) = self.shared.intern(attributes.inode, || {
            Self::new(
                &self.shared,
                Place::Listed(Origin { directory: me, name: name.as_bytes().into() }),
                attributes,
            )
        });
        if new {
            listing.unheld(name.as_bytes(), &node);
        }
        Some(node)
    }

    fn lacks_name(&self, name: Name<'_>) -> bool {
        self.shared.caching == Caching::Exclusive && self.listing.lock().names.lack(name.as_bytes())
    }

    fn walk(&self, names: &[Name<'_>]) -> Result<Vec<Result<InodeRef, Errno>>, Errno> {
        let client = &self.shared.client;
        let start = self.fid()?;
        let fids = names.iter().map(|_| client.new_fid()).collect::<Result<Vec<_>, _>>()?;
        let targets = names.iter().zip(&fids);
        let targets =
            targets.map(|(name, fid)| Target { fid: fid.number(), name: Text(name.as_bytes()) }).collect();
        self.listing.lock().looked_up();
        let request = Twalkattr { fid: start.number(), targets };
        let (stopped, attrs) = client.call(&request, |reply| (reply.stopped, reply.attrs))?;
        if attrs.len() > names.len() || (stopped == 0) != (attrs.len() == names.len()) {
            return Err(Errno::EIO);
        }
        let mut found = Vec::with_capacity(names.len());
        let mut directory = self.path;
        for ((fid, attr), name) in fids.into_iter().zip(&attrs).zip(names) {
            let met = self.meet(fid.into_held(), attr, (directory, *name));
            found.push(met.map(|node| node as InodeRef));
            directory = attr.qid.path;
        }
        match Errno::from_raw(stopped.cast_signed()) {
            // All was found, or the walk ended where there is no directory to go on in, which the walker sees.
            _ if stopped == 0 => {}
            Errno::ELOOP | Errno::ENOTDIR if !attrs.is_empty() => {}
            errno => found.push(Err(errno)),
        }
        Ok(found)
    }

    /// The inode that the server now holds under a fid, and describes so: it was found by a name, in the directory of an identity. The fid is given up if it
    /// was held already.
    pub(crate) fn meet(
        &self,
        fid: Fid,
        attr: &Attr,
        (directory, name): (u64, Name<'_>),
    ) -> Result<Arc<Self>, Errno> {
        let attributes = from_wire(attr)?;
        let held = || Self::new(&self.shared, Place::Held(Arc::new(fid)), attributes);
        let (node, new) = self.shared.intern(attributes.inode, held);
        // The host tells of it by the name that the server found it by first, if it has several.
        if new || attributes.links == 1 {
            node.seen_at(directory, name);
        }
        Ok(node)
    }

    /// The one file of this name, held.
    ///
    /// # Errors
    /// `ENOENT`.
    pub(crate) fn walk_one(&self, name: &[u8]) -> Result<(Fid, Attr), Errno> {
        let client = &self.shared.client;
        let start = self.fid()?;
        let fid = client.new_fid()?;
        let targets = vec![Target { fid: fid.number(), name: Text(name) }];
        let request = Twalkattr { fid: start.number(), targets };
        let (stopped, attr) = client.call(&request, |reply| (reply.stopped, reply.attrs.first().copied()))?;
        match attr {
            Some(attr) => Ok((fid.into_held(), attr)),
            None => Err(Errno::from_raw(stopped.cast_signed())),
        }
    }
}
