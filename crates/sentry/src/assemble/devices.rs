//! Devices and FIFOs: who opens what a filesystem only has a number for.

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use devtmpfs::{DeviceOpen, DeviceOpener, Devices, Devtmpfs};
use hostfd::Importer;
use kernel::{Kernel, Task};
use pipe::Fifos;
use vfs::special::SpecialFiles;
use vfs::{Attributes, Credentials, Device, File, FileKind, InodeRef, OpenFlags};

use super::host_ends;
use crate::failure::{Failure, Trying};

/// `/dev/tty` and `/dev/console`.
const TTY: Device = Device::new(5, 0);
const CONSOLE: Device = Device::new(5, 1);

struct Special {
    devices: Devices,
    fifos: Fifos,
    importer: Arc<Importer>,
}

impl SpecialFiles for Special {
    fn open(
        &self,
        inode: &InodeRef,
        attributes: &Attributes,
        flags: OpenFlags,
        credentials: &Credentials,
        caller: Option<&dyn Any>,
    ) -> Result<Arc<dyn File>, Errno> {
        match attributes.kind {
            FileKind::Fifo => match host_ends::open_fifo(&self.importer, inode, attributes, flags)? {
                Some(file) => Ok(file),
                None => self.fifos.open(inode, attributes, flags),
            },
            FileKind::CharacterDevice | FileKind::BlockDevice => {
                self.devices.open(&DeviceOpen { inode, attributes, flags, credentials, caller })
            }
            _ => Err(Errno::ENXIO),
        }
    }
}

/// The terminal of the caller's session: tty(4).
struct ControllingTerminal;

impl DeviceOpener for ControllingTerminal {
    fn open(&self, request: &DeviceOpen<'_>) -> Result<Arc<dyn File>, Errno> {
        let task = request.caller.and_then(|caller| caller.downcast_ref::<Task>()).ok_or(Errno::ENXIO)?;
        let terminal = task.kernel.pids.controlling(task.group.pid).ok_or(Errno::ENXIO)?;
        terminal.open(request.flags, request.credentials)
    }
}

/// Registers the devices, and returns the filesystem of their nodes. `memory` is the machine's, in bytes.
pub(super) fn register(
    kernel: &Arc<Kernel>,
    memory: u64,
    importer: &Arc<Importer>,
) -> Result<Devtmpfs, Failure> {
    let devices = Devices::standard();
    for device in [TTY, CONSOLE] {
        devices.register(FileKind::CharacterDevice, device, Arc::new(ControllingTerminal));
    }
    devices.register(FileKind::CharacterDevice, fuse::NUMBER, Arc::new(fuse::Opener));
    kernel.set_special(Arc::new(Special {
        devices,
        fifos: Fifos::default(),
        importer: Arc::clone(importer),
    }));
    Devtmpfs::new(memory).trying("make /dev")
}
