//! Our sockets.

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use abi::socket::family::AF_UNIX;
use abi::socket::message::MessageFlags;
use abi::socket::option;
use socket::{Address, Caller, Incoming, Kind, Namespace, Outgoing, Shutdown, SocketFile};
use vfs::io::{SliceSource, VecSink};
use vfs::{CapabilitySet, Credentials, OpenFile};

use crate::{End, Ends, Message, Setting, World};

/// The sockets of a namespace.
pub struct Ours(pub Arc<Namespace>);

struct Socket(Arc<OpenFile>);

/// The caller that the sockets see: this process, with all capabilities if it is root's.
#[must_use]
pub fn caller() -> Caller {
    let uid = rustix::process::getuid().as_raw();
    let gid = rustix::process::getgid().as_raw();
    let capabilities = if uid == 0 { CapabilitySet::FULL } else { CapabilitySet::EMPTY };
    Caller {
        pid: rustix::process::getpid().as_raw_nonzero().get(),
        credentials: Arc::new(Credentials::new(uid, gid, capabilities)),
        descriptor_limit: 1024,
        net: socket::Net::first(),
    }
}

impl World for Ours {
    fn socket(&self, family: u16, kind: Kind) -> Result<Box<dyn End>, Errno> {
        let socket = self.0.family(u32::from(family))?.create(kind, 0, &caller())?;
        Ok(Box::new(Socket(SocketFile::open(socket, true))))
    }

    fn pair(&self, kind: Kind) -> Result<Ends, Errno> {
        let (a, b) = self.0.family(u32::from(AF_UNIX))?.create_pair(kind, 0, &caller())?;
        Ok((Box::new(Socket(SocketFile::open(a, true))), Box::new(Socket(SocketFile::open(b, true)))))
    }
}

impl Socket {
    fn file(&self) -> Result<&SocketFile, Errno> {
        SocketFile::of(&self.0).ok_or(Errno::ENOTSOCK)
    }

    fn set_int(&self, level: u32, name: u32, value: i32) -> Result<(), Errno> {
        self.file()?.set_option(level, name, &value.to_ne_bytes(), &caller())
    }
}

impl End for Socket {
    fn bind(&self, address: &Address) -> Result<(), Errno> {
        self.file()?.socket().bind(address, &caller())
    }

    fn listen(&self, backlog: i32) -> Result<(), Errno> {
        self.file()?.socket().listen(backlog, &caller())
    }

    fn connect(&self, address: &Address) -> Result<(), Errno> {
        self.file()?.socket().connect(address, &caller(), true)
    }

    fn accept(&self) -> Result<(Box<dyn End>, Option<Address>), Errno> {
        let accepted = self.file()?.socket().accept()?;
        Ok((Box::new(Self(SocketFile::open(accepted.socket, true))), Some(accepted.peer)))
    }

    fn send(&self, data: &[u8], to: Option<&Address>, files: &[&dyn End]) -> Result<usize, Errno> {
        let files = files
            .iter()
            .filter_map(|f| f.as_any().downcast_ref::<Self>())
            .map(|f| Arc::clone(&f.0))
            .collect();
        let mut message = Outgoing {
            data: &mut SliceSource::new(data),
            to,
            files,
            credentials: None,
            control: &[],
            flags: MessageFlags::NOSIGNAL | MessageFlags::DONTWAIT,
            caller: &caller(),
        };
        self.file()?.socket().send(&mut message)
    }

    fn receive(&self, room: usize, flags: MessageFlags) -> Result<Message, Errno> {
        let mut sink = VecSink::new(room);
        let mut incoming = Incoming { into: &mut sink, flags: flags | MessageFlags::DONTWAIT };
        let received = self.file()?.socket().receive(&mut incoming)?;
        Ok(Message {
            data: sink.data,
            files: received.files.len(),
            from: received.from,
            truncated: received.flags.contains(MessageFlags::TRUNC),
            uid: received.credentials.map(|c| c.uid),
        })
    }

    fn shutdown(&self, how: Shutdown) -> Result<(), Errno> {
        self.file()?.socket().shutdown(how)
    }

    fn poll(&self) -> u32 {
        self.0.poll().bits()
    }

    fn local(&self) -> Result<Address, Errno> {
        self.file()?.socket().local_address()
    }

    fn peer(&self) -> Result<Address, Errno> {
        self.file()?.socket().peer_address()
    }

    fn error(&self) -> Option<Errno> {
        self.file().ok()?.socket().core().take_error()
    }

    fn set(&self, setting: Setting) -> Result<(), Errno> {
        match setting {
            Setting::ReuseAddress => self.set_int(option::SOL_SOCKET, option::SO_REUSEADDR, 1),
            Setting::ReusePort => self.set_int(option::SOL_SOCKET, option::SO_REUSEPORT, 1),
            Setting::Broadcast => self.set_int(option::SOL_SOCKET, option::SO_BROADCAST, 1),
            Setting::PassCredentials => self.set_int(option::SOL_SOCKET, option::SO_PASSCRED, 1),
            Setting::V6Only(on) => self.set_int(option::SOL_IPV6, option::IPV6_V6ONLY, i32::from(on)),
            Setting::LingerZero => {
                let value = [1i32.to_ne_bytes(), 0i32.to_ne_bytes()].concat();
                self.file()?.set_option(option::SOL_SOCKET, option::SO_LINGER, &value, &caller())
            }
            Setting::SendBuffer(size) => {
                let size = i32::try_from(size).map_err(|_| Errno::EINVAL)?;
                self.set_int(option::SOL_SOCKET, option::SO_SNDBUF, size)
            }
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
