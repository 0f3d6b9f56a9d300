//! A socket as an open file.

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use abi::socket::interface;
use abi::socket::message::MessageFlags;
use abi::socket::option;
use parking_lot::Mutex;
use vfs::{
    AttributeChange, Attributes, Device, Events, File, FileKind, IoctlContext, OpenFile, OpenFlags, Owner,
    Sink, Source, Timestamp, WaitQueue,
};

use crate::{Caller, Identity, Incoming, OptionValue, Outgoing, Socket, interfaces};

/// The file that a socket's descriptors refer to.
pub struct SocketFile {
    socket: Box<dyn Socket>,
    attributes: Mutex<Attributes>,
}

impl SocketFile {
    /// The file of a socket.
    #[must_use]
    pub fn new(socket: Box<dyn Socket>) -> Arc<Self> {
        let (core, made) = (socket.core(), Timestamp::now());
        let credentials = &core.creator.credentials;
        let attributes = Attributes {
            inode: core.id,
            kind: FileKind::Socket,
            mode: 0o777,
            links: 1,
            owner: Owner { uid: credentials.fsuid, gid: credentials.fsgid },
            device: Device::default(),
            size: 0,
            blocks: 0,
            block_size: 4096,
            accessed: made,
            modified: made,
            changed: made,
            born: None,
            flags: None,
        };
        Arc::new(Self { socket, attributes: Mutex::new(attributes) })
    }

    /// An open file description for a socket, `O_RDWR` and perhaps `O_NONBLOCK`.
    #[must_use]
    pub fn open(socket: Box<dyn Socket>, nonblocking: bool) -> Arc<OpenFile> {
        let credentials = Arc::clone(&socket.core().creator.credentials);
        let flags = if nonblocking { OpenFlags::RDWR | OpenFlags::NONBLOCK } else { OpenFlags::RDWR };
        OpenFile::new(Self::new(socket), None, flags, credentials)
    }

    /// The socket that an open file is, if it is one.
    #[must_use]
    pub fn of(file: &OpenFile) -> Option<&Self> {
        file.file.as_any().downcast_ref()
    }

    /// The socket.
    #[must_use]
    pub fn socket(&self) -> &dyn Socket {
        &*self.socket
    }

    /// getsockopt(2).
    ///
    /// # Errors
    /// `ENOPROTOOPT`, `EOPNOTSUPP` for a level that the protocol does not have.
    pub fn option(&self, level: u32, name: u32) -> Result<OptionValue, Errno> {
        let (socket, core) = (self.socket(), self.socket.core());
        if level != option::SOL_SOCKET {
            return socket.option(level, name);
        }
        Ok(match name {
            option::SO_TYPE => OptionValue::number(core.kind.raw()),
            option::SO_DOMAIN => OptionValue::Int(i32::from(core.domain)),
            option::SO_PROTOCOL => OptionValue::number(core.protocol),
            option::SO_ERROR => OptionValue::Int(core.take_error().map_or(0, Errno::raw)),
            option::SO_ACCEPTCONN => OptionValue::flag(socket.listening()),
            option::SO_COOKIE => OptionValue::Wide(core.id),
            option::SO_NETNS_COOKIE => OptionValue::Wide(core.creator.net.id),
            // How many extensions of packet filters there are: none, for there are no filters.
            option::SO_BPF_EXTENSIONS => OptionValue::Int(0),
            option::SO_MEMINFO => self.memory(),
            option::SO_PEERCRED => OptionValue::Identity(socket.peer_identity().unwrap_or(Identity::NONE)),
            _ => return core.options.lock().get(name),
        })
    }

    /// `SO_MEMINFO`: what is allocated for receiving and its limit, for sending and its limit, and five numbers that are 0 here.
    fn memory(&self) -> OptionValue {
        let options = self.socket.core().options.lock();
        let (receive, send) = (options.receive_buffer, options.send_buffer);
        drop(options);
        let queued = self.socket.readable_bytes().unwrap_or(0);
        let unsent = self.socket.unsent_bytes().unwrap_or(0);
        let numbers = [queued, receive, unsent, send, 0, 0, 0, 0, 0];
        let bytes = numbers.iter().flat_map(|n| u32::try_from(*n).unwrap_or(u32::MAX).to_ne_bytes());
        OptionValue::Bytes(bytes.collect())
    }

    /// setsockopt(2).
    ///
    /// # Errors
    /// `ENOPROTOOPT`, `EINVAL`, `EPERM`, `EDOM`.
    pub fn set_option(&self, level: u32, name: u32, value: &[u8], caller: &Caller) -> Result<(), Errno> {
        if level != option::SOL_SOCKET {
            return self.socket.set_option(level, name, value, caller);
        }
        self.socket.core().options.lock().set(name, value, caller)?;
        self.socket.options_changed();
        Ok(())
    }
}

impl File for SocketFile {
    fn read(&self, _offset: u64, into: &mut dyn Sink) -> Result<usize, Errno> {
        if into.room() == 0 {
            return Ok(0);
        }
        self.socket.receive(&mut Incoming { into, flags: MessageFlags::empty() }).map(|r| r.stored)
    }

    fn write(&self, _offset: Option<u64>, from: &mut dyn Source) -> Result<(usize, u64), Errno> {
        let mut message = Outgoing {
            data: from,
            to: None,
            files: Vec::new(),
            credentials: None,
            control: &[],
            flags: MessageFlags::empty(),
            caller: &self.socket.core().creator,
        };
        self.socket.send(&mut message).map(|n| (n, 0))
    }

    fn seekable(&self) -> bool {
        false
    }

    fn poll(&self) -> Events {
        self.socket.poll()
    }

    fn readiness(&self) -> Option<&Arc<WaitQueue>> {
        Some(&self.socket.core().readiness)
    }

    fn signals_readiness(&self) -> bool {
        true
    }

    fn ioctl(&self, context: &dyn IoctlContext, request: u32, argument: u64) -> Result<u64, Errno> {
        let number = |n: usize| i32::try_from(n).unwrap_or(i32::MAX).to_ne_bytes();
        match request {
            interface::FIONREAD => context.write(argument, &number(self.socket.readable_bytes()?))?,
            interface::TIOCOUTQ => context.write(argument, &number(self.socket.unsent_bytes()?))?,
            interface::SIOCATMARK => context.write(argument, &number(0))?,
            _ => return interfaces::ioctl(&self.socket.core().creator.net, context, request, argument),
        }
        Ok(0)
    }

    fn attributes(&self) -> Result<Attributes, Errno> {
        Ok(*self.attributes.lock())
    }

    fn set_attributes(&self, change: &AttributeChange) -> Result<(), Errno> {
        change.apply(&mut self.attributes.lock());
        Ok(())
    }

    fn description(&self) -> String {
        format!("socket:[{}]", self.socket.core().id)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
