//! Sockets and FIFOs of the host that guests may reach (`--host-uds`, `--host-fifo`).

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use abi::Errno;
use hostfd::{HostFile, Importer, Kind};
use socket::{HostEnd, HostEnds, Shutdown};
use vfs::waiting::{self, Patience};
use vfs::{Attributes, Events, File, InodeRef, OpenFlags, Owner, Sink, WaitQueue};

/// How long to wait before looking again whether a FIFO of the host has a reader: the host tells nobody.
const LOOK: Duration = Duration::from_millis(20);

/// Makes them of what the gofer lends.
pub(super) struct Ends(pub(super) Arc<Importer>);

struct End {
    file: Arc<HostFile>,
    owner: Owner,
    importer: Arc<Importer>,
}

impl End {
    fn of(importer: &Arc<Importer>, socket: OwnedFd, owner: Owner) -> Result<Arc<dyn HostEnd>, Errno> {
        let file = importer.take(socket, OpenFlags::RDWR, owner)?;
        if file.kind() != Kind::Socket {
            return Err(Errno::EPERM);
        }
        Ok(Arc::new(Self { file, owner, importer: Arc::clone(importer) }))
    }
}

impl HostEnds for Ends {
    fn take(&self, socket: OwnedFd, owner: Owner) -> Result<Arc<dyn HostEnd>, Errno> {
        End::of(&self.0, socket, owner)
    }
}

impl HostEnd for End {
    fn file(&self) -> &dyn File {
        &*self.file
    }

    fn send(&self, message: &[u8]) -> Result<usize, Errno> {
        self.file.send(message)
    }

    fn receive(&self, into: &mut dyn Sink, peek: bool) -> Result<(usize, usize), Errno> {
        self.file.receive(into, peek)
    }

    fn listen(&self, backlog: i32) -> Result<(), Errno> {
        self.file.listen(backlog)
    }

    fn accept(&self) -> Result<Arc<dyn HostEnd>, Errno> {
        Self::of(&self.importer, self.file.accept()?, self.owner)
    }

    fn shut_down(&self, how: Shutdown) -> Result<(), Errno> {
        self.file.shut_down(how.read, how.write)
    }
}

/// Opens the FIFO of the host that an inode stands for, if it stands for one. As on the host, whoever may wait does so for a writer or a
/// reader; that a writer has come is seen once it has written or left.
///
/// # Errors
/// `ENXIO` for writing without readers and without waiting, `ERESTARTSYS`, and the host's.
pub(super) fn open_fifo(
    importer: &Importer,
    inode: &InodeRef,
    attributes: &Attributes,
    flags: OpenFlags,
) -> Result<Option<Arc<dyn File>>, Errno> {
    let waits = !flags.contains(OpenFlags::NONBLOCK);
    let fd = loop {
        match inode.open_on_host(flags) {
            Ok(None) => return Ok(None),
            Ok(Some(fd)) => break fd,
            Err(Errno::ENXIO) if waits => {
                let again = Instant::now().checked_add(LOOK);
                waiting::until_deadline(&WaitQueue::new(), Patience::Interruptible, again, || false)?;
            }
            Err(error) => return Err(error),
        }
    };
    let file = importer.take(fd, flags, attributes.owner)?;
    if file.kind() != Kind::Pipe {
        return Err(Errno::EPERM);
    }
    if let Some(readiness) = file.readiness().filter(|_| waits && flags.reads() && !flags.writes()) {
        let come = || file.poll().intersects(Events::IN | Events::HUP | Events::ERR);
        waiting::until(readiness, Patience::Interruptible, come)?;
    }
    Ok(Some(file))
}
