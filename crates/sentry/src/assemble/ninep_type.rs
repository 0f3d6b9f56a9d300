//! `mount -t 9p`: what the connection of a mount is.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use abi::Errno;
use abi::socket::address::UNIX_PATH_MAX;
use abi::socket::family::{AF_INET, AF_INET6, AF_UNIX};
use kernel::Task;
use socket::{Address, Kind, Socket, SocketFile, SocketInode, UnixAddress};
use v9fs::{Connection, Options, Transport};
use vfs::resolve::Lookup;
use vfs::waiting::{self, Patience};
use vfs::{
    Access, At, Caller, Fd, FileKind, FileSystemType, MountOption, MountRequest, OpenFile, SuperBlock,
};

/// The first port that those without privileges can have, and the first that a client asks for.
const PRIVILEGED: std::ops::Range<u16> = 512..1024;

/// The type `9p`. As in Linux it is for the privileged of the initial user namespace.
pub(super) struct Ninep;

impl FileSystemType for Ninep {
    fn name(&self) -> &'static str {
        "9p"
    }

    fn check(&self, option: &MountOption) -> Result<(), Errno> {
        Options::default().take(option)
    }

    fn make(&self, request: &MountRequest<'_>) -> Result<Arc<SuperBlock>, Errno> {
        let options = Options::parse(request.options)?;
        let caller = request.caller;
        let task = caller.task.and_then(|task| task.downcast_ref::<Task>()).ok_or(Errno::EINVAL)?;
        let (reading, writing) = match options.transport {
            Transport::Descriptors => {
                // As Linux has it: what is missing, and what is not open.
                let file =
                    |fd: Option<Fd>| caller.files.get(fd.ok_or(Errno::ENOPROTOOPT)?).map_err(|_| Errno::EIO);
                (file(options.descriptors.0)?, file(options.descriptors.1)?)
            }
            Transport::Unix => twice(dial_at(task, caller, request.source)?),
            Transport::Tcp => {
                let to = std::str::from_utf8(request.source).ok().and_then(|text| text.parse().ok());
                let to: IpAddr = to.ok_or(Errno::EINVAL)?;
                let family = if to.is_ipv4() { AF_INET } else { AF_INET6 };
                let from = options.privileged_port.then_some(PRIVILEGED);
                let address = Address::Inet(SocketAddr::new(to, options.port));
                twice(dial(task, family, &address, from)?)
            }
        };
        let node_name = task.namespaces().uts.names.lock().host.clone();
        v9fs::mount(Connection { reading, writing, node_name }, options)
    }
}

fn twice(file: Arc<OpenFile>) -> (Arc<OpenFile>, Arc<OpenFile>) {
    (Arc::clone(&file), file)
}

/// A connection to the socket at a path, here or on the host, as connect(2) makes it.
///
/// # Errors
/// Those of unix(7), `ENAMETOOLONG` for a path that fits no address.
fn dial_at(task: &Task, caller: &Caller<'_>, path: &[u8]) -> Result<Arc<OpenFile>, Errno> {
    if path.is_empty() {
        return Err(Errno::EINVAL);
    }
    if path.len() >= UNIX_PATH_MAX {
        return Err(Errno::ENAMETOOLONG);
    }
    let found = caller.find(&At::here(path), Lookup::FOLLOW)?;
    let attributes = found.attributes()?;
    found.check(caller.credentials, &attributes, Access::WRITE)?;
    let inode = found.inode().filter(|_| attributes.kind == FileKind::Socket).ok_or(Errno::ECONNREFUSED)?;
    let id = SocketInode { device: inode.filesystem().device(), inode: attributes.inode };
    let address = Address::Unix(UnixAddress::Path { name: Arc::from(path), inode: Some(id) });
    match dial(task, AF_UNIX, &address, None) {
        Err(Errno::ECONNREFUSED) => {
            let socket = make(task, AF_UNIX)?;
            task.kernel.connect_to_host(&*socket, &inode, &address, caller.credentials)?;
            Ok(SocketFile::open(socket, true))
        }
        done => done,
    }
}

fn maker(task: &Task) -> socket::Caller {
    let net = Arc::clone(&task.network().net);
    socket::Caller { pid: task.pid(), credentials: Arc::clone(&task.credentials()), descriptor_limit: 0, net }
}

fn make(task: &Task, family: u16) -> Result<Box<dyn Socket>, Errno> {
    task.network().family(family.into())?.create(Kind::Stream, 0, &maker(task))
}

/// A connection, perhaps from one of some ports.
///
/// # Errors
/// Those of socket(2), bind(2) and connect(2); `EINTR` for a caller that is killed.
fn dial(
    task: &Task,
    family: u16,
    to: &Address,
    from: Option<std::ops::Range<u16>>,
) -> Result<Arc<OpenFile>, Errno> {
    let (caller, socket) = (maker(task), make(task, family)?);
    if let (Some(ports), Address::Inet(to)) = (from, to) {
        let any: IpAddr = if to.is_ipv4() { [0; 4].into() } else { [0_u16; 8].into() };
        let bind = |port| socket.bind(&Address::Inet(SocketAddr::new(any, port)), &caller);
        let bound = ports.rev().map(bind).find(|bound| *bound != Err(Errno::EADDRINUSE));
        bound.unwrap_or(Err(Errno::EADDRINUSE))?;
    }
    let mut result = Err(Errno::EAGAIN);
    let attempt = || {
        result = socket.connect(to, &caller, false);
        result != Err(Errno::EAGAIN)
    };
    waiting::until(&socket.core().readiness, Patience::Killable, attempt).map_err(|_| Errno::EINTR)?;
    result?;
    Ok(SocketFile::open(socket, true))
}
