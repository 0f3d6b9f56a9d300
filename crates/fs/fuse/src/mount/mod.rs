//! Mounting: `mount -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0`.

mod options;

use std::sync::Arc;

use abi::Errno;
use vfs::{Device, FileSystemType, MountOption, MountRequest, Owner, SuperBlock};

pub(crate) use options::Options;

use crate::connection::{Connection, connections};
use crate::device::Device as DeviceFile;
use crate::filesystem::Shared;

/// The filesystem type `fuse`. There is no `fuseblk`: the sandbox has no block devices.
pub struct Fuse;

impl FileSystemType for Fuse {
    fn name(&self) -> &'static str {
        "fuse"
    }

    fn takes_subtype(&self) -> bool {
        true
    }

    fn in_user_namespaces(&self) -> bool {
        true
    }

    fn check(&self, option: &MountOption) -> Result<(), Errno> {
        Options::default().take(option)
    }

    fn make(&self, request: &MountRequest<'_>) -> Result<Arc<SuperBlock>, Errno> {
        let options = Options::parse(request.kind, request.options)?;
        let file = request.caller.files.get(options.fd).map_err(|_| Errno::EINVAL)?;
        let device = file.file.as_any().downcast_ref::<DeviceFile>().ok_or(Errno::EINVAL)?;
        if let Some(connection) = device.connection() {
            // As Linux has it: another mount of the same filesystem.
            return connection.filesystem().and_then(|shared| shared.superblock()).ok_or(Errno::EINVAL);
        }
        let user = &request.caller.credentials.user;
        if !Arc::ptr_eq(user, &file.credentials.user) {
            // As Linux has it: the device must have been opened in the user namespace that mounts, which is whose ids are spoken.
            return Err(Errno::EINVAL);
        }
        let (uid, gid) = (user.uid(options.user), user.gid(options.group));
        let owner = Owner { uid: uid.ok_or(Errno::EINVAL)?, gid: gid.ok_or(Errno::EINVAL)? };
        let connection = Connection::new(Device::anonymous(), owner, Arc::clone(user));
        device.bind(&connection)?;
        connections().add(&connection);
        connection.start(options.max_read);
        let shared = Shared::new(connection, options);
        let superblock = SuperBlock::of(shared.filesystem(), Arc::clone(user));
        shared.mounted_as(&superblock);
        Ok(superblock)
    }
}
