//! Connections to sockets of the host that lie in the tree.

use abi::Errno;
use ninep::message::{Rconnect, Tconnect};
use rustix::fs::FileType;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, connect as connect_to, socket_with};

use super::bind::kind;
use crate::node::errno;
use crate::session::{Answer, Session};

/// Connects without waiting: a server whose queue is full refuses, as nobody could be told when it no longer is.
pub(super) fn connect(
    session: &mut Session,
    request: &Tconnect,
    answer: &mut Answer<'_>,
) -> Result<(), Errno> {
    let node = session.fids.node(request.fid)?;
    if !session.reach.sockets || node.kind() != FileType::Socket {
        return Err(Errno::ECONNREFUSED);
    }
    let kind = kind(request.kind)?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, kind, flags, None).map_err(errno)?;
    // The path leads to this very inode, however it is called by now.
    let address = SocketAddrUnix::new(node.path(&session.links)).map_err(errno)?;
    match connect_to(&socket, &address) {
        Err(rustix::io::Errno::AGAIN) => return Err(Errno::ECONNREFUSED),
        result => result.map_err(errno)?,
    }
    answer.donated = Some(socket);
    answer.reply(&Rconnect {})
}
