//! /dev/fuse: where servers read requests and write replies. fuse(4).

mod backing;
mod notify;
mod reply;

use std::any::Any;
use std::sync::{Arc, OnceLock};

use abi::Errno;
use devtmpfs::{DeviceOpen, DeviceOpener};
use vfs::{Device as Number, Events, Fd, File, IoctlContext, Sink, Source, WaitQueue};
use zerocopy::FromBytes;

use crate::connection::Connection;
use crate::wire::{
    DEV_IOC_BACKING_CLOSE, DEV_IOC_BACKING_OPEN, DEV_IOC_CLONE, DEVICE_MAJOR, DEVICE_MINOR, InHeader,
};

/// The number of the device.
pub const NUMBER: Number = Number::new(DEVICE_MAJOR, DEVICE_MINOR);

/// Opens the device: each time without a connection, until something is mounted with it.
pub struct Opener;

impl DeviceOpener for Opener {
    fn open(&self, _: &DeviceOpen<'_>) -> Result<Arc<dyn File>, Errno> {
        Ok(Arc::new(Device::default()))
    }
}

/// An open device.
#[derive(Default)]
pub(crate) struct Device {
    bound: OnceLock<Bound>,
}

/// What it serves.
struct Bound {
    connection: Arc<Connection>,
    /// The connection's number for this device.
    id: u64,
}

impl Device {
    /// Has it serve a connection.
    ///
    /// # Errors
    /// `EINVAL` if it serves one.
    pub(crate) fn bind(&self, connection: &Arc<Connection>) -> Result<(), Errno> {
        let id = connection.add_device();
        let bound = Bound { connection: Arc::clone(connection), id };
        self.bound.set(bound).map_err(|bound| {
            bound.connection.remove_device(bound.id);
            Errno::EINVAL
        })
    }

    /// The connection that it serves.
    pub(crate) fn connection(&self) -> Option<&Arc<Connection>> {
        self.bound.get().map(|bound| &bound.connection)
    }

    fn bound(&self) -> Result<&Bound, Errno> {
        self.bound.get().ok_or(Errno::EPERM)
    }

    /// `FUSE_DEV_IOC_CLONE`: serves the connection of another one too.
    fn clone_from(&self, context: &dyn IoctlContext, argument: u64) -> Result<u64, Errno> {
        let mut number = [0; 4];
        context.read(argument, &mut number)?;
        let other = context.file(Fd(i32::from_le_bytes(number)))?;
        let other = other.file.as_any().downcast_ref::<Self>().ok_or(Errno::EINVAL)?;
        let connection = &other.bound()?.connection;
        self.bind(connection).map(|()| 0)
    }
}

impl File for Device {
    fn read(&self, _: u64, into: &mut dyn Sink) -> Result<usize, Errno> {
        let Bound { connection, id } = self.bound()?;
        let message = connection.next_message(*id, into.room())?;
        match into.put(&message) {
            Ok(count) if count == message.len() => Ok(count),
            _ => {
                if let Ok((header, _)) = InHeader::read_from_prefix(&message) {
                    connection.not_delivered(*id, header.unique);
                }
                Err(Errno::EFAULT)
            }
        }
    }

    fn write(&self, _: Option<u64>, from: &mut dyn Source) -> Result<(usize, u64), Errno> {
        let Bound { connection, id } = self.bound()?;
        let length = from.left();
        reply::take(connection, *id, from)?;
        Ok((length, 0))
    }

    fn seekable(&self) -> bool {
        false
    }

    fn poll(&self) -> Events {
        let Some(Bound { connection, .. }) = self.bound.get() else { return Events::ERR };
        if !connection.is_connected() {
            return Events::ERR;
        }
        let mut events = Events::OUT | Events::WRNORM;
        if connection.is_readable() {
            events |= Events::IN | Events::RDNORM;
        }
        events
    }

    fn readiness(&self) -> Option<&Arc<WaitQueue>> {
        self.bound.get().map(|bound| &bound.connection.readers)
    }

    fn signals_readiness(&self) -> bool {
        true
    }

    fn ioctl(&self, context: &dyn IoctlContext, request: u32, argument: u64) -> Result<u64, Errno> {
        match request {
            DEV_IOC_CLONE => self.clone_from(context, argument),
            DEV_IOC_BACKING_OPEN => backing::open(&self.bound()?.connection, context, argument),
            DEV_IOC_BACKING_CLOSE => backing::close(&self.bound()?.connection, context, argument),
            _ => Err(Errno::ENOTTY),
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        if let Some(Bound { connection, id }) = self.bound.get() {
            connection.remove_device(*id);
        }
    }
}
