//! Which device number is opened by whom.

mod full;
mod null;
mod random;
mod zero;

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use abi::Errno;
use parking_lot::RwLock;
use vfs::{Attributes, Credentials, Device, File, FileKind, InodeRef, OpenFlags, Sink};

/// A request to open a device.
pub struct DeviceOpen<'a> {
    /// The node.
    pub inode: &'a InodeRef,
    /// What is known of it: the number among it.
    pub attributes: &'a Attributes,
    /// How.
    pub flags: OpenFlags,
    /// By whom.
    pub credentials: &'a Credentials,
    /// The kernel's task, for /dev/tty.
    pub caller: Option<&'a dyn Any>,
}

/// Opens a device.
pub trait DeviceOpener: Send + Sync {
    /// Opens it.
    ///
    /// # Errors
    /// `ENXIO` if there is nothing behind the number at this time.
    fn open(&self, request: &DeviceOpen<'_>) -> Result<Arc<dyn File>, Errno>;
}

/// The devices that there are, by type and number.
pub struct Devices {
    openers: RwLock<HashMap<(FileKind, Device), Arc<dyn DeviceOpener>>>,
}

type Make = fn() -> Arc<dyn File>;

/// Opens a device whose open files are all alike.
struct Simple(Make);

impl DeviceOpener for Simple {
    fn open(&self, _request: &DeviceOpen<'_>) -> Result<Arc<dyn File>, Errno> {
        Ok((self.0)())
    }
}

impl Devices {
    /// Those that need nothing but memory: null, zero, full, random, urandom.
    #[must_use]
    pub fn standard() -> Self {
        let devices = Self { openers: RwLock::default() };
        let simple: [(u32, Make); 5] = [
            (3, || Arc::new(null::Null)),
            (5, || Arc::new(zero::Zero)),
            (7, || Arc::new(full::Full)),
            (8, || Arc::new(random::Random)),
            (9, || Arc::new(random::Random)),
        ];
        for (minor, make) in simple {
            devices.register(FileKind::CharacterDevice, Device::new(1, minor), Arc::new(Simple(make)));
        }
        devices
    }

    /// Adds a device, or replaces it.
    pub fn register(&self, kind: FileKind, device: Device, opener: Arc<dyn DeviceOpener>) {
        self.openers.write().insert((kind, device), opener);
    }

    /// Opens a device node.
    ///
    /// # Errors
    /// `ENXIO` if no device has the number.
    pub fn open(&self, request: &DeviceOpen<'_>) -> Result<Arc<dyn File>, Errno> {
        let key = (request.attributes.kind, request.attributes.device);
        let opener = self.openers.read().get(&key).cloned().ok_or(Errno::ENXIO)?;
        opener.open(request)
    }
}

/// Fills all the room of a sink with pieces that `next` makes.
fn fill(into: &mut dyn Sink, mut next: impl FnMut(&mut [u8]) -> Result<(), Errno>) -> Result<usize, Errno> {
    const PIECE: usize = 65_536;
    let mut piece = vec![0; into.room().min(PIECE)];
    pour(into, piece.len(), |into, length| {
        let piece = piece.get_mut(..length).unwrap_or_default();
        next(piece)?;
        into.put(piece)
    })
}

/// Fills all the room of a sink with zeros.
fn zeros(into: &mut dyn Sink) -> Result<usize, Errno> {
    static ZEROS: [u8; 16_384] = [0; 16_384];
    pour(into, ZEROS.len(), |into, length| into.put(ZEROS.get(..length).unwrap_or_default()))
}

/// Has `put` put at most so many bytes at a time, until the sink is full or takes no more.
fn pour(
    into: &mut dyn Sink,
    most: usize,
    mut put: impl FnMut(&mut dyn Sink, usize) -> Result<usize, Errno>,
) -> Result<usize, Errno> {
    let mut done: usize = 0;
    while into.room() > 0 {
        let length = into.room().min(most);
        match put(into, length) {
            Ok(count) => {
                done = done.saturating_add(count);
                if count < length {
                    break;
                }
            }
            Err(error) if done == 0 => return Err(error),
            Err(_) => break,
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vfs::io::{SliceSource, VecSink};

    fn file(minor: u32) -> Arc<dyn File> {
        let devtmpfs = crate::Devtmpfs::new(1 << 30).unwrap();
        let names = [(3, "null"), (5, "zero"), (7, "full"), (9, "urandom")];
        let name = names.iter().find(|(m, _)| *m == minor).unwrap().1;
        let inode = devtmpfs.superblock().filesystem().root();
        let inode = inode.lookup(vfs::Name::new(name.as_bytes()).unwrap()).unwrap();
        let attributes = inode.attributes().unwrap();
        let credentials = Credentials::root(vfs::CapabilitySet::FULL);
        Devices::standard()
            .open(&DeviceOpen {
                inode: &inode,
                attributes: &attributes,
                flags: OpenFlags::RDWR,
                credentials: &credentials,
                caller: None,
            })
            .unwrap()
    }

    fn read(minor: u32, length: usize) -> Vec<u8> {
        let mut sink = VecSink::new(length);
        file(minor).read(0, &mut sink).unwrap();
        sink.data
    }

    #[test]
    fn each_reads_as_its_page_says() {
        assert_eq!(read(3, 10), b"");
        assert_eq!(read(5, 100_000), vec![0; 100_000]);
        assert_eq!(read(7, 10), [0; 10]);
        let (one, two) = (read(9, 64), read(9, 64));
        assert_eq!(one.len(), 64);
        assert_ne!(one, two);
    }

    #[test]
    fn writes_vanish_or_find_no_space() {
        let write = |minor| file(minor).write(Some(0), &mut SliceSource::new(b"hello")).map(|(n, _)| n);
        assert_eq!(write(3), Ok(5));
        assert_eq!(write(5), Ok(5));
        assert_eq!(write(7), Err(Errno::ENOSPC));
        assert_eq!(write(9), Ok(5));
    }

    #[test]
    fn an_unknown_number_is_no_device() {
        let devtmpfs = crate::Devtmpfs::new(1 << 30).unwrap();
        let inode = devtmpfs.superblock().filesystem().root();
        let mut attributes = inode.attributes().unwrap();
        attributes.kind = FileKind::BlockDevice;
        attributes.device = Device::new(1, 3);
        let credentials = Credentials::root(vfs::CapabilitySet::FULL);
        let request = DeviceOpen {
            inode: &inode,
            attributes: &attributes,
            flags: OpenFlags::empty(),
            credentials: &credentials,
            caller: None,
        };
        assert!(matches!(Devices::standard().open(&request), Err(Errno::ENXIO)));
    }
}
