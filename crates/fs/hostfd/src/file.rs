//! A host descriptor as a file.

use std::any::Any;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use abi::Errno;
use rustix::fs::{FallocateFlags, SeekFrom, fallocate, fdatasync, fsync};
use rustix::io::ReadWriteFlags;
use rustix::net::{RecvFlags, Shutdown, SocketFlags};
use vfs::{
    AttributeChange, Attributes, Credentials, Device, Events, File, IoctlContext, MapSource, OpenFile,
    OpenFlags, Owner, Seek, Sink, Source, Terminal, WaitQueue, scratch,
};

use crate::poller::Watched;
use crate::transfer::{self, errno};
use crate::{Kind, attributes, control};

/// A file behind a host descriptor.
pub struct HostFile {
    pub(crate) this: Weak<Self>,
    pub(crate) fd: Arc<OwnedFd>,
    pub(crate) kind: Kind,
    /// The description is ours alone and has `O_NONBLOCK`.
    pub(crate) nonblocking: bool,
    /// The access mode of the host's description.
    pub(crate) access: OpenFlags,
    /// The guest asked for `O_APPEND`, which the host's description may not have.
    pub(crate) append: AtomicBool,
    pub(crate) watched: Option<Arc<Watched>>,
    pub(crate) inode: u64,
    pub(crate) owner: Owner,
}

/// What the offset of a call is when the description's own is meant: [`File::keeps_offset`].
const HERE: u64 = u64::MAX;

/// No message of the host's AF_UNIX is longer than this, unless somebody raised its limits.
const MESSAGE_MOST: usize = 512 << 10;

impl HostFile {
    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// shutdown(2), for a socket.
    ///
    /// # Errors
    /// `ENOTSOCK`, `ENOTCONN`.
    pub fn shut_down(&self, read: bool, write: bool) -> Result<(), Errno> {
        let how = match (read, write) {
            (true, true) => Shutdown::Both,
            (true, false) => Shutdown::Read,
            (false, true) => Shutdown::Write,
            (false, false) => return Ok(()),
        };
        rustix::net::shutdown(&self.fd, how).map_err(errno)
    }

    /// listen(2), for a socket that is bound.
    ///
    /// # Errors
    /// `ENOTSOCK`, `EOPNOTSUPP`.
    pub fn listen(&self, backlog: i32) -> Result<(), Errno> {
        rustix::net::listen(&self.fd, backlog).map_err(errno)
    }

    /// accept(2), without waiting, for a socket that listens.
    ///
    /// # Errors
    /// `EAGAIN`, `ENOTSOCK`, `EINVAL`.
    pub fn accept(&self) -> Result<OwnedFd, Errno> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let accepted = rustix::net::accept_with(&self.fd, flags).map_err(errno);
        self.arm(Events::IN, !matches!(accepted, Err(Errno::EAGAIN)));
        accepted
    }

    /// recv(2), without waiting: how many bytes were stored, and how long the message is, if it is one. Descriptors that come along the host closes.
    /// With `peek` it stays.
    ///
    /// # Errors
    /// `EAGAIN`, `ENOTSOCK`, `ENOTCONN`, `ECONNRESET`.
    pub fn receive(&self, into: &mut dyn Sink, peek: bool) -> Result<(usize, usize), Errno> {
        let mut flags = RecvFlags::DONTWAIT | RecvFlags::TRUNC;
        flags.set(RecvFlags::PEEK, peek);
        let room = into.room();
        let mut receive = |buffer: &mut [u8]| {
            let (stored, length) = rustix::net::recv(&self.fd, &mut *buffer, flags).map_err(errno)?;
            Ok((into.put(buffer.get(..stored).unwrap_or_default())?, length))
        };
        // A message comes whole or is cut.
        let received = match room.min(MESSAGE_MOST) {
            large if large > scratch::PIECE => receive(&mut vec![0; large]),
            small => scratch::with(small, receive),
        };
        self.arm(Events::IN | Events::RDHUP, !matches!(received, Err(Errno::EAGAIN)));
        received
    }

    /// send(2), without waiting: a message, or the beginning of what a stream is given.
    ///
    /// # Errors
    /// `EAGAIN`, `ENOTSOCK`, `EPIPE`, `ECONNREFUSED`, `EMSGSIZE`.
    pub fn send(&self, data: &[u8]) -> Result<usize, Errno> {
        let sent = transfer::write(&self.fd, self.kind, self.nonblocking, data);
        self.arm(Events::OUT, !matches!(sent, Err(Errno::EAGAIN)));
        sent
    }

    fn is_regular(&self) -> bool {
        self.kind == Kind::Regular
    }

    /// Asks for a report if somebody listens or the call found nothing.
    fn arm(&self, events: Events, found: bool) {
        if let Some(watched) = self.watched.as_ref().filter(|w| !found || !w.queue.is_empty()) {
            watched.arm(events);
        }
    }

    fn read_regular(&self, offset: u64, into: &mut dyn Sink) -> Result<usize, Errno> {
        let mut fetched = 0;
        let done = scratch::fill(into, |done, piece| {
            let got = match offset {
                HERE => rustix::io::read(&self.fd, piece),
                at => rustix::io::pread(&self.fd, piece, at.saturating_add(done as u64)),
            };
            let got = got.map_err(errno)?;
            fetched += got;
            Ok(got)
        });
        // A fault of the guest's memory left bytes unread, which were read from the host.
        let lost = fetched - done.unwrap_or(0).min(fetched);
        if offset == HERE && lost > 0 {
            let back = i64::try_from(lost).map_err(|_| Errno::EINVAL)?;
            rustix::fs::seek(&self.fd, SeekFrom::Current(-back)).map_err(errno)?;
        }
        done
    }

    fn write_regular(&self, offset: Option<u64>, from: &mut dyn Source) -> Result<usize, Errno> {
        let append = self.append.load(Ordering::Relaxed) || offset.is_none();
        scratch::drain(from, |done, piece| {
            let here = [std::io::IoSlice::new(piece)];
            let put = match offset {
                _ if append => rustix::io::pwritev2(&self.fd, &here, HERE, ReadWriteFlags::APPEND),
                Some(HERE) | None => rustix::io::write(&self.fd, piece),
                Some(at) => rustix::io::pwrite(&self.fd, piece, at.saturating_add(done as u64)),
            };
            put.map_err(errno)
        })
    }
}

impl File for HostFile {
    fn read(&self, offset: u64, into: &mut dyn Sink) -> Result<usize, Errno> {
        if self.is_regular() {
            return self.read_regular(offset, into);
        }
        let result = scratch::with(into.room(), |buffer| {
            let got = transfer::read(&self.fd, self.kind, self.nonblocking, buffer)?;
            into.put(buffer.get(..got).unwrap_or_default())
        });
        self.arm(Events::IN | Events::RDHUP, result != Err(Errno::EAGAIN));
        result
    }

    fn write(&self, offset: Option<u64>, from: &mut dyn Source) -> Result<(usize, u64), Errno> {
        if self.is_regular() {
            return self.write_regular(offset, from).map(|done| (done, 0));
        }
        let result =
            scratch::drain(from, |_, piece| transfer::write(&self.fd, self.kind, self.nonblocking, piece));
        self.arm(Events::OUT, result != Err(Errno::EAGAIN));
        result.map(|done| (done, 0))
    }

    fn seekable(&self) -> bool {
        matches!(self.kind, Kind::Regular | Kind::Memory)
    }

    fn seek(&self, to: Seek) -> Result<u64, Errno> {
        if !self.is_regular() {
            return Ok(0);
        }
        let to = match to {
            Seek::Set(at) => SeekFrom::Start(at),
            Seek::Current(by) => SeekFrom::Current(by),
            Seek::End(by) => SeekFrom::End(by),
            Seek::Data(at) => SeekFrom::Data(at),
            Seek::Hole(at) => SeekFrom::Hole(at),
        };
        rustix::fs::seek(&self.fd, to).map_err(errno)
    }

    fn keeps_offset(&self) -> bool {
        self.is_regular()
    }

    fn poll(&self) -> Events {
        let Some(watched) = &self.watched else { return Events::ALWAYS };
        let ready = transfer::poll(self.fd.as_fd());
        let missing = (Events::IN | Events::OUT | Events::PRI | Events::RDHUP).difference(ready);
        if !missing.is_empty() && !watched.queue.is_empty() {
            watched.arm(missing);
        }
        ready
    }

    fn readiness(&self) -> Option<&Arc<WaitQueue>> {
        self.watched.as_ref().map(|watched| &watched.queue)
    }

    fn ioctl(&self, context: &dyn IoctlContext, request: u32, argument: u64) -> Result<u64, Errno> {
        control::ioctl(&self.fd, self.kind, context, request, argument)
    }

    fn map(&self, _: u32, _: bool) -> Result<MapSource, Errno> {
        if self.is_regular() { Ok(MapSource::Host(Arc::clone(&self.fd))) } else { Err(Errno::ENODEV) }
    }

    fn sync(&self, data_only: bool) -> Result<(), Errno> {
        if !self.is_regular() {
            return Err(Errno::EINVAL);
        }
        if data_only { fdatasync(&self.fd) } else { fsync(&self.fd) }.map_err(errno)
    }

    fn allocate(&self, mode: u32, offset: u64, length: u64) -> Result<(), Errno> {
        match self.kind {
            Kind::Regular => {
                fallocate(&self.fd, FallocateFlags::from_bits_retain(mode), offset, length).map_err(errno)
            }
            Kind::Pipe => Err(Errno::ESPIPE),
            _ => Err(Errno::ENODEV),
        }
    }

    fn flags_changed(&self, description: &OpenFile) -> Result<(), Errno> {
        self.append.store(description.flags().contains(OpenFlags::APPEND), Ordering::Relaxed);
        Ok(())
    }

    fn device(&self) -> Device {
        Device::HOST
    }

    fn attributes(&self) -> Result<Attributes, Errno> {
        attributes::get(&self.fd, self.kind, self.inode, self.owner)
    }

    fn set_attributes(&self, change: &AttributeChange) -> Result<(), Errno> {
        attributes::set(&self.fd, change)
    }

    /// The host's description is shared again: it has no name here under which it could be opened anew.
    fn reopen(&self, flags: OpenFlags, _: &Credentials) -> Result<Arc<dyn File>, Errno> {
        if self.kind == Kind::Socket {
            return Err(Errno::ENXIO);
        }
        if flags.reads() && !self.access.reads() || flags.writes() && !self.access.writes() {
            return Err(Errno::EACCES);
        }
        let this: Arc<dyn File> = self.this.upgrade().ok_or(Errno::ENXIO)?;
        Ok(this)
    }

    fn signals_readiness(&self) -> bool {
        matches!(self.kind, Kind::Pipe | Kind::Socket | Kind::Terminal)
    }

    fn terminal(&self) -> Option<Arc<dyn Terminal>> {
        let this = self.this.upgrade().filter(|_| self.kind == Kind::Terminal)?;
        Some(this)
    }

    fn description(&self) -> String {
        match self.kind {
            Kind::Pipe => format!("pipe:[{}]", self.inode),
            Kind::Socket => format!("socket:[{}]", self.inode),
            _ => format!("host:[{}]", self.inode),
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
