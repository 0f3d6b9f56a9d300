//! Sockets of the host.

use std::any::Any;
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use abi::Errno;
use abi::socket::message::MessageFlags;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketAddrAny, SocketAddrUnix, SocketFlags, SocketType, sockopt,
};
use socket::{Address, Kind, Shutdown, UnixAddress};

use crate::{End, Ends, Message, Setting, World};

/// The host.
pub struct Host;

struct Socket(OwnedFd);

fn errno(error: rustix::io::Errno) -> Errno {
    Errno::from_raw(error.raw_os_error())
}

fn kind(kind: Kind) -> SocketType {
    match kind {
        Kind::Stream => SocketType::STREAM,
        Kind::Datagram => SocketType::DGRAM,
        Kind::SeqPacket => SocketType::SEQPACKET,
        Kind::Raw => SocketType::RAW,
    }
}

fn to_host(address: &Address) -> Result<SocketAddrAny, Errno> {
    Ok(match address {
        Address::Inet(address) => (*address).into(),
        Address::Unix(UnixAddress::Unnamed) => SocketAddrUnix::new_unnamed().into(),
        Address::Unix(UnixAddress::Path { name, .. }) => SocketAddrUnix::new(&**name).map_err(errno)?.into(),
        Address::Unix(UnixAddress::Abstract(name)) => {
            SocketAddrUnix::new_abstract_name(name).map_err(errno)?.into()
        }
        _ => return Err(Errno::EAFNOSUPPORT),
    })
}

fn from_host(address: SocketAddrAny) -> Option<Address> {
    if address.address_family() == AddressFamily::UNIX {
        if address.addr_len() == 2 {
            return Some(Address::Unix(UnixAddress::Unnamed));
        }
        let address = SocketAddrUnix::try_from(address).ok()?;
        return Some(Address::Unix(match (address.abstract_name(), address.path_bytes()) {
            (Some(name), _) => UnixAddress::Abstract(name.into()),
            (None, Some(name)) => UnixAddress::Path { name: name.into(), inode: None },
            (None, None) => UnixAddress::Unnamed,
        }));
    }
    SocketAddr::try_from(address).ok().map(Address::Inet)
}

impl World for Host {
    fn socket(&self, family: u16, socket_type: Kind) -> Result<Box<dyn End>, Errno> {
        let family = AddressFamily::from_raw(family);
        let fd = rustix::net::socket_with(family, kind(socket_type), SocketFlags::NONBLOCK, None);
        Ok(Box::new(Socket(fd.map_err(errno)?)))
    }

    fn pair(&self, socket_type: Kind) -> Result<Ends, Errno> {
        let (family, flags) = (AddressFamily::UNIX, SocketFlags::NONBLOCK);
        let (a, b) = rustix::net::socketpair(family, kind(socket_type), flags, None).map_err(errno)?;
        Ok((Box::new(Socket(a)), Box::new(Socket(b))))
    }
}

impl End for Socket {
    fn bind(&self, address: &Address) -> Result<(), Errno> {
        rustix::net::bind(&self.0, &to_host(address)?).map_err(errno)
    }

    fn listen(&self, backlog: i32) -> Result<(), Errno> {
        rustix::net::listen(&self.0, backlog).map_err(errno)
    }

    fn connect(&self, address: &Address) -> Result<(), Errno> {
        if matches!(address, Address::Unspecified) {
            return rustix::net::connect_unspec(&self.0).map_err(errno);
        }
        rustix::net::connect(&self.0, &to_host(address)?).map_err(errno)
    }

    fn accept(&self) -> Result<(Box<dyn End>, Option<Address>), Errno> {
        let (fd, peer) = rustix::net::acceptfrom_with(&self.0, SocketFlags::NONBLOCK).map_err(errno)?;
        Ok((Box::new(Self(fd)), peer.and_then(from_host)))
    }

    fn send(&self, data: &[u8], to: Option<&Address>, files: &[&dyn End]) -> Result<usize, Errno> {
        let fds: Vec<_> =
            files.iter().filter_map(|f| f.as_any().downcast_ref::<Self>()).map(|f| f.0.as_fd()).collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(253))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(&fds));
        }
        let pieces = [IoSlice::new(data)];
        match to {
            None => rustix::net::sendmsg(&self.0, &pieces, &mut control, SendFlags::NOSIGNAL),
            Some(to) => {
                let to = to_host(to)?;
                rustix::net::sendmsg_addr(&self.0, &to, &pieces, &mut control, SendFlags::NOSIGNAL)
            }
        }
        .map_err(errno)
    }

    fn receive(&self, room: usize, flags: MessageFlags) -> Result<Message, Errno> {
        let mut data = vec![0; room];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(253), ScmCredentials(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::from_bits_retain(flags.bits());
        let mut pieces = [IoSliceMut::new(&mut data)];
        let received = rustix::net::recvmsg(&self.0, &mut pieces, &mut control, flags).map_err(errno)?;
        let (mut files, mut uid) = (0, None);
        for message in control.drain() {
            match message {
                RecvAncillaryMessage::ScmRights(fds) => files += fds.count(),
                RecvAncillaryMessage::ScmCredentials(ucred) => uid = Some(ucred.uid.as_raw()),
                _ => {}
            }
        }
        let truncated = received.flags.contains(ReturnFlags::TRUNC);
        data.truncate(received.bytes);
        Ok(Message { data, files, from: received.address.and_then(from_host), truncated, uid })
    }

    fn shutdown(&self, how: Shutdown) -> Result<(), Errno> {
        let how = match (how.read, how.write) {
            (true, true) => rustix::net::Shutdown::Both,
            (true, false) => rustix::net::Shutdown::Read,
            _ => rustix::net::Shutdown::Write,
        };
        rustix::net::shutdown(&self.0, how).map_err(errno)
    }

    fn poll(&self) -> u32 {
        let interest = PollFlags::from_bits_retain(0x3fff);
        let mut fds = [PollFd::new(&self.0, interest)];
        match poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) {
            Ok(_) => fds.iter().map(|f| u32::from(f.revents().bits())).sum(),
            Err(_) => u32::MAX,
        }
    }

    fn local(&self) -> Result<Address, Errno> {
        rustix::net::getsockname(&self.0).map_err(errno).and_then(|a| from_host(a).ok_or(Errno::EIO))
    }

    fn peer(&self) -> Result<Address, Errno> {
        let unnamed = Address::Unix(UnixAddress::Unnamed);
        let peer = rustix::net::getpeername(&self.0).map_err(errno)?;
        Ok(peer.and_then(from_host).unwrap_or(unnamed))
    }

    fn error(&self) -> Option<Errno> {
        sockopt::socket_error(&self.0).ok().and_then(Result::err).map(errno)
    }

    fn set(&self, setting: Setting) -> Result<(), Errno> {
        match setting {
            Setting::ReuseAddress => sockopt::set_socket_reuseaddr(&self.0, true),
            Setting::ReusePort => sockopt::set_socket_reuseport(&self.0, true),
            Setting::Broadcast => sockopt::set_socket_broadcast(&self.0, true),
            Setting::PassCredentials => sockopt::set_socket_passcred(&self.0, true),
            Setting::V6Only(on) => sockopt::set_ipv6_v6only(&self.0, on),
            Setting::LingerZero => sockopt::set_socket_linger(&self.0, Some(Duration::ZERO)),
            Setting::SendBuffer(size) => sockopt::set_socket_send_buffer_size(&self.0, size),
        }
        .map_err(errno)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
