//! Sockets that a client binds in the tree, and that programs of the host connect to.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;

use abi::Errno;
use ninep::message::{Rbind, Tbind};
use rustix::fs::{AtFlags, FileType, Mode, RenameFlags};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind as bind_to, socket_with};

use super::create::{Owner, take_up};
use crate::fids::Fid;
use crate::names::Name;
use crate::node::{Links, Node, errno};
use crate::session::{Answer, Session};

/// The types of sockets that lie in trees.
///
/// # Errors
/// `EPROTONOSUPPORT` for others.
pub(super) fn kind(raw: u32) -> Result<SocketType, Errno> {
    match SocketType::from_raw(raw) {
        kind @ (SocketType::STREAM | SocketType::DGRAM | SocketType::SEQPACKET) => Ok(kind),
        _ => Err(Errno::EPROTONOSUPPORT),
    }
}

/// The client gets the socket, bound and not listening.
pub(super) fn bind(session: &mut Session, request: &Tbind<'_>, answer: &mut Answer<'_>) -> Result<(), Errno> {
    if !session.reach.binds {
        return Err(Errno::EOPNOTSUPP);
    }
    session.changes()?;
    session.fids.check_new([request.newfid])?;
    let directory = session.fids.directory(request.dfid)?;
    let name = Name::new(request.name)?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, kind(request.kind)?, flags, None).map_err(errno)?;
    // The name gets the socket's own mode: nobody reaches it while it has another.
    let mode = Mode::from_bits_truncate(request.mode & 0o777);
    rustix::fs::chmod(session.links.to(socket.as_fd()), mode).map_err(errno)?;
    name_it(&socket, &directory, name, &session.links)?;
    let owner = Owner { uid: request.uid, gid: request.gid };
    let (node, stat) = take_up(session, &directory, name, FileType::Socket, request.mode, owner)?;
    let attr = session.identities.attr(&stat);
    session.fids.insert(request.newfid, Fid::walked(Arc::new(node)));
    answer.donated = Some(socket);
    answer.reply(&Rbind { attr })
}

/// Gives the socket its name in the directory, whose path leads to this very inode. The last component is never followed.
fn name_it(socket: &OwnedFd, directory: &Node, name: Name<'_>, links: &Links) -> Result<(), Errno> {
    let within = directory.path(links);
    let path = |name: &[u8]| [within.as_os_str().as_encoded_bytes(), b"/", name].concat();
    if let Ok(address) = SocketAddrUnix::new(path(name.bytes())) {
        return bind_to(socket, &address).map_err(errno);
    }
    // With the way to the directory it is too long for an address: it is made under another name, and moved.
    let other = format!(".{}", socket.as_raw_fd());
    let address = SocketAddrUnix::new(path(other.as_bytes())).map_err(errno)?;
    bind_to(socket, &address).map_err(errno)?;
    let (from, flags) = (directory.fd(), RenameFlags::NOREPLACE);
    rustix::fs::renameat_with(from, other.as_str(), from, name.bytes(), flags).map_err(|error| {
        let _ = rustix::fs::unlinkat(from, other.as_str(), AtFlags::empty());
        errno(error)
    })
}
